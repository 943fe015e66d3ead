"""Databases and items for the proofs about the queue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chatbot.domain import Citation, Document, Draft, Locator, Passage, sha256_of
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem
from proof.postgres import new_database, server

CATEGORIES = ("health", "legal", "money", "employment", "personal-data", "crisis")


@contextmanager
def stores() -> Iterator[list[tuple[str, str, Path]]]:
    """Name, URL and anchor file of an empty database of each kind."""
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as folder, server() as postgres:
        home = Path(folder)
        yield [
            ("SQLite", f"sqlite:///{home / 'catalogue.db'}", home / "sqlite.anchor"),
            ("PostgreSQL", new_database(postgres), home / "postgresql.anchor"),
        ]


def person(number: int) -> Reviewer:
    """One of many reviewers."""
    return Reviewer(f"reviewer-{number}", frozenset({"reviewer"}))


def item(number: int, now: datetime, **changed: Any) -> ReviewItem:
    """An item of an ordinary size, with a draft and its evidence."""
    about = Document("d" * 32, "handbook", "/h.md", "Handbook", "v" * 64, "text/markdown")
    evidence = tuple(
        Passage(f"p{n}", about, n, f"Crowns wait {n} days. " * 40, Locator()) for n in range(4)
    )
    drafts = tuple(
        Draft(f"Crowns wait {n} days, case {number} [{n + 1}].", (Citation(n + 1, p, p.text[:20]),))
        for n, p in enumerate(evidence[:2])
    )
    values: dict[str, Any] = {
        "id": sha256_of(f"item {number}")[:32],
        "record": sha256_of(f"record {number}")[:32],
        "conversation": f"conversation-{number // 5}",
        "owner": f"asker-{number // 5}",
        "question": f"How long do I wait for a crown on tooth {number}, and what does it cost me?",
        "category": CATEGORIES[number % len(CATEGORIES)],
        "reasons": ("the question is about health",),
        "created_at": now,
        "due_at": now + timedelta(minutes=number % 600),
        "priority": number % 3,
        "answer": Answer(drafts, evidence, tuple(() for _ in drafts)),
        "draft_wanted": False,
    }
    return ReviewItem(**(values | changed))
