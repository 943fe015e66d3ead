"""Questions that the router holds, for what is proved about the gate behind it."""

from __future__ import annotations

import random

from chatbot.adapters.embeddings import open_embeddings
from chatbot.adapters.router import open_router
from chatbot.adapters.training_data import rows
from chatbot.domain import Decision
from chatbot.policy import FOLDER, load_policy
from chatbot.settings import load_settings


def held_questions(count: int) -> list[str]:
    """That many sensitive questions of the project's own, each held by the shipped router.

    Which ones the router misses is measured elsewhere (`proof.router`); here it is about what
    happens to those that it holds.
    """
    files = sorted((FOLDER / "questions").glob("*.jsonl"))
    labelled = [row for file in files for row in rows(file)]
    sensitive = sorted({row["text"] for row in labelled if row["category"] != "everyday"})
    random.Random(3).shuffle(sensitive)
    settings = load_settings()
    router = open_router(settings, load_policy("default"), open_embeddings(settings))
    held = (q for q in sensitive if router.screen(q, ()).decision is Decision.HOLD)
    found = [question for question, _ in zip(held, range(count), strict=False)]
    if len(found) < count:
        raise SystemExit(f"only {len(found)} of {count} questions are held")
    return found
