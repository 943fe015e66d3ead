"""Answers that were given while a candidate adapter had a share of the traffic."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "canary_turns",
        sa.Column("answer_id", sa.String(length=32), nullable=False),
        sa.Column("candidate", sa.String(length=16), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("answer_id"),
    )
    op.create_index(
        "canary_turns_by_candidate", "canary_turns", ["candidate", "share"], unique=False
    )
    op.create_table(
        "shadow_answers",
        sa.Column("answer_id", sa.String(length=32), nullable=False),
        sa.Column("candidate", sa.String(length=16), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("answer_id", "candidate"),
    )
