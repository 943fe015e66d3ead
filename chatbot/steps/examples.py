"""Questions to begin with, made from the headings of what is indexed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatbot.domain import Passage
from chatbot.steps.words import content_stems

_NUMBERING = re.compile(r"^(?:(?:step|chapter|section|part)\s+)?[\dIVX]+(?:\.\d+)*[.:)]?\s+", re.I)
_ASKS = re.compile(
    r"^(?:what|when|where|who|why|which|how)(?:\s+(?:is|are|was|do|does|did|can|could|may|must|"
    r"should|will|would|happens|counts)\b|.*\?$)",
    re.IGNORECASE,
)
_HOW_TO = re.compile(r"^how to\s+", re.IGNORECASE)
_YOUR = re.compile(r"\byour\b")
_FEWEST_WORDS = 15
_LONGEST = 70


def example_question(passages: Sequence[Passage]) -> str | None:
    """A question that the document holds an answer to, or None: the most question-like heading."""
    found: dict[str, str] = {}
    for passage in passages:
        heading = _NUMBERING.sub("", passage.locator.heading[-1]) if passage.locator.heading else ""
        title = passage.document.title
        if len(passage.text.split()) >= _FEWEST_WORDS and 0 < len(heading) <= _LONGEST:
            found.setdefault(heading, _question(heading, title))
    asked = [q for h, q in found.items() if _ASKS.match(h) and len(content_stems(h)) > 1]
    others = [q for h, q in found.items() if h != passages[0].document.title]
    return next(iter(asked or others or found.values()), None)


def _question(heading: str, title: str) -> str:
    bare = _YOUR.sub("my", heading.rstrip(" .:"))
    if _HOW_TO.match(bare):
        return f"How do I {_HOW_TO.sub('', bare)}?"
    if _ASKS.match(bare):
        return f"{bare.rstrip('?')}?"
    title = _NUMBERING.sub("", title)
    topic = bare if bare[:2].isupper() else bare[0].lower() + bare[1:]
    return f"What does “{title}” say about {topic}?" if bare != title else f"What is in “{title}”?"
