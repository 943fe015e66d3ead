"""A low-rank change of the embedded sentence encoder: what the router has learned, small enough
to ship. To each linear layer's weights is added `SCALE` times a product of two thin matrices
(LoRA, Hu et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RANK, SCALE = 16, 2.0
PREFIX = "encoder."
"""How the arrays of a change are called in a file: this, the layer, then `.a` or `.b`."""
_LAYERS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


def linear_layers(encoder: Any) -> Iterator[tuple[str, Any]]:
    """The linear layers of a BERT in torch, each with its name."""
    for number, block in enumerate(encoder.encoder.layer):
        for layer in _LAYERS:
            yield f"{number}.{layer}", block.get_submodule(layer)


def merge(encoder: Any, file: Path) -> None:
    """Adds the change in that file to the weights of an encoder in torch.

    Raises:
        KeyError, ValueError, OSError: the file is damaged, or made for another encoder.
    """
    import torch

    arrays = read(file)
    for name, layer in linear_layers(encoder):
        change = SCALE * (arrays[f"{name}.b"] @ arrays[f"{name}.a"])
        layer.weight.data += torch.from_numpy(change)


def read(file: Path) -> Mapping[str, np.ndarray]:
    """The arrays of the change in that file: `<layer>.a` (rank x in), `<layer>.b` (out x rank)."""
    with np.load(file, allow_pickle=False) as stored:
        names = [n for n in stored.files if n.startswith(PREFIX)]
        return {n.removeprefix(PREFIX): stored[n].astype(np.float32) for n in names}
