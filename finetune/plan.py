"""How an adapter is trained, and what is recorded about that."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

METHODS = ("lora", "dora", "qlora", "dpo")


@dataclass(frozen=True, slots=True)
class Plan:
    """How an adapter is trained.

    Attributes:
        base: what it adapts: `embedded`, a GGUF file, a folder, or a repository on the hub.
        start: folder of an adapter to go on from instead of from nothing.
        method: `lora`, `dora`, `qlora` (LoRA on a base in 4 bits) or `dpo` (LoRA that learns from
            pairs of texts which one is preferred).
        rate: the greatest learning rate; it rises over the first steps and then falls to none.
        batch: lists of passages (with all their questions), or pairs, between two steps.
        first_layer: layers below it stay as they are, which spares their part of the work back; at
            most half of them.
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

    def told(self) -> dict[str, Any]:
        """What it says, as JSON; `beta` only where it means something."""
        return {k: v for k, v in asdict(self).items() if k != "beta" or self.method == "dpo"}
