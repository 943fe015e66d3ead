"""Sessions and links that work once: random tokens, of which only SHA-256s are kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, literal, select, update

from chatbot.adapters.schema_accounts import account_links, accounts, desk_sessions
from chatbot.domain import sha256_of
from chatbot.errors import NotAllowed

IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
"""A session ends after this long without a deed, and at the latest after that long."""
LINK_LASTS = timedelta(hours=24)
_TOUCH = timedelta(
    seconds=30
)  # a deed is noted this often at most: writing costs more than reading

Clock = Callable[[], datetime]


class Sessions:
    """Who is logged in. Each method works in the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def start(self, connection: Connection, name: str) -> str:
        """Token of a new session; those of others that are long over are cleared away."""
        now, token = self._clock(), secrets.token_urlsafe(32)
        old = desk_sessions.c.started_at < now - LONGEST
        connection.execute(delete(desk_sessions).where(old))
        row = {"token": sha256_of(token), "name": name, "started_at": now, "seen_at": now}
        connection.execute(insert(desk_sessions).values(row))
        return token

    def account(self, connection: Connection, token: str) -> Row[Any] | None:
        """The row of the account whose session that is; None when it has ended."""
        now = self._clock()
        query = (
            select(
                accounts,
                desk_sessions.c.started_at,
                desk_sessions.c.seen_at,
                literal(True).label("by_provider"),  # who has a session can log in
            )
            .join(desk_sessions, desk_sessions.c.name == accounts.c.name)
            .where(desk_sessions.c.token == sha256_of(token), accounts.c.disabled == 0)
        )
        row = connection.execute(query).first()
        if row is None or now - row.seen_at > IDLE or now - row.started_at > LONGEST:
            return None
        return row

    def stale(self, row: Row[Any]) -> bool:
        """Whether a deed in the session that gave this row should be noted."""
        return bool(self._clock() - row.seen_at > _TOUCH)

    def touch(self, connection: Connection, token: str) -> None:
        """Notes that the person did something, which keeps the session alive."""
        mine = desk_sessions.c.token == sha256_of(token)
        connection.execute(update(desk_sessions).where(mine).values(seen_at=self._clock()))

    def end(self, connection: Connection, token: str) -> None:
        """Ends one session."""
        mine = desk_sessions.c.token == sha256_of(token)
        connection.execute(delete(desk_sessions).where(mine))

    def end_all(self, connection: Connection, name: str) -> None:
        """Ends every session of one account."""
        connection.execute(delete(desk_sessions).where(desk_sessions.c.name == name))


class Links:
    """Links that work once. Each method works in the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def make(self, connection: Connection, name: str) -> str:
        """Token of a new link for that account; for the first account when the name is empty."""
        token, until = secrets.token_urlsafe(32), self._clock() + LINK_LASTS
        row = {"token": sha256_of(token), "name": name, "expires_at": until}
        connection.execute(insert(account_links).values(row))
        return token

    def name_of(self, connection: Connection, token: str) -> str | None:
        """Whose link that is; None when it does not work."""
        works = account_links.c.expires_at > self._clock()
        query = select(account_links.c.name).where(account_links.c.token == sha256_of(token), works)
        return connection.scalar(query)

    def use(self, connection: Connection, token: str) -> str:
        """Uses a link up; gives whose it was.

        Raises:
            NotAllowed: it was used, is too old, or was never made.
        """
        used = connection.execute(
            delete(account_links)
            .where(account_links.c.token == sha256_of(token))
            .returning(account_links.c.name, account_links.c.expires_at)
        ).first()
        if used is None or used.expires_at <= self._clock():
            raise NotAllowed("This link does not work any more.", "Ask for another one.")
        return str(used.name)

    def void(self, connection: Connection, name: str) -> None:
        """Takes back every link of one account."""
        connection.execute(delete(account_links).where(account_links.c.name == name))
