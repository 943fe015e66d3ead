"""The answer cache's tables: what there is to know of each answer in it but its text.

The texts are in the cache's store. Without a row here a text is worth nothing, and the other way
round; both can be thrown away.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, Text

from chatbot.adapters.schema import metadata
from chatbot.adapters.schema_review import GROWING, Instant

cached_answers = Table(
    "cached_answers",
    metadata,
    Column("seq", GROWING, primary_key=True, autoincrement=True),
    Column("key", String(32), nullable=False, unique=True),
    Column("partition", String(32), nullable=False),
    Column("record", String(32), nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("hits", Integer, nullable=False, default=0),
    Column("seconds", Float, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("signs", LargeBinary),
    Column("suspended", Text),
    Column("suspended_at", Instant),
    sqlite_autoincrement=True,
)

cached_vectors = Table(
    "cached_vectors",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

cached_sources = Table(
    "cached_sources",
    metadata,
    Column("document_id", String(32), primary_key=True),
    Column("version", String(64), primary_key=True),
    Column("key", String(32), primary_key=True),
    Index("cached_sources_by_key", "key"),
)

cache_figures = Table(
    "cache_figures",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
)

cache_checks = Table(
    "cache_checks",
    metadata,
    Column("seq", GROWING, primary_key=True, autoincrement=True),
    Column("key", String(32), nullable=False),
    Column("likeness", Float, nullable=False),
    Column("same", Integer, nullable=False),
    Column("checked_at", Instant, nullable=False),
    Index("cache_checks_by_key", "key"),
    sqlite_autoincrement=True,
)

cache_state = Table(
    "cache_state",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)
