"""What live use says of each model and adapter: thumbs, second tries, refusals, the desk. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.adapters.conversations import Given
from chatbot.adapters.queue_figures import Statistics
from chatbot.domain import Status
from chatbot.figures import bootstrap
from chatbot.steps.intervals import share


@dataclass(frozen=True, slots=True)
class Live:
    """Figures of live use since some day.

    Attributes:
        answers: by model and adapter, each a share or a mean with its interval.
        desk: how reviewers decided on the drafts of each.
        waits: by category: how many were decided, and the seconds within which half and 19 of 20
            of them were; the desk does not know them by model.
    """

    days: int
    answers: dict[str, dict[str, Any]]
    desk: dict[str, dict[str, Any]]
    waits: dict[str, dict[str, float]]

    @property
    def none(self) -> bool:
        """Whether no one has asked anything, and no one decided."""
        return not self.answers and not self.desk


def live_figures(days: int, given: Sequence[Given], desk: Statistics) -> Live:
    """The figures by model and adapter, those with most answers first."""
    again = _asked_again(given)
    versions: dict[str, list[Given]] = defaultdict(list)
    for one in given:
        versions[one.record.written_by].append(one)
    ordered = sorted(versions.items(), key=lambda pair: -len(pair[1]))
    decided: dict[str, Counter[str]] = defaultdict(Counter)
    for r in desk.decided:
        decided[r.model or "not known"] += Counter(
            approved=r.approved, edited=r.edited, rejected=r.rejected
        )
    return Live(
        days,
        {name: _answers(some, again) for name, some in ordered},
        {name: _decisions(n) for name, n in sorted(decided.items()) if n.total()},
        {w.category: {"n": w.n, "half": w.median.total_seconds(), "most": w.p95.total_seconds()}
         for w in desk.waits},
    )  # fmt: skip


def _answers(given: Sequence[Given], again: set[str]) -> dict[str, Any]:
    records = [g.record for g in given]
    released = [r for r in records if r.status is Status.RELEASED]
    return {
        "n": len(given),
        "liked": share([g.rating > 0 for g in given if g.rating]),
        "regenerated": share([r.id in again for r in records]),
        "refused": share([r.status is Status.REFUSED for r in records]),
        "held": share([r.status is Status.HELD for r in records]),
        "quoted": share([r.mode == "quotes" for r in released]),
        "seconds": bootstrap([r.timings.get("total", 0.0) / 1000 for r in records]),
    }


def _decisions(n: Counter[str]) -> dict[str, Any]:
    def part(name: str) -> dict[str, float]:
        return share([True] * n[name] + [False] * (n.total() - n[name]))

    return {"n": n.total(), **{name: part(name) for name in ("approved", "edited", "rejected")}}


def _asked_again(given: Iterable[Given]) -> set[str]:
    """Records that were taken back for another answer to the same question."""
    last: dict[tuple[str, str], str] = {}
    for one in given:
        last[one.conversation, one.record.question] = one.record.id
    return {
        g.record.id for g in given
        if not g.current and last[g.conversation, g.record.question] != g.record.id
    }  # fmt: skip
