"""What can be asked of the review queue without changing it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, or_, select, tuple_

from chatbot.adapters import queue_figures
from chatbot.adapters.database import transaction
from chatbot.adapters.queue_rows import BODIES, ORDER, bodies, plain
from chatbot.adapters.schema_review import review_bodies, review_items
from chatbot.clock import Clock, utc_now
from chatbot.errors import NotFound
from chatbot.steps.review_item import OPEN, SIGNED, ReviewItem, State
from chatbot.steps.words import content_stems

_RECENT_SIGNED = 1000
_FOUND_AT_MOST = 10_000


class QueueViews:
    """Reads the queue. `ReviewQueue` adds what changes it."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self.engine = engine
        self.clock = clock

    def get(self, item_id: str) -> ReviewItem:
        """One item.

        Raises:
            NotFound: there is none of that id.
        """
        with transaction(self.engine) as connection:
            return existing(load(connection, item_id))

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of decided items that can no longer be taken back, the longest waiting first."""
        query = select(review_items.c.id).where(review_items.c.deliver_after <= now)
        with transaction(self.engine) as connection:
            return list(
                connection.scalars(query.order_by(review_items.c.deliver_after).limit(limit))
            )

    def wanting_draft(self, limit: int) -> list[ReviewItem]:
        """Items that want a draft, the most urgent first."""
        query = BODIES.where(review_items.c.draft_wanted == 1)
        return self._items(query.order_by(*ORDER).limit(limit))

    def of_conversation(self, conversation: str, owner: str) -> dict[str, ReviewItem]:
        """Record id → item, for the records of one conversation of that owner."""
        mine = (review_items.c.conversation == conversation) & (review_items.c.owner == owner)
        found = self._items(BODIES.where(mine).order_by(review_items.c.created_at))
        return {item.record: item for item in found}

    def versions(self, conversation: str, owner: str) -> dict[str, int]:
        """Record id → version of its item, as far as its owner knows of it: no body is read."""
        rows = review_items.c
        query = (
            select(rows.record, rows.version)
            .where(rows.conversation == conversation, rows.owner == owner)
            .where(or_(rows.kind != "sample", rows.state == State.RECALLED.value))
            .order_by(rows.created_at)
        )
        with transaction(self.engine) as connection:
            return {row.record: row.version for row in connection.execute(query)}

    def of_record(self, record_id: str) -> ReviewItem | None:
        """The item of a record; None: it never was on the desk."""
        query = BODIES.where(review_items.c.record == record_id)
        found = self._items(query.order_by(review_items.c.created_at.desc()).limit(1))
        return found[0] if found else None

    def similar_signed(self, item: ReviewItem, k: int) -> list[ReviewItem]:
        """Signed answers to like questions of the category, of the latest 1,000; likest first."""
        wanted = content_stems(item.question)
        query = (
            select(review_items.c.id, review_items.c.words)
            .where(review_items.c.category == item.category, review_items.c.id != item.id)
            .where(review_items.c.outcome.in_(["approve", "edit"]))
            .where(review_items.c.state.in_(SIGNED))
            .order_by(review_items.c.decided_at.desc())
            .limit(_RECENT_SIGNED)
        )
        with transaction(self.engine) as connection:
            rows = connection.execute(query).all()
            likeness = {r.id: _overlap(wanted, set(r.words.split())) for r in rows}
            near = sorted((i for i in likeness if likeness[i]), key=lambda i: -likeness[i])[:k]
            found = bodies(connection, BODIES.where(review_items.c.id.in_(near)))
        return sorted(found, key=lambda i: near.index(i.id))

    def counts(self) -> queue_figures.Counts:
        """How many items there are, by state and category, and how many are overdue."""
        with transaction(self.engine) as connection:
            return queue_figures.counts(connection, self.clock())

    def usual_wait(self, category: str) -> timedelta | None:
        """How long askers waited lately, in the middle of the last 50; None: nobody has yet."""
        with transaction(self.engine) as connection:
            return queue_figures.usual_wait(connection, category)

    def statistics(self, since: datetime) -> queue_figures.Statistics:
        """Volumes, waiting times, decisions and sampled misses since then."""
        with transaction(self.engine) as connection:
            return queue_figures.statistics(connection, since)

    def _items(self, query: Select[Any]) -> list[ReviewItem]:
        with transaction(self.engine) as connection:
            return bodies(connection, query)

    def list(
        self,
        states: Collection[State] | None = None,
        category: str | None = None,
        reviewer: str | None = None,
        text: str | None = None,
        limit: int = 50,
        before: ReviewItem | None = None,
    ) -> list[ReviewItem]:
        """Items in the order of work when all states asked for are open ones, else newest first.

        Args:
            reviewer: who holds or has decided them.
            text: words in the question's first 500 characters, as they are written there.
            before: the last item of the page before; the list goes on after it.
        """
        rows = _matching(states, category, reviewer, text)
        if states is not None and set(states) <= OPEN:
            order = (rows.urgency, rows.due_at, rows.id)
            query = select(rows.id).where(rows.open == 1).order_by(*order)
            if before:
                query = query.where(tuple_(*order) > (-before.priority, before.due_at, before.id))
        else:
            newest = (rows.created_at, rows.id)
            query = select(rows.id).order_by(*(c.desc() for c in newest))
            if before:
                query = query.where(tuple_(*newest) < (before.created_at, before.id))
        with transaction(self.engine) as connection:
            ids = list(connection.scalars(query.limit(limit)))
            found = bodies(connection, BODIES.where(review_items.c.id.in_(ids)))
        return sorted(found, key=lambda i: ids.index(i.id))


def load(connection: Connection, item_id: str, *, lock: bool = False) -> ReviewItem | None:
    """The item of that id.

    Args:
        lock: keep others from changing it until the transaction ends.
    """
    if lock:  # on its own: PostgreSQL would not read a joined body anew after waiting for the row
        row = select(review_items.c.id).where(review_items.c.id == item_id)
        connection.execute(row.with_for_update())
    query = select(review_bodies.c.body).where(review_bodies.c.id == item_id)
    return next(iter(bodies(connection, query)), None)


def existing(item: ReviewItem | None) -> ReviewItem:
    """The item, which has to be there.

    Raises:
        NotFound: it is not.
    """
    if item is None:
        raise NotFound("There is no such item on the desk.", "It may have been deleted.")
    return item


def _matching(
    states: Collection[State] | None, category: str | None, reviewer: str | None, text: str | None
) -> Any:
    """Columns of the rows that fit."""
    table = review_items.c
    query = select(table.id, table.urgency, table.due_at, table.created_at, table.open)
    conditions = [
        (table.state, None if states is None else [s.value for s in states]),
        (table.category, None if category is None else [category]),
        (table.reviewer, None if reviewer is None else [reviewer]),
    ]
    for column, values in conditions:
        if values is not None:
            # Looking for a text reads everything, and nothing is less to read than the index that
            # holds it; a column that something is added to leads the database to no other index.
            query = query.where((column.concat("") if text else column).in_(values))
    if text:
        wanted = plain(text).casefold().strip()
        query = query.where(table.question.contains(wanted, autoescape=True))
        # With a limit PostgreSQL does not walk through the rows in the order of the result.
        query = query.limit(_FOUND_AT_MOST)
    return query.subquery().c


def _overlap(one: Collection[str], other: Collection[str]) -> float:
    both = set(one) | set(other)
    return len(set(one) & set(other)) / len(both) if both else 0.0
