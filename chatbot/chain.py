"""The journey of a question, as one LangChain chain over a stream of typed events.

    condense | retrieve | ground | generate | verify | gate

Each step takes a stream and gives a stream: what is its own it turns into the next step's, every
event it passes on. So the first sentence reaches the reader while the model writes the second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import structlog
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableGenerator

from chatbot.domain import (
    AnswerRecord,
    Decision,
    Draft,
    Finished,
    Held,
    Notice,
    Passage,
    Person,
    Refused,
    Retrieved,
    Status,
    Turn,
)
from chatbot.errors import GenerationFailed, ModelUnusable, where
from chatbot.gate import Event, release
from chatbot.prompts import Prompt
from chatbot.steps import verify
from chatbot.steps.condense import accepted_rewrite, carried_over, needs_context, recent
from chatbot.steps.ground import ground
from chatbot.steps.rank import relevance
from chatbot.steps.screen import clean_question
from chatbot.steps.words import sentence_stream
from chatbot.trace import Asked, Checked, Found, Prompted, Trace, Written

log = structlog.get_logger()

NOT_FOUND = "This is not in the documents."
_REWRITE_TOKENS = 96
STOPPED = "stopped by the asker"
NOTHING_INDEXED = "There are no documents to answer from yet. Add some with `ingest sync FOLDER`."
MODEL_FOUND_NOTHING = "NOT IN THE PASSAGES"
UNSUPPORTED = (
    "The language model wrote nothing that the documents support. "
    "These are the sentences in them that come nearest to the question, word for word."
)
NO_MODEL = (
    "The language model is not available at the moment. "
    "These are the sentences in the documents that come nearest to the question, word for word."
)


class Conversations(Protocol):
    """Where conversations are kept."""

    def turns(self, conversation: str, owner: str) -> Sequence[Turn]:
        """What was asked and released so far, oldest first."""

    def append(self, conversation: str, owner: str, record: AnswerRecord) -> None:
        """Keeps a finished turn."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that an answer is made within; `chatbot.settings` describes each."""

    passages: int = 4
    relevance: float = 0.30
    support: float = 0.55
    context_tokens: int = 2048
    answer_tokens: int = 256
    deadline: float = 120.0
    condense_with_model: bool = False


_Items = Iterator[Any]


