"""A dataset's rows and pairs as the pieces that a training learns from, each with its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from chatbot.prompts import Prompt
from finetune.losses import answer_loss, margin, preference_loss, sequence_loss
from finetune.pairs import Pair
from finetune.plan import Plan
from finetune.prompting import branches_of, sequences_of
from finetune.rows import Row
from finetune.tree import IGNORED, Branch, tree_of

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """What goes through the model at once.

    Attributes:
        tokens: that it has, for the speed.
        weight: what the loss of a step is divided by: tokens of answers, or pairs.
        loss: of a model; a sum over the weight.
    """

    tokens: int
    weight: int
    loss: Callable[[Any], Any]


def answer_pieces(
    rows: Sequence[Row], model: Any, tokenizer: Any, prompt: Prompt, longest: int
) -> list[Piece]:
    """What is right to answer; neighbouring rows over the same passages are one piece, or several
    where too long."""
    if model.config.is_encoder_decoder:
        found = sequences_of(rows, tokenizer, prompt)
        groups = (group[n : n + _AT_ONCE] for group in _alike(rows)
                  for n in range(0, len(group), _AT_ONCE))  # fmt: skip
        return [_padded([found[n] for n in group], longest) for group in groups]
    branches = branches_of(rows, tokenizer, prompt)
    return [p for group in _alike(rows) for p in _trees([branches[n] for n in group], longest)]


def pair_pieces(
    pairs: Sequence[Pair], model: Any, tokenizer: Any, prompt: Prompt, plan: Plan
) -> list[Piece]:
    """What is preferred; the model as it is now is the one that is not to be left far behind."""
    import torch

    preferred = branches_of([p.row for p in pairs], tokenizer, prompt)
    others = branches_of([p.row for p in pairs], tokenizer, prompt, [p.rejected for p in pairs])
    trees = [tree_of(both) for both in zip(preferred, others, strict=True)]
    trees = [tree for tree in trees if len(tree.tokens) <= plan.longest]
    found = []
    for tree in trees:
        with torch.no_grad(), autocast(model, plan.dtype):
            reference = float(margin(model, tree))
        loss = partial(preference_loss, tree=tree, reference=reference, beta=plan.beta)
        found.append(Piece(len(tree.tokens), 1, loss))
    return found


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


def _padded(branches: Sequence[Branch], longest: int) -> Piece:
    """Prompts and answers of like length, filled up to one."""
    asked = [b.tokens[: b.prompt][:longest] for b in branches]
    said = [b.tokens[b.prompt :] for b in branches]
    wide = max(map(len, asked))
    batch = {
        "input_ids": np.array([(*a, *[0] * (wide - len(a))) for a in asked]),
        "attention_mask": np.array([[1] * len(a) + [0] * (wide - len(a)) for a in asked]),
        "labels": np.array([(*s, *[IGNORED] * (max(map(len, said)) - len(s))) for s in said]),
    }
    weight = sum(map(len, said))
    return Piece(batch["input_ids"].size + weight, weight, partial(sequence_loss, batch=batch))
