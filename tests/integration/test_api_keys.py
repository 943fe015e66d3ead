"""API keys: which one counts, for what, until when, and what is kept of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from chatbot.adapters.accounts import Accounts
from chatbot.adapters.api_keys import ApiKeys
from chatbot.domain import Person, sha256_of
from chatbot.errors import BadInput, NotFound
from tests.databases import engine, postgres
from tests.integration.test_accounts import Clock, Notes

__all__ = ["engine", "postgres"]  # fixtures: each test runs on both databases


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def accounts(engine: Engine, notes: Notes, clock: Clock) -> Accounts:
    made = Accounts(engine, notes, clock)  # type: ignore[arg-type]
    made.add("anna", ["reviewer"], "correct horse battery staple")
    notes.entries.clear()
    return made


@pytest.fixture
def keys(engine: Engine, accounts: Accounts, notes: Notes, clock: Clock) -> ApiKeys:
    return ApiKeys(engine, notes, clock)  # type: ignore[arg-type]


def test_a_key_is_somebody_of_its_own_who_answers_to_its_owner(keys: ApiKeys) -> None:
    made, token = keys.add(" my  site ", "Anna", ["ask"], ["open"])
    found = keys.find(token)
    assert found is not None
    assert found.id == made.id
    assert found.name == "my site"
    assert found.scopes == {"ask"}
    assert found.person == Person(f"key-{made.id}", frozenset({"open"}), "anna")
    assert token.startswith("csk_")


def test_what_is_kept_is_a_hash(keys: ApiKeys, engine: Engine, notes: Notes) -> None:
    _, token = keys.add("site", "anna", ["ask"])
    with engine.connect() as connection:
        kept = str(connection.execute(text("SELECT * FROM api_keys")).all())
    assert sha256_of(token) in kept
    assert token[-20:] not in kept + str(notes.entries)


def test_no_other_text_is_a_key(keys: ApiKeys) -> None:
    _, token = keys.add("site", "anna", ["ask"])
    _, other = keys.add("site", "anna", ["ask"])
    swapped = token[:17] + other[17:]
    last = "A" if token[-1] != "A" else "B"
    for wrong in ("", "x", token[:-1], token[:-1] + last, token.upper(), f" {token}", swapped):
        assert keys.find(wrong) is None
    assert keys.find(token) is not None


def test_a_key_ends_when_it_is_revoked_or_too_old_or_its_owner_is_disabled(
    keys: ApiKeys, accounts: Accounts, clock: Clock
) -> None:
    made, revoked = keys.add("a", "anna", ["ask"])
    _, old = keys.add("b", "anna", ["ask"], None, timedelta(days=1))
    _, orphan = keys.add("c", "anna", ["ask"])
    keys.revoke(made.id)
    clock.pass_by(hours=24)
    assert keys.find(revoked) is None
    assert keys.find(old) is None
    assert keys.find(orphan) is not None
    accounts.disable("anna")
    assert keys.find(orphan) is None
    accounts.enable("anna")
    assert keys.find(orphan) is None
    accounts.disable("anna")
    assert [key.active for key in keys.list()] == [False, False, False]
    with pytest.raises(NotFound):
        keys.revoke(made.id)
    with pytest.raises(NotFound):
        keys.add("d", "anna", ["ask"])


def test_what_cannot_be_a_key_is_not_made(keys: ApiKeys) -> None:
    for name, owner, scopes in (("", "anna", ["ask"]), ("x", "anna", []), ("x", "anna", ["all"])):
        with pytest.raises(BadInput):
            keys.add(name, owner, scopes)
    with pytest.raises(NotFound):
        keys.add("x", "bert", ["ask"])
    assert keys.list() == []


def test_a_use_is_noted_to_the_minute(keys: ApiKeys, clock: Clock) -> None:
    _, token = keys.add("site", "anna", ["ask"])
    assert keys.list()[0].used_at is None
    keys.find(token)
    first = keys.list()[0].used_at
    assert first == clock.now
    clock.pass_by(seconds=50)
    keys.find(token)
    assert keys.list()[0].used_at == first
    clock.pass_by(seconds=11)
    keys.find(token)
    assert keys.list()[0].used_at == clock.now


def test_the_audit_log_hears_of_each_change(keys: ApiKeys, notes: Notes) -> None:
    made, _ = keys.add("site", "anna", ["ask", "history"], ["open"])
    keys.revoke(made.id)
    body = {"name": "site", "owner": "anna", "scopes": ["ask", "history"], "collections": ["open"]}
    assert notes.entries == [
        ("operator", "key-added", f"key:{made.id}", body),
        ("operator", "key-revoked", f"key:{made.id}", {}),
    ]
    assert notes.anchored == 2


def command(home: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "chatbot.cli", *words, "--json"],
        env={**os.environ, "COUNTERSIGN_HOME": str(home)},
        capture_output=True, text=True, check=False,
        input="correct horse battery staple\n",
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_the_commands(tmp_path: Path) -> None:
    command(tmp_path, "user", "add", "anna", "--role", "admin", "--password-stdin")
    status, made = command(tmp_path, "key", "add", "site", "--owner", "anna", "--scope", "ask")
    assert (status, made["scopes"], made["collections"]) == (0, ["ask"], None)
    assert command(tmp_path, "key", "add", "site", "--owner", "bert")[0] == 1
    _, listed = command(tmp_path, "key", "list")
    assert [(k["id"], k["active"]) for k in listed["keys"]] == [(made["id"], True)]
    assert "key" not in listed["keys"][0]
    assert command(tmp_path, "key", "revoke", made["id"])[0] == 0
    assert command(tmp_path, "key", "revoke", made["id"])[0] == 1
