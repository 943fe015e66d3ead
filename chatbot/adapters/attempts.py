"""Failed attempts to log in, and how long to wait after them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from chatbot.adapters.database import writing
from chatbot.adapters.schema_accounts import login_failures
from chatbot.domain import sha256_of
from chatbot.errors import NotAllowed

FREE_BY_NAME, FREE_BY_ADDRESS = 5, 30
"""Attempts before one has to wait. An address may be a whole office's."""
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=15)
_FORGOTTEN = timedelta(days=1)


class Attempts:
    """Counts attempts by name and by address, before it is known whether they fail.

    Before, because otherwise many attempts at the same moment would all count as the first.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, name: str, address: str, now: datetime) -> None:
        """Counts one attempt.

        Raises:
            NotAllowed: there were too many; this one does not count, so waiting helps.
        """
        with writing(self._engine) as connection:
            for key, free in zip(
                _keys(name, address), (FREE_BY_NAME, FREE_BY_ADDRESS), strict=True
            ):
                self._count(connection, key, free, now)
            old = login_failures.c.at < now - _FORGOTTEN
            connection.execute(delete(login_failures).where(old))

    def forget(self, name: str, address: str) -> None:
        """The attempt went well: the name starts anew, and the address has one failure less."""
        by_name, by_address = _keys(name, address)
        with writing(self._engine) as connection:
            connection.execute(delete(login_failures).where(login_failures.c.key == by_name))
            less = update(login_failures).where(login_failures.c.key == by_address)
            connection.execute(less.values(count=login_failures.c.count - 1))

    def _count(self, connection: Connection, key: str, free: int, now: datetime) -> None:
        row = connection.execute(_counted(connection, key, now)).one()
        before = row.count_ - 1
        if before < free:
            wait = timedelta()
        else:
            wait = min(_FIRST_WAIT * 2 ** min(before - free, 10), _LONGEST_WAIT)
        until = row.at + wait
        if now < until:
            seconds = math.ceil((until - now).total_seconds())
            raise NotAllowed("There were too many attempts.", f"Try again in {seconds} seconds.")
        touch = update(login_failures).where(login_failures.c.key == key)
        connection.execute(touch.values(at=now))


def _counted(connection: Connection, key: str, now: datetime) -> Any:
    """The statement that adds one and gives the count, its row locked until the end."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    fresh = dialect.insert(login_failures).values(key=key, count=1, at=now)
    table = login_failures.c
    return fresh.on_conflict_do_update(
        index_elements=[table.key], set_={"count": table.count + 1}
    ).returning(table.count.label("count_"), table.at)


def _keys(name: str, address: str) -> tuple[str, str]:
    return sha256_of(f"name:{name}"), sha256_of(f"address:{address}")
