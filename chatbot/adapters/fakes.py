"""Doubles of the outside systems: deterministic, in memory, without a network or a model.

They hold to the same contracts as the real ones (`tests/contract/`), so that a chain made of them
shows what the chain itself does.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForLLMRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from chatbot.adapters.conversations import Conversation, new_id
from chatbot.adapters.retrieval import as_document
from chatbot.domain import AnswerRecord, Passage, Turn
from chatbot.errors import GenerationFailed, NotFound
from chatbot.gate import open_to, shown
from chatbot.steps.rank import Candidate, fuse, rank
from chatbot.steps.words import WORD, content_stems

_TITLE_LENGTH = 80


class HashedEmbeddings(Embeddings):
    """Bags of hashed word stems as unit vectors: texts are near when they share words.

    The first dimension stands for a text without words, so that its vector has a length too.
    """

    name = "hashed words"
    max_tokens = 256

    def __init__(self, dimensions: int = 512) -> None:
        self._dimensions = dimensions

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] = lambda _: None
    ) -> np.ndarray:
        """Vectors of the texts (n x dimensions, float32, length 1), in their order."""
        if not texts:
            return np.zeros((0, 0), np.float32)
        on_progress(len(texts))
        return np.stack([self._vector(text) for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        return [len(WORD.findall(text)) for text in texts]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's door to `encode`."""
        return self.encode(texts).tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        """A question's vector, made like any other."""
        return self.encode([text])[0].tolist()  # type: ignore[no-any-return]

    def _vector(self, text: str) -> np.ndarray:
        vector = np.zeros(self._dimensions, np.float32)
        for stem in content_stems(text):
            digest = hashlib.sha256(stem.encode("utf-8", "replace")).digest()
            vector[1 + int.from_bytes(digest[:4], "big") % (self._dimensions - 1)] += 1.0
        if not vector.any():
            vector[0] = 1.0
        return vector / np.linalg.norm(vector)


class ScriptedChat(BaseChatModel):
    """A chat model that says what it was given, in small pieces, or fails as it was told.

    Attributes:
        replies: what it says, one a call; the last one is said again when they run out.
        size: characters of one piece.
        fails_after: pieces after which it raises `GenerationFailed`; None: it does not.
        pause: seconds before each piece.
        asked: the messages of each call, oldest first.
        limits: `max_tokens` of each call, oldest first.
        closed: how many of its streams have come to an end, by themselves or closed.
        given: pieces given so far, over all calls.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    replies: tuple[str, ...]
    size: int = 7
    fails_after: int | None = None
    pause: float = 0.0
    asked: list[tuple[BaseMessage, ...]] = Field(default_factory=list)
    limits: list[int | None] = Field(default_factory=list)
    closed: int = 0
    given: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def get_num_tokens(self, text: str) -> int:
        """Words and marks, each one token."""
        return len(WORD.findall(text)) + sum(text.count(mark) for mark in ".,:;?!()[]")

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        reply = self.replies[min(len(self.asked), len(self.replies) - 1)]
        self.asked.append(tuple(messages))
        self.limits.append(kwargs.get("max_tokens"))
        # A server that has nothing to say still sends one piece, an empty one.
        pieces = [reply[i : i + self.size] for i in range(0, len(reply), self.size)] or [""]
        try:
            for number, piece in enumerate(pieces):
                self._fail_at(number)
                time.sleep(self.pause)
                self.given += 1
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            self._fail_at(len(pieces))
        finally:
            self.closed += 1

    def _fail_at(self, number: int) -> None:
        if self.fails_after is not None and number >= self.fails_after:
            raise GenerationFailed("The scripted model was told to fail.", "Tell it otherwise.")

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = "".join(str(c.message.content) for c in self._stream(messages, stop, **kwargs))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=said))])


class ListRetriever(BaseRetriever):
    """Finds passages in a list: cosines from `embeddings`, no words, everything else the same."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    passages: list[Passage]
    embeddings: Embeddings
    day: date = date(2026, 6, 1)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int = 4,
        collections: Collection[str] | None = None,
    ) -> list[LangChainDocument]:
        counting = [p for p in self.passages if p.document.counts_on(self.day)]
        allowed = [
            p for p in counting if collections is None or p.document.collection in collections
        ]
        vectors = self.embeddings.embed_documents([p.text for p in allowed])
        wanted = np.asarray(self.embeddings.embed_query(query))
        pool = [
            Candidate(p.id, float(np.dot(wanted, vector)), 0.0)
            for p, vector in zip(allowed, vectors, strict=True)
        ]
        found = rank(query, pool, fuse(pool), {p.id: p for p in allowed}, k, self.day)
        return [as_document(scored) for scored in found]


@dataclass
class _Talk:
    owner: str
    title: str
    updated_at: datetime
    records: list[AnswerRecord] = field(default_factory=list)


class MemoryConversations:
    """Conversations that end with the process; for the rest like `ConversationStore`."""

    def __init__(self) -> None:
        self._talks: dict[str, _Talk] = {}

    def create(self, owner: str, name: str = "") -> Conversation:
        """A new, empty conversation."""
        made = Conversation(name or new_id(), "New conversation", datetime.now(UTC))
        self._talks[made.id] = _Talk(owner, made.title, made.updated_at)
        return made

    def conversations(self, owner: str) -> list[Conversation]:
        """The owner's conversations that hold a question, newest first."""
        mine = [
            Conversation(key, talk.title, talk.updated_at)
            for key, talk in self._talks.items()
            if talk.owner == owner and talk.records
        ]
        return sorted(mine, key=lambda c: c.updated_at, reverse=True)

    list = conversations

    def records(self, conversation: str, owner: str) -> Sequence[AnswerRecord]:
        """The answers of a conversation, oldest first.

        Raises:
            NotFound: there is none of that id, or it is another owner's.
        """
        return tuple(self._owned(conversation, owner).records)

    def turns(
        self, conversation: str, owner: str, collections: frozenset[str] | None = None
    ) -> Sequence[Turn]:
        """What was asked, and what of the answers has passed the gate and may be read today."""
        return [
            Turn(r.question, shown(r).text if open_to(collections, r) else "")
            for r in self.records(conversation, owner)
        ]

    def append(self, conversation: str, owner: str, record: AnswerRecord) -> None:
        """Keeps a finished turn; the first one gives the conversation its title."""
        talk = self._owned(conversation, owner)
        if not talk.records:
            talk.title = " ".join(record.question.split())[:_TITLE_LENGTH]
        talk.records.append(record)
        talk.updated_at = record.asked_at

    def truncate(self, conversation: str, owner: str, keep: int) -> None:
        """Takes all but the first `keep` turns out of the conversation."""
        del self._owned(conversation, owner).records[keep:]

    def rename(self, conversation: str, owner: str, title: str) -> None:
        """Gives a conversation another title; an empty one changes nothing."""
        talk = self._owned(conversation, owner)
        talk.title = " ".join(title.split())[:_TITLE_LENGTH] or talk.title

    def delete(self, conversation: str, owner: str) -> None:
        """Deletes a conversation and its answers."""
        self._owned(conversation, owner)
        del self._talks[conversation]

    def _owned(self, conversation: str, owner: str) -> _Talk:
        talk = self._talks.get(conversation)
        if talk is None or talk.owner != owner:
            raise NotFound("There is no such conversation.", "It may have been deleted.")
        return talk
