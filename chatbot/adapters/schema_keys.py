"""The table of API keys."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from chatbot.adapters.schema import metadata
from chatbot.adapters.schema_review import Instant

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("owner", String(64), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("collections", Text),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Index("api_keys_by_owner", "owner"),
)
"""`hash` is a SHA-256; `scopes` and `collections` are JSON lists, no collections: all of them."""
