"""The audit log: what was changed afterwards shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, delete, insert, select, update

from chatbot.adapters.audit import START, AuditLog
from chatbot.adapters.database import transaction
from chatbot.adapters.schema_review import audit_entries, audit_head
from chatbot.errors import IndexUnusable, StorageFull
from tests.databases import engine, postgres

__all__ = ["engine", "postgres"]

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(engine: Engine, clock: Clock, tmp_path: Path) -> AuditLog:
    made = AuditLog(engine, tmp_path / "audit.anchor", clock=clock)
    for n in range(6):
        note(made, f"r{n % 2}", {"n": n})
    return made


def note(log: AuditLog, subject: str = "r1", body: Any = None, actor: str = "ann") -> None:
    with transaction(log.engine) as connection:
        log.append(connection, actor, "approve", subject, body or {})
    log.anchor()


def run(log: AuditLog, *statements: Any) -> None:
    with transaction(log.engine) as connection:
        for statement in statements:
            connection.execute(statement)


def anchor_of(tmp_path: Path) -> Path:
    return tmp_path / "audit.anchor"


def test_an_untouched_log_holds(log: AuditLog, tmp_path: Path) -> None:
    assert log.verify() == []
    assert [e.body["n"] for e in log.of("r1")] == [1, 3, 5]
    first = log.of("r0")[0]
    assert (first.seq, first.previous, first.at, first.actor) == (1, START, NOW, "ann")
    assert log.of("gone") == []
    assert len(anchor_of(tmp_path).read_text().splitlines()) == 6
    assert anchor_of(tmp_path).stat().st_mode & 0o077 == 0


def test_words_do_not_get_in(log: AuditLog) -> None:
    note(log, body={"note": "my secret illness", "codes": ["ok", "two words"], "no": None})
    body = log.of("r1")[-1].body
    assert body["note"].startswith("sha256:")
    assert body["codes"][0] == "ok"
    assert body["codes"][1].startswith("sha256:")
    with pytest.raises(TypeError):
        note(log, body={"item": object()})
    assert log.verify() == []


def test_an_entry_that_was_rolled_back_never_was(log: AuditLog) -> None:
    with log.engine.connect() as connection:
        log.append(connection, "ann", "approve", "r1", {})
        connection.rollback()
    note(log)
    assert log.verify() == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", NOW + timedelta(microseconds=1)),
        ("actor", "bob"),
        ("action", "reject"),
        ("subject", "r9"),
        ("body", "{}"),
        ("previous", "0" * 64),
        ("hash", "0" * 64),
    ],
)
@pytest.mark.parametrize("seq", [2, 6])
def test_an_edit_is_found(log: AuditLog, column: str, value: Any, seq: int) -> None:
    run(log, update(audit_entries).where(audit_entries.c.seq == seq).values({column: value}))
    assert any(f"entry {seq}" in fault for fault in log.verify())


def test_a_deletion_is_found(log: AuditLog) -> None:
    run(log, delete(audit_entries).where(audit_entries.c.seq == 3))
    assert log.verify()


def test_a_truncation_is_found(log: AuditLog) -> None:
    with transaction(log.engine) as connection:
        kept = connection.execute(select(audit_entries).where(audit_entries.c.seq == 4)).one()
    run(
        log,
        delete(audit_entries).where(audit_entries.c.seq > 4),
        update(audit_head).values(seq=4, hash=kept.hash),
    )
    assert log.verify() == ["entry 6: it was anchored and is gone; the log was cut short"]


def test_a_log_written_anew_is_found(log: AuditLog) -> None:
    run(log, delete(audit_entries), update(audit_head).values(seq=0, hash=START))
    with transaction(log.engine) as connection:
        for n in range(6):
            log.append(connection, "mallory", "approve", f"r{n % 2}", {"n": n})
    assert log.verify()[0] == "entry 1: it is not the one that was anchored"


def test_a_reordering_is_found(log: AuditLog) -> None:
    places = [(2, 99), (3, 2), (99, 3)]
    run(
        log,
        *(update(audit_entries).where(audit_entries.c.seq == a).values(seq=b) for a, b in places),
    )
    assert log.verify()


def test_an_insertion_is_found(log: AuditLog) -> None:
    with transaction(log.engine) as connection:
        row = connection.execute(select(audit_entries).where(audit_entries.c.seq == 6)).one()
    run(log, insert(audit_entries).values({**row._mapping, "seq": 7}))
    assert log.verify()


@pytest.mark.parametrize("change", ["cut", "edit", "garbage", "gone", "twice"])
def test_a_changed_anchor_is_found(
    log: AuditLog, clock: Clock, tmp_path: Path, change: str
) -> None:
    clock.now += timedelta(minutes=2)
    file = anchor_of(tmp_path)
    lines = file.read_text().splitlines(keepends=True)
    if change == "gone":
        file.unlink()
    else:
        changed = {
            "cut": lines[:4],
            "edit": [*lines[:5], f"6 {'0' * 64}\n"],
            "garbage": [*lines, "what\n"],
            "twice": [*lines, f"2 {'0' * 64}\n"],
        }
        file.write_text("".join(changed[change]))
    assert log.verify()


def test_what_is_under_way_is_no_fault(log: AuditLog, clock: Clock) -> None:
    with transaction(log.engine) as connection:
        log.append(connection, "ann", "approve", "r1", {})
    assert log.verify() == []
    clock.now += timedelta(minutes=2)
    assert log.verify() == ["entries after 6: the anchor file does not know them"]
    log.anchor()
    assert log.verify() == []


def test_nothing_is_acknowledged_that_cannot_be_anchored(engine: Engine, tmp_path: Path) -> None:
    log = AuditLog(engine, tmp_path / "no such folder" / "audit.anchor")
    with pytest.raises(StorageFull, match="anchor") as caught:
        note(log)
    assert caught.value.remedy


def test_a_lost_head_is_said(log: AuditLog) -> None:
    run(log, delete(audit_head))
    assert log.verify()
    with pytest.raises(IndexUnusable, match="head"):
        log.anchor()


def test_writers_at_once_make_one_chain(log: AuditLog) -> None:
    def work() -> None:
        for _ in range(10):
            note(log, actor="bob")

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.verify() == []
    assert len(log.of("r1")) == 53


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    """URL of a web server, what it was told, and the statuses it answers with."""
    told: list[dict[str, Any]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(statuses.pop() if statuses else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", told, statuses
    server.shutdown()
    server.server_close()


def test_the_webhook_is_told_the_head(
    engine: Engine, tmp_path: Path, receiver: tuple[str, list[dict[str, Any]], list[int]]
) -> None:
    url, told, statuses = receiver
    log = AuditLog(engine, tmp_path / "audit.anchor", url)
    log.publish()
    note(log)
    statuses.append(500)
    with pytest.raises(httpx.HTTPStatusError):
        log.publish()
    log.publish()
    log.publish()
    assert [t["seq"] for t in told] == [1, 1]
    assert told[0]["hash"] == log.of("r1")[0].hash