class Chain:
    """Answers questions from the documents.

    Args:
        retriever: finds passages; takes `k` and `collections`, gives `metadata["scored"]`.
        embeddings: compares sentences with passages.
        model: gives the language model, or raises `GenerationFailed` or `ModelUnusable`.
        conversations: where history comes from and records go.
        prompts: `answer` and `condense`.
        describe: what the record says of the index and the models: `model`, `adapter`,
            `embedding_model`, `index_version`, `searched`.
    """

    def __init__(
        self,
        retriever: BaseRetriever,
        embeddings: Embeddings,
        model: Callable[[], BaseChatModel],
        conversations: Conversations,
        prompts: dict[str, Prompt],
        limits: Limits,
        describe: Callable[[Person], dict[str, Any]],
    ) -> None:
        self._retriever = retriever
        self._embeddings = embeddings
        self._model = model
        self._conversations = conversations
        self._prompts = prompts
        self._limits = limits
        self._describe = describe
        self._quote_vectors = lru_cache(maxsize=2048)(self._embed_quotes)
        self.journey: Runnable[Any, Any] = (
            RunnableGenerator(self._condense)
            | RunnableGenerator(self._retrieve)
            | RunnableGenerator(self._ground)
            | RunnableGenerator(self._generate)
            | RunnableGenerator(self._verify)
            | RunnableGenerator(self._gate)
        )

    def answer(self, question: str, conversation: str, person: Person) -> Iterator[Event]:
        """One turn: its events, `Finished` last. Closing the iterator stops the generation.

        Raises:
            BadQuestion: the question is empty or too long; nothing was kept.
            NotFound: the conversation is not this person's.
            IndexUnusable, ModelUnusable, StorageFull: the answer cannot be made or kept.
        """
        trace = Trace(
            clean_question(question), person, self._conversations.turns(conversation, person.id)
        )
        stream = self.journey.stream(Asked(trace))
        try:
            for event in stream:  # noqa: UP028 (`yield from` would close the stream first)
                yield event
        except GeneratorExit:
            # A closed RunnableGenerator reads its input to the end: the steps must be told.
            trace.stopped = True
            stream.close()  # type: ignore[attr-defined]
            if trace.status is Status.RELEASED:  # what was shown is kept
                trace.reasons = (STOPPED,)
                self._keep(trace, conversation)
            raise
        yield Finished(self._keep(trace, conversation))

    def _keep(self, trace: Trace, conversation: str) -> AnswerRecord:
        trace.lap("total")
        record = trace.record(self._describe(trace.person))
        self._conversations.append(conversation, trace.person.id, record)
        return record

    def _condense(self, items: _Items) -> _Items:
        for item in items:
            trace = item.trace
            trace.standalone = self._standalone(trace)
            trace.lap("condense")
            yield item

    def _standalone(self, trace: Trace) -> str:
        question, history = trace.question, trace.history
        if not needs_context(question, history):
            return question
        if self._limits.condense_with_model:
            rewrite = self._rewrite(trace)
            if rewrite and accepted_rewrite(rewrite, question, history):
                return rewrite
        return carried_over(question, history)

    def _rewrite(self, trace: Trace) -> str:
        prompt = self._prompts["condense"]
        trace.prompts[prompt.name] = prompt.fingerprint
        try:
            model = self._model()
            budget = (
                self._limits.context_tokens - _REWRITE_TOKENS - model.get_num_tokens(trace.question)
            )
            said = recent(trace.history, model.get_num_tokens, budget // 2)
            messages = prompt.render({"history": said, "question": trace.question})
            return "".join(self._pieces(trace, messages, _REWRITE_TOKENS)).strip()
        except (GenerationFailed, ModelUnusable):
            return ""

    def _retrieve(self, items: _Items) -> _Items:
        for item in items:
            trace = item.trace
            found = self._retriever.invoke(
                trace.standalone, k=self._limits.passages, collections=trace.person.collections
            )
            trace.passages = tuple(document.metadata["scored"] for document in found)
            trace.lap("retrieve")
            yield Retrieved(trace.standalone, trace.passages)
            if relevance(trace.passages) >= self._limits.relevance:
                yield Found(trace)
            else:
                yield self._not_found(trace, "nothing relevant was found")

    def _not_found(self, trace: Trace, reason: str) -> Refused:
        searched = self._describe(trace.person)["searched"]
        trace.status = Status.UNAVAILABLE if not searched else Status.REFUSED
        trace.reasons = (reason if searched else "no documents are indexed",)
        text = f"{NOT_FOUND} Searched: {searched}." if searched else NOTHING_INDEXED
        trace.notices.append(text)
        return Refused(trace.reasons, text)

    def _ground(self, items: _Items) -> _Items:
        for item in items:
            if not isinstance(item, Found):
                yield item
                continue
            trace, prompt = item.trace, self._prompts["answer"]
            trace.prompts[prompt.name] = prompt.fingerprint
            try:
                model = self._model()
            except (GenerationFailed, ModelUnusable) as error:
                yield Written(trace, None, error)
                continue
            budget = self._limits.context_tokens - self._limits.answer_tokens
            grounded = ground(
                trace.standalone, trace.passages, prompt, model.get_num_tokens, budget
            )
            trace.passages = grounded.passages
            trace.lap("ground")
            yield Prompted(trace, grounded.messages)

    def _generate(self, items: _Items) -> _Items:
        for item in items:
            if not isinstance(item, Prompted):
                yield item
                continue
            failure = None
            pieces = self._pieces(item.trace, list(item.messages), self._limits.answer_tokens)
            try:
                for sentence in sentence_stream(pieces):
                    item.trace.lap("first_sentence_written")
                    yield Written(item.trace, sentence)
                    if item.trace.astray():
                        break
            except GenerationFailed as error:
                failure = error
            item.trace.lap("generate")
            yield Written(item.trace, None, failure)

    def _pieces(self, trace: Trace, messages: list[BaseMessage], most: int) -> Iterator[str]:
        """The model's words as they come, until the deadline or until no one wants them."""
        end = time.monotonic() + self._limits.deadline
        for piece in self._model().stream(messages, max_tokens=most):
            if isinstance(piece.content, str) and piece.content:
                yield piece.content
            if trace.stopped or time.monotonic() > end:
                return

    def _verify(self, items: _Items) -> _Items:
        for item in items:
            if not isinstance(item, Written):
                yield item
            elif item.trace.stopped:
                continue
            elif item.sentence is not None:
                yield self._check(item.trace, item.sentence)
            elif not item.trace.sentences and item.trace.status is not Status.HELD:
                yield from self._instead(item)

    def _check(self, trace: Trace, sentence: str) -> Checked:
        try:
            claim, _ = verify.split_markers(sentence)
            vector = self._embed([claim])[0]
            draft, verdict = verify.check(
                sentence, vector, self._evidence(trace), self._limits.support, trace.said()
            )
        except Exception as error:  # whatever goes wrong in a check, the sentence stays back
            log.error("verification failed", **where(error))
            return Checked(trace, Draft(sentence), None)
        return Checked(trace, draft, verdict)

    def _instead(self, end: Written) -> _Items:
        """Verbatim quotes, when the model wrote nothing that holds."""
        trace = end.trace
        if any(MODEL_FOUND_NOTHING in text.upper() for text, _ in trace.dropped):
            yield self._not_found(trace, "the passages do not hold the answer")
            return
        vector = np.asarray(self._embeddings.embed_query(trace.standalone), np.float32)
        quotes = verify.best_quotes(trace.standalone, vector, self._evidence(trace))
        if not quotes:
            yield self._not_found(trace, "nothing in the passages comes near the question")
            return
        trace.mode = "quotes"
        notice = NO_MODEL if end.failure else UNSUPPORTED
        trace.notices.append(notice)
        trace.reasons = (str(end.failure),) if end.failure else ("no supported sentence",)
        yield Notice(notice)
        for quotation in quotes:
            yield Checked(trace, *verify.quoted(quotation))

    def _gate(self, items: _Items) -> _Items:
        for item in items:
            if not isinstance(item, Checked):
                yield item
                continue
            trace, draft, verdict = item.trace, item.draft, item.verdict
            if verdict is not None and verdict.decision is Decision.REFUSE:
                trace.dropped.append((draft.text, verdict.reasons))
                continue
            event = release(draft, verdict)
            trace.note(draft, verdict, event.reasons if isinstance(event, Held) else None)
            yield event
            if isinstance(event, Held):
                trace.stopped = True
                return

    def _evidence(self, trace: Trace) -> list[verify.Evidence]:
        return [
            verify.evidence_of(number, scored.passage, self._quote_vectors(scored.passage))
            for number, scored in enumerate(trace.passages, 1)
        ]

    def _embed_quotes(self, passage: Passage) -> np.ndarray:
        return self._embed(verify.quotable(passage))

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self._embeddings.embed_documents(list(texts)), np.float32)
