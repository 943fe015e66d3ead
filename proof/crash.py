"""Processes that work on the queue are killed at random: nothing lost, doubled or in two states."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import select

from chatbot.adapters.audit import AuditLog, Entry
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.outbox_rows import CHAT
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.queue_rows import columns, loaded
from chatbot.adapters.schema_review import audit_entries, outbox, review_bodies, review_items
from chatbot.domain import Draft
from chatbot.errors import NotAllowed
from chatbot.steps import review
from chatbot.steps.review_item import REACHED, Answer, ReviewItem
from proof.report import Report
from proof.stores import item, person, stores

_WORKERS = 3
_START = time.time()
_FASTER = 60.0
_LEASE = timedelta(seconds=30)


def clock() -> datetime:
    """A clock that runs sixty times as fast, so that leases end and decisions become due."""
    return datetime.fromtimestamp(_START + (time.time() - _START) * _FASTER, UTC)


def _plain(number: int) -> Answer:
    """An answer without sources: there are no documents in this database."""
    return Answer((Draft(f"Answer {number}."),))


class Worker:
    """Does what an application does, and writes down what it was told was done.

    Args:
        told: file of `id version state`, a line a deed.
    """

    def __init__(self, url: str, anchor: Path, told: Path, chance: random.Random) -> None:
        engine = open_database(url)
        self._queue = ReviewQueue(engine, AuditLog(engine, anchor, clock=clock), clock)
        self._me = person(chance.randrange(10))
        self._chance = chance
        self._told = told.open("ab", buffering=0)

    def work(self) -> NoReturn:
        """Until it is killed."""
        while True:
            deed = self._chance.choice([self._submit, self._decide, self._decide, self._deliver])
            with suppress(NotAllowed):
                deed()

    def _submit(self) -> None:
        number = self._chance.randrange(10**12)
        self._note(self._queue.submit(item(number, clock(), answer=_plain(number))))

    def _decide(self) -> None:
        one = self._queue.claim_next(self._me, _LEASE)
        if one is None:
            return
        self._note(one)
        fence, sha256 = one.fence, one.answer.sha256 if one.answer else ""
        deeds: list[tuple[str, Callable[[ReviewItem, datetime], ReviewItem]]] = [
            ("approve", lambda i, t: review.approve(i, self._me, fence, sha256, t)),
            ("edit", lambda i, t: review.edit(i, self._me, fence, "Ask us.", t)),
            ("reject", lambda i, t: review.reject(i, self._me, fence, "no", "", t)),
            ("put_back", lambda i, t: review.put_back(i, self._me, fence, t)),
        ]
        action, change = self._chance.choice(deeds)
        self._note(self._queue.apply(one.id, self._me.id, action, change))

    def _deliver(self) -> None:
        for item_id in self._queue.due(clock(), 3):
            self._note(self._queue.deliver(item_id))

    def _note(self, one: ReviewItem) -> None:
        self._told.write(f"{one.id} {one.version} {one.state.value}\n".encode())


def main() -> int:
    """Kills, then counts what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="kills in all")
    asked = parser.parse_args()
    kills = Report("kill -9: items lost, doubled or in two states, or a broken audit log")
    deeds = Report("acknowledged deeds lost after kill -9")
    with stores() as found, tempfile.TemporaryDirectory() as folder:
        for name, url, anchor in found:
            open_database(url).dispose()
            told = Path(folder) / name
            chance = random.Random(name)
            kills.tried += _kill(url, anchor, told, -(-asked.count // 2), chance)
            _check(name, url, anchor, told, kills, deeds)
    return kills.end(asked.count) | deeds.end()


def _kill(url: str, anchor: Path, told: Path, count: int, chance: random.Random) -> int:
    running = [_fork(url, anchor, told, chance) for _ in range(_WORKERS)]
    for _ in range(count):
        time.sleep(chance.uniform(0.02, 0.25))
        victim = running.pop(chance.randrange(len(running)))
        _end(victim)
        running.append(_fork(url, anchor, told, chance))
    for process in running:
        _end(process)
    return count


def _fork(url: str, anchor: Path, told: Path, chance: random.Random) -> int:
    seed = chance.random()
    process = os.fork()
    if process == 0:
        try:
            Worker(url, anchor, told, random.Random(seed)).work()
        finally:
            os._exit(1)
    return process


def _end(process: int) -> None:
    """Kills it.

    Raises:
        RuntimeError: it had ended by itself, so it did not do its work.
    """
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError("a worker ended before it was killed")


def _check(name: str, url: str, anchor: Path, told: Path, kills: Report, deeds: Report) -> None:
    engine = open_database(url)
    audit = AuditLog(engine, anchor, clock=clock)
    with transaction(engine) as connection:
        rows = {r.id: r for r in connection.execute(select(review_items))}
        bodies = {r.id: loaded(r.body) for r in connection.execute(select(review_bodies))}
        entries = connection.execute(select(audit_entries)).all()
        notes = connection.scalars(select(outbox.c.item_id).where(outbox.c.channel == CHAT))
        sent = Counter(notes)
    audit.anchor()
    kills.wrong += [f"{name}: {fault}" for fault in audit.verify()]
    kills.wrong += [f"{name}: {i} is only half there" for i in rows.keys() ^ bodies.keys()]
    story: dict[str, list[Entry]] = defaultdict(list)
    for record in {e.subject for e in entries}:
        for entry in audit.of(record):
            story[str(entry.body["item"])].append(entry)
    for item_id, one in bodies.items():
        wrong = faults(rows[item_id], one, story[item_id], sent[item_id])
        kills.wrong += [f"{name}: {item_id}: {fault}" for fault in wrong]
    for line in told.read_text().splitlines():
        item_id, version, state = line.split()
        known = {(e.body["version"], e.body["state"]) for e in story[item_id]}
        there = item_id in bodies and (int(version), state) in known
        deeds.count("" if there else f"{name}: {line}")
    engine.dispose()


def faults(row: Any, one: ReviewItem, story: list[Entry], sent: int) -> Iterator[str]:
    """What is wrong with an item, given its row, its audit entries and its deliveries."""
    if any(getattr(row, key) != value for key, value in columns(one).items()):
        yield "its columns and its body differ"
    if [e.body["version"] for e in story] != list(range(one.version + 1)):
        yield "its versions are not 0, 1, 2 and so on"
    if sum(e.action == "deliver" for e in story) != sent or sent != (one.state in REACHED):
        yield f"in state {one.state.value} with {sent} deliveries"


if __name__ == "__main__":
    sys.exit(main())
