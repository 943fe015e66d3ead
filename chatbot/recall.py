"""The step that looks whether a question was answered before, and what may be remembered of it.

Whatever is odd about a remembered answer, or goes wrong on the way to it, means that the question
is answered as if nothing were remembered: never an error, and never a release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

import structlog
from langchain_core.runnables import Runnable

from chatbot import notices
from chatbot.domain import (
    AnswerRecord,
    Decision,
    Draft,
    Notice,
    Refused,
    Retrieved,
    ScoredPassage,
    Status,
    Verdict,
)
from chatbot.errors import where
from chatbot.gate import Sentence, release
from chatbot.lifeline import Lifeline
from chatbot.steps.canary import CANDIDATE
from chatbot.steps.condense import needs_context
from chatbot.steps.personal_data import personal_data
from chatbot.steps.recall import is_dated
from chatbot.trace import Asked, Checked, Trace

log = structlog.get_logger()

Items = Iterator[Any]
Kind = Literal["exact", "semantic", "faq"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer that was given before, from the documents as they are now.

    Attributes:
        kind: how it was found.
        checked: its sentences, each with the verdict that let it through then; none where the
            answer was that the documents do not say.
        passages: what it was made from, best first.
        record: id of the record that it repeats.
        made_at: when that was.
        refusal: what was said where the documents do not say.
    """

    kind: Kind
    checked: tuple[tuple[Draft, Verdict], ...]
    passages: tuple[ScoredPassage, ...]
    standalone: str
    mode: str
    notices: tuple[str, ...]
    reasons: tuple[str, ...]
    record: str
    made_at: datetime
    refusal: str = ""

    @property
    def cited(self) -> frozenset[str]:
        """Ids of the passages that its sentences cite."""
        return frozenset(c.passage.id for draft, _ in self.checked for c in draft.citations)


class Lookup(Protocol):
    """Somewhere to look for an answer."""

    def find(self, trace: Trace) -> Remembered | None:
        """An answer that this asker may have today; None: there is none."""


class Memory(Lookup, Protocol):
    """Where answers are remembered."""

    def board(self, trace: Trace, line: Lifeline) -> None:
        """Notes that this turn wants an answer. Returns when it is to make it, at once where nobody
        else does or it is to be a fresh one; or when somebody else has made it, or the line is
        cut."""

    def ended(self, trace: Trace, record: AnswerRecord | None) -> None:
        """A turn has ended, well or not: remembers what may be remembered of it, and lets those
        go on that wait for it."""


class Recall:
    """The step.

    Args:
        memory: where answers go, and are looked for last; None: nowhere.
        before: looked into first, in that order.
        deadline: seconds to wait for somebody else who makes the same answer.
    """

    def __init__(self, memory: Memory | None, before: Sequence[Lookup], deadline: float) -> None:
        self.memory = memory
        self._before = before
        self._deadline = deadline

    def or_else(self, thinking: Runnable[Any, Any]) -> Callable[[Items], Items]:
        """The step that answers from memory where it can, and has all else thought about."""

        def recall(items: Items) -> Items:
            for item in items:
                if not isinstance(item, Asked):
                    yield item
                    continue
                found = self._found(item.trace) if may_recall(item.trace) else None
                item.trace.lap("recall")
                yield from _given(item.trace, found) if found else thinking.stream(item)

        return recall

    def _found(self, trace: Trace) -> Remembered | None:
        try:
            if not trace.fresh and (found := self._look(trace)) is not None:
                return found
            if self.memory is None:
                return None
            with trace.line.limited(self._deadline) as line:
                self.memory.board(trace, line)
            return None if trace.fresh else self._look(trace)
        except Exception as error:  # a broken memory is no memory
            log.error("the answer cache failed", **where(error))
            return None

    def _look(self, trace: Trace) -> Remembered | None:
        for lookup in (*self._before, self.memory):
            found = lookup.find(trace) if lookup else None
            if found is not None and _holds(found):
                return found
        return None


def may_recall(trace: Trace) -> bool:
    """Whether an answer to this question may come from memory, and go there: an everyday question
    that means the same whoever asks it, whenever, after whatever else was said."""
    screening = trace.screening
    return (
        screening is not None
        and screening.decision is Decision.RELEASE
        and screening.support is None
        and not needs_context(trace.question, trace.history)
        and not is_dated(trace.question)
        and not personal_data(trace.question)
    )


def objection(trace: Trace, record: AnswerRecord) -> str:
    """Why an answer may not be given again; empty: it may."""
    if record.cache != "miss":
        return "it was given again itself"
    if not may_recall(trace):
        return "it is for this asker, this moment or this conversation"
    if record.trial is not None and record.trial.side == CANDIDATE:
        return "an adapter on trial wrote it"
    if trace.cut or trace.stopped:
        return "it is not whole"
    if {notices.NO_MODEL, notices.STANDS_IN} & set(record.notices):
        return "the language model was not there"
    if record.status is Status.RELEASED or says_not_found(record):
        return ""
    return "it was not released"


def says_not_found(record: AnswerRecord) -> bool:
    """Whether the answer is that the documents do not say."""
    last = record.notices[-1] if record.notices else ""
    return record.status is Status.REFUSED and last.startswith(notices.NOT_FOUND)


def _holds(found: Remembered) -> bool:
    """Whether the gate would let all of it through."""
    shown = [release(draft, verdict) for draft, verdict in found.checked]
    return all(isinstance(s, Sentence) for s in shown) and bool(shown or found.refusal)


def _given(trace: Trace, found: Remembered) -> Items:
    trace.cache, trace.repeats = found.kind, found.record
    trace.standalone, trace.passages = found.standalone, found.passages
    yield Retrieved(trace.standalone, trace.passages)
    known = notices.from_faq if found.kind == "faq" else notices.answered_before
    said = [known(found.made_at), *found.notices]
    if found.refusal:
        trace.status, trace.reasons = Status.REFUSED, found.reasons
        trace.notices += [*said, found.refusal]
        yield from map(Notice, said)
        yield Refused(found.reasons, found.refusal)
        return
    trace.mode, trace.reasons = found.mode, found.reasons
    trace.notices += said
    yield from map(Notice, said)
    for draft, verdict in found.checked:
        yield Checked(trace, draft, verdict)
