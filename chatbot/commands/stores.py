"""The desk's stores, for commands that need no more of the application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database
from chatbot.adapters.queue import ReviewQueue
from chatbot.settings import Settings


@contextmanager
def open_stores(settings: Settings) -> Iterator[tuple[ReviewQueue, AuditLog]]:
    """The queue and the audit log over one database, which is closed at the end."""
    engine = open_database(settings.database_url)
    try:
        audit = AuditLog(engine, settings.anchor_file)
        yield ReviewQueue(engine, audit), audit
    finally:
        engine.dispose()
