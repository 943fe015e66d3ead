"""A dataset's rows as the pieces that a training learns from, each with its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from chatbot.prompts import Prompt
from finetune.base import encodes
from finetune.encoder import padded_answers
from finetune.losses import Answers, answer_loss, margin, preference_loss, tree_answers
from finetune.plan import Plan
from finetune.prompting import branches_of
from finetune.rows import Row
from finetune.tree import Branch


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
    branches = branches_of(rows, tokenizer, prompt, encodes=encodes(model))
    groups = ([branches[n] for n in group] for group in _alike(rows))
    found = (a for group in groups for a in _fitting(group, longest, _form(model)))
    return [Piece(a.tokens, a.learned, partial(answer_loss, answers=a)) for a in found]


def pair_pieces(
    rows: Sequence[Row], model: Any, tokenizer: Any, prompt: Prompt, plan: Plan
) -> list[Piece]:
    """What is right, against what a model had written there; a pair that is too long is left out.

    The model as it is given is the one that is not to be left far behind: what it finds of each
    pair is worked out here, once.
    """
    import torch

    both = [
        branches_of(rows, tokenizer, prompt, said, encodes=encodes(model))
        for said in (None, [row.rejected for row in rows])
    ]
    found = []
    for pair in map(_form(model), zip(*both, strict=True)):
        if pair.tokens > plan.longest:
            continue
        with torch.no_grad(), autocast(model, plan.dtype):
            reference = float(margin(model, pair))
        loss = partial(preference_loss, pair=pair, reference=reference, beta=plan.beta)
        found.append(Piece(pair.tokens, 1, loss))
    return found


def autocast(model: Any, dtype: str) -> Any:
    """Half precision where the plan says so."""
    import torch

    device = next(model.parameters()).device
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")


def _form(model: Any) -> Callable[[Sequence[Branch]], Answers]:
    return padded_answers if encodes(model) else tree_answers


def _alike(rows: Sequence[Row]) -> Iterator[list[int]]:
    lists = [[source.id for source in row.sources] for row in rows]
    for _, group in groupby(range(len(rows)), key=lists.__getitem__):
        yield [*group]


def _fitting(
    branches: Sequence[Branch], longest: int, form: Callable[[Sequence[Branch]], Answers]
) -> list[Answers]:
    found = form(branches)
    if found.tokens <= longest:
        return [found]
    half = len(branches) // 2
    return [a for part in (branches[:half], branches[half:]) for a in _fitting(part, longest, form)
            ] if half else []  # fmt: skip
