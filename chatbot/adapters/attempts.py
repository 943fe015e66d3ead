"""Failed attempts to log in, and how long to wait after them.

Leaky buckets, one each for a name at an address, for an address, and for a name: every attempt puts
one in, a success takes it out again, and one leaks out every five minutes. So a day's typing errors
of a whole office lock nobody out, and whoever guesses at a name from one address shuts themselves
out long before they shut out whose name it is.
"""

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

FREE, FREE_BY_ADDRESS, FREE_BY_NAME = 5, 30, 50
"""Attempts before one has to wait: at a name from one address; from an address, which may be a
whole office's; at a name from all addresses together."""
LEAK = timedelta(minutes=5)
_ROOMS = (FREE, FREE_BY_ADDRESS, FREE_BY_NAME)


class Attempts:
    """Counts attempts before it is known whether they fail.

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
            for key, room in zip(_keys(name, address), _ROOMS, strict=True):
                _count(connection, key, room, now)
            empty = login_failures.c.at < now - LEAK * max(_ROOMS)
            connection.execute(delete(login_failures).where(empty))

    def forget(self, name: str, address: str) -> None:
        """The attempt went well: it is taken out, and the name starts anew at this address."""
        both, *others = _keys(name, address)
        with writing(self._engine) as connection:
            connection.execute(delete(login_failures).where(login_failures.c.key == both))
            less = update(login_failures).where(login_failures.c.key.in_(others))
            connection.execute(less.values(count=login_failures.c.count - 1))


def _count(connection: Connection, key: str, room: int, now: datetime) -> None:
    row = connection.execute(_locked(connection, key, now)).one()
    leaked = int((now - row.at) / LEAK)
    count = max(0, row.count_ - leaked)
    since = row.at + leaked * LEAK if count else now
    if count >= room:
        seconds = math.ceil((since + LEAK - now).total_seconds())
        raise NotAllowed("There were too many attempts.", f"Try again in {seconds} seconds.")
    put_in = update(login_failures).where(login_failures.c.key == key)
    connection.execute(put_in.values(count=count + 1, at=since))


def _locked(connection: Connection, key: str, now: datetime) -> Any:
    """The statement that gives a bucket, an empty one where there was none, its row locked until
    the end. `at` is since when the next one leaks."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    fresh = dialect.insert(login_failures).values(key=key, count=0, at=now)
    table = login_failures.c
    return fresh.on_conflict_do_update(
        index_elements=[table.key], set_={"count": table.count}
    ).returning(table.count.label("count_"), table.at)


def _keys(name: str, address: str) -> tuple[str, str, str]:
    return (
        sha256_of(f"name:{name}\naddress:{address}"),
        sha256_of(f"address:{address}"),
        sha256_of(f"name:{name}"),
    )
