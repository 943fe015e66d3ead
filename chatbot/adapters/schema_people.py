"""Tables of groups, of who somebody is at the identity provider, and of break-glass readings."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from chatbot.adapters.schema import metadata
from chatbot.adapters.schema_review import Instant

groups = Table(
    "groups",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created_at", Instant, nullable=False),
)

group_collections = Table(
    "group_collections",
    metadata,
    Column("group_name", ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True),
    Column("collection", Text, primary_key=True),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_name", ForeignKey("groups.name", ondelete="CASCADE"), primary_key=True),
    Column("account", ForeignKey("accounts.name", ondelete="CASCADE"), primary_key=True),
    Column("by_provider", Integer, nullable=False, default=0),
    Index("group_members_by_account", "account"),
)
"""`by_provider`: the identity provider said so at the last login, and can take it back."""

account_identities = Table(
    "account_identities",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("name", ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
)

readings = Table(
    "readings",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("conversation", String(32), nullable=False),
    Column("reader", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("readings_by_conversation", "conversation"),
    sqlite_autoincrement=True,
)
