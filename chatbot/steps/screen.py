"""What may be asked at all: the first look at a question, before anything is searched."""

from __future__ import annotations

import re
import unicodedata

from chatbot.errors import BadQuestion

LONGEST = 8000
"""Characters of a question, at most; the model's own limit is checked in its own tokens."""

_SPACE = re.compile(r"[ \t\u00a0]+")


def clean_question(raw: str) -> str:
    """The question in one normal form: NFC, without control characters, white space folded.

    Right-to-left text, emoji and joiners stay; line breaks stay.

    Raises:
        BadQuestion: nothing is left, or it is longer than `LONGEST`.
    """
    if len(raw) > LONGEST:
        raise BadQuestion(
            f"The question has {len(raw):,} characters; at most {LONGEST:,} can be read.",
            "Ask a shorter question, or put the text into a document and ask about it.",
        )
    kept = "".join(c for c in raw if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)
    text = "\n".join(
        _SPACE.sub(" ", line).strip() for line in unicodedata.normalize("NFC", kept).splitlines()
    ).strip()
    if not any(c.isalnum() for c in text):
        raise BadQuestion("The question is empty.", "Write what you would like to know.")
    return text


_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cn"})
