"""The curated FAQ's tables."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from chatbot.adapters.schema import metadata
from chatbot.adapters.schema_review import GROWING, Instant

# What a query filters or sorts by stands beside the whole entry, which is JSON.
faq_entries = Table(
    "faq_entries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("origin", String, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)

faq_head = Table(
    "faq_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", GROWING, nullable=False),
)
