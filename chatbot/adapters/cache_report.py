"""How much is answered without the model, and how well: figures for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from chatbot.adapters.database import transaction
from chatbot.adapters.schema import answers
from chatbot.adapters.schema_cache import cache_checks, cached_answers
from chatbot.domain import Status

KINDS = ("faq", "exact", "semantic")
_SAMPLE = 2_000
_TOP = 10
_SUSPENDED = 50


@dataclass(frozen=True, slots=True)
class Often:
    """An answer that was given again; `faq` is the id of its entry, where it has one."""

    question: str
    hits: int
    faq: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """An answer that is not given again: which one, and the change of a source that did it."""

    question: str
    record: str
    change: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CacheReport:
    """What the page shows.

    Attributes:
        questions: how many were asked and answered, or not found.
        hits: kind → how many of them were answered without the model.
        made: milliseconds that an answer of the model took, in the middle; None: there was none.
        given: the same for one that was given again.
        checked: hits in other words that were held against a fresh answer; `wrong` of them were.
        entries: answers that can be given again, and the `bytes` that they take.
    """

    questions: int
    hits: Mapping[str, int]
    made: float | None
    given: float | None
    checked: int
    wrong: int
    entries: int
    bytes: int
    top: tuple[Often, ...] = ()
    suspended: tuple[Stopped, ...] = ()

    @property
    def saved(self) -> float:
        """Seconds that nobody had to wait for."""
        if self.made is None or self.given is None:
            return 0.0
        return max(self.made - self.given, 0.0) / 1000 * sum(self.hits.values())


def cache_report(engine: Engine, since: datetime) -> CacheReport:
    """The figures since then; what is kept and what is suspended, as it is now."""
    done = answers.c.status.in_([Status.RELEASED.value, Status.REFUSED.value])
    mine = (answers.c.asked_at >= since) & done
    with transaction(engine) as connection:
        by_kind = select(answers.c.cache, func.count()).where(mine).group_by(answers.c.cache)
        counts = {row[0]: int(row[1]) for row in connection.execute(by_kind)}
        missed = mine & (answers.c.cache == "miss") & (answers.c.status == Status.RELEASED.value)
        again = mine & (answers.c.cache != "miss")
        checks = select(func.count(), func.coalesce(func.sum(1 - cache_checks.c.same), 0))
        checked, wrong = connection.execute(checks).one()
        kept = cached_answers.c.suspended.is_(None)
        size = func.coalesce(func.sum(cached_answers.c.bytes), 0)
        entries, size_now = connection.execute(select(func.count(), size).where(kept)).one()
        return CacheReport(
            sum(counts.values()),
            {kind: counts.get(kind, 0) for kind in KINDS},
            _middle(connection, missed),
            _middle(connection, again),
            int(checked),
            int(wrong),
            int(entries),
            int(size_now),
            tuple(_top(connection, mine)),
            tuple(_suspended(connection)),
        )


def _middle(connection: Connection, which: Any) -> float | None:
    """The median of the milliseconds of the newest answers of that kind."""
    query = select(answers.c.milliseconds).where(which).order_by(answers.c.asked_at.desc())
    found = list(connection.scalars(query.limit(_SAMPLE)))
    return median(found) if found else None


def _top(connection: Connection, mine: Any) -> list[Often]:
    """What was given most often: answers in the cache, and entries of the FAQ."""
    cards = cached_answers.c
    query = select(cards.question, cards.hits).where(cards.hits > 0, cards.suspended.is_(None))
    found = [
        Often(row.question, row.hits)
        for row in connection.execute(query.order_by(cards.hits.desc()).limit(_TOP))
    ]
    newest = select(answers.c.record).where(mine, answers.c.cache == "faq")
    newest = newest.order_by(answers.c.asked_at.desc()).limit(_SAMPLE)
    records = [json.loads(text) for text in connection.scalars(newest)]
    counted = Counter(r["repeats"] for r in records)
    asked = {r["repeats"]: r["question"] for r in records}
    found += [Often(asked[key], hits, key) for key, hits in counted.most_common(_TOP)]
    return sorted(found, key=lambda o: -o.hits)[:_TOP]


def _suspended(connection: Connection) -> list[Stopped]:
    cards = cached_answers.c
    query = select(cards.question, cards.record, cards.suspended, cards.suspended_at)
    query = query.where(cards.suspended.is_not(None)).order_by(cards.suspended_at.desc())
    rows = connection.execute(query.limit(_SUSPENDED)).all()
    return [Stopped(r.question, r.record, r.suspended, r.suspended_at) for r in rows]
