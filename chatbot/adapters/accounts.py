"""People at the desk: their names, roles, passwords and sessions, in the database.

Nothing that would let someone in is stored as it is: passwords as argon2 hashes, the tokens of
sessions and one-time links as SHA-256. A name that nobody has costs the same time as one that
somebody has, and is locked after as many attempts.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from chatbot.adapters.attempts import Attempts
from chatbot.adapters.database import transaction
from chatbot.adapters.passwords import Passwords
from chatbot.adapters.schema_accounts import account_links, accounts, desk_sessions
from chatbot.domain import sha256_of
from chatbot.errors import BadInput, NotAllowed, NotFound
from chatbot.steps.review_item import Reviewer

if TYPE_CHECKING:
    from chatbot.adapters.audit import AuditLog

ROLES = ("reviewer", "lead", "admin", "manager", "auditor")
"""Roles that mean something everywhere; a policy may name more who sign."""
FIRST_ROLES = ("admin", "lead", "reviewer")
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
"""A session ends after this long without a deed, and at the latest after that long."""
LINK_LASTS = timedelta(hours=24)
_TOUCH = timedelta(seconds=30)
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,31}")


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who may come to the desk.

    Attributes:
        active: they have set a password, and nobody has disabled them.
    """

    name: str
    roles: frozenset[str]
    active: bool
    created_at: datetime

    @property
    def reviewer(self) -> Reviewer:
        """The same person, as the state machine of the review knows them."""
        return Reviewer(self.name, self.roles)


