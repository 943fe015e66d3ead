"""People: their names, roles and passwords, and what they may read, in the database.

Nothing that would let someone in is stored as it is: passwords as argon2 hashes, the tokens of
sessions and one-time links as SHA-256. A name that nobody has costs the same time as one that
somebody has, and is locked after as many attempts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, bindparam, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from chatbot.adapters.account import (
    OPERATOR,
    Account,
    account_of,
    clean_name,
    clean_roles,
    fitting_name,
)
from chatbot.adapters.api_keys import revoke_all
from chatbot.adapters.attempts import Attempts
from chatbot.adapters.database import transaction, writing
from chatbot.adapters.groups import Groups, Unnamed
from chatbot.adapters.passwords import Passwords
from chatbot.adapters.schema_accounts import accounts
from chatbot.adapters.schema_people import account_identities
from chatbot.adapters.tokens import Links, Sessions
from chatbot.clock import Clock, utc_now
from chatbot.errors import BadInput, NotAllowed, NotFound

if TYPE_CHECKING:
    from chatbot.adapters.audit import AuditLog

FIRST_ROLES = ("admin", "lead", "reviewer")
_WRONG = ("The name or the password is wrong.", "Try again.")
_SEE = "See `chatbot user list`."
_WITH_IDENTITY = select(
    accounts,
    exists().where(account_identities.c.name == accounts.c.name).label("by_provider"),
)
_NAMED = _WITH_IDENTITY.where(accounts.c.name == bindparam("named"))


class Accounts:
    """Keeps accounts and says who is at the other end of a session.

    Args:
        audit: is told about every change, in the same transaction.
        unnamed: what becomes of a collection that no group names, see `Groups`.
    """

    def __init__(
        self, engine: Engine, audit: AuditLog, clock: Clock = utc_now, unnamed: Unnamed = "auto"
    ) -> None:
        self.groups = Groups(engine, audit, unnamed, clock)
        self._engine = engine
        self._audit = audit
        self._clock = clock
        self._attempts = Attempts(engine)
        self._passwords = Passwords()
        self._sessions = Sessions(clock)
        self._links = Links(clock)

    def add(
        self, name: str, roles: Iterable[str], password: str | None = None, by: str = OPERATOR
    ) -> str | None:
        """A new account; without a password the token of a link by which to set one.

        Args:
            by: who does it, for the audit log.

        Raises:
            BadInput: the name is taken or malformed, a role is malformed, the password too short.
        """
        name, wanted = clean_name(name), clean_roles(roles)
        hashed = None if password is None else self._passwords.hash(password)
        with writing(self._engine) as connection:
            self._insert(connection, name, wanted, hashed, by)
            token = None if hashed else self._links.make(connection, name)
        self._audit.anchor()
        return token

    def link(self, name: str, by: str = OPERATOR) -> str:
        """Token of a new link by which that person sets another password. Older ones are void.

        Args:
            by: who does it, and could use it in that person's place: the audit log names them.

        Raises:
            NotFound: nobody has that name, or they are disabled.
        """
        name = clean_name(name)
        with writing(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
            if row is None or row.disabled:
                raise NotFound(f"There is no active account {name!r}.", _SEE)
            self._links.void(connection, name)
            token = self._links.make(connection, name)
            self._note(connection, "link-made", name, by)
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

    def login_by_provider(self, issuer: str, subject: str, name: str, said: Collection[str]) -> str:
        """Token of a new session for someone whom the identity provider vouches for.

        Who they are is issuer and subject alone: a name can be given to another there. The first
        time an asker's account is made; its roles are given here afterwards.

        Args:
            name: what the account is to be called, if it is new.
            said: groups that the provider says they are in.

        Raises:
            NotAllowed: they are disabled, or the name is somebody else's here.
        """
        identity = {"issuer": issuer, "subject": subject}
        mine = [account_identities.c[key] == value for key, value in identity.items()]
        with writing(self._engine) as connection:
            owner = connection.scalar(select(account_identities.c.name).where(*mine))
            if owner is None:
                owner = self._join(connection, name, identity)
            state = select(accounts.c.disabled).where(accounts.c.name == owner)
            if connection.scalar(state):
                raise NotAllowed("This account is disabled.", "Ask whoever runs this site.")
            self.groups.follow(connection, owner, said)
            token = self._start(connection, owner)
        self._audit.anchor()
        return token

    def _join(self, connection: Connection, name: str, identity: dict[str, str]) -> str:
        """A new account for an identity. Never one that is there: whoever can choose their name at
        the provider would get in as anybody."""
        name = fitting_name(name, "\n".join(identity.values()))
        if connection.scalar(select(accounts.c.name).where(accounts.c.name == name)) is not None:
            raise NotAllowed(
                f"The name {name!r} is another account's here.",
                "Log in with its password, or ask whoever runs this site.",
            )
        self._insert(connection, name, frozenset({"asker"}), None, name)
        connection.execute(insert(account_identities).values(name=name, **identity))
        return name

    def session(self, token: str | None, *, deed: bool = True) -> Account | None:
        """Who is at the other end; None when the session has ended.

        Args:
            deed: whether a person did something; a page that only looks keeps no session alive.
        """
        if not token:
            return None
        with transaction(self._engine) as connection:
            row = self._sessions.account(connection, token)
            account = account_of(row, self.groups.reading(connection)) if row else None
        if row and deed and self._sessions.stale(row):
            with writing(self._engine) as connection:
                self._sessions.touch(connection, token)
        return account

    def logout(self, token: str) -> None:
        """Ends a session."""
        with writing(self._engine) as connection:
            self._sessions.end(connection, token)

    def disable(self, name: str, by: str = OPERATOR) -> None:
        """Ends someone's access, and every session and key of theirs, at once and for good.

        Args:
            by: who does it, for the audit log.

        Raises:
            NotFound: nobody has that name.
        """
        self._alter(name, "account-disabled", by, disabled=1)

    def enable(self, name: str, by: str = OPERATOR) -> None:
        """Lets someone in again, with the password that they had; keys have to be made anew.

        Raises:
            NotFound: nobody has that name.
        """
        self._alter(name, "account-enabled", by, disabled=0)

    def give(self, name: str, roles: Iterable[str], by: str = OPERATOR) -> None:
        """Gives someone these roles in place of the ones that they had, from their next deed on.

        Raises:
            NotFound: nobody has that name.
            BadInput: a role is malformed.
        """
        wanted = sorted(clean_roles(roles))
        self._alter(name, "roles-given", by, {"roles": wanted}, roles=json.dumps(wanted))

    def _alter(
        self, name: str, action: str, by: str, body: dict[str, Any] | None = None, **values: Any
    ) -> None:
        name = clean_name(name)
        with writing(self._engine) as connection:
            change = update(accounts).where(accounts.c.name == name)
            if not connection.execute(change.values(values)).rowcount:
                raise NotFound(f"There is no account {name!r}.", _SEE)
            if values.get("disabled"):
                self._sessions.end_all(connection, name)
                self._links.void(connection, name)
                revoke_all(connection, name, self._clock())
            self._note(connection, action, name, by, **(body or {}))
        self._audit.anchor()

    def list(self) -> list[Account]:
        """Every account, by name."""
        with transaction(self._engine) as connection:
            rows = connection.execute(_WITH_IDENTITY.order_by(accounts.c.name)).all()
            reading = self.groups.reading(connection)
            return [account_of(row, reading) for row in rows]

    def get(self, name: str) -> Account:
        """One active account.

        Raises:
            NotFound: nobody who could log in has that name.
        """
        with transaction(self._engine) as connection:
            row = connection.execute(_NAMED, {"named": name.strip().lower()}).first()
            account = account_of(row, self.groups.reading(connection)) if row else None
        if account is None or not account.active:
            raise NotFound(f"There is no active account {name!r}.", _SEE)
        return account

    def reads(self, name: str | None) -> frozenset[str] | None:
        """The collections that somebody may read today (None: all); one who is disabled, nothing.

        Args:
            name: None: somebody without an account.
        """
        if name is None:
            return self.groups.readable(None)
        with suppress(NotFound):
            return self.get(name).collections
        return frozenset()

    def _row(self, name: str) -> Row[Any] | None:
        with transaction(self._engine) as connection:
            return connection.execute(select(accounts).where(accounts.c.name == name)).first()

    def _insert(
        self,
        connection: Connection,
        name: str,
        roles: frozenset[str],
        password: str | None,
        by: str,
    ) -> None:
        if name == OPERATOR:
            raise BadInput(f"No account can be called {OPERATOR}.", "Choose another name.")
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
        self._note(connection, "account-added", name, by, roles=sorted(roles))

    def _set_password(self, connection: Connection, name: str, password: str) -> None:
        change = update(accounts).where(accounts.c.name == name, accounts.c.disabled == 0)
        if not connection.execute(change.values(password=password)).rowcount:
            raise NotAllowed("This account is disabled.", "Ask whoever runs this desk.")
        self._sessions.end_all(connection, name)
        self._note(connection, "password-set", name, name)

    def _first(self, connection: Connection, name: str, password: str) -> str:
        name = clean_name(name)
        self._insert(connection, name, frozenset(FIRST_ROLES), password, name)
        # Only now: the audit entry has locked out whoever uses another such link at this moment.
        if _any_active(connection, but=name):
            raise NotAllowed("The first account was made already.", "Ask its owner for access.")
        self._links.void(connection, "")
        return name

    def _start(self, connection: Connection, name: str) -> str:
        self._note(connection, "login", name, name)
        return self._sessions.start(connection, name)

    def _note(self, connection: Connection, action: str, name: str, by: str, **body: Any) -> None:
        self._audit.append(connection, by, action, f"account:{name}", body)


def _any_active(connection: Connection, but: str = "") -> bool:
    active = accounts.c.password.is_not(None), accounts.c.disabled == 0, accounts.c.name != but
    return bool(connection.scalar(select(func.count()).select_from(accounts).where(*active)))
