"""A curated FAQ over two documents, with real stores and embeddings that count words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
from sqlalchemy import Engine

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.fakes_desk import ScriptedRouter
from chatbot.adapters.faq import FaqStore
from chatbot.adapters.faq_check import FaqChecker
from chatbot.adapters.queue import ReviewQueue
from chatbot.domain import Decision, ScoredPassage, Screening
from chatbot.faq import Faq
from chatbot.policy import load_policy
from chatbot.steps.review_item import Reviewer
from tests.strategies import keep, stored

ANNA, BERT = (Reviewer(n, frozenset({"reviewer"})) for n in ("anna", "bert"))
CROWNS = "Crowns wait 240 days. Fillings wait 90 days."
CASH = "Branches do not accept cash. You can pay by card."
FILE = """\
collection: handbook
entries:
  - id: crowns
    question: How long do crowns wait?
    alternatives: ["When are crowns paid?"]
    answer: ["Crowns wait 240 days."]
    sources: [{document: Dental.md, quote: "Crowns wait 240 days."}]
  - id: cash
    question: Can I pay with cash at branches?
    answer: ["Branches do not accept cash.", "You can pay by card [1]."]
    sources: [{document: Branches, quote: "Branches do not accept cash. You can pay by card."}]
"""


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class WordRetriever:
    """Finds passages by the words that they share with the question."""

    catalogue: Catalogue
    embeddings: HashedEmbeddings

    def find(
        self, question: str, k: int, collections: Collection[str] | None = None
    ) -> tuple[ScoredPassage, ...]:
        passages = [
            p
            for d in self.catalogue.documents(collections)
            for p in self.catalogue.passages_of(d.id)
        ]
        asked, *texts = np.asarray(
            self.embeddings.embed_documents([question, *(p.text for p in passages)])
        )
        found = [ScoredPassage(p, float(t @ asked)) for p, t in zip(passages, texts, strict=True)]
        return tuple(sorted(found, key=lambda s: -s.score)[:k])


class World:
    """All of it; `policy` decides how many have to sign."""

    def __init__(self, engine: Engine, folder: Path, policy: str = "default") -> None:
        self.engine, self.folder, self.clock = engine, folder, Clock()
        self.catalogue = Catalogue(engine)
        self.audit = AuditLog(engine, folder / "anchor")
        self.queue = ReviewQueue(engine, self.audit, self.clock)
        self.conversations = ConversationStore(engine, self.queue.of_conversation)
        self.store = FaqStore(engine, self.audit, self.clock)
        held = Screening(Decision.HOLD, "health", reasons=("about your health",))
        self.router = ScriptedRouter({"pain": held})
        self.retriever = WordRetriever(self.catalogue, HashedEmbeddings())
        self.checker = FaqChecker(
            self.catalogue, cast(Any, self.retriever), self.router, 0.55, self.clock
        )
        self.files = folder / "faq"
        self.files.mkdir()
        self.faq = Faq(
            self.store, self.files, load_policy(policy), lambda: self.checker,
            self.conversations.record, self.queue.of_record,
        )  # fmt: skip
        self.keep()

    def keep(self, crowns: str = CROWNS, cash: str = CASH, **changed: Any) -> None:
        """Puts the documents in, in the place of what was there."""
        version = {} if crowns == CROWNS else {"version": "e" * 64}
        keep(
            self.catalogue,
            stored("Dental", crowns, **version, **changed),
            stored("Branches", cash, **({} if cash == CASH else {"version": "d" * 64})),
        )

    def write(self, content: str = FILE) -> None:
        """Writes the file and has it loaded."""
        (self.files / "own.yaml").write_text(content, encoding="utf-8")
        self.faq.load(self.checker)

    def search(self, question: str, readable: Collection[str] | None) -> tuple[ScoredPassage, ...]:
        """What retrieval finds."""
        return self.retriever.find(question, 4, readable)

    def live(self, collections: frozenset[str] | None = None) -> list[str]:
        """Ids of what answers now."""
        return [e.id for e in self.store.live() if e.is_for(collections)]
