"""A language model as the judge of two runs: each pair of answers in both orders, ties allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel

from chatbot.domain import sha256_of
from chatbot.figures import bootstrap
from chatbot.prompts import Prompt
from chatbot.steps.ground import numbered
from chatbot.steps.intervals import share
from finetune.evaluate import Run, Told, at_once, same_rows, written
from finetune.rows import Row
from finetune.scores import Answered, worth

VERDICT_TOKENS = 8
_VERDICT = re.compile(r"(A|B|TIE)")
_POINTS = {"A": 1, "TIE": 0, "B": -1}

Pair = tuple[Answered, Answered]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge said of one pair of answers.

    Attributes:
        shown_first, shown_second: 1 the first run's answer is better, -1 the second's, 0 neither,
            None no verdict; where the first run's answer was shown first, and where second.
        same: the two answers are equal, so that the judge was not asked.
    """

    row: str
    shown_first: int | None
    shown_second: int | None
    same: bool = False

    @property
    def read(self) -> bool:
        """Whether there is a verdict in both orders."""
        return self.shown_first is not None and self.shown_second is not None

    @property
    def points(self) -> int:
        """1 where the first run's answer is better in both orders, -1 the second's, else 0."""
        return self.shown_first or 0 if self.shown_first == self.shown_second else 0


def judge_runs(
    first: Run, second: Run, model: BaseChatModel, prompt: Prompt, told: Told = lambda _: None
) -> list[Judged]:
    """Asks the judge about each row, in both orders; equal answers are a tie without asking.

    Raises:
        BadInput: the two runs were asked different rows.
        GenerationFailed: the judge does not answer.
    """
    same_rows(first, second)
    others = {a.row.id: a for a in second.answered}

    def ask(pair: Pair) -> Judged:
        one, other = pair
        if one.text == other.text:
            return Judged(one.row.id, 0, 0, same=True)
        ahead = _verdict(model, prompt, one.row, (one.text, other.text))
        behind = _verdict(model, prompt, one.row, (other.text, one.text))
        return Judged(one.row.id, ahead, None if behind is None else -behind)

    return list(at_once(ask, [(a, others[a.row.id]) for a in first.answered], told))


def verdict_of(text: str) -> int | None:
    """1 for `A`, -1 for `B`, 0 for `TIE`; None for whatever else a model may write."""
    found = _VERDICT.fullmatch(text.strip())
    return _POINTS[found[1]] if found else None


def judged_scores(judged: Sequence[Judged]) -> dict[str, Any]:
    """How often the first run wins, and how much of that is the order in which they were shown.

    A win is a verdict for the same run in both orders; a verdict that changes with the order is a
    tie. Rows without a verdict in both orders count in `no_verdict` alone.
    `position`: over the rows that were asked about, how often the verdict `changed`, and which
    share of the verdicts for one of the two was for what was shown `first` (0.5: no bias).
    """
    read = [j for j in judged if j.read]
    asked = [j for j in judged if not j.same]
    both = [j for j in read if not j.same]
    return {
        "n": len(judged),
        "same": sum(j.same for j in judged),
        "no_verdict": share([not j.read for j in asked]),
        "wins": bootstrap([float(j.points == 1) for j in read]),
        "ties": bootstrap([float(j.points == 0) for j in read]),
        "losses": bootstrap([float(j.points == -1) for j in read]),
        "preference": bootstrap([float(j.points) for j in read]),
        "position": {
            "changed": share([j.shown_first != j.shown_second for j in both]),
            "first": bootstrap([x for j in both for x in _for_first(j)]),
        },
    }


def own_of(judge: str, first: Run, second: Run) -> Run | None:
    """The run that the judge wrote itself; None where neither is, or where both are and which
    one would be preferred cannot be told from the name."""
    for name in (str, model_of):
        mine = [run for run in (first, second) if name(run.name) == name(judge)]
        if len(mine) == 1:
            return mine[0]
    return None


def model_of(name: str) -> str:
    """The model in a run's name, without its adapter and prompt."""
    return name.partition(", adapter ")[0]


def self_preference(
    judged: Sequence[Judged], own: Run, other: Run, sign: int
) -> dict[str, dict[str, float]]:
    """How much the judge prefers its own answers, and how much more than the scores do (-2 to 2).

    Args:
        sign: 1 where its own run was the first of the two that were judged, else -1.
    """
    excess = beyond_scores(judged, own, other, sign)
    return {
        "preference": bootstrap([float(sign * j.points) for j in judged if j.read]),
        "beyond_scores": bootstrap(list(excess.values())),
    }


def beyond_scores(
    judged: Sequence[Judged], run: Run, other: Run, sign: int = 1
) -> dict[str, float]:
    """Row → the judge's points for `run`, less which of the two answers is worth more."""
    mine = {a.row.id: worth(a) for a in run.answered}
    theirs = {a.row.id: worth(a) for a in other.answered}
    return {j.row: sign * j.points - _sign(mine[j.row] - theirs[j.row]) for j in judged if j.read}


def _verdict(model: BaseChatModel, prompt: Prompt, row: Row, shown: tuple[str, str]) -> int | None:
    passages = (numbered(n, s.where, s.text) for n, s in enumerate(row.sources, 1))
    parts = {
        "passages": "\n\n".join(passages),
        "question": row.question,
        "reference": row.target,
        "first": shown[0],
        "second": shown[1],
    }
    # Made of all that stands between the marks, so that none of it can hold the mark itself.
    mark = f"#{sha256_of(chr(0).join(parts.values()))[:16]}"
    return verdict_of(written(model, prompt.render({**parts, "mark": mark}), VERDICT_TOKENS))


def _for_first(judged: Judged) -> list[float]:
    """The share of its verdicts for one of the two that are for what was shown first."""
    found = [judged.shown_first == 1] * bool(judged.shown_first)
    found += [judged.shown_second == -1] * bool(judged.shown_second)
    return [sum(found) / len(found)] if found else []


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
