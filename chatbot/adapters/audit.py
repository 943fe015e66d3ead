"""The audit log: what was done to which answer, by whom; changed afterwards, it shows.

Each entry holds the hash of the one before it. The newest hash is also written to an anchor file
outside the database before the deed is acknowledged, so that a log that was cut short or written
anew from some entry on does not match. Whoever can write both the database and the anchor file can
still forge it: put that file on another disk, or name a webhook that is told the hash as well.

Entries hold ids, hashes, codes and roles, never the words of a question or an answer.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, Engine, Row, insert, select, update

from chatbot.adapters.database import transaction
from chatbot.adapters.schema_review import audit_entries, audit_head
from chatbot.clock import Clock, utc_now
from chatbot.domain import sha256_of
from chatbot.errors import IndexUnusable, StorageFull

START = "0" * 64
"""What the first entry names as the hash before it."""
_CODE = re.compile(r"[\w.:/@+=-]{0,128}")
_LINE = re.compile(r"(\d{1,18}) ([0-9a-f]{64})")
_IN_FLIGHT = timedelta(minutes=1)
_WEBHOOK_SECONDS = 5.0
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One deed.

    Attributes:
        seq: 1, 2, 3 and so on without a gap.
        subject: id of the answer's record, or `account:NAME`.
        body: ids, hashes, codes and numbers that belong to it.
        previous: hash of the entry before.
    """

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    body: Mapping[str, Any]
    previous: str
    hash: str


