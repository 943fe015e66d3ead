"""Groups: who reads which collections, in the database.

A collection that a group names is for that group's members. What becomes of one that no group
names is the setting's to say: see `rights.may_read` and docs/adr/0029.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Engine, delete, insert, select

from chatbot.adapters.database import transaction, writing
from chatbot.adapters.schema import documents
from chatbot.adapters.schema_accounts import accounts
from chatbot.adapters.schema_people import group_collections, group_members, groups
from chatbot.clock import Clock, utc_now
from chatbot.errors import BadInput, NotFound
from chatbot.steps.rights import EVERYONE, Right, may_read, rights_of

if TYPE_CHECKING:
    from chatbot.adapters.audit import AuditLog

Unnamed = Literal["auto", "open", "closed"]
_NAME = re.compile(r"[\w][\w .:/@+-]{0,63}")
_SEE = "See `chatbot group list`."
_GRANTS = select(groups.c.name, group_collections.c.collection).outerjoin(group_collections)


@dataclass(frozen=True, slots=True)
class Group:
    """Who reads what.

    Attributes:
        members: names of accounts; of `everyone`: none, since all are in it.
    """

    name: str
    collections: tuple[str, ...]
    members: tuple[str, ...]


class Reading:
    """What people may read at one moment: the groups, read once."""

    def __init__(self, connection: Connection, unnamed: Unnamed) -> None:
        self._grants: dict[str, list[str]] = defaultdict(list)
        for row in connection.execute(_GRANTS):
            self._grants[row.name] += [row.collection] if row.collection is not None else []
        self._open = unnamed == "open" or (unnamed == "auto" and not self._grants)
        self._connection = connection

    def of(self, name: str | None, roles: Iterable[str] = ()) -> frozenset[str] | None:
        """The collections that somebody may read; None: every one.

        Args:
            name: their account; None: they have none.
        """
        if Right.EVERY_COLLECTION in rights_of(roles):
            return None
        return may_read(self._groups(name), self._grants, self._known(), unnamed=self._open)

    def _groups(self, name: str | None) -> Collection[str]:
        if name is None or not self._grants:
            return ()
        mine = select(group_members.c.group_name).where(group_members.c.account == name)
        return self._connection.scalars(mine).all()

    def _known(self) -> Collection[str]:
        """Every collection; not asked for where it makes no difference."""
        if not (self._open and any(self._grants.values())):
            return ()
        return self._connection.scalars(select(documents.c.collection).distinct()).all()

    def closed(self) -> list[str]:
        """The collections that nobody reads but those who read all of them."""
        known = self._connection.scalars(select(documents.c.collection).distinct()).all()
        named = {c for collections in self._grants.values() for c in collections}
        return [] if self._open else sorted(set(known) - named)


class Groups:
    """Keeps groups.

    Args:
        audit: is told about every change, in the same transaction.
        unnamed: what becomes of a collection that no group names; `auto`: it is open until the
            first group is made.
    """

    def __init__(
        self, engine: Engine, audit: AuditLog, unnamed: Unnamed = "auto", clock: Clock = utc_now
    ) -> None:
        self._engine = engine
        self._audit = audit
        self._unnamed = unnamed
        self._clock = clock

    def reading(self, connection: Connection) -> Reading:
        """What people may read, as that transaction sees it."""
        return Reading(connection, self._unnamed)

    def readable(self, name: str | None, roles: Iterable[str] = ()) -> frozenset[str] | None:
        """The collections that somebody may read now; None: every one."""
        with transaction(self._engine) as connection:
            return self.reading(connection).of(name, roles)

    def closed(self) -> list[str]:
        """The collections that are in no group and therefore closed."""
        with transaction(self._engine) as connection:
            return self.reading(connection).closed()

    def collections(self) -> list[str]:
        """Every collection that documents lie in, by name."""
        with transaction(self._engine) as connection:
            return sorted(connection.scalars(select(documents.c.collection).distinct()))

    def list(self) -> list[Group]:
        """Every group, by name."""
        with transaction(self._engine) as connection:
            names = connection.scalars(select(groups.c.name).order_by(groups.c.name)).all()
            reads = _by_group(connection, group_collections.c.collection)
            members = _by_group(connection, group_members.c.account)
        return [Group(n, tuple(reads.get(n, ())), tuple(members.get(n, ()))) for n in names]

    def add(self, name: str, by: str) -> None:
        """A new group. The first one also makes `everyone`, which stays: with `auto`, what was
        closed by the first group is not opened again by removing the last.

        Raises:
            BadInput: the name is taken or malformed.
        """
        clean = name.strip()
        if not _NAME.fullmatch(clean):
            raise BadInput("A group has a name of 1 to 64 letters and digits.", "Choose another.")

        def make(connection: Connection) -> None:
            there = set(connection.scalars(select(groups.c.name)))
            if clean in there and clean != EVERYONE:
                raise BadInput(f"There is a group {clean!r} already.", _SEE)
            for new in {clean, EVERYONE} - there:
                row = {"name": new, "created_at": self._clock()}
                connection.execute(insert(groups).values(row))

        self._change(by, "group-added", clean, make)

    def remove(self, name: str, by: str) -> None:
        """Takes a group away, with what it reads and who is in it.

        Raises:
            BadInput: it is `everyone`, which stays.
            NotFound: there is none of that name.
        """
        if name == EVERYONE:
            raise BadInput(f"The group {EVERYONE!r} stays.", "Revoke what it reads instead.")
        self._change(
            by, "group-removed", name,
            lambda c: c.execute(delete(groups).where(groups.c.name == name)), there=True,
        )  # fmt: skip

    def grant(self, name: str, collection: str, by: str) -> None:
        """Lets a group read a collection, which from now on is for groups alone.

        Raises:
            NotFound: there is no such group.
        """
        row = {"group_name": name, "collection": collection}
        self._change(
            by, "group-granted", name, lambda c: _put(c, group_collections, row), collection,
            there=True,
        )  # fmt: skip

    def revoke(self, name: str, collection: str, by: str) -> None:
        """Takes a collection from a group.

        Raises:
            NotFound: there is no such group, or it does not read that.
        """
        mine = group_collections.c.group_name == name, group_collections.c.collection == collection

        def take(connection: Connection) -> None:
            if not connection.execute(delete(group_collections).where(*mine)).rowcount:
                raise NotFound(f"The group {name!r} does not read {collection!r}.", _SEE)

        self._change(by, "group-revoked", name, take, collection, there=True)

    def join(self, name: str, account: str, by: str) -> None:
        """Puts somebody into a group; the identity provider cannot take that back.

        Raises:
            NotFound: there is no such group, or no such account.
        """

        def put(connection: Connection) -> None:
            if connection.scalar(select(accounts.c.name).where(accounts.c.name == account)) is None:
                raise NotFound(f"There is no account {account!r}.", "See `chatbot user list`.")
            connection.execute(delete(group_members).where(*_member(name, account)))
            row = {"group_name": name, "account": account, "by_provider": 0}
            connection.execute(insert(group_members).values(row))

        if name == EVERYONE:
            raise BadInput(f"Everybody is in {EVERYONE!r}.", "Choose another group.")
        self._change(by, "group-joined", name, put, account, there=True)

    def leave(self, name: str, account: str, by: str) -> None:
        """Takes somebody out of a group.

        Raises:
            NotFound: there is no such group, or they are not in it.
        """

        def take(connection: Connection) -> None:
            gone = delete(group_members).where(*_member(name, account))
            if not connection.execute(gone).rowcount:
                raise NotFound(f"{account!r} is not in the group {name!r}.", _SEE)

        self._change(by, "group-left", name, take, account, there=True)

    def follow(self, connection: Connection, account: str, said: Collection[str]) -> None:
        """Makes memberships what the identity provider says, in the caller's transaction.

        Groups that do not exist here are passed over; what was given here by hand stays.
        """
        theirs = set(connection.scalars(select(groups.c.name))) & set(said) - {EVERYONE}
        mine = group_members.c.account == account
        old = delete(group_members).where(mine, group_members.c.by_provider == 1)
        connection.execute(old)
        kept = set(connection.scalars(select(group_members.c.group_name).where(mine)))
        for name in sorted(theirs - kept):
            row = {"group_name": name, "account": account, "by_provider": 1}
            connection.execute(insert(group_members).values(row))

    def _change(
        self,
        by: str,
        action: str,
        name: str,
        change: Callable[[Connection], Any],
        about: str = "",
        *,
        there: bool = False,
    ) -> None:
        """One change, with its audit entry, in one transaction."""
        with writing(self._engine) as connection:
            found = connection.scalar(select(groups.c.name).where(groups.c.name == name))
            if there and found is None:
                raise NotFound(f"There is no group {name!r}.", _SEE)
            change(connection)
            body = {"about": about} if about else {}
            self._audit.append(connection, by, action, f"group:{name}", body)
        self._audit.anchor()


def _member(name: str, account: str) -> tuple[Any, Any]:
    return group_members.c.group_name == name, group_members.c.account == account


def _put(connection: Connection, table: Any, row: dict[str, str]) -> None:
    """The row, once."""
    same = [table.c[key] == value for key, value in row.items()]
    connection.execute(delete(table).where(*same))
    connection.execute(insert(table).values(row))


def _by_group(connection: Connection, column: Any) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in connection.execute(
        select(column.table.c.group_name, column).order_by(column)
    ):
        found[name].append(value)
    return found
