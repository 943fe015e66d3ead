"""How an adapter is trained, and what is recorded about that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

METHODS: Mapping[str, str] = {
    "lora": "LoRA (arXiv:2106.09685)",
    "dora": "DoRA (arXiv:2402.09353)",
    "qlora": "QLoRA: LoRA on a base that is kept in 4 bits (arXiv:2305.14314)",
    "dpo": "direct preference optimisation (arXiv:2305.18290) of a LoRA adapter",
}
"""Name → what a card says of it."""
RECORD = "training.json"
"""File beside an adapter: its plan, what it learned from, its losses."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an adapter is trained.

    Attributes:
        base: what it adapts: `embedded`, a GGUF file, a folder, or a repository on the hub.
        start: folder of an adapter to go on from instead of from nothing.
        method: one of `METHODS`; all but `dpo` learn what is right to answer, `dpo` which of two
            answers a person preferred.
        rate: the greatest learning rate; it rises over the first steps and then falls to none.
        batch: lists of passages (with all their questions), or pairs, between two steps; devices
            share them.
        first_layer: layers below it stay as they are, which spares their part of the work back; at
            most half of them. Not for models with an encoder.
        longest: tokens of one sequence; a list with more questions makes several.
        keep_every: steps between two checkpoints.
        beta: with `dpo`, how strongly it is held to what it was at the start.
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
    beta: float = 0.1

    @property
    def four_bit(self) -> bool:
        """Whether the base is kept in 4 bits."""
        return self.method == "qlora"

    def named(self) -> dict[str, Any]:
        """What it says; `beta` only where it means something."""
        return {k: v for k, v in asdict(self).items() if k != "beta" or self.method == "dpo"}
