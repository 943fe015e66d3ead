"""The only way to a reader.

Text that came from a model, a cache or the history is a `Draft`. A door (page, API, command line)
shows nothing but `Sentence`, and only this module makes one: for a draft with a release verdict
on exactly these words. Whatever is missing, false or odd about the verdict means "held".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chatbot.domain import (
    AnswerRecord,
    Citation,
    Decision,
    Draft,
    Finished,
    Held,
    Notice,
    Passage,
    Person,
    Refused,
    Retrieved,
    ScoredPassage,
    Status,
    Verdict,
    join_sentences,
)
from chatbot.steps.review import signed_by_all
from chatbot.steps.review_item import REACHED, ReviewItem, State

HELD_TEXT = "A person looks at this question before it is answered."
UNVERIFIED = "it could not be checked whether the documents support this"
REJECTED_TEXT = "A person has looked at this question and decided that it cannot be answered here."
RECALLED_TEXT = "This answer was taken back: it turned out to be wrong. Please do not rely on it."
WITHDRAWN_TEXT = (
    "This answer rests on a document that you can no longer read, so it is not shown. "
    "Ask again for an answer from the documents as they are now."
)
_KEY = object()


class Sentence:
    """Event: one released sentence with its citations. Made by `release`, nowhere else."""

    __slots__ = ("citations", "text")

    def __init__(self, text: str, citations: tuple[Citation, ...], *, key: object) -> None:
        if key is not _KEY:
            raise TypeError("only chatbot.gate makes a Sentence: call gate.release")
        self.text = text
        self.citations = citations

    def __repr__(self) -> str:
        return f"Sentence({self.text!r})"


Event = Retrieved | Notice | Sentence | Held | Refused | Finished


def release(draft: Draft, verdict: Verdict | None) -> Sentence | Held:
    """The draft as a sentence that may be shown, or `Held`.

    Args:
        draft: the words and the sources that they rest on.
        verdict: what was decided about them. It counts only for the draft that it was made for.
    """
    if verdict is None or verdict.draft_sha256 != draft.sha256:
        return Held((UNVERIFIED,), HELD_TEXT)
    if verdict.decision is not Decision.RELEASE:
        return Held(verdict.reasons, HELD_TEXT)
    return Sentence(draft.text, draft.citations, key=_KEY)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a door may show of a finished turn.

    Attributes:
        text: released or signed words; empty while they are held.
        message: what Countersign says instead of an answer, or about a signed one.
        withdrawn: what had been shown before the turn was held; to be marked as withdrawn.
        signed_by: who signed the words, if a person did.
        state: where the turn stands on the desk, if it is there.
    """

    status: Status
    text: str
    citations: tuple[Citation, ...] = ()
    notices: tuple[str, ...] = ()
    passages: tuple[ScoredPassage, ...] = ()
    message: str = ""
    withdrawn: str = ""
    signed_by: tuple[str, ...] = ()
    state: State | None = None


def shown(record: AnswerRecord, item: ReviewItem | None = None) -> Shown:
    """What may be shown of a stored record: history, export and command line come through here.

    A record whose words are not the ones that its verdicts were made for shows as held; so does an
    item whose signatures do not cover its words.

    Args:
        item: where the turn stands on the desk, if it is there.
    """
    if item is not None and item.record == record.id:
        if item.state is State.RECALLED:
            return Shown(Status.HELD, "", message=_recalled(item), state=item.state)
        if item.state in REACHED:
            return _delivered(record, item)
    view = _unsigned(record)
    return view if item is None else replace(view, state=item.state)


def shown_to(person: Person, record: AnswerRecord, item: ReviewItem | None = None) -> Shown:
    """What `shown` lets through, as far as that person may read it today."""
    view = shown(record, item)
    passages = tuple(p for p in view.passages if reads(person, p.passage))
    if (view.text or view.withdrawn) and not open_to(person.collections, record, item):
        return Shown(Status.HELD, "", message=WITHDRAWN_TEXT, passages=passages, state=view.state)
    return replace(view, passages=passages)


def reads(person: Person, passage: Passage) -> bool:
    """Whether the passage is of a collection that the person may read."""
    return person.collections is None or passage.document.collection in person.collections


def rests_on(record: AnswerRecord, item: ReviewItem | None = None) -> frozenset[str]:
    """The collections that the words of a turn come from, whatever of them is shown.

    What cites nothing rests on everything that it was made from.
    """
    sentences, seen = list(record.sentences), [p.passage for p in record.passages]
    if item is not None and item.record == record.id and item.answer is not None:
        sentences += item.answer.sentences
        seen += item.answer.evidence
    cited = [c.passage for s in sentences for c in s.citations]
    return frozenset(p.document.collection for p in cited or seen)


def open_to(
    collections: frozenset[str] | None, record: AnswerRecord, item: ReviewItem | None = None
) -> bool:
    """Whether somebody who reads those collections today (None: all) may read that turn's words."""
    return collections is None or rests_on(record, item) <= collections


def _unsigned(record: AnswerRecord) -> Shown:
    events = list(_replay(record))
    sentences = [e for e in events if isinstance(e, Sentence)]
    text = join_sentences(s.text for s in sentences)
    if record.status is Status.HELD or len(sentences) < len(events):
        helpline = record.screening.text if record.screening else ""
        message = f"{helpline}\n\n{HELD_TEXT}" if helpline else HELD_TEXT
        before = text if len(sentences) == len(events) else ""
        return Shown(Status.HELD, "", message=message, withdrawn=before)
    if record.status is not Status.RELEASED:
        text = ""
    citations = tuple(dict.fromkeys(c for s in sentences for c in s.citations)) if text else ()
    return Shown(record.status, text, citations, record.notices, record.passages)


def _delivered(record: AnswerRecord, item: ReviewItem) -> Shown:
    """What a person has decided: the words that they signed, or that there are none."""
    if item.signatures and item.signatures[-1].decision == "reject":
        return Shown(Status.REFUSED, "", message=item.note or REJECTED_TEXT, state=item.state)
    answer = item.answer
    if answer is None or not signed_by_all(item) or item.delivered != answer.sha256:
        return replace(_unsigned(record), status=Status.HELD, text="", citations=(), passages=())
    names = tuple(dict.fromkeys(s.reviewer for s in item.signatures))
    return Shown(Status.RELEASED, answer.text, answer.citations, signed_by=names, state=item.state)


def _recalled(item: ReviewItem) -> str:
    return f"{RECALLED_TEXT} {item.note}".strip()


def _replay(record: AnswerRecord) -> Iterator[Sentence | Held]:
    verdicts = {v.draft_sha256: v for v in record.verdicts}
    for draft in record.sentences:
        yield release(draft, verdicts.get(draft.sha256))
