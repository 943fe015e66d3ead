"""The curated FAQ in the database, on SQLite and PostgreSQL alike.

`steps.faq` decides what may become of an entry; here that is written in one transaction with its
audit entry. Writers take turns at the one row that numbers their changes, and the audit log is
anchored before the caller hears of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.catalogue import documents_of
from chatbot.adapters.database import transaction, writing
from chatbot.adapters.schema import index_changes
from chatbot.adapters.schema_faq import faq_entries, faq_head
from chatbot.clock import Clock, utc_now
from chatbot.errors import NotAllowed, NotFound
from chatbot.steps.faq import FILE, RECORD, FaqEntry, FaqState, change_of, suspend, vouched

Change = Callable[[FaqEntry, datetime], FaqEntry]
SYSTEM = "system"
_Key = tuple[int, int, date]
_CHANGES = select(func.coalesce(func.max(index_changes.c.seq), 0)).scalar_subquery()
_VERSIONS = select(faq_head.c.version, _CHANGES)


class FaqStore:
    """Keeps entries, and gives those that may answer now."""

    def __init__(self, engine: Engine, audit: AuditLog, clock: Clock = utc_now) -> None:
        self.clock = clock
        self._engine = engine
        self._audit = audit
        self._kept: tuple[_Key, tuple[FaqEntry, ...]] | None = None

    def live(self) -> Sequence[FaqEntry]:
        """The entries that answer now; the same object until something has changed.

        One whose source has changed is suspended here, at the first question afterwards.
        """
        key = self._key()
        if self._kept is None or self._kept[0] != key:
            self._kept = key, self._current(key[2])
        return self._kept[1]

    def version(self) -> int:
        """A number that grows with each change to an entry."""
        return self._key()[0]

    def get(self, entry_id: str) -> FaqEntry:
        """One entry.

        Raises:
            NotFound: there is none of that id.
        """
        with transaction(self._engine) as connection:
            return _existing(_load(connection, entry_id))

    def change(self, entry: FaqEntry) -> str:
        """What has become of a source since the entry was bound to it; empty: nothing."""
        with transaction(self._engine) as connection:
            return self._changed(connection, entry)

    def list(self, state: FaqState | None = None) -> list[FaqEntry]:
        """Entries, what changed last first; sources that have changed are noticed before."""
        self.live()
        query = select(faq_entries.c.body).order_by(faq_entries.c.changed_at.desc())
        if state is not None:
            query = query.where(faq_entries.c.state == state.value)
        with transaction(self._engine) as connection:
            return [_loaded(body) for body in connection.scalars(query)]

    def add(self, entry: FaqEntry, actor: str, action: str) -> FaqEntry:
        """Keeps a new entry, or one from a file in the place of what the file said before."""
        with self._writing() as connection:
            before = _load(connection, entry.id)
            if before is not None and not before.origin.startswith(FILE):
                raise NotAllowed("There is an entry of that id.", "Choose another one.")
            version = before.version + 1 if before else 0
            now = self._sourced(connection, replace(entry, version=version))
            connection.execute(delete(faq_entries).where(faq_entries.c.id == entry.id))
            connection.execute(insert(faq_entries).values(_columns(now)))
            _note(self._audit, connection, now, actor, action, {})
        return now

    def apply(
        self,
        entry_id: str,
        actor: str,
        action: str,
        change: Change,
        *,
        about: Mapping[str, Any] | None = None,
    ) -> FaqEntry:
        """Changes an entry: all of it with its audit entry, or nothing.

        Args:
            change: gives the entry as it shall be, from what it is and the time.
            about: codes and ids for the audit entry.

        Raises:
            NotFound: there is none of that id.
            NotAllowed: `change` does not allow it, or it would go live and a source has changed.
        """
        with self._writing() as connection:
            before = _existing(_load(connection, entry_id))
            after = change(before, self.clock())
            if after.version <= before.version or after.id != before.id:
                raise ValueError("a change must keep the entry's id and count its version up")
            if after.state is FaqState.LIVE and (why := self._changed(connection, after)):
                raise NotAllowed(f"This cannot go live: {why}.", "Have it reviewed again.")
            mine = update(faq_entries).where(faq_entries.c.id == entry_id)
            connection.execute(mine.values(_columns(after)))
            _note(
                self._audit,
                connection,
                after,
                actor,
                action,
                {"from": before.state.value, **(about or {})},
            )
        return after

    def drop_files(self, named: Collection[str]) -> None:
        """Takes out the entries of files that no file names any more."""
        gone = [e for e in self.list() if e.origin.startswith(FILE) and e.id not in named]
        for entry in gone:
            with self._writing() as connection:
                connection.execute(delete(faq_entries).where(faq_entries.c.id == entry.id))
                _note(self._audit, connection, entry, SYSTEM, "faq-remove", {})

    def _key(self) -> _Key:
        """What the set of live entries depends on: the entries, the documents and the day."""
        with transaction(self._engine) as connection:
            row = connection.execute(_VERSIONS).one()
        return row[0], row[1], self._today()

    def _today(self) -> date:
        return self.clock().astimezone(UTC).date()

    def _current(self, today: date) -> tuple[FaqEntry, ...]:
        query = select(faq_entries.c.body).where(faq_entries.c.state == FaqState.LIVE.value)
        with transaction(self._engine) as connection:
            found = [_loaded(b) for b in connection.scalars(query.order_by(faq_entries.c.id))]
            seen = documents_of(connection, {d.id for e in found for d in e.documents})
        for entry in (e for e in found if change_of(e, seen, today)):
            self._suspend_changed(entry.id)
        return tuple(
            e for e in found if not change_of(e, seen, today) and e.counts_on(today) and vouched(e)
        )

    def _suspend_changed(self, entry_id: str) -> None:
        with self._writing() as connection:
            entry = _load(connection, entry_id)
            why = self._changed(connection, entry) if entry else ""
            if entry is None or entry.state is not FaqState.LIVE or not why:
                return
            _stop(connection, self._audit, entry, why, SYSTEM, self.clock())

    def _changed(self, connection: Connection, entry: FaqEntry) -> str:
        seen = documents_of(connection, {d.id for d in entry.documents})
        return change_of(entry, seen, self._today())

    def _sourced(self, connection: Connection, entry: FaqEntry) -> FaqEntry:
        """The entry, suspended where a source has changed since it was checked."""
        why = self._changed(connection, entry) if entry.state is FaqState.LIVE else ""
        return suspend(entry, why, self.clock()) if why else entry

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            # First, so that writers take turns from here on, on either database.
            connection.execute(update(faq_head).values(version=faq_head.c.version + 1))
            yield connection
        self._audit.anchor()


@cache
def _json() -> TypeAdapter[FaqEntry]:
    return TypeAdapter(FaqEntry)


def _loaded(body: str) -> FaqEntry:
    return _json().validate_python(json.loads(body))


def _load(connection: Connection, entry_id: str) -> FaqEntry | None:
    query = select(faq_entries.c.body).where(faq_entries.c.id == entry_id)
    body = connection.scalar(query)
    return None if body is None else _loaded(body)


def _existing(entry: FaqEntry | None) -> FaqEntry:
    if entry is None:
        raise NotFound("There is no such entry in the FAQ.", "See `chatbot faq list`.")
    return entry


def _columns(entry: FaqEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "version": entry.version,
        "state": entry.state.value,
        "origin": entry.origin,
        "changed_at": entry.changed_at,
        "body": json.dumps(_json().dump_python(entry, mode="json")),
    }


def stop_entries(
    connection: Connection, audit: AuditLog, given: Collection[str], actor: str, now: datetime
) -> set[str]:
    """Has no entry answer that is one of these, or was made from one of these records, until it was
    looked at again; gives the ids of all such entries. Whatever else the transaction notes in the
    audit log comes afterwards: who writes the FAQ takes its head first."""
    connection.execute(update(faq_head).values(version=faq_head.c.version + 1))
    rows = connection.execute(select(faq_entries.c.id, faq_entries.c.origin))
    made = {r.id for r in rows if not {r.id, r.origin.removeprefix(RECORD)}.isdisjoint(given)}
    for entry in (_existing(_load(connection, i)) for i in sorted(made)):
        if entry.state is not FaqState.SUSPENDED:
            _stop(connection, audit, entry, "its answer was taken back at the desk", actor, now)
    return made


def _stop(
    connection: Connection, audit: AuditLog, entry: FaqEntry, why: str, actor: str, now: datetime
) -> None:
    stopped = suspend(entry, why, now)
    mine = update(faq_entries).where(faq_entries.c.id == entry.id)
    connection.execute(mine.values(_columns(stopped)))
    _note(audit, connection, stopped, actor, "faq-suspend", {"from": entry.state.value})


def _note(
    audit: AuditLog,
    connection: Connection,
    entry: FaqEntry,
    actor: str,
    action: str,
    about: Mapping[str, Any],
) -> None:
    body = {
        **about,
        "state": entry.state.value,
        "version": entry.version,
        "entry": entry.sha256,
        "sources": sorted(f"{d.id}@{d.version}" for d in entry.documents),
        "reason": entry.reason,
    }
    audit.append(connection, actor, action, f"faq:{entry.id}", body)
