"""The only way to a reader.

Text that came from a model, a cache or the history is a `Draft`. A door (page, API, command line)
shows nothing but `Sentence`, and only this module makes one: for a draft with a release verdict
on exactly these words. Whatever is missing, false or odd about the verdict means "held".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chatbot.domain import (
    AnswerRecord,
    Citation,
    Decision,
    Draft,
    Finished,
    Held,
    Notice,
    Refused,
    Retrieved,
    ScoredPassage,
    Status,
    Verdict,
    join_sentences,
)

HELD_TEXT = (
    "This answer could not be checked, so it is being held until a person has looked at it. "
    "Nothing of it has been shown."
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
        return Held(("no verdict for these words",), HELD_TEXT)
    if verdict.decision is not Decision.RELEASE:
        return Held(verdict.reasons, HELD_TEXT)
    return Sentence(draft.text, draft.citations, key=_KEY)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a door may show of a finished turn."""

    status: Status
    text: str
    citations: tuple[Citation, ...]
    notices: tuple[str, ...]
    passages: tuple[ScoredPassage, ...]


def shown(record: AnswerRecord) -> Shown:
    """What may be shown of a stored record: history, export and command line come through here.

    A record whose words are not the ones that its verdicts were made for shows as held.
    """
    events = list(_replay(record)) if record.status is Status.RELEASED else []
    if record.status is Status.HELD or any(isinstance(e, Held) for e in events):
        return Shown(Status.HELD, HELD_TEXT, (), (), ())
    sentences = [e for e in events if isinstance(e, Sentence)]
    citations = tuple(dict.fromkeys(c for s in sentences for c in s.citations))
    text = join_sentences(s.text for s in sentences)
    return Shown(record.status, text, citations, record.notices, record.passages)


def _replay(record: AnswerRecord) -> Iterator[Sentence | Held]:
    verdicts = {v.draft_sha256: v for v in record.verdicts}
    for draft in record.sentences:
        yield release(draft, verdicts.get(draft.sha256))
