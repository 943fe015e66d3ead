"""One question and what came of it, as the page sees it: built from events or from a record.

Words of an answer enter only as `gate.Sentence` or through `gate.shown`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chatbot.domain import (
    AnswerRecord,
    Citation,
    Finished,
    Held,
    Notice,
    Passage,
    Person,
    Refused,
    Retrieved,
    Status,
    join_sentences,
)
from chatbot.errors import CountersignError
from chatbot.gate import Event, Sentence, Shown, reads, shown_to
from chatbot.steps.review_item import ReviewItem
from chatbot.waiting import Queued
from chatbot.web.held import SIGNED, Waiting


class Phase(StrEnum):
    """How far a turn has come."""

    SEARCHING = "searching"
    READING = "reading"
    WRITING = "writing"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass
class Turn:
    """A turn of the conversation, ready to be drawn.

    Attributes:
        index: its place in the conversation, from 0.
        documents: how many documents are searched.
        message: what a held, refused or failed turn says for itself.
        remedy: what the reader can do about it.
        waiting_for: name of a part that is still loading.
        rating: what the reader thought of it: 1, -1, or 0 for nothing.
        run: the page's own name for the request, sent back so that it knows its answer.
        withdrawn: what had been shown before it was held.
        helpline: where to find help at once, while a person looks at it.
        waiting: how it stands on the reviewers' desk, if it is there.
        repeated: it was answered before, and the answer given again.
        ahead: questions that are answered before this one.
    """

    index: int
    question: str
    conversation: str = ""
    documents: int = 0
    phase: Phase = Phase.SEARCHING
    status: Status | None = None
    text: str = ""
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    notices: list[str] = field(default_factory=list)
    message: str = ""
    remedy: str = ""
    record: str = ""
    waiting_for: str = ""
    run: str = ""
    rating: int = 0
    withdrawn: str = ""
    helpline: str = ""
    waiting: Waiting | None = None
    repeated: bool = False
    ahead: int = 0
    _sentences: list[Sentence] = field(default_factory=list)

    @property
    def working(self) -> bool:
        """Whether more may come."""
        return self.phase in (Phase.SEARCHING, Phase.READING, Phase.WRITING)

    def take(self, event: Event | Queued, person: Person) -> None:
        """Move on by one event of the chain."""
        self.ahead = event.ahead if isinstance(event, Queued) else 0
        if isinstance(event, Retrieved):
            self.phase = Phase.READING
            self.passages = tuple(p.passage for p in event.passages if reads(person, p.passage))
        elif isinstance(event, Sentence):
            self._add(event)
        elif isinstance(event, Notice):
            self.notices.append(event.text)
        elif isinstance(event, Held):
            self.status, self.message = Status.HELD, event.text
            self.withdrawn, self.text, self.citations = self.text, "", ()
        elif isinstance(event, Refused):
            self.status, self.message = Status.REFUSED, event.text
        elif isinstance(event, Finished):
            self._finish(event.record, person)

    def stop(self) -> None:
        """The reader has stopped it."""
        self.phase = Phase.STOPPED

    def fail(self, error: CountersignError) -> None:
        """It ended in an error that explains itself."""
        self.phase, self.message, self.remedy = Phase.FAILED, error.what, error.remedy

    def _add(self, sentence: Sentence) -> None:
        self.phase = Phase.WRITING
        self._sentences.append(sentence)
        self.text = join_sentences(s.text for s in self._sentences)
        self.citations = tuple(dict.fromkeys([*self.citations, *sentence.citations]))

    def _finish(self, record: AnswerRecord, person: Person) -> None:
        """From here on it looks as it will when it is read back from the history."""
        self.phase, self.record = Phase.DONE, record.id
        self.fill(record, None, person)

    def fill(self, record: AnswerRecord, item: ReviewItem | None, person: Person) -> None:
        """Takes over what the gate lets through of a finished turn."""
        view = shown_to(person, record, item)
        self.repeated = record.cache != "miss"
        if record.screening:
            self.helpline = record.screening.text
        self._take_over(view)

    def _take_over(self, view: Shown) -> None:
        self.status, self.withdrawn = view.status, view.withdrawn
        self.text, self.citations = view.text, view.citations
        self.notices = [*view.notices, *([SIGNED] if view.signed_by else [])]
        self.passages = tuple(p.passage for p in view.passages)
        self.message = view.message
        if view.status is not Status.RELEASED and self.notices:
            # The record keeps what a refusal said as its last notice; it belongs on the card.
            self.message = self.notices.pop()


def turn_of(
    record: AnswerRecord,
    index: int,
    conversation: str,
    person: Person,
    item: ReviewItem | None = None,
) -> Turn:
    """A stored record as a turn, through the gate; `item` is where it stands on the desk."""
    turn = Turn(index, record.question, conversation, phase=Phase.DONE, record=record.id)
    turn.fill(record, item, person)
    return turn
