"""A dataset's rows as the pieces that a training learns from, each with its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from chatbot.prompts import Prompt
from finetune.losses import answer_loss
from finetune.prompting import branches_of
from finetune.rows import Row
from finetune.tree import IGNORED, Branch, tree_of


@dataclass(frozen=True, slots=True)
class Piece:
    """What goes through the model at once.

    Attributes:
        tokens: that it has, for the speed.
        weight: what the loss of a step is divided by: tokens of answers.
        loss: of a model; a sum over the weight.
    """

    tokens: int
    weight: int
    loss: Callable[[Any], Any]


def answer_pieces(rows: Sequence[Row], tokenizer: Any, prompt: Prompt, longest: int) -> list[Piece]:
    """What is right to answer; neighbouring rows over the same passages are one piece, or several
    where too long."""
    branches = branches_of(rows, tokenizer, prompt)
    return [p for group in _alike(rows) for p in _trees([branches[n] for n in group], longest)]


def autocast(model: Any, dtype: str) -> Any:
    """Half precision where the plan says so."""
    import torch

    device = next(model.parameters()).device
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")


def _alike(rows: Sequence[Row]) -> Iterator[list[int]]:
    lists = [[source.id for source in row.sources] for row in rows]
    for _, group in groupby(range(len(rows)), key=lists.__getitem__):
        yield [*group]


def _trees(branches: Sequence[Branch], longest: int) -> list[Piece]:
    tree = tree_of(branches)
    if len(tree.tokens) <= longest:
        weight = int((tree.labels != IGNORED).sum())
        return [Piece(len(tree.tokens), weight, partial(answer_loss, tree=tree))]
    half = len(branches) // 2
    return _trees(branches[:half], longest) + _trees(branches[half:], longest) if half else []