class AuditLog:
    """Writes the log and checks it.

    Args:
        anchor: file outside the database that each newest hash is written to.
        webhook: URL that `publish` tells the newest hash.
    """

    def __init__(
        self,
        engine: Engine,
        anchor: Path,
        webhook: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.engine = engine
        self._file = anchor
        self._webhook = webhook
        self._clock = clock
        self._lock = threading.Lock()
        self._anchored = 0
        self._published = 0

    def append(
        self,
        connection: Connection,
        actor: str,
        action: str,
        subject: str,
        body: Mapping[str, Any],
    ) -> Entry:
        """Adds an entry in the caller's transaction; call `anchor` once that is committed.

        Args:
            body: strings in it that are no ids or codes are kept as their SHA-256.
        """
        # The update comes first: it locks the one head row, on either database, so that no other
        # writer can follow the same entry.
        grown = update(audit_head).values(seq=audit_head.c.seq + 1)
        head = connection.execute(grown.returning(audit_head.c.seq, audit_head.c.hash)).one()
        at = self._clock().astimezone(UTC)
        clean = {key: _code(value) for key, value in body.items()}
        text = json.dumps(clean, sort_keys=True)
        hashed = _hash(head.seq, at, actor, action, subject, text, head.hash)
        row = {"seq": head.seq, "at": at, "actor": actor, "action": action, "subject": subject}
        row |= {"body": text, "previous": head.hash, "hash": hashed}
        connection.execute(insert(audit_entries).values(row))
        connection.execute(update(audit_head).values(hash=hashed))
        return Entry(head.seq, at, actor, action, subject, clean, head.hash, hashed)

    def anchor(self) -> None:
        """Writes the newest hash to the anchor file and waits until the disk has it.

        Deeds of several threads that wait at the same time are covered by one writing.

        Raises:
            StorageFull: it cannot be written; what was done stands, but must not be acknowledged.
        """
        with self._lock:
            seq, newest = self._head()
            if seq > self._anchored:
                self._write(f"{seq} {newest}\n".encode())
                self._anchored = seq

    def publish(self) -> None:
        """Tells the webhook the newest hash, when there is one to tell. Called now and then.

        Raises:
            httpx.HTTPError: it could not be told; the next call tries again.
        """
        if self._webhook is None:
            return
        seq, newest = self._head()
        if seq > self._published:
            told = {"seq": seq, "hash": newest, "at": self._clock().isoformat()}
            httpx.post(self._webhook, json=told, timeout=_WEBHOOK_SECONDS).raise_for_status()
            self._published = seq

    def verify(self) -> list[str]:
        """Everything that is wrong with the log; empty: nothing was changed."""
        with transaction(self.engine) as connection:
            heads = connection.execute(select(audit_head)).all()
            query = select(audit_entries).order_by(audit_entries.c.seq)
            found = connection.execution_options(yield_per=1000).execute(query)
            anchors, faults = self._anchors()
            return faults + list(_faults(found, heads, anchors, self._clock() - _IN_FLIGHT))

    def of(self, subject: str) -> list[Entry]:
        """Everything that was done to one answer or account, oldest first."""
        query = select(audit_entries).where(audit_entries.c.subject == subject)
        with transaction(self.engine) as connection:
            rows = connection.execute(query.order_by(audit_entries.c.seq)).all()
        return [_entry(row) for row in rows]

    def _head(self) -> tuple[int, str]:
        with transaction(self.engine) as connection:
            row = connection.execute(select(audit_head)).first()
        if row is None:
            raise IndexUnusable(
                "The audit log has lost its head row.",
                "Someone has changed the database: run `chatbot audit verify`.",
            )
        return row.seq, row.hash

    def _write(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            fresh = not self._file.exists()
            descriptor = os.open(self._file, flags, 0o600)
            try:
                os.write(descriptor, line)  # one write: lines of several processes do not mix
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if fresh:
                _sync_folder(self._file.parent)
        except OSError as error:
            raise StorageFull(
                f"The anchor of the audit log cannot be written to {self._file} "
                f"({error.strerror}).",
                "Make room or mend the folder: until then nothing is acknowledged.",
            ) from error

    def _anchors(self) -> tuple[dict[int, str], list[str]]:
        """seq → hash of the anchor file's lines, and what is wrong with them."""
        known: dict[int, str] = {}
        faults: list[str] = []
        try:
            lines = self._file.read_text("utf-8", "replace").splitlines()
        except OSError:
            return {}, []
        for number, line in enumerate(lines, 1):
            matched = _LINE.fullmatch(line)
            if matched is None:
                faults.append(f"anchor line {number}: it is not a number and a hash")
            elif known.setdefault(int(matched[1]), matched[2]) != matched[2]:
                faults.append(f"anchor line {number}: another line has a different hash for it")
        return known, faults


def _faults(
    rows: Iterator[Row[Any]] | Any,
    heads: list[Row[Any]] | Any,
    anchors: dict[int, str],
    settled: datetime,
) -> Iterator[str]:
    seq, before, unanchored = 0, START, _NEVER
    last_anchor = max(anchors, default=0)
    for row in rows:
        if row.seq != seq + 1:
            yield f"entry {seq + 1}: it is missing; entry {row.seq} comes next"
        if row.previous != before:
            yield f"entry {row.seq}: it does not follow the entry before it"
        real = _hash(row.seq, row.at, row.actor, row.action, row.subject, row.body, row.previous)
        if row.hash != real:
            yield f"entry {row.seq}: its hash is not that of its contents"
        if anchors.get(row.seq, row.hash) != row.hash:
            yield f"entry {row.seq}: it is not the one that was anchored"
        if row.seq > last_anchor:
            unanchored = min(unanchored, row.at)
        seq, before = row.seq, row.hash
    if [(h.seq, h.hash) for h in heads] != [(seq, before)]:
        yield f"head: it is not at entry {seq}, the last one there is"
    if last_anchor > seq:
        yield f"entry {last_anchor}: it was anchored and is gone; the log was cut short"
    if unanchored < settled:
        yield f"entries after {last_anchor}: the anchor file does not know them"


def _hash(
    seq: int, at: datetime, actor: str, action: str, subject: str, body: str, previous: str
) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return sha256_of(json.dumps([seq, moment, actor, action, subject, body, previous]))


def _code(value: Any) -> Any:
    if isinstance(value, str):
        return value if _CODE.fullmatch(value) else f"sha256:{sha256_of(value)}"
    if isinstance(value, (list, tuple)):
        return [_code(v) for v in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise TypeError(f"an audit entry holds no {type(value).__name__}")


def _entry(row: Row[Any]) -> Entry:
    body = json.loads(row.body)
    return Entry(row.seq, row.at, row.actor, row.action, row.subject, body, row.previous, row.hash)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
