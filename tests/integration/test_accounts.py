"""Accounts: who gets in, who does not, for how long, and what is told to the audit log."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from chatbot.adapters.accounts import Accounts
from chatbot.adapters.attempts import FREE, FREE_BY_ADDRESS, FREE_BY_NAME, LEAK
from chatbot.adapters.tokens import IDLE, LINK_LASTS, LONGEST
from chatbot.domain import sha256_of
from chatbot.errors import BadInput, NotAllowed, NotFound
from tests.databases import engine, postgres

__all__ = ["engine", "postgres"]  # fixtures: each test runs on both databases

PASSWORD = "correct horse battery staple"
WRONG = "incorrect horse battery staple"
HERE = "192.0.2.7"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


class Notes:
    """What the audit log was told."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.anchored = 0

    def append(self, _connection: object, *entry: Any) -> None:
        self.entries.append(entry)

    def anchor(self) -> None:
        self.anchored = len(self.entries)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def accounts(engine: Engine, notes: Notes, clock: Clock) -> Accounts:
    return Accounts(engine, notes, clock)  # type: ignore[arg-type]


def fail(accounts: Accounts, name: str = "anna", address: str = HERE) -> str:
    with pytest.raises(NotAllowed) as refused:
        accounts.login(name, WRONG, address)
    return str(refused.value)


def test_a_password_opens_a_session_that_names_its_account(accounts: Accounts) -> None:
    assert accounts.add("Anna", ["reviewer"], PASSWORD) is None
    found = accounts.session(accounts.login(" ANNA ", PASSWORD, HERE))
    assert found is not None
    assert found.reviewer.id == "anna"
    assert found.reviewer.roles == {"reviewer"}
    assert accounts.get("anna") == found
    assert accounts.session("") is None
    assert accounts.session("made up") is None


def test_wrong_unknown_disabled_and_unfinished_look_alike(accounts: Accounts) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    accounts.add("bert", ["reviewer"])
    accounts.add("carl", ["reviewer"], WRONG)
    accounts.disable("carl")
    said = {fail(accounts, name, name) for name in ("anna", "bert", "carl", "nobody")}
    assert said == {"The name or the password is wrong. Try again."}


