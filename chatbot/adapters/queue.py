"""The review queue in the database, on SQLite and PostgreSQL alike.

`steps.review` decides what may become of an item; here its row is locked, the decision is written
where nothing has changed meanwhile, and the audit entry and the messages to the asker go into the
same transaction. The audit log is anchored before the caller hears of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, or_, select
from sqlalchemy.exc import IntegrityError

from chatbot.adapters import queue_rows
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import transaction, writing
from chatbot.adapters.faq import stop_entries
from chatbot.adapters.outbox_rows import CHAT, post
from chatbot.adapters.queue_recall import Given, given, origin_of, to_be_told
from chatbot.adapters.queue_rows import ORDER
from chatbot.adapters.queue_views import QueueViews, existing, load
from chatbot.adapters.schema import documents
from chatbot.adapters.schema_review import review_items, review_sources
from chatbot.clock import Clock, utc_now
from chatbot.errors import NotAllowed
from chatbot.steps import review
from chatbot.steps.review_item import OPEN, Reviewer, ReviewItem, State

Change = Callable[[ReviewItem, datetime], ReviewItem]
SYSTEM = "system"
_EXPIRED_AT_ONCE = 100


class ReviewQueue(QueueViews):
    """Keeps review items.

    Args:
        channels: ways by which an asker is told, besides the page: `webhook`, `email`.
    """

    def __init__(
        self,
        engine: Engine,
        audit: AuditLog,
        clock: Clock = utc_now,
        channels: Collection[str] = (),
    ) -> None:
        super().__init__(engine, clock)
        self.audit = audit
        self.channels = channels

    def submit(
        self, item: ReviewItem, also: Callable[[Connection], None] | None = None
    ) -> ReviewItem:
        """Keeps a new item; the same one again changes nothing and gives what there is.

        Args:
            also: writes what belongs to it, in the same transaction.

        Raises:
            NotAllowed: the item has been worked on already, so it did not come through the queue.
        """
        if item.state is not State.PENDING or item.version or item.signatures or item.delivered:
            raise NotAllowed("Only a new item can be submitted.", "Change it through the queue.")
        try:
            with self._writing() as connection:
                if found := load(connection, item.id):
                    return found
                queue_rows.put(connection, item)
                self._note(connection, item, "asker", "submit", {"category": item.category})
                if also is not None:
                    also(connection)
        except IntegrityError:  # on PostgreSQL another one may have come first
            return self.get(item.id)
        return item

    def apply(
        self,
        item_id: str,
        actor: str,
        action: str,
        change: Change,
        *,
        about: Mapping[str, Any] | None = None,
    ) -> ReviewItem:
        """Changes an item: all of it, with its audit entry and messages, or nothing.

        Args:
            change: gives the item as it shall be, from what it is and the time; it may be called
                with the row locked, so it must not wait for anything.
            about: codes and ids for the audit entry.

        Raises:
            NotFound: there is none of that id.
            NotAllowed: `change` does not allow it.
        """
        with self._writing() as connection:
            before = existing(load(connection, item_id, lock=True))
            after = change(before, self.clock())
            self._save(connection, before, after, actor, action, about or {})
        return after

    def claim_next(
        self,
        reviewer: Reviewer,
        lease: timedelta,
        categories: Collection[str] | None = None,
        asker: str | None = None,
    ) -> ReviewItem | None:
        """The most urgent item that this person may decide, claimed for them; None: there is none.

        Args:
            categories: only those; None: any.
            asker: who they are as one who asks: what they asked themselves is another's to decide.
        """
        refused: list[str] = []
        with self._writing() as connection:
            while True:
                now = self.clock()
                query = _next(reviewer, categories, now, refused)
                found = connection.execute(query.with_for_update(skip_locked=True)).first()
                if found is None:
                    return None
                item = existing(load(connection, found.id))
                if item.owner != asker and not review.may_review(item, reviewer):
                    claimed = review.claim(item, reviewer, now, lease)
                    self._save(connection, item, claimed, reviewer.id, "claim", {})
                    return claimed
                refused.append(item.id)

    def deliver(self, item_id: str) -> ReviewItem:
        """Hands a decision to the asker; where a source has changed, sends it back instead.

        The sources are read in the same transaction, so that none can change in between.

        Raises:
            NotFound: there is none of that id.
            NotAllowed: there is no decision, or it can still be taken back.
        """
        with self._writing() as connection:
            item = existing(load(connection, item_id, lock=True))
            now = self.clock()
            sources = _current_sources(connection, item, now)
            stale = item.state in (State.APPROVED, State.EDITED) and item.kind == "answer"
            if stale and not review.is_current(item, sources):
                after, action = review.outdate(item, now), "outdate"
            else:
                after, action = review.deliver(item, sources, now), "deliver"
            self._save(connection, item, after, SYSTEM, action, {})
        return after

    def outdate_sources(self, document_ids: Collection[str]) -> list[str]:
        """Sends back what rests on those documents and not on them as they are now; gives the ids.

        What was delivered stays delivered.
        """
        states = [*OPEN, State.APPROVED, State.EDITED]
        query = (
            select(review_items.c.id)
            .join(review_sources, review_sources.c.item_id == review_items.c.id)
            .where(review_sources.c.document_id.in_(document_ids))
            .where(review_items.c.state.in_(states), review_items.c.kind == "answer")
            .distinct()
        )
        with transaction(self.engine) as connection:
            ids = list(connection.scalars(query))
        return [item_id for item_id in ids if self._outdated(item_id)]

    def expire_old(self, after: timedelta) -> list[str]:
        """Gives up on what nobody decided in that time, a hundred at most; gives the ids."""
        old = review_items.c.created_at <= self.clock() - after
        lease = review_items.c.lease_until
        free = or_(lease.is_(None), lease <= self.clock())
        query = select(review_items.c.id).where(review_items.c.open == 1, old, free)
        with transaction(self.engine) as connection:
            ids = list(connection.scalars(query.limit(_EXPIRED_AT_ONCE)))
        expired = []
        for item_id in ids:
            with suppress(NotAllowed):  # someone has just claimed or decided it
                self.apply(item_id, SYSTEM, "expire", lambda i, now: review.expire(i, now, after))
                expired.append(item_id)
        return expired

    def _outdated(self, item_id: str) -> bool:
        with suppress(NotAllowed), self._writing() as connection:
            item = existing(load(connection, item_id, lock=True))
            now = self.clock()
            if item.outdated or review.is_current(item, _current_sources(connection, item, now)):
                return False
            after = review.outdate(item, now)
            self._save(connection, item, after, SYSTEM, "outdate", {})
            return True
        return False

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction; what was done in it is anchored before anyone hears of it."""
        with writing(self.engine) as connection:
            yield connection
        self.audit.anchor()

    def _save(
        self,
        connection: Connection,
        before: ReviewItem,
        after: ReviewItem,
        actor: str,
        action: str,
        about: Mapping[str, Any],
    ) -> None:
        recalled = after.state is State.RECALLED and before.state is not State.RECALLED
        others = self._given_as_well(connection, after, actor) if recalled else []
        self._write(connection, before, after, actor, action, about)
        if recalled:
            for other, new in to_be_told(connection, after, others):
                if new:
                    queue_rows.put(connection, other)
                told = review.recall_with(other, after)
                self._write(connection, other, told, actor, "recall", {"with": after.record})

    def _given_as_well(self, connection: Connection, item: ReviewItem, actor: str) -> list[Given]:
        """Who else was given that answer; entries of the FAQ that repeat it are stopped."""
        origin = origin_of(connection, item)
        first = given(connection, {origin})
        same = {item.record, origin, *(row.id for row in first)}
        entries = stop_entries(connection, self.audit, same, actor, self.clock())
        return given(connection, {origin, *entries}) if entries else first

    def _write(
        self,
        connection: Connection,
        before: ReviewItem,
        after: ReviewItem,
        actor: str,
        action: str,
        about: Mapping[str, Any],
    ) -> None:
        if after.id != before.id or after.version <= before.version or after.fence < before.fence:
            raise ValueError("a change must keep the item's id and count its version up")
        if not queue_rows.replace(connection, before, after):
            raise NotAllowed("The item was changed by someone else.", "Reload it.")
        self._note(connection, after, actor, action, {"from": before.state.value, **about})
        post(connection, before, after, (CHAT, *self.channels), self.clock())

    def _note(
        self,
        connection: Connection,
        item: ReviewItem,
        actor: str,
        action: str,
        about: Mapping[str, Any],
    ) -> None:
        body = {
            **about,
            "item": item.id,
            "state": item.state.value,
            "version": item.version,
            "fence": item.fence,
            "answer": item.answer.sha256 if item.answer else None,
        }
        self.audit.append(connection, actor, action, item.record, body)


def _next(
    reviewer: Reviewer, categories: Collection[str] | None, now: datetime, refused: list[str]
) -> Select[Any]:
    lease = review_items.c.lease_until
    query = select(review_items.c.id).where(
        queue_rows.takeable(reviewer, categories), or_(lease.is_(None), lease <= now)
    )
    if refused:
        query = query.where(review_items.c.id.not_in(refused))
    return query.order_by(*ORDER).limit(1)


def _current_sources(connection: Connection, item: ReviewItem, now: datetime) -> dict[str, str]:
    """Id → version of the item's documents that count today; they stay so until the commit."""
    wanted = {document for document, _ in item.answer.sources} if item.answer else set()
    query = select(
        documents.c.id, documents.c.version, documents.c.effective, documents.c.expires
    ).where(documents.c.id.in_(sorted(wanted)))
    today = now.astimezone(UTC).date()
    return {
        row.id: row.version
        for row in connection.execute(query.with_for_update(read=True))
        if not (row.effective and today < row.effective)
        and not (row.expires and today > row.expires)
    }
