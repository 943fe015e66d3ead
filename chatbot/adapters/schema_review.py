"""The review desk's tables: items, what they rest on, the outbox, and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    String,
    Table,
    Text,
    TypeDecorator,
)

from chatbot.adapters.schema import metadata


class Instant(TypeDecorator[datetime]):
    """A point in time: given with its zone, kept in UTC, read back with its zone.

    SQLite keeps no zones, so one that is given without would be taken for another time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


GROWING = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up in INTEGER keys only

# What a query filters or sorts by stands here; the whole item is JSON in `review_bodies`, so that
# a query which looks at many rows reads narrow ones.
review_items = Table(
    "review_items",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("open", Integer, nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("category", String, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reviewer", String),
    Column("lease_until", Instant),
    Column("roles", String, nullable=False),
    Column("barred", Text, nullable=False),
    Column("record", String(64), nullable=False),
    Column("conversation", String(64), nullable=False),
    Column("owner", String, nullable=False),
    Column("draft_wanted", Integer, nullable=False),
    Column("deliver_after", Instant),
    Column("outcome", String(16), nullable=False),
    Column("model", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("delivered_at", Instant),
    Column("question", Text, nullable=False),
    Column("words", Text, nullable=False),
    Index("review_next", "open", "urgency", "due_at", "id", "state", "category"),
    Index("review_held", "state", "category", "due_at"),
    Index("review_new", "created_at", "id"),
    Index("review_old", "open", "created_at"),
    Index("review_draft", "draft_wanted", "urgency", "due_at"),
    Index("review_due", "deliver_after"),
    Index("review_decided", "decided_at", "category"),
    Index("review_signed", "category", "decided_at", "outcome"),
    Index("review_by_state", "state", "created_at", "id"),
    Index("review_waits", "category", "kind", "delivered_at"),
    Index("review_text", "created_at", "id", "state", "urgency", "due_at", "open", "question"),
    Index("review_by_reviewer", "reviewer", "created_at"),
    Index("review_by_record", "record"),
    Index("review_by_conversation", "conversation"),
)

review_bodies = Table(
    "review_bodies",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("body", Text, nullable=False),
)

review_sources = Table(
    "review_sources",
    metadata,
    Column("item_id", String(64), primary_key=True),
    Column("document_id", String(64), primary_key=True),
    Index("review_sources_by_document", "document_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", GROWING, primary_key=True, autoincrement=True),
    Column("key", String(160), nullable=False, unique=True),
    Column("item_id", String(64), nullable=False),
    Column("conversation", String(64), nullable=False),
    Column("owner", String, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("event", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claim", String(32)),
    Column("closed_at", Instant),
    Column("error", Text, nullable=False),
    Index("outbox_next", "state", "channel", "next_at"),
    Index("outbox_by_conversation", "conversation", "state"),
    Index("outbox_by_item", "item_id"),
    sqlite_autoincrement=True,
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", GROWING, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_by_subject", "subject", "seq"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", GROWING, nullable=False),
    Column("hash", String(64), nullable=False),
)
