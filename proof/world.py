"""A small organisation for proofs about the answer cache: documents that change, people who ask.

Real are the catalogue, both indexes, the chain, the gate and the cache; the model quotes the first
sentence of the first passage, so that an answer says which text it was made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from chatbot.adapters.answer_cache import AnswerCache, Keeping
from chatbot.adapters.answer_store import SealedStore, Store
from chatbot.adapters.cards import Cards
from chatbot.adapters.catalogue import Catalogue, StoredDocument, StoredPassage
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database
from chatbot.adapters.dense import ExactIndex
from chatbot.adapters.fakes import HashedEmbeddings, ScriptedChat
from chatbot.adapters.fakes_desk import ListDesk, ScriptedRouter
from chatbot.adapters.lexical import LexicalIndex
from chatbot.adapters.nearby import Nearby
from chatbot.adapters.retrieval import HybridRetriever
from chatbot.chain import Chain
from chatbot.domain import (
    AnswerRecord,
    Document,
    Finished,
    Locator,
    Passage,
    Person,
    ScoredPassage,
    sha256_of,
)
from chatbot.journey import Steps
from chatbot.limits import Limits
from chatbot.prompts import load_prompt
from chatbot.recall import Recall
from chatbot.steps.words import content_stems
from chatbot.trace import Voice

TODAY = date(2026, 6, 1)
SECRET = b"the secret of a proof"
KEEPING = Keeping(seconds=3600.0, negative=600.0, bytes=10_000_000)
_FIRST = re.compile(r"^\[1\] .*\n(.+?[.!?])(?:\s|$)", re.MULTILINE)


class Quoting(ScriptedChat):
    """Answers with the first sentence of the first passage, after `pause` seconds.

    Attributes:
        made: answers that it has made.
    """

    replies: tuple[str, ...] = ("",)
    made: int = 0

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self.made += 1
        found = _FIRST.search(str(messages[-1].content))
        self.replies = (f"{found[1][:-1]} [1]." if found else "NOT IN THE PASSAGES",)
        yield from super()._stream(messages, stop, run_manager, **kwargs)


class SameWords:
    """Two questions want the same answer when they have the same words."""

    def __init__(self, encoder: HashedEmbeddings, sure: float = 1.0) -> None:
        self._encoder, self._sure = encoder, sure

    def vector(self, question: str) -> np.ndarray:
        """The question as a unit vector."""
        return np.asarray(self._encoder.encode([question])[0])

    def likeness(
        self, asked: str, asked_vector: np.ndarray, stored: Sequence[str], vectors: np.ndarray
    ) -> list[float]:
        """As sure as it was told to be, or 0."""
        words = content_stems(asked)
        return [self._sure if content_stems(s) == words else 0.0 for s in stored]


class World:
    """The organisation.

    Args:
        folder: holds its database, unless `database` is the URL of another one.
        store: where its answers are kept.
    """

    def __init__(self, folder: Path, store: Store, pause: float = 0.0, database: str = "") -> None:
        self.day = TODAY
        self.engine = open_database(database or f"sqlite:///{folder / 'catalogue.db'}")
        self.catalogue = Catalogue(self.engine)
        self.encoder = HashedEmbeddings()
        self.chat = Quoting(size=400, pause=pause)
        self.dense = ExactIndex(self.catalogue, self.encoder.name)
        self.conversations = ConversationStore(self.engine)
        self.store = SealedStore(store, SECRET)
        self.model = "quoting"
        self.router = ScriptedRouter()
        self.retriever = HybridRetriever(
            embeddings=self.encoder,
            dense=self.dense,
            lexical=LexicalIndex(self.engine),
            catalogue=self.catalogue,
            model=self.encoder.name,
            today=lambda: self.day,
        )
        self.cache = AnswerCache(
            self.store,
            Cards(self.engine),
            self.catalogue,
            self._find,
            lambda: self.dense.applied,
            lambda: {"model": self.model},
            KEEPING,
            today=lambda: self.day,
        )
        self.chain = self._chain()

    def by_words(self, sure: float = 1.0, bound: float = 0.01) -> World:
        """Looks for answers to questions with the same words in another order, too."""
        self.cache._nearby = Nearby(self.cache.cards, SameWords(self.encoder, sure), bound)
        return self

    def _find(self, question: str, person: Person) -> tuple[ScoredPassage, ...]:
        return self.retriever.find(question, 4, person.collections)

    def _chain(self) -> Chain:
        steps = Steps(
            self.router,
            self.retriever,
            self.encoder,
            lambda _: Voice(self.chat),
            {name: load_prompt(name) for name in ("answer", "condense")},
            Limits(relevance=0.2, support=0.3, quote=0.005),
            self._describe,
        )
        recall = Recall(self.cache, (), 30.0)
        return Chain(steps, self.conversations, ListDesk(), self._describe, recall=recall)

    def _describe(self, _: Person) -> dict[str, Any]:
        return {
            "model": self.model, "adapter": None, "embedding_model": self.encoder.name,
            "index_version": self.catalogue.version(), "policy": "", "searched": "everything",
        }  # fmt: skip

    def put(
        self,
        name: str,
        text: str,
        collection: str = "open",
        effective: date | None = None,
        expires: date | None = None,
    ) -> None:
        """Puts a document there, in place of the one of that name, wherever that was."""
        document = Document(
            sha256_of(name)[:32], collection, f"/{name}.md", name, sha256_of(text),
            "text/markdown", effective, expires,
        )  # fmt: skip
        identity = sha256_of(f"{document.id}\n{document.version}\n0\n{text}")[:32]
        passage = Passage(identity, document, 0, text, Locator((name,), start=0, end=len(text)))
        embedded = sha256_of(f"{name}\n{text}")
        vector = self.encoder.encode([f"{name}\n{text}"])[0]
        stored = StoredDocument(document, "1", (StoredPassage(passage, "", embedded),))
        self.catalogue.store([stored], {embedded: vector}, self.encoder.name)

    def drop(self, name: str) -> None:
        """Deletes a document."""
        self.catalogue.drop([sha256_of(name)[:32]])

    def pass_days(self, days: int) -> None:
        """Lets time pass."""
        self.day += timedelta(days=days)

    def ask(self, question: str, person: Person, *, fresh: bool = False) -> AnswerRecord:
        """One turn in a conversation of its own."""
        talk = self.conversations.create(person.id)
        *_, last = self.chain.answer(question, talk.id, person, fresh=fresh)
        assert isinstance(last, Finished)
        return last.record

    def close(self) -> None:
        """Lets go of the database."""
        self.cache.close()
        self.store.close()
        self.engine.dispose()