class Accounts:
    """Keeps accounts and says who is at the other end of a session.

    Args:
        audit: is told about every change, in the same transaction.
    """

    def __init__(
        self, engine: Engine, audit: AuditLog, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._engine = engine
        self._audit = audit
        self._clock = clock
        self._attempts = Attempts(engine)
        self._passwords = Passwords()

    def add(self, name: str, roles: Iterable[str], password: str | None = None) -> str | None:
        """A new account; without a password the token of a link by which to set one.

        Raises:
            BadInput: the name is taken or malformed, a role is unknown, the password is too short.
        """
        name, wanted = clean_name(name), _roles(roles)
        hashed = None if password is None else self._passwords.hash(password)
        with transaction(self._engine) as connection:
            self._insert(connection, name, wanted, hashed)
            token = None if hashed else self._link(connection, name)
            self._note(connection, "account-added", name, {"roles": "+".join(sorted(wanted))})
        self._audit.anchor()
        return token

    def link(self, name: str) -> str:
        """Token of a new link by which that person sets another password. Older ones are void.

        Raises:
            NotFound: nobody has that name, or they are disabled.
        """
        name = clean_name(name)
        with transaction(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
            if row is None or row.disabled:
                raise NotFound(f"There is no active account {name!r}.", "See `chatbot user list`.")
            connection.execute(delete(account_links).where(account_links.c.name == name))
            token = self._link(connection, name)
            self._note(connection, "link-made", name, {})
        self._audit.anchor()
        return token

    def first_link(self) -> str | None:
        """Token of a link that makes the first account; None when someone can log in already."""
        with transaction(self._engine) as connection:
            return None if _any_active(connection) else self._link(connection, "")

    def link_name(self, token: str) -> str | None:
        """Whose link that is; empty for the first account's, None when it does not work."""
        query = select(account_links.c.name).where(
            account_links.c.token == sha256_of(token), account_links.c.expires_at > self._clock()
        )
        with transaction(self._engine) as connection:
            return connection.scalar(query)

    def welcome(self, token: str, password: str, name: str = "") -> str:
        """Sets a password by a one-time link, which is used up; gives a session's token.

        Args:
            name: what the first account will be called; other links know whose they are.

        Raises:
            NotAllowed: the link was used, is too old, or was never made.
            BadInput: the name or the password cannot be used; the link still can.
        """
        hashed = self._passwords.hash(password)
        with transaction(self._engine) as connection:
            used = connection.execute(
                delete(account_links)
                .where(account_links.c.token == sha256_of(token))
                .returning(account_links.c.name, account_links.c.expires_at)
            ).first()
            if used is None or used.expires_at <= self._clock():
                raise NotAllowed("This link does not work any more.", "Ask for another one.")
            owner = used.name or self._first(connection, name, hashed)
            if used.name:
                change = update(accounts).where(accounts.c.name == owner, accounts.c.disabled == 0)
                if not connection.execute(change.values(password=hashed)).rowcount:
                    raise NotAllowed("This account is disabled.", "Ask whoever runs this desk.")
                connection.execute(delete(desk_sessions).where(desk_sessions.c.name == owner))
                self._note(connection, "password-set", owner, {})
            session = self._start(connection, owner)
        self._audit.anchor()
        return session

    def login(self, name: str, password: str, address: str) -> str:
        """Token of a new session.

        Args:
            address: where the attempt comes from; many failures lock it out as well.

        Raises:
            NotAllowed: name and password do not belong together, or there were too many attempts.
        """
        name = name.strip().lower()
        self._attempts.begin(name, address, self._clock())
        account = self._by_name(name)
        real = account.password if account and not account.disabled else None
        if not self._passwords.right(password, real):
            raise NotAllowed("The name or the password is wrong.", "Try again.")
        self._attempts.forget(name, address)
        with transaction(self._engine) as connection:
            still = accounts.c.password == real, accounts.c.disabled == 0
            query = select(accounts.c.name).where(accounts.c.name == name, *still)
            if connection.scalar(query) is None:
                raise NotAllowed("The name or the password is wrong.", "Try again.")
            token = self._start(connection, name)
        self._audit.anchor()
        return token

    def session(self, token: str | None, *, deed: bool = True) -> Account | None:
        """Who is at the other end; None when the session has ended.

        Args:
            deed: whether a person did something; a page that only looks keeps no session alive.
        """
        if not token:
            return None
        now = self._clock()
        key = sha256_of(token)
        query = (
            select(accounts, desk_sessions.c.started_at, desk_sessions.c.seen_at)
            .join(desk_sessions, desk_sessions.c.name == accounts.c.name)
            .where(desk_sessions.c.token == key, accounts.c.disabled == 0)
        )
        with transaction(self._engine) as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            seen = row.seen_at
            if now - seen > IDLE or now - row.started_at > LONGEST:
                return None
            if deed and now - seen > _TOUCH:
                touch = update(desk_sessions).where(desk_sessions.c.token == key)
                connection.execute(touch.values(seen_at=now))
        return _account(row)

    def logout(self, token: str) -> None:
        """Ends a session."""
        with transaction(self._engine) as connection:
            mine = desk_sessions.c.token == sha256_of(token)
            connection.execute(delete(desk_sessions).where(mine))

    def disable(self, name: str) -> None:
        """Ends someone's access and every session of theirs, at once.

        Raises:
            NotFound: nobody has that name.
        """
        name = clean_name(name)
        with transaction(self._engine) as connection:
            change = update(accounts).where(accounts.c.name == name)
            if not connection.execute(change.values(disabled=1)).rowcount:
                raise NotFound(f"There is no account {name!r}.", "See `chatbot user list`.")
            connection.execute(delete(desk_sessions).where(desk_sessions.c.name == name))
            connection.execute(delete(account_links).where(account_links.c.name == name))
            self._note(connection, "account-disabled", name, {})
        self._audit.anchor()

    def list(self) -> list[Account]:
        """Every account, by name."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.name)).all()
        return [_account(row) for row in rows]

    def get(self, name: str) -> Account:
        """One active account.

        Raises:
            NotFound: nobody who could log in has that name.
        """
        row = self._by_name(name.strip().lower())
        if row is None or row.disabled or not row.password:
            raise NotFound(f"There is no active account {name!r}.", "See `chatbot user list`.")
        return _account(row)

    def _by_name(self, name: str) -> Row[Any] | None:
        with transaction(self._engine) as connection:
            return connection.execute(select(accounts).where(accounts.c.name == name)).first()

    def _insert(
        self, connection: Connection, name: str, roles: frozenset[str], password: str | None
    ) -> None:
        made = insert(accounts).values(
            name=name,
            roles=json.dumps(sorted(roles)),
            password=password,
            disabled=0,
            created_at=self._clock(),
        )
        try:
            connection.execute(made)
        except IntegrityError as error:
            raise BadInput(
                f"There is an account {name!r} already.",
                "Choose another name, or make a link for it: `chatbot user link`.",
            ) from error

    def _first(self, connection: Connection, name: str, password: str) -> str:
        if _any_active(connection):
            raise NotAllowed("The first account was made already.", "Ask its owner for access.")
        name = clean_name(name)
        self._insert(connection, name, frozenset(FIRST_ROLES), password)
        connection.execute(delete(account_links).where(account_links.c.name == ""))
        self._note(connection, "account-added", name, {"roles": "+".join(FIRST_ROLES)})
        return name

    def _link(self, connection: Connection, name: str) -> str:
        token, until = secrets.token_urlsafe(32), self._clock() + LINK_LASTS
        row = {"token": sha256_of(token), "name": name, "expires_at": until}
        connection.execute(insert(account_links).values(row))
        return token

    def _start(self, connection: Connection, name: str) -> str:
        now, token = self._clock(), secrets.token_urlsafe(32)
        old = desk_sessions.c.started_at < now - LONGEST
        connection.execute(delete(desk_sessions).where(old))
        row = {"token": sha256_of(token), "name": name, "started_at": now, "seen_at": now}
        connection.execute(insert(desk_sessions).values(row))
        self._note(connection, "login", name, {})
        return token

    def _note(self, connection: Connection, action: str, name: str, body: dict[str, Any]) -> None:
        self._audit.append(connection, name, action, f"account:{name}", body)


def clean_name(name: str) -> str:
    """A name as it is stored.

    Raises:
        BadInput: it has characters that names do not have.
    """
    clean = name.strip().lower()
    if not _NAME.fullmatch(clean):
        raise BadInput(
            "A name has 1 to 64 letters, digits, dots, dashes, underscores or at signs, and "
            "begins with a letter or a digit.",
            "Choose another one.",
        )
    return clean


def _roles(roles: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(roles)
    if not wanted or not all(_ROLE.fullmatch(role) for role in wanted):
        raise BadInput(
            "An account has at least one role, written in small letters.",
            f"Roles are {', '.join(ROLES)}, and those that the policy names.",
        )
    return wanted


def _any_active(connection: Connection) -> bool:
    active = accounts.c.password.is_not(None), accounts.c.disabled == 0
    return bool(connection.scalar(select(func.count()).select_from(accounts).where(*active)))


def _account(row: Row[Any]) -> Account:
    active = not row.disabled and row.password is not None
    return Account(row.name, frozenset(json.loads(row.roles)), active, row.created_at)
