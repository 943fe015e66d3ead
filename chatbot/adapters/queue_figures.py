"""Figures of the review queue: how many wait, how long it takes, how people decide."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from chatbot.adapters.schema_review import review_items
from chatbot.steps.review_item import OPEN, State

_LATEST = 50
_MEASURED = 5000

_I = review_items.c


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items there are.

    Attributes:
        states: by state, of those that have any.
        categories: open ones by category.
        overdue: open ones whose response time has passed.
    """

    states: dict[State, int]
    categories: dict[str, int]
    overdue: int


@dataclass(frozen=True, slots=True)
class Rates:
    """How people decided on the drafts of one category and model."""

    category: str
    model: str
    approved: int
    edited: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How long askers of a category waited for a decision: the middle, and 19 of 20."""

    category: str
    n: int
    median: timedelta
    p95: timedelta


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the desk did since some day.

    Attributes:
        submitted: held items by category.
        decided: by category and model.
        waits: by category, from the latest 5,000 decisions.
        samples: samples that were looked at; `wrong`: those that were taken back; `misses`: those
            that were right, and that a person should have seen before.
    """

    submitted: dict[str, int]
    decided: tuple[Rates, ...]
    waits: tuple[Waits, ...]
    samples: int
    wrong: int
    misses: int


def counts(connection: Connection, now: datetime) -> Counts:
    """How many items there are, by state and category, and how many are overdue."""
    late = func.sum(case((_I.due_at < now, 1), else_=0)).label("late")
    query = select(_I.state, _I.category, func.count().label("n"), late)
    states: Counter[State] = Counter()
    categories: Counter[str] = Counter()
    overdue = 0
    for row in connection.execute(query.group_by(_I.state, _I.category)):
        states[State(row.state)] += row.n
        if State(row.state) in OPEN:
            categories[row.category] += row.n
            overdue += row.late
    return Counts(dict(states), dict(categories), overdue)


def usual_wait(connection: Connection, category: str) -> timedelta | None:
    """The middle of the last 50 waits until delivery; None: there was none."""
    query = (
        select(_I.created_at, _I.delivered_at)
        .where(_I.category == category, _I.kind == "answer", _I.delivered_at.is_not(None))
        .order_by(_I.delivered_at.desc())
        .limit(_LATEST)
    )
    waits = [row.delivered_at - row.created_at for row in connection.execute(query)]
    return _middle(waits) if waits else None


def statistics(connection: Connection, since: datetime) -> Statistics:
    """Volumes, waiting times, decisions and sampled misses since then."""
    asked = (
        select(_I.category, func.count().label("n"))
        .where(_I.created_at >= since, _I.kind == "answer")
        .group_by(_I.category)
    )
    submitted = {row.category: int(row.n) for row in connection.execute(asked)}
    done = select(_I.category, _I.model, _I.kind, _I.outcome, func.count().label("n"))
    done = done.where(_I.decided_at >= since, _I.outcome != "")
    rows = connection.execute(done.group_by(_I.category, _I.model, _I.kind, _I.outcome)).all()
    samples = Counter[str]()
    for row in rows:
        samples[row.outcome] += row.n if row.kind == "sample" else 0
    return Statistics(
        submitted,
        tuple(_rates([r for r in rows if r.kind == "answer"])),
        tuple(_waits(connection, since)),
        samples.total(),
        samples["reject"],
        samples["missed"],
    )


def _rates(rows: Iterable[Row[Any]]) -> Iterable[Rates]:
    tally: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        tally[row.category, row.model][row.outcome] += row.n
    for (category, model), n in sorted(tally.items()):
        yield Rates(category, model, n["approve"], n["edit"], n["reject"])


def _waits(connection: Connection, since: datetime) -> Iterable[Waits]:
    query = (
        select(_I.category, _I.created_at, _I.decided_at)
        .where(_I.decided_at >= since, _I.kind == "answer")
        .order_by(_I.decided_at.desc())
        .limit(_MEASURED)
    )
    waits: dict[str, list[timedelta]] = defaultdict(list)
    for row in connection.execute(query):
        waits[row.category].append(row.decided_at - row.created_at)
    for category, some in sorted(waits.items()):
        ordered = sorted(some)
        p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        yield Waits(category, len(ordered), _middle(ordered), p95)


def _middle(waits: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=median(w.total_seconds() for w in waits))
