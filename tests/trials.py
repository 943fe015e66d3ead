"""A candidate that is tried: answers that were shown, and its own to the same questions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.canary import Canary, point
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.revisions import SHIPPED, Current, Revisions
from chatbot.adapters.votes import Votes
from chatbot.domain import AnswerRecord, ScoredPassage
from tests.strategies import draft, passage, record

BEGAN = datetime(2026, 6, 1, tzinfo=UTC)
TEXT = "We pay 80% of the bill. Claims take ten days."
PASSAGES = (ScoredPassage(passage(TEXT), 0.9),)
SHOWN, SHADOW = "We pay 80% [1].", "We pay 80% of the bill [1]."


def answered(text: str, **changed: Any) -> AnswerRecord:
    """A released answer; refused where there is no text."""
    about = {"passages": PASSAGES} | changed
    return record([draft(text, TEXT)] if text else [], **about)


class Trial:
    """A candidate in the shadow of 30% of the traffic."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.revisions = Revisions(folder / "adapters")
        (folder / "x.gguf").write_text("candidate")
        card = {"at": BEGAN.isoformat(), "by": "anna", "test": "t", "scores": {}}
        self.candidate = self.revisions.add(folder / "x.gguf", card)
        self.audit = AuditLog(engine, folder / "anchor")
        self.canary = Canary(self.revisions, self.audit)
        self.store = ConversationStore(engine)
        self.votes = Votes(self.revisions, self.audit)
        began = BEGAN.isoformat(timespec="milliseconds")
        self.now = Current(SHIPPED, (), "anna", began, self.candidate, 10, 30)
        point(self.revisions, self.audit, None, self.now, "candidate tried")

    def pair(
        self, number: int, owner: str = "asker", shown: str = SHOWN, shadow: str = SHADOW,
        minutes: float = 1.0, **changed: Any,
    ) -> str:  # fmt: skip
        """Keeps an answer and the candidate's beside it; gives the first one's id."""
        at = BEGAN + timedelta(minutes=minutes + number)
        question = {"standalone": f"What do you pay for tooth {number}?"}
        made = answered(shown, id=f"{number:032}", asked_at=at, **question)
        self.store.append(self.store.create(owner).id, owner, made)
        other = answered(shadow, **{"id": f"{number + 1000:032}", **question, **changed})
        self.canary.keep_shadow(made.id, self.candidate, other)
        return made.id