def test_nothing_stored_lets_anyone_in(accounts: Accounts, engine: Engine) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    session, link = accounts.login("anna", PASSWORD, HERE), accounts.link("anna")
    with engine.connect() as connection:
        tables = ("accounts", "account_links", "desk_sessions")
        stored = "".join(
            str(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in tables
        )
    assert not any(secret in stored for secret in (PASSWORD, session, link))
    assert sha256_of(session) in stored
    assert "$argon2id$" in stored


def test_too_many_attempts_lock_a_name_whether_it_exists_or_not(
    accounts: Accounts, clock: Clock
) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    for name in ("anna", "nobody"):
        for _ in range(FREE):
            assert "wrong" in fail(accounts, name)
        assert "Try again in 300 seconds" in fail(accounts, name)
    with pytest.raises(NotAllowed, match="too many"):
        accounts.login("anna", PASSWORD, HERE)  # even with the right one
    clock.pass_by(seconds=301)
    assert "wrong" in fail(accounts, "anna")
    assert "Try again in 299 seconds" in fail(accounts, "anna")
    clock.pass_by(seconds=300)
    assert accounts.login("anna", PASSWORD, HERE)
    for _ in range(FREE):
        assert "wrong" in fail(accounts, "anna")  # the count began anew


def test_who_guesses_from_one_address_locks_nobody_else_out(
    accounts: Accounts, clock: Clock
) -> None:
    accounts.add("anna", ["admin"], PASSWORD)
    for _ in range(3 * FREE_BY_NAME):
        with suppress(NotAllowed):
            accounts._attempts.begin("anna", "198.51.100.66", clock())
        clock.pass_by(minutes=1)
    assert accounts.login("anna", PASSWORD, HERE)


def test_many_addresses_together_do_not_guess_faster(accounts: Accounts, clock: Clock) -> None:
    for n in range(FREE_BY_NAME):
        accounts._attempts.begin("anna", str(n), clock())
    assert "too many" in fail(accounts, "anna", "another")


def test_typing_errors_of_an_office_leak_away(accounts: Accounts, clock: Clock) -> None:
    attempts = accounts._attempts
    for n in range(10 * FREE_BY_ADDRESS):
        attempts.begin(f"name{n % 40}", HERE, clock())
        for _ in range(3):
            clock.pass_by(seconds=LEAK.seconds / 3 + 1)
            attempts.begin("anna", HERE, clock())
            attempts.forget("anna", HERE)


def test_too_many_names_from_one_address_lock_the_address(accounts: Accounts) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    for n in range(FREE_BY_ADDRESS):
        accounts._attempts.begin(f"name{n}", HERE, accounts._clock())
    with pytest.raises(NotAllowed, match="too many"):
        accounts.login("anna", PASSWORD, HERE)
    assert accounts.login("anna", PASSWORD, "198.51.100.1")


def test_attempts_at_the_same_moment_all_count(accounts: Accounts) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(fail(accounts, "anna")))
        for _ in range(FREE + 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("too many" in words for words in said) == 4


def test_a_session_ends_when_nothing_is_done_and_at_the_end_of_the_day(
    accounts: Accounts, clock: Clock
) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    token = accounts.login("anna", PASSWORD, HERE)
    clock.pass_by(hours=1.5)
    assert accounts.session(token, deed=False)  # looking does not keep it alive
    clock.pass_by(hours=0.6)
    assert accounts.session(token) is None

    token = accounts.login("anna", PASSWORD, HERE)
    for _ in range(int(LONGEST / IDLE)):
        assert accounts.session(token)
        clock.now += IDLE * 0.99
    assert accounts.session(token)
    clock.now += IDLE * 0.99
    assert accounts.session(token) is None


def test_logging_out_and_disabling_end_sessions_at_once(accounts: Accounts) -> None:
    accounts.add("anna", ["lead"], PASSWORD)
    first, second = (accounts.login("anna", PASSWORD, HERE) for _ in range(2))
    accounts.logout(first)
    assert accounts.session(first) is None
    assert accounts.session(second)
    accounts.disable("anna")
    assert accounts.session(second) is None
    assert [a.active for a in accounts.list()] == [False]
    with pytest.raises(NotFound):
        accounts.link("anna")


def test_a_login_that_a_disabling_overtook_opens_nothing(
    accounts: Accounts, engine: Engine
) -> None:
    accounts.add("anna", ["lead"], PASSWORD)
    token = accounts.login("anna", PASSWORD, HERE)
    with engine.begin() as connection:
        connection.execute(text("UPDATE accounts SET disabled = 1"))
    assert accounts.session(token) is None


def test_a_link_sets_a_password_once_and_ends_other_sessions(
    accounts: Accounts, clock: Clock
) -> None:
    token = accounts.add("anna", ["reviewer"])
    assert token
    assert accounts.link_name(token) == "anna"
    with pytest.raises(BadInput):
        accounts.welcome(token, "short")
    session = accounts.welcome(token, PASSWORD)
    assert accounts.session(session)
    with pytest.raises(NotAllowed, match="does not work"):
        accounts.welcome(token, PASSWORD)
    assert accounts.link_name(token) is None

    again = accounts.link("anna")
    assert accounts.session(session)
    accounts.welcome(again, WRONG)
    assert accounts.session(session) is None

    late = accounts.link("anna")
    clock.now += LINK_LASTS
    with pytest.raises(NotAllowed, match="does not work"):
        accounts.welcome(late, PASSWORD)


def test_the_first_account_is_made_by_a_link_and_only_the_first(accounts: Accounts) -> None:
    one, two = accounts.first_link(), accounts.first_link()
    assert one
    assert two
    assert accounts.link_name(one) == ""
    with pytest.raises(BadInput, match="name"):
        accounts.welcome(one, PASSWORD, "no spaces please")
    session = accounts.welcome(one, PASSWORD, "Root")
    found = accounts.session(session)
    assert found is not None
    assert found.name == "root"
    assert found.roles == {"admin", "lead", "reviewer"}
    with pytest.raises(NotAllowed):
        accounts.welcome(two, PASSWORD, "second")
    assert accounts.first_link() is None


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 65, "<b>", "a\x00b", "Ännchen"])
def test_odd_names_are_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadInput, match="name"):
        accounts.add(name, ["reviewer"], PASSWORD)


def test_names_are_unique_roles_known_and_passwords_long(accounts: Accounts) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    with pytest.raises(BadInput, match="already"):
        accounts.add("ANNA", ["lead"], PASSWORD)
    for roles in (["King"], [""], []):
        with pytest.raises(BadInput, match="role"):
            accounts.add("bert", roles, PASSWORD)
    for password in ("", "short", "x" * 1025):
        with pytest.raises(BadInput, match="12 to 1,024"):
            accounts.add("bert", ["lead"], password)
    fail(accounts, "anna")
    with pytest.raises(NotAllowed):
        accounts.login("anna", "x" * 100_000, HERE)


def test_the_audit_log_hears_of_each_change_before_it_is_acknowledged(
    accounts: Accounts, notes: Notes
) -> None:
    accounts.add("anna", ["reviewer"], PASSWORD)
    accounts.login("anna", PASSWORD, HERE)
    accounts.welcome(accounts.link("anna", by="bert"), WRONG)
    accounts.disable("anna", by="bert")
    accounts.enable("anna")
    assert [entry[:3] for entry in notes.entries] == [
        ("operator", "account-added", "account:anna"),
        ("anna", "login", "account:anna"),
        ("bert", "link-made", "account:anna"),
        ("anna", "password-set", "account:anna"),
        ("anna", "login", "account:anna"),
        ("bert", "account-disabled", "account:anna"),
        ("operator", "account-enabled", "account:anna"),
    ]
    assert notes.anchored == len(notes.entries)
    assert PASSWORD not in str(notes.entries)
