"""The curated FAQ, a number that grows with each change to it, and where each answer came from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

GROWING = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "faq_entries",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_faq_entries_state", "faq_entries", ["state"], unique=False)
    op.create_table(
        "faq_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", GROWING, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column(
        "answers", sa.Column("cache", sa.String(length=16), nullable=False, server_default="miss")
    )
    op.create_index(
        "answers_by_time", "answers", ["asked_at", "cache", "status", "milliseconds"], unique=False
    )
    head = sa.table("faq_head", sa.column("id"), sa.column("version"))
    op.bulk_insert(head, [{"id": 1, "version": 0}])
