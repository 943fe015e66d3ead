"""A reviewer's words as an answer: sentences, with what their markers point at."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatbot.domain import Citation, Draft, Passage
from chatbot.errors import NotAllowed
from chatbot.steps.review_item import Answer
from chatbot.steps.words import sentences

_LONGEST = 20_000
_MARKER = re.compile(r"\[(\d{1,2})\]")


def edited(text: str, original: Answer) -> Answer:
    """The reviewer's text as sentences, its markers resolved to the evidence.

    A marker keeps the quote that it had; a new one quotes the passage's first sentence.

    Raises:
        NotAllowed: it is empty or too long, or a marker points at no passage.
    """
    written = clean_text(text)
    if not written:
        raise NotAllowed("The answer is empty.", "Write one, or reject the question.")
    drafts = tuple(_edited_sentence(s, original) for s in sentences(written))
    return Answer(drafts, original.evidence, tuple(() for _ in drafts))


def _edited_sentence(sentence: str, original: Answer) -> Draft:
    known = {c.marker: c for c in original.citations}
    markers = [int(m) for m in dict.fromkeys(_MARKER.findall(sentence))]
    return Draft(sentence, tuple(known.get(m) or _cite(m, original.evidence) for m in markers))


def _cite(marker: int, evidence: Sequence[Passage]) -> Citation:
    if not 1 <= marker <= len(evidence):
        raise NotAllowed(
            f"The marker [{marker}] points at no passage.",
            f"Use [1] to [{len(evidence)}], or leave it out."
            if evidence
            else "There is no evidence to point at: leave markers out.",
        )
    passage = evidence[marker - 1]
    return Citation(marker, passage, next(iter(sentences(passage.text)), passage.text[:200]))


def clean_text(text: str) -> str:
    """What a person wrote, without what no page shows.

    Raises:
        NotAllowed: it is too long.
    """
    if len(text) > _LONGEST:
        raise NotAllowed(
            f"The text has {len(text):,} characters; at most {_LONGEST:,} are kept.", "Shorten it."
        )
    return text.replace("\x00", "").strip()
