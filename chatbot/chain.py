"""The journey of a question, as one LangChain chain over a stream of typed events.

    screen | recall, or else condense | retrieve | ground | generate | verify | gate

The same journey without the router, and with `collect` in the gate's place, drafts an answer for
the reviewers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any, Protocol

from langchain_core.runnables import Runnable, RunnableGenerator

from chatbot.domain import AnswerRecord, Finished, Held, Person, Status, Turn, called
from chatbot.errors import NotFound
from chatbot.gate import Event
from chatbot.journey import Steps
from chatbot.lifeline import Lifeline
from chatbot.recall import Recall
from chatbot.steps.review_item import Answer, ReviewItem
from chatbot.steps.screen import clean_question
from chatbot.trace import Asked, Trace, Voice

STOPPED = "stopped by the asker"


class Conversations(Protocol):
    """Where conversations are kept."""

    def turns(
        self, conversation: str, owner: str, collections: frozenset[str] | None
    ) -> Sequence[Turn]:
        """What was asked and released so far, oldest first; of answers that rest on more than these
        collections (None: all), nothing."""

    def append(self, conversation: str, owner: str, record: AnswerRecord) -> None:
        """Keeps a finished turn."""


class Desk(Protocol):
    """Where held turns go."""

    def hold(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem:
        """Keeps a held turn for the reviewers."""

    def sample(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem | None:
        """Has a share of the released turns looked at."""


class Chain:
    """Answers questions from the documents.

    Args:
        steps: what the journey is made of.
        conversations: where history comes from and records go.
        desk: where held turns go.
        describe: what the record says of the index, the models and the policy: `model`, `adapter`,
            `embedding_model`, `index_version`, `policy`.
        after: told each turn once it is kept.
        recall: looks for earlier answers; None: each question is answered anew.
        failed: told why a turn ended without an answer.
    """

    def __init__(
        self,
        steps: Steps,
        conversations: Conversations,
        desk: Desk,
        describe: Callable[[Person], dict[str, Any]],
        after: Callable[[AnswerRecord, Person], None] = lambda *_: None,
        recall: Recall | None = None,
        failed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self.steps = steps
        self._conversations = conversations
        self._desk = desk
        self._describe = describe
        self._after = after
        self._failed = failed
        self._memory = recall.memory if recall else None
        self._lock = threading.Lock()
        self._answering = 0
        self._behind = Lifeline()
        thinking: Runnable[Any, Any] = (
            RunnableGenerator(steps.condense)
            | RunnableGenerator(steps.retrieve)
            | RunnableGenerator(steps.ground)
            | RunnableGenerator(steps.generate)
            | RunnableGenerator(steps.verify)
        )
        self.journey: Runnable[Any, Any] = (
            RunnableGenerator(steps.screen)
            | (RunnableGenerator(recall.or_else(thinking)) if recall else thinking)
            | RunnableGenerator(steps.gate)
        )
        self.drafting: Runnable[Any, Any] = thinking | RunnableGenerator(steps.collect)

    def answer(
        self,
        question: str,
        conversation: str,
        person: Person,
        line: Lifeline | None = None,
        *,
        fresh: bool = False,
    ) -> Iterator[Event]:
        """One turn: its events, `Finished` last. Closing the iterator stops the generation.

        A held turn lies on the reviewers' desk before anyone is told that it is held.

        Args:
            line: cut by whoever asked when they no longer wait, even while the model is silent.
            fresh: the answer is to be made anew.

        Raises:
            BadQuestion: the question is empty or too long; nothing was kept.
            NotFound: the conversation is not this person's.
            IndexUnusable, ModelUnusable, StorageFull: the answer cannot be made or kept.
        """
        trace = Trace(
            clean_question(question),
            person,
            self._conversations.turns(conversation, person.id, person.collections),
            conversation,
            fresh=fresh,
        )
        trace.line = line or trace.line
        try:
            with self._first():
                yield from self._answer(trace, conversation)
        except Exception as error:
            self._failed(error)
            raise
        finally:
            self._remember(trace, None)  # whoever waits for this answer goes on, whatever happened

    def _answer(self, trace: Trace, conversation: str) -> Iterator[Event]:
        stream, held = self.journey.stream(Asked(trace)), None
        try:
            for event in stream:
                if isinstance(event, Held):
                    held = event
                    break
                yield event
        except GeneratorExit:
            # A closed RunnableGenerator reads its input to the end: the steps must be told.
            trace.stopped = True
            stream.close()  # type: ignore[attr-defined]
            if trace.status is Status.RELEASED:  # what was shown is kept
                trace.reasons = (STOPPED,)
                self._keep(trace, conversation)
            raise
        stream.close()  # type: ignore[attr-defined]
        record = self._keep(trace, conversation)
        if held is not None:
            yield held
        yield Finished(record)

    @property
    def answering(self) -> int:
        """How many wait for an answer now."""
        return self._answering

    @contextmanager
    def _first(self) -> Iterator[None]:
        """Counts whoever waits for an answer; what is done in the background gives way."""
        with self._lock:
            self._answering += 1
            behind = self._behind
        behind.cut()
        try:
            yield
        finally:
            with self._lock:
                self._answering -= 1

    def give_way(self, line: Lifeline) -> None:
        """Has a line cut as soon as somebody asks; at once where somebody waits now."""
        with self._lock:
            self._behind, busy = line, self._answering > 0
        if busy:
            line.cut()

    def trial(
        self,
        question: str,
        person: Person,
        voice: Voice | None = None,
        line: Lifeline | None = None,
        *,
        fresh: bool = True,
    ) -> AnswerRecord:
        """One turn by the same journey, in no conversation and laid on no desk: to measure with.

        Args:
            voice: the model that is to answer; None: what serves.
            line: cut when the answer is not wanted any more.
            fresh: without the answer cache; else it may come from there, and is kept there.

        Raises:
            BadQuestion: the question is empty or too long.
            IndexUnusable, ModelUnusable: the answer cannot be made.
        """
        trace = Trace(clean_question(question), person, (), voice=voice, fresh=fresh)
        trace.line = line or trace.line
        try:
            record = self._tried(trace)
            if not fresh:
                self._remember(trace, record)
            return record
        finally:
            self._remember(trace, None)

    def _tried(self, trace: Trace) -> AnswerRecord:
        stream = self.journey.stream(Asked(trace))
        for event in stream:
            if isinstance(event, Held):
                break
        stream.close()  # type: ignore[attr-defined]
        trace.lap("total")
        return trace.record(self._describe(trace.person))

    def draft(self, item: ReviewItem) -> tuple[Answer, str]:
        """An answer for the reviewers, from the documents as they are now, and the model that wrote
        it with its adapter. No one else sees it.

        Raises:
            IndexUnusable: retrieval does not work.
        """
        collections = None if item.collections is None else frozenset(item.collections)
        told = [message.text for message in item.thread if message.sender == "asker"]
        question = "\n".join((item.question, *told))
        before = self._before(item, collections)
        trace = Trace(question, Person(item.owner, collections), before)
        for _ in self.drafting.stream(Asked(trace)):
            pass
        about = self._describe(trace.person)
        return trace.answer(), trace.stand_in or called(about["model"], about["adapter"])

    def _before(self, item: ReviewItem, collections: frozenset[str] | None) -> Sequence[Turn]:
        try:
            turns = self._conversations.turns(item.conversation, item.owner, collections)
        except NotFound:  # the asker has deleted the conversation
            return ()
        return tuple(takewhile(lambda turn: turn.question != item.question, turns))

    def _keep(self, trace: Trace, conversation: str) -> AnswerRecord:
        trace.lap("total")
        record = trace.record(self._describe(trace.person))
        if record.status is Status.HELD:
            self._desk.hold(record, conversation, trace.person)
        self._conversations.append(conversation, trace.person.id, record)
        self._desk.sample(record, conversation, trace.person)
        self._remember(trace, record)
        self._after(record, trace.person)
        return record

    def _remember(self, trace: Trace, record: AnswerRecord | None) -> None:
        if self._memory is not None:
            self._memory.ended(trace, record)
