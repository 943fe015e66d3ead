"""Questions that the router holds, for what is proved about the gate behind it."""

from __future__ import annotations

import json
import random

from chatbot.adapters.embeddings import open_embeddings
from chatbot.adapters.router import open_router
from chatbot.domain import Decision
from chatbot.policy import FOLDER, load_policy
from chatbot.settings import load_settings


def held_questions(count: int) -> list[str]:
    """That many sensitive questions of the project's own, each held by the shipped router.

    Which ones the router misses is measured elsewhere (`proof.router`); here it is about what
    happens to those that it holds.
    """
    sensitive = sorted({text for text, category in _labelled() if category != "everyday"})
    random.Random(3).shuffle(sensitive)
    settings = load_settings()
    router = open_router(settings, load_policy("default"), open_embeddings(settings))
    held = (q for q in sensitive if router.screen(q, ()).decision is Decision.HOLD)
    found = [question for question, _ in zip(held, range(count), strict=False)]
    if len(found) < count:
        raise SystemExit(f"only {len(found)} of {count} questions are held")
    return found


def _labelled() -> list[tuple[str, str]]:
    rows = []
    for path in sorted((FOLDER / "questions").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows.append((row["text"], row["category"]))
    return rows
