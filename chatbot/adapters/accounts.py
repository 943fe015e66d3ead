"""People at the desk: their names, roles and passwords, in the database.

Nothing that would let someone in is stored as it is: passwords as argon2 hashes, the tokens of
sessions and one-time links as SHA-256. A name that nobody has costs the same time as one that
somebody has, and is locked after as many attempts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from chatbot.adapters.attempts import Attempts
from chatbot.adapters.database import transaction, writing
from chatbot.adapters.passwords import Passwords
from chatbot.adapters.schema_accounts import accounts
from chatbot.adapters.tokens import Links, Sessions
from chatbot.clock import Clock, utc_now
from chatbot.errors import BadInput, NotAllowed, NotFound
from chatbot.steps.review_item import Reviewer

if TYPE_CHECKING:
    from chatbot.adapters.audit import AuditLog

ROLES = ("reviewer", "lead", "admin", "manager", "auditor")
"""Roles that mean something everywhere; a policy may name more who sign."""
FIRST_ROLES = ("admin", "lead", "reviewer")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_WRONG = ("The name or the password is wrong.", "Try again.")
_SEE = "See `chatbot user list`."


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

    def __init__(self, engine: Engine, audit: AuditLog, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._audit = audit
        self._clock = clock
        self._attempts = Attempts(engine)
        self._passwords = Passwords()
        self._sessions = Sessions(clock)
        self._links = Links(clock)

    def add(self, name: str, roles: Iterable[str], password: str | None = None) -> str | None:
        """A new account; without a password the token of a link by which to set one.

        Raises:
            BadInput: the name is taken or malformed, a role is malformed, the password too short.
        """
        name, wanted = _clean_name(name), _clean_roles(roles)
        hashed = None if password is None else self._passwords.hash(password)
        with writing(self._engine) as connection:
            self._insert(connection, name, wanted, hashed)
            token = None if hashed else self._links.make(connection, name)
        self._audit.anchor()
        return token

    def link(self, name: str) -> str:
        """Token of a new link by which that person sets another password. Older ones are void.

        Raises:
            NotFound: nobody has that name, or they are disabled.
        """
        name = _clean_name(name)
        with writing(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
            if row is None or row.disabled:
                raise NotFound(f"There is no active account {name!r}.", _SEE)
            self._links.void(connection, name)
            token = self._links.make(connection, name)
            self._note(connection, "link-made", name)
        self._audit.anchor()
        return token

    def first_link(self) -> str | None:
        """Token of a link that makes the first account; None when someone can log in already."""
        with writing(self._engine) as connection:
            return None if _any_active(connection) else self._links.make(connection, "")

    def link_name(self, token: str) -> str | None:
        """Whose link that is; empty for the first account's, None when it does not work."""
        with transaction(self._engine) as connection:
            return self._links.name_of(connection, token)

    def welcome(self, token: str, password: str, name: str = "") -> str:
        """Sets a password by a one-time link, which is used up; gives a session's token.

        Args:
            name: what the first account will be called; other links know whose they are.

        Raises:
            NotAllowed: the link was used, is too old, or was never made.
            BadInput: the name or the password cannot be used; the link still can.
        """
        hashed = self._passwords.hash(password)
        with writing(self._engine) as connection:
            owner = self._links.use(connection, token)
            if owner:
                self._set_password(connection, owner, hashed)
            else:
                owner = self._first(connection, name, hashed)
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
        row = self._row(name)
        real = row.password if row and not row.disabled else None
        if not self._passwords.right(password, real):
            raise NotAllowed(*_WRONG)
        self._attempts.forget(name, address)
        with writing(self._engine) as connection:
            # Comparing takes time, in which the account may have been disabled.
            still = accounts.c.password == real, accounts.c.disabled == 0
            query = select(accounts.c.name).where(accounts.c.name == name, *still)
            if connection.scalar(query) is None:
                raise NotAllowed(*_WRONG)
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
        with transaction(self._engine) as connection:
            row = self._sessions.account(connection, token)
        if row and deed and self._sessions.stale(row):
            with writing(self._engine) as connection:
                self._sessions.touch(connection, token)
        return _account(row) if row else None

    def logout(self, token: str) -> None:
        """Ends a session."""
        with writing(self._engine) as connection:
            self._sessions.end(connection, token)

    def disable(self, name: str) -> None:
        """Ends someone's access and every session of theirs, at once.

        Raises:
            NotFound: nobody has that name.
        """
        name = _clean_name(name)
        with writing(self._engine) as connection:
            change = update(accounts).where(accounts.c.name == name)
            if not connection.execute(change.values(disabled=1)).rowcount:
                raise NotFound(f"There is no account {name!r}.", _SEE)
            self._sessions.end_all(connection, name)
            self._links.void(connection, name)
            self._note(connection, "account-disabled", name)
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
        row = self._row(name.strip().lower())
        if row is None or row.disabled or not row.password:
            raise NotFound(f"There is no active account {name!r}.", _SEE)
        return _account(row)

    def _row(self, name: str) -> Row[Any] | None:
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
        self._note(connection, "account-added", name, roles=sorted(roles))

    def _set_password(self, connection: Connection, name: str, password: str) -> None:
        change = update(accounts).where(accounts.c.name == name, accounts.c.disabled == 0)
        if not connection.execute(change.values(password=password)).rowcount:
            raise NotAllowed("This account is disabled.", "Ask whoever runs this desk.")
        self._sessions.end_all(connection, name)
        self._note(connection, "password-set", name)

    def _first(self, connection: Connection, name: str, password: str) -> str:
        name = _clean_name(name)
        self._insert(connection, name, frozenset(FIRST_ROLES), password)
        # Only now: the audit entry has locked out whoever uses another such link at this moment.
        if _any_active(connection, but=name):
            raise NotAllowed("The first account was made already.", "Ask its owner for access.")
        self._links.void(connection, "")
        return name

    def _start(self, connection: Connection, name: str) -> str:
        self._note(connection, "login", name)
        return self._sessions.start(connection, name)

    def _note(self, connection: Connection, action: str, name: str, **body: Any) -> None:
        self._audit.append(connection, name, action, f"account:{name}", body)


def _clean_name(name: str) -> str:
    clean = name.strip().lower()
    if not _NAME.fullmatch(clean):
        raise BadInput(
            "A name has 1 to 64 letters, digits, dots, dashes, underscores or at signs, and "
            "begins with a letter or a digit.",
            "Choose another one.",
        )
    return clean


def _clean_roles(roles: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(roles)
    if not wanted or not all(_ROLE.fullmatch(role) for role in wanted):
        raise BadInput(
            "An account has at least one role, written in small letters.",
            f"Roles are {', '.join(ROLES)}, and those that the policy names.",
        )
    return wanted


def _any_active(connection: Connection, but: str = "") -> bool:
    active = accounts.c.password.is_not(None), accounts.c.disabled == 0, accounts.c.name != but
    return bool(connection.scalar(select(func.count()).select_from(accounts).where(*active)))


def _account(row: Row[Any]) -> Account:
    active = not row.disabled and row.password is not None
    return Account(row.name, frozenset(json.loads(row.roles)), active, row.created_at)
