"""Thirty reviewers at one queue at once: one decision an item, none from a lease that ran out."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database
from chatbot.adapters.queue import ReviewQueue
from chatbot.clock import utc_now
from chatbot.errors import NotAllowed
from chatbot.steps import review
from chatbot.steps.review_item import Reviewer, ReviewItem, State
from proof.report import Report
from proof.stores import item, person, stores

REVIEWERS = 30
_LEASE, _SHORT = timedelta(minutes=5), timedelta(milliseconds=50)
_SLOW_ONE_IN = 8


class Crowd:
    """What the reviewers did, as they were told it."""

    def __init__(self, queue: ReviewQueue, late: Report) -> None:
        self.queue = queue
        self.late = late
        self.decided: list[str] = []
        self.errors: list[str] = []

    def work(self, number: int) -> None:
        """One reviewer, until nothing is left; now and then one who is too slow."""
        me, turn = person(number), number
        try:
            while self._left():
                turn += 1
                slow = turn % _SLOW_ONE_IN == 0
                one = self.queue.claim_next(me, _SHORT if slow else _LEASE)
                if one is None:
                    time.sleep(0.05)
                elif slow:
                    time.sleep(2 * _SHORT.total_seconds())
                    self._too_late(one, me)
                else:
                    self._approve(one, me)
                    self.decided.append(one.id)
        except Exception as error:  # a proof tells everything that went wrong
            self.errors.append(repr(error))

    def _left(self) -> bool:
        counts = self.queue.counts().states
        return bool(counts.get(State.PENDING) or counts.get(State.CLAIMED))

    def _approve(self, one: ReviewItem, me: Reviewer) -> None:
        sha256 = one.answer.sha256 if one.answer else ""
        self.queue.apply(
            one.id,
            me.id,
            "approve",
            lambda i, now: review.approve(i, me, one.fence, sha256, now),
        )

    def _too_late(self, one: ReviewItem, me: Reviewer) -> None:
        try:
            self._approve(one, me)
        except NotAllowed:
            self.late.count()
        else:
            self.late.count(f"{one.id}: {me.id} signed after the lease had run out")


def main() -> int:
    """Lets them all begin at the same time, on each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="items in each database")
    asked = parser.parse_args()
    once = Report(f"items without exactly one decision, {REVIEWERS} reviewers at once")
    late = Report("writes accepted from a lease that had run out")
    with stores() as found:
        for name, url, anchor in found:
            _crowd(name, url, anchor, asked.count, once, late)
    return once.end(2 * asked.count) | late.end()


def _crowd(name: str, url: str, anchor: Path, count: int, once: Report, late: Report) -> None:
    engine = open_database(url)
    queue = ReviewQueue(engine, AuditLog(engine, anchor))
    items = [item(n, utc_now()) for n in range(count)]
    for one in items:
        queue.submit(one)
    crowd = Crowd(queue, late)
    threads = [threading.Thread(target=crowd.work, args=(n,)) for n in range(REVIEWERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = Counter(crowd.decided)
    for one in items:
        after = queue.get(one.id)
        entries = [e for e in queue.audit.of(one.record) if e.action == "approve"]
        good = after.state is State.APPROVED and len(after.signatures) == len(entries) == 1
        wrong = f"{name}: {after.state.value}, {len(entries)} decisions, {told[one.id]} told"
        once.count("" if good and told[one.id] == 1 else wrong)
    once.wrong += [f"{name}: {e}" for e in (*crowd.errors, *queue.audit.verify())]
    engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
