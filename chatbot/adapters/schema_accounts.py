"""Tables of the accounts: people at the desk, their sessions, and attempts that failed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from chatbot.adapters.schema import metadata
from chatbot.adapters.schema_review import Instant

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("roles", Text, nullable=False),
    Column("password", Text),
    Column("disabled", Integer, nullable=False, default=0),
    Column("created_at", Instant, nullable=False),
)

account_links = Table(
    "account_links",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("expires_at", Instant, nullable=False),
)
"""Links that work once. `token` is a SHA-256; an empty `name` makes the first account."""

desk_sessions = Table(
    "desk_sessions",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("name", String(64), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("desk_sessions_by_name", "name"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("at", Instant, nullable=False),
)
"""`key` is a SHA-256 of a name or an address: people type passwords into the wrong field."""
