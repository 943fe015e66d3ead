"""The review desk: items, what they rest on, the outbox, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

GROWING = sa.BigInteger().with_variant(sa.Integer, "sqlite")
INDEXES = [
    ("review_by_conversation", "review_items", ["conversation"]),
    ("review_by_record", "review_items", ["record"]),
    ("review_by_reviewer", "review_items", ["reviewer", "created_at"]),
    ("review_decided", "review_items", ["decided_at", "category"]),
    ("review_draft", "review_items", ["draft_wanted", "urgency", "due_at"]),
    ("review_due", "review_items", ["deliver_after"]),
    ("review_held", "review_items", ["state", "category", "due_at"]),
    ("review_new", "review_items", ["created_at", "id"]),
    ("review_next", "review_items", ["open", "urgency", "due_at", "id", "state", "category"]),
    ("review_old", "review_items", ["open", "created_at"]),
    (
        "review_text",
        "review_items",
        ["created_at", "id", "state", "urgency", "due_at", "open", "question"],
    ),
    ("review_signed", "review_items", ["category", "decided_at", "outcome"]),
    ("review_by_state", "review_items", ["state", "created_at", "id"]),
    ("review_waits", "review_items", ["category", "kind", "delivered_at"]),
    ("review_sources_by_document", "review_sources", ["document_id"]),
    ("outbox_by_conversation", "outbox", ["conversation", "state"]),
    ("outbox_by_item", "outbox", ["item_id"]),
    ("outbox_next", "outbox", ["state", "channel", "next_at"]),
    ("audit_by_subject", "audit_entries", ["subject", "seq"]),
]


def upgrade() -> None:
    _items()
    _bodies()
    _outbox()
    _audit()
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns, unique=False)


def _items() -> None:
    op.create_table(
        "review_items",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("barred", sa.Text(), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("draft_wanted", sa.Integer(), nullable=False),
        sa.Column("deliver_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _bodies() -> None:
    op.create_table(
        "review_bodies",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "review_sources",
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "document_id"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", GROWING, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", GROWING, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", GROWING, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
