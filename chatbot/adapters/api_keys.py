"""Keys by which programs ask, in the database. A key is shown once; what is kept is its SHA-256.

A plain hash is enough: a key is 256 random bits, which nobody tries out, unlike a password.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, bindparam, insert, select, update

from chatbot.adapters.account import OPERATOR
from chatbot.adapters.database import transaction, writing
from chatbot.adapters.schema_accounts import accounts
from chatbot.adapters.schema_keys import api_keys
from chatbot.clock import Clock, utc_now
from chatbot.domain import Person, sha256_of
from chatbot.errors import BadInput, NotFound

if TYPE_CHECKING:
    from chatbot.adapters.audit import AuditLog

SCOPES = ("ask", "history", "feedback")
PREFIX = "csk"
"""What scanners for forgotten secrets can look for."""
_SHAPE = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}")
_NOBODY = sha256_of("")
_TOUCH = timedelta(minutes=1)  # a use is noted this often at most: writing costs more than reading
_SEE = "See `chatbot key list`."


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; not the key.

    Attributes:
        owner: the account that answers for it.
        scopes: what it may be used for, of `SCOPES`.
        collections: what it may read; None means everything.
        used_at: when it was last used, to the minute.
        active: it works: neither revoked nor too old, and its owner is not disabled.
    """

    id: str
    name: str
    owner: str
    scopes: frozenset[str]
    collections: frozenset[str] | None
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    active: bool

    @property
    def person(self) -> Person:
        """Who asks with it. By the owner's account, nobody signs what their own key asked."""
        return Person(f"key-{self.id}", self.collections, self.owner)


class ApiKeys:
    """Keeps keys and says which one was shown.

    Args:
        audit: is told about every change, in the same transaction.
    """

    def __init__(self, engine: Engine, audit: AuditLog, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._audit = audit
        self._clock = clock

    def add(
        self,
        name: str,
        owner: str,
        scopes: Iterable[str],
        collections: Iterable[str] | None = None,
        lasts: timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key, and the only sight of the key itself.

        Args:
            lasts: how long it works; None: until it is revoked.

        Raises:
            BadInput: the name or a scope cannot be used.
            NotFound: there is no such account, or it is disabled.
        """
        wanted = _scopes(scopes)
        name, owner = _name(name), owner.strip().lower()
        identity, now = secrets.token_hex(6), self._clock()
        token = f"{PREFIX}_{identity}_{secrets.token_urlsafe(32)}"
        allowed = None if collections is None else sorted(set(collections))
        row = {
            "id": identity,
            "name": name,
            "owner": owner,
            "hash": sha256_of(token),
            "scopes": json.dumps(sorted(wanted)),
            "collections": None if allowed is None else json.dumps(allowed),
            "created_at": now,
            "expires_at": None if lasts is None else now + lasts,
        }
        with writing(self._engine) as connection:
            active = accounts.c.name == owner, accounts.c.disabled == 0
            if connection.scalar(select(accounts.c.name).where(*active)) is None:
                raise NotFound(f"There is no active account {owner!r}.", "See `chatbot user list`.")
            connection.execute(insert(api_keys).values(row))
            body = {"name": name, "owner": owner, "scopes": sorted(wanted), "collections": allowed}
            self._note(connection, OPERATOR, "key-added", identity, **body)
            found = self._row(connection, identity)
        assert found is not None
        self._audit.anchor()
        return self._key(found), token

    def revoke(self, identity: str, actor: str = OPERATOR) -> None:
        """A key works no more, from this moment on.

        Raises:
            NotFound: there is none of that id, or it was revoked before.
        """
        with writing(self._engine) as connection:
            mine = api_keys.c.id == identity, api_keys.c.revoked_at.is_(None)
            change = update(api_keys).where(*mine).values(revoked_at=self._clock())
            if not connection.execute(change).rowcount:
                raise NotFound(f"There is no key {identity!r} that works.", _SEE)
            self._note(connection, actor, "key-revoked", identity)
        self._audit.anchor()

    def list(self) -> list[ApiKey]:
        """Every key, oldest first, those that work no more as well."""
        with transaction(self._engine) as connection:
            rows = connection.execute(_ALL.order_by(api_keys.c.created_at, api_keys.c.id)).all()
        return [self._key(row) for row in rows]

    def find(self, token: str) -> ApiKey | None:
        """The key that was shown, where it works; None for every other text.

        Whether an id is unknown or its secret wrong cannot be told by the time that this takes.
        """
        shaped = _SHAPE.fullmatch(token)
        with transaction(self._engine) as connection:
            row = self._row(connection, shaped[1] if shaped else "")
        same = hmac.compare_digest(sha256_of(token), row.hash if row else _NOBODY)
        if row is None or not same:
            return None
        key = self._key(row)
        if not key.active:
            return None
        self._touch(key)
        return key

    def _touch(self, key: ApiKey) -> None:
        now = self._clock()
        if key.used_at is None or now - key.used_at > _TOUCH:
            with writing(self._engine) as connection:
                mine = api_keys.c.id == key.id
                connection.execute(update(api_keys).where(mine).values(used_at=now))

    def _row(self, connection: Connection, identity: str) -> Row[Any] | None:
        return connection.execute(_ONE, {"identity": identity}).first()

    def _key(self, row: Row[Any]) -> ApiKey:
        over = row.expires_at is not None and row.expires_at <= self._clock()
        return ApiKey(
            row.id,
            row.name,
            row.owner,
            frozenset(json.loads(row.scopes)),
            None if row.collections is None else frozenset(json.loads(row.collections)),
            row.created_at,
            row.used_at,
            row.expires_at,
            active=not (over or row.revoked_at or row.disabled),
        )

    def _note(
        self, connection: Connection, actor: str, action: str, identity: str, **body: Any
    ) -> None:
        self._audit.append(connection, actor, action, f"key:{identity}", body)


def revoke_all(connection: Connection, owner: str, now: datetime) -> None:
    """No key of that account works any more."""
    theirs = api_keys.c.owner == owner, api_keys.c.revoked_at.is_(None)
    connection.execute(update(api_keys).where(*theirs).values(revoked_at=now))


_ALL = select(api_keys, accounts.c.disabled).join(accounts, accounts.c.name == api_keys.c.owner)
_ONE = _ALL.where(api_keys.c.id == bindparam("identity"))


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not 1 <= len(clean) <= 64:
        raise BadInput("A key's name has 1 to 64 characters.", "Say what it is for: `website`.")
    return clean


def _scopes(scopes: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(scopes)
    if not wanted or wanted - set(SCOPES):
        unknown = ", ".join(sorted(wanted - set(SCOPES))) or "nothing"
        raise BadInput(f"A key cannot be for {unknown}.", f"Scopes are {', '.join(SCOPES)}.")
    return wanted
