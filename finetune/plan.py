"""How an adapter is trained, and what is recorded about that."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("lora", "dora")
RECORD = "training.json"
"""File beside an adapter: its plan, what it learned from, its losses."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an adapter is trained.

    Attributes:
        base: what it adapts: `embedded`, a GGUF file, a folder, or a repository on the hub.
        start: folder of an adapter to go on from instead of from nothing.
        method: `lora` or `dora`.
        rate: the greatest learning rate; it rises over the first steps and then falls to none.
        batch: lists of passages (with all their questions) between two steps.
        first_layer: layers below it stay as they are, which spares their part of the work back.
        longest: tokens of one sequence; a list with more questions makes several.
        keep_every: steps between two checkpoints.
    """

    base: str = "embedded"
    start: str = ""
    method: str = "lora"
    rank: int = 16
    alpha: int = 32
    first_layer: int = 8
    rate: float = 6e-4
    epochs: float = 1.0
    batch: int = 2
    longest: int = 2048
    seed: int = 7
    dtype: str = "bfloat16"
    keep_every: int = 50
