"""A queue of a hundred thousand items: the next one and each deed at the desk, in milliseconds."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text

from chatbot.adapters import queue_rows
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.schema_review import review_bodies, review_items
from chatbot.clock import utc_now
from chatbot.domain import Draft
from chatbot.steps import review
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem, State
from proof.report import Report
from proof.stores import item, person, stores

LIMIT = 100.0
"""Milliseconds that 19 of 20 deeds may take at most."""
_ROUNDS = 60
_BATCH = 1000
_LEASE = timedelta(minutes=5)
_LEAD = Reviewer("lea", frozenset({"lead", "reviewer"}))


class Desk:
    """Does each deed at the desk and takes its time."""

    def __init__(self, queue: ReviewQueue) -> None:
        self._queue = queue
        self.times: dict[str, list[float]] = defaultdict(list)

    def round(self, number: int) -> None:
        """Every deed once."""
        me = person(number)
        for action, deed in _DEEDS:
            self._apply(self._next(me), me, action, deed)
        done = self._apply(self._next(me), me, "approve", _approve)
        self._look(self._apply(done, me, "undo", _undo), number)

    def _look(self, one: ReviewItem, number: int) -> None:
        queue = self._queue
        page = self._timed("list", lambda: queue.list({State.PENDING, State.ESCALATED}))
        last = page[-1]
        looks: list[tuple[str, Callable[[], Any]]] = [
            ("list, next page", lambda: queue.list({State.PENDING}, before=last)),
            ("list, one category", lambda: queue.list({State.PENDING}, category="legal")),
            ("list, held by others", lambda: queue.list({State.CLAIMED})),
            ("list, all, newest", lambda: queue.list()),
            ("list, delivered", lambda: queue.list({State.DELIVERED})),
            ("search", lambda: queue.list(text=f"tooth {number * 17}, and")),
            ("search, nothing found", lambda: queue.list(text="no such words")),
            ("search, waiting ones", lambda: queue.list({State.PENDING}, text="no such words")),
            ("counts", queue.counts),
            ("get", lambda: queue.get(one.id)),
            ("similar, signed", lambda: queue.similar_signed(one, 3)),
            ("usual wait", lambda: queue.usual_wait("health")),
            ("of a conversation", lambda: queue.of_conversation(one.conversation, one.owner)),
            ("wanting a draft", lambda: queue.wanting_draft(8)),
            ("due", lambda: queue.due(utc_now(), 100)),
        ]
        for name, look in looks:
            self._timed(name, look)

    def _apply(self, one: ReviewItem, me: Reviewer, action: str, deed: Any) -> ReviewItem:
        def change(i: ReviewItem, now: datetime) -> ReviewItem:
            made: ReviewItem = deed(i, me, one.fence, now)
            return made

        done: ReviewItem = self._timed(
            action, lambda: self._queue.apply(one.id, me.id, action, change)
        )
        return done

    def _next(self, me: Reviewer) -> ReviewItem:
        found: ReviewItem = self._timed("next item", lambda: self._queue.claim_next(me, _LEASE))
        return found

    def _timed(self, name: str, deed: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = deed()
        self.times[name].append(1000 * (time.perf_counter() - start))
        return result


def _approve(one: ReviewItem, me: Reviewer, fence: int, now: datetime) -> ReviewItem:
    return review.approve(one, me, fence, one.answer.sha256 if one.answer else "", now)


def _undo(one: ReviewItem, me: Reviewer, _: int, now: datetime) -> ReviewItem:
    return review.undo(one, me, now, _LEASE)


_DEEDS: tuple[tuple[str, Any], ...] = (
    ("approve", _approve),
    ("edit", lambda i, me, fence, now: review.edit(i, me, fence, "It takes days [1].", now)),
    ("reject", lambda i, me, fence, now: review.reject(i, me, fence, "no", "Ask us.", now)),
    ("ask", lambda i, me, fence, now: review.ask(i, me, fence, "Which tooth?", now)),
    ("escalate", lambda i, me, fence, now: review.escalate(i, me, fence, "unsure", now)),
    ("put back", lambda i, me, fence, now: review.put_back(i, me, fence, now)),
    ("renew", lambda i, me, fence, now: review.renew(i, me, fence, now, _LEASE)),
    ("reassign", lambda i, me, fence, now: review.reassign(i, me, _LEAD, now, _LEASE)),
)


def main() -> int:
    """Fills each database, then works at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="items in each database")
    parser.add_argument("--verbose", action="store_true", help="print the p95 of every deed")
    asked = parser.parse_args()
    status = 0
    with stores() as found:
        for name, url, anchor in found:
            times = _times(url, anchor, asked.count)
            slowest = max(times, key=lambda deed: _p95(times[deed]))
            report = Report(
                f"{name}, {asked.count:,} items: next item p95 {_p95(times['next item']):.0f} ms, "
                f"slowest of {len(times)} deeds p95 {_p95(times[slowest]):.0f} ms ({slowest}); "
                f"deeds over {LIMIT:.0f} ms"
            )
            for deed, some in sorted(times.items(), key=lambda t: -_p95(t[1])):
                wrong = f"{deed}: p95 {_p95(some):.0f} ms"
                report.count(wrong if _p95(some) >= LIMIT else "")
                if asked.verbose:
                    print(f"    {wrong} of {len(some)}")
            status |= report.end()
    return status


def _times(url: str, anchor: Path, count: int) -> dict[str, list[float]]:
    engine = open_database(url)
    queue = ReviewQueue(engine, AuditLog(engine, anchor))
    for start in range(0, count, _BATCH):
        items = _made(range(start, min(start + _BATCH, count)))
        with transaction(engine) as connection:
            connection.execute(insert(review_items), [queue_rows.columns(i) for i in items])
            bodies = [{"id": i.id, "body": queue_rows.dumped(i)} for i in items]
            connection.execute(insert(review_bodies), bodies)
    _settle(engine)
    desk = Desk(queue)
    for number in range(min(_ROUNDS, count // 40)):  # each round takes nine that wait
        desk.round(number)
    engine.dispose()
    return desk.times


def _settle(engine: Engine) -> None:
    """What PostgreSQL does by itself within a minute, and what SQLite needs nothing of."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _made(numbers: Iterable[int]) -> list[ReviewItem]:
    """Half of them wait, a quarter was delivered, an eighth waits for the asker."""
    items = []
    for number in numbers:
        when = utc_now() - timedelta(days=20) + timedelta(seconds=17 * number)
        one = item(number, when)
        if number % 4 == 1:
            one = _delivered(one, when)
        elif number % 8 == 2:
            one = _asked(one, when)
        items.append(one)
    return items


def _delivered(one: ReviewItem, when: datetime) -> ReviewItem:
    plain = Answer((Draft("Ask us."),))
    me, then = person(0), when + timedelta(minutes=9)
    claimed = review.claim(one, me, when, timedelta(hours=1))
    done = review.edit(claimed, me, claimed.fence, plain.text, then)
    sources = dict(done.answer.sources) if done.answer else {}
    return review.deliver(done, sources, then + review.UNDO)


def _asked(one: ReviewItem, when: datetime) -> ReviewItem:
    claimed = review.claim(one, person(0), when, _LEASE)
    return review.ask(claimed, person(0), claimed.fence, "Which tooth?", when)


def _p95(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(0.95 * len(times)))]


if __name__ == "__main__":
    sys.exit(main())
