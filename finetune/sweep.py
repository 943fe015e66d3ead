"""Trains every combination of rank, rate and epochs, and scores each on the rows of dev.

What is finished is not done again; what fails does not keep the rest from being tried.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from chatbot.errors import BadInput, CountersignError
from chatbot.files import whole
from chatbot.prompts import load_prompt
from finetune.evaluate import run
from finetune.local import chat_of, load_trained, mean_loss
from finetune.plan import RECORD, Plan
from finetune.rows import Row, Split, fingerprint, read_rows
from finetune.train import described, rows_to_learn, train

_SCORE = "score.json"
Told = Callable[[str, dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one combination.

    Attributes:
        name: of its folder.
        loss: of the right answers to the rows of dev, a mean over their tokens.
        scores: of the answers that it gave, where it was asked: `worth`, `f1` and so on.
        losses: of training, at each step.
        problem: why there is none of all that; empty: there is.
    """

    name: str
    rank: int
    rate: float
    epochs: float
    loss: float = math.inf
    scores: dict[str, Any] = field(default_factory=dict)
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    problem: str = ""


def combined(
    plan: Plan, ranks: Sequence[int], rates: Sequence[float], epochs: Sequence[float]
) -> dict[str, Plan]:
    """Name → plan of each combination."""
    each = product(dict.fromkeys(ranks), dict.fromkeys(rates), dict.fromkeys(epochs))
    return {
        f"rank{rank}-rate{rate:g}-epochs{often:g}": replace(
            plan, rank=rank, rate=rate, epochs=often
        )
        for rank, rate, often in each
    }


def best(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The one whose answers are worth most; where none was asked, the one with the least loss."""

    def place(one: Outcome) -> tuple[float, float]:
        return -one.scores.get("worth", {"value": 0.0})["value"], one.loss

    return min((o for o in outcomes if not o.problem), key=place, default=None)


def sweep(
    data: Path,
    out: Path,
    plans: dict[str, Plan],
    ask: int = 0,
    most: int = 192,
    told: Told = lambda *_: None,
) -> Iterator[Outcome]:
    """Trains and scores one after the other; a folder of an earlier run is gone on with.

    Args:
        ask: rows of dev that each is asked, beside the loss over all of them.
        most: tokens of an answer at most.
        told: hears the name of what is trained, and how far that is.

    Raises:
        BadInput: there are no rows to learn from or to score with, or they are not apart.
    """
    rows, dev = rows_to_learn(data), read_rows(data, Split.DEV)
    if not dev:
        raise BadInput(f"{data} has no rows of dev.", "Make it from more documents.")
    prompt = load_prompt("answer")
    for name, plan in plans.items():
        about = described(rows, plan, prompt)
        try:
            _trained(data, out / name, plan, about, lambda now, name=name: told(name, now))
            yield _scored(out / name, plan, about, dev, ask, most)
        except Exception as error:  # out of memory, diverged: that one alone
            what = error.what if isinstance(error, CountersignError) else str(error)
            yield _outcome(name, plan, problem=what or type(error).__name__)


def _trained(
    data: Path, folder: Path, plan: Plan, about: dict[str, Any], told: Callable[..., None]
) -> None:
    if not (folder / RECORD).exists():
        train(data, folder, plan, told)
    elif not about.items() <= _kept(folder / RECORD).items():
        raise BadInput(
            f"{folder} holds the adapter of another training.", "Name another folder, or delete it."
        )


def _scored(
    folder: Path, plan: Plan, about: dict[str, Any], dev: list[Row], ask: int, most: int
) -> Outcome:
    """Its outcome, kept beside it."""
    record, asked = _kept(folder / RECORD), dev[:ask]
    test = {"loss over": fingerprint(dev), "asked": fingerprint(asked), "prompt": about["prompt"]}
    kept = _kept(folder / _SCORE) if (folder / _SCORE).exists() else {}
    if kept.get("test") != test:
        model, tokenizer, _ = load_trained(folder)
        kept = {"test": test, "loss": mean_loss(model, tokenizer, dev, plan), "scores": {}}
        if asked:
            chat = chat_of(model, tokenizer)
            answered = run(asked, chat, folder.name, load_prompt("answer"), most)
            kept["scores"] = answered.scores
        with whole(folder / _SCORE) as unfinished:
            unfinished.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if not math.isfinite(kept["loss"]):
        return _outcome(folder.name, plan, problem="The training diverged: its loss is no number.")
    return _outcome(folder.name, plan, loss=kept["loss"], scores=kept["scores"],
                    losses=tuple(record["losses"]), seconds=record["seconds"])  # fmt: skip


def _outcome(name: str, plan: Plan, **found: Any) -> Outcome:
    return Outcome(name, plan.rank, plan.rate, plan.epochs, **found)


def plain(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The table as JSON; what failed has no loss."""
    first = best(outcomes)
    rows = [{k: v for k, v in asdict(o).items() if v not in (math.inf, {}, "", ())}
            for o in outcomes]  # fmt: skip
    return {"best": first.name if first else None, "combinations": rows}


def _kept(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
