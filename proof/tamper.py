"""The audit log is tampered with in every way that one statement or a few can: all are found."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, create_engine, delete, insert, select, update

from chatbot.adapters.audit import START, AuditLog
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.schema_review import audit_entries, audit_head
from proof.report import Report

_ENTRIES = 40
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_E = audit_entries.c


class Tamperer:
    """Someone who can write the database, or the anchor file, but not both.

    Args:
        log: works on the same database, so that whole chains can be forged.
    """

    def __init__(
        self, connection: Connection, log: AuditLog, anchor: Path, chance: random.Random
    ) -> None:
        self._connection = connection
        self._log = log
        self._anchor = anchor
        self._chance = chance
        self._rows = connection.execute(select(audit_entries).order_by(_E.seq)).all()

    def edit(self) -> None:
        """One field of one entry."""
        row = self._any()
        other = self._any(row)
        columns = ["at", "actor", "action", "subject", "body", "previous", "hash"]
        column = self._chance.choice(columns)
        value = getattr(other, column)
        if value == getattr(row, column):
            value = row.at + timedelta(microseconds=1) if column == "at" else f"{value}x"[-64:]
        self._change(row.seq, **{column: value})

    def delete(self) -> None:
        """Entries out of the middle, or the first ones."""
        start = self._chance.randrange(1, _ENTRIES)
        end = self._chance.randrange(start, _ENTRIES)
        self._connection.execute(delete(audit_entries).where(_E.seq.between(start, end)))

    def truncate(self) -> None:
        """The newest entries, the head left as it is."""
        self._cut(self._chance.randrange(_ENTRIES))

    def truncate_cleanly(self) -> None:
        """The newest entries, and the head set back, so that the chain is whole."""
        last = self._chance.randrange(_ENTRIES)
        self._cut(last)
        self._set_head(last, self._rows[last - 1].hash if last else START)

    def reorder(self) -> None:
        """Two entries change places, with or without their hashes."""
        one = self._any()
        other = self._any(one)
        names = ["at", "actor", "action", "subject", "body"]
        names += ["hash"] if self._chance.random() < 0.5 else []
        names += ["previous"] if self._chance.random() < 0.5 else []
        self._change(one.seq, **{n: getattr(other, n) for n in names})
        self._change(other.seq, **{n: getattr(one, n) for n in names})

    def insert(self) -> None:
        """A copy at the end, or another entry between two, the later ones moved up."""
        row = self._any()
        if self._chance.random() < 0.5:
            self._add(row, _ENTRIES + 1)
            return
        for later in reversed(self._rows[row.seq :]):
            self._change(later.seq, seq=later.seq + 1)
        self._add(row, row.seq + 1)

    def forge(self) -> None:
        """Everything from some entry on is written anew, with hashes that fit."""
        last = self._chance.randrange(_ENTRIES)
        self._cut(last)
        self._set_head(last, self._rows[last - 1].hash if last else START)
        changed = self._chance.randrange(last, _ENTRIES)
        for number, row in enumerate(self._rows[last:], last):
            actor = "mallory" if number == changed else row.actor
            self._log.append(self._connection, actor, row.action, row.subject, {"n": number})

    def head(self) -> None:
        """The head row is changed, doubled or deleted."""
        newest = self._rows[-1].hash
        kind = self._chance.randrange(4)
        if kind == 0:
            self._set_head(self._chance.randrange(_ENTRIES), newest)
        elif kind == 1:
            self._set_head(_ENTRIES, self._any(self._rows[-1]).hash)
        elif kind == 2:
            self._connection.execute(delete(audit_head))
        else:
            self._connection.execute(insert(audit_head).values(id=2, seq=_ENTRIES, hash=newest))

    def anchor(self) -> None:
        """Lines of the anchor file are cut, changed or added."""
        lines = self._anchor.read_text().splitlines(keepends=True)
        at = self._chance.randrange(len(lines))
        seq = lines[at].split()[0]
        forged = f"{seq} {self._chance.randbytes(32).hex()}\n"
        kind = self._chance.randrange(4)
        if kind == 0:
            lines = lines[:at]
        elif kind == 1:
            lines[at] = forged
        elif kind == 2:
            lines.append(forged)
        else:
            lines.append(f"{_ENTRIES + 1 + at} {'0' * 64}\n")
        self._anchor.write_text("".join(lines))

    def _any(self, but: Row[Any] | None = None) -> Row[Any]:
        return self._chance.choice([r for r in self._rows if r is not but])

    def _change(self, at: int, /, **values: object) -> None:
        self._connection.execute(update(audit_entries).where(_E.seq == at).values(values))

    def _add(self, row: Row[Any], seq: int) -> None:
        self._connection.execute(insert(audit_entries).values({**row._mapping, "seq": seq}))

    def _cut(self, last: int) -> None:
        self._connection.execute(delete(audit_entries).where(_E.seq > last))

    def _set_head(self, seq: int, newest: str) -> None:
        self._connection.execute(update(audit_head).values(seq=seq, hash=newest))


WAYS: tuple[Callable[[Tamperer], None], ...] = (
    Tamperer.edit,
    Tamperer.delete,
    Tamperer.truncate,
    Tamperer.truncate_cleanly,
    Tamperer.reorder,
    Tamperer.insert,
    Tamperer.forge,
    Tamperer.head,
    Tamperer.anchor,
)


def main() -> int:
    """Tampers with one copy of a log after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="tamperings")
    asked = parser.parse_args()
    report = Report(f"tamperings with the audit log that were not found ({len(WAYS)} ways)")
    chance = random.Random(3)
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as folder:
        original = Path(folder) / "original"
        original.mkdir()
        _write(original)
        for number in range(asked.count):
            copy = Path(folder) / "copy"
            shutil.copytree(original, copy)
            way = WAYS[number % len(WAYS)]
            report.count("" if _found(copy, way, chance) else f"{number}: {way.__name__}")
            shutil.rmtree(copy)
        if _open(original).verify():
            report.wrong.append("the untouched log does not hold")
    return report.end(asked.count)


def _write(folder: Path) -> None:
    open_database(f"sqlite:///{folder / 'catalogue.db'}").dispose()
    log = _open(folder)
    for number in range(_ENTRIES):
        with transaction(log.engine) as connection:
            actor, action = ("ann", "bob")[number % 2], ("claim", "approve", "deliver")[number % 3]
            log.append(connection, actor, action, f"record-{number % 7}", {"n": number})
        log.anchor()
    log.engine.dispose()


def _open(folder: Path) -> AuditLog:
    engine = create_engine(f"sqlite:///{folder / 'catalogue.db'}")
    now = [_BEGAN + timedelta(minutes=n) for n in range(_ENTRIES)]
    later = _BEGAN + timedelta(days=1)
    times = iter(now)
    return AuditLog(engine, folder / "audit.anchor", clock=lambda: next(times, later))


def _found(folder: Path, way: Callable[[Tamperer], None], chance: random.Random) -> bool:
    log = _open(folder)
    with transaction(log.engine) as connection:
        way(Tamperer(connection, log, folder / "audit.anchor", chance))
    engine = log.engine
    faults = AuditLog(engine, folder / "audit.anchor", clock=_later).verify()
    engine.dispose()
    return bool(faults)


def _later() -> datetime:
    return _BEGAN + timedelta(days=1)


if __name__ == "__main__":
    sys.exit(main())
