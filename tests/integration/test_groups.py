"""Groups in the database: who reads what, and for how long."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert
from typer.testing import CliRunner

from chatbot.adapters.accounts import Accounts
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import transaction
from chatbot.adapters.groups import Groups
from chatbot.adapters.schema import documents
from chatbot.cli import app
from chatbot.errors import BadInput, NotFound
from chatbot.steps.rights import EVERYONE
from tests.databases import engine, postgres

__all__ = ["engine", "postgres"]  # fixtures: each test runs on both databases


@pytest.fixture
def accounts(engine: Engine, tmp_path: Path) -> Accounts:
    made = Accounts(engine, AuditLog(engine, tmp_path / "anchor"))
    made.add("anna", ["asker"], "correct horse battery staple")
    made.add("mia", ["manager"], "correct horse battery staple")
    with transaction(engine) as connection:
        for name in ("handbook", "hr"):
            row = {"id": name, "collection": name, "uri": name, "title": name, "version": "1"}
            row |= {"media_type": "text/plain", "pipeline": "1"}
            connection.execute(insert(documents).values(**row, indexed_at=datetime.now(UTC)))
    return made


def test_everything_is_open_until_the_first_group_is_made(accounts: Accounts) -> None:
    groups = accounts.groups
    assert accounts.get("anna").collections is None
    assert groups.readable(None) is None
    groups.add("staff", "test")
    assert accounts.get("anna").collections == groups.readable(None) == frozenset()
    assert groups.closed() == ["handbook", "hr"]
    groups.grant(EVERYONE, "handbook", "test")
    groups.grant("staff", "hr", "test")
    groups.grant("staff", "hr", "test")  # again changes nothing
    groups.join("staff", "anna", "test")
    assert accounts.get("anna").collections == frozenset({"handbook", "hr"})
    assert groups.readable(None) == frozenset({"handbook"})
    assert accounts.get("mia").collections is None
    assert groups.closed() == []


def test_removing_the_last_group_opens_nothing(accounts: Accounts) -> None:
    groups = accounts.groups
    groups.add("staff", "test")
    groups.grant("staff", "hr", "test")
    groups.join("staff", "anna", "test")
    groups.remove("staff", "test")
    assert accounts.get("anna").collections == frozenset()
    with pytest.raises(BadInput, match="stays"):
        groups.remove(EVERYONE, "test")


@pytest.mark.parametrize(("unnamed", "read"), [("open", {"handbook"}), ("closed", set())])
def test_the_setting_says_what_becomes_of_the_rest(
    accounts: Accounts, engine: Engine, tmp_path: Path, unnamed: str, read: set[str]
) -> None:
    groups = Groups(engine, AuditLog(engine, tmp_path / "anchor"), unnamed)  # type: ignore[arg-type]
    assert groups.readable("anna") == (None if unnamed == "open" else frozenset())
    groups.add("staff", "test")
    groups.grant("staff", "hr", "test")
    assert groups.readable("anna") == frozenset(read)
    assert groups.readable("anna", ["auditor"]) is None


def test_a_change_counts_in_sessions_that_are_open(accounts: Accounts) -> None:
    token = accounts.login("anna", "correct horse battery staple", "here")
    accounts.groups.add("staff", "test")
    found = accounts.session(token)
    assert found
    assert found.collections == frozenset()
    accounts.give("anna", ["auditor"], "test")
    found = accounts.session(token)
    assert found
    assert (found.roles, found.collections) == (frozenset({"auditor"}), None)
    assert accounts.reads("anna") is None
    accounts.disable("anna", "test")
    assert accounts.session(token) is None
    assert accounts.reads("anna") == frozenset()
    accounts.enable("anna", "test")
    assert accounts.session(token) is None  # the session stays ended
    assert accounts.get("anna").active


def test_what_does_not_exist_is_not_changed(accounts: Accounts) -> None:
    groups = accounts.groups
    groups.add("staff", "test")
    wrongs: list[Callable[[], None]] = [
        lambda: groups.grant("nobody", "hr", "test"),
        lambda: groups.revoke("staff", "hr", "test"),
        lambda: groups.join("staff", "nobody", "test"),
        lambda: groups.leave("staff", "anna", "test"),
        lambda: groups.remove("nobody", "test"),
        lambda: accounts.give("nobody", ["asker"]),
    ]
    for wrong in wrongs:
        with pytest.raises(NotFound):
            wrong()
    for name in ("", "-", "x" * 65, "staff", "a\nb"):
        with pytest.raises(BadInput):
            groups.add(name, "test")
    with pytest.raises(BadInput):
        groups.join(EVERYONE, "anna", "test")
    assert [g.name for g in groups.list()] == [EVERYONE, "staff"]


def test_every_change_stands_in_the_audit_log(accounts: Accounts, engine: Engine) -> None:
    groups, audit = accounts.groups, AuditLog(engine, Path("unused"))
    groups.add("staff", "olga")
    groups.grant("staff", "hr", "olga")
    groups.join("staff", "anna", "olga")
    groups.revoke("staff", "hr", "olga")
    entries = [(e.actor, e.action, dict(e.body)) for e in audit.of("group:staff")]
    assert entries == [
        ("olga", "group-added", {}),
        ("olga", "group-granted", {"about": "hr"}),
        ("olga", "group-joined", {"about": "anna"}),
        ("olga", "group-revoked", {"about": "hr"}),
    ]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))

    def run(*words: str, code: int = 0) -> dict[str, object]:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == code, done.output
        return dict(json.loads(done.stdout)) if code == 0 else {}

    run("user", "add", "anna", "--role", "asker")
    run("group", "add", "hr")
    run("group", "grant", "hr", "secrets")
    told = run("group", "join", "hr", "anna")
    assert told["groups"] == [
        {"name": "everyone", "collections": [], "members": []},
        {"name": "hr", "collections": ["secrets"], "members": ["anna"]},
    ]
    users = run("user", "list")["users"]
    assert isinstance(users, list)
    assert users[0]["collections"] == ["secrets"]
    run("group", "leave", "hr", "anna")
    run("group", "revoke", "hr", "secrets")
    run("group", "remove", "hr")
    run("group", "remove", "hr", code=1)
    run("group", "add", "", code=2)
    run("user", "roles", "anna", "--role", "auditor")
    run("user", "disable", "anna")
    run("user", "enable", "anna")
    run("user", "roles", "anna", "--role", "nonsense", code=2)
