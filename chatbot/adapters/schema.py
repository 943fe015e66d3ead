"""The catalogue's tables. The catalogue is the truth; Chroma and the lexical index follow it."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

documents = Table(
    "documents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("collection", String, nullable=False, index=True),
    Column("uri", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("version", String(64), nullable=False),
    Column("media_type", String, nullable=False),
    Column("effective", Date),
    Column("expires", Date),
    Column("pipeline", String, nullable=False),
    Column("indexed_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("collection", "uri"),
)

passages = Table(
    "passages",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column(
        "document_id",
        String(32),
        ForeignKey("documents.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("ordinal", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("heading", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("page", Integer),
    Column("anchor", Text),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("embedded", String(64), nullable=False),
    Index("passages_by_document", "document_id", "ordinal"),
    Index("passages_by_embedded", "embedded"),
)

vectors = Table(
    "vectors",
    metadata,
    Column("embedded", String(64), primary_key=True),
    Column("model", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

index_changes = Table(
    "index_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("passage_id", String(32), nullable=False),
    Column("present", Integer, nullable=False),
    sqlite_autoincrement=True,
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("conversations_by_owner", "owner", "updated_at"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", String(32), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("current", Integer, nullable=False, default=1),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("status", String, nullable=False),
    Column("milliseconds", Float, nullable=False),
    Column("record", Text, nullable=False),
    Column("cache", String(16), nullable=False, server_default="miss"),
    Index("answers_by_conversation", "conversation_id", "ordinal"),
    Index("answers_by_time", "asked_at", "cache", "status", "milliseconds"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("answer_id", String(32), ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("owner", String, primary_key=True),
    Column("value", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
)

canary_turns = Table(
    "canary_turns",
    metadata,
    Column("answer_id", String(32), ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("candidate", String(16), nullable=False),
    Column("share", Integer, nullable=False),
    Column("side", String(16), nullable=False),
    Column("dropped", Integer, nullable=False),
    Index("canary_turns_by_candidate", "candidate", "share"),
)

shadow_answers = Table(
    "shadow_answers",
    metadata,
    Column("answer_id", String(32), ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("candidate", String(16), primary_key=True),
    Column("record", Text, nullable=False),
)
