"""A follow-up question, made to stand alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from chatbot.domain import Turn
from chatbot.steps.words import STOP_WORDS, WORD, content_stems

_POINTS_BACK = re.compile(
    r"\b(it|its|they|them|their|theirs|this|that|these|those|he|she|his|her|one|ones|there|then|"
    r"same|instead|else|otherwise|former|latter|above|both)\b",
    re.IGNORECASE,
)
_OPENS_SHORT = re.compile(
    r"^\s*(and|but|or|so|also|what about|how about|why|when|where|how come)\b", re.IGNORECASE
)
_FEW_WORDS = 3


def needs_context(question: str, history: Sequence[Turn]) -> bool:
    """Whether the question seems to lean on what was said before."""
    if not history:
        return False
    content = [w for w in WORD.findall(question) if w.lower() not in STOP_WORDS]
    short_opening = _OPENS_SHORT.match(question) and len(content) <= _FEW_WORDS
    return bool(_POINTS_BACK.search(question) or short_opening or len(content) < _FEW_WORDS)


def carried_over(question: str, history: Sequence[Turn]) -> str:
    """The follow-up with the words of the question before it that it lacks.

    Good for searching, and safe: nothing is in it that the asker did not write.
    """
    before = next((t.question for t in reversed(history) if t.question), "")
    have = content_stems(question)
    lacking = [
        w
        for w in WORD.findall(before)
        if w.lower() not in STOP_WORDS and not content_stems(w) <= have
    ]
    topic = " ".join(dict.fromkeys(lacking))
    return f"{question} ({topic})" if topic else question


def recent(history: Sequence[Turn], count: Callable[[str], int], budget: int) -> str:
    """As many of the last turns as fit the budget of tokens, oldest first, each whole."""
    kept: list[str] = []
    for turn in reversed(history):
        text = f"Question: {turn.question}\nAnswer: {turn.answer}"
        budget -= count(text)
        if budget < 0:
            break
        kept.insert(0, text)
    return "\n".join(kept)


def accepted_rewrite(rewrite: str, question: str, history: Sequence[Turn]) -> bool:
    """Whether a model's rewriting says the same: no new content words, and most of the old ones."""
    asked = content_stems(question)
    said = content_stems(" ".join(f"{t.question} {t.answer}" for t in history))
    written = content_stems(rewrite)
    kept = asked - content_stems(" ".join(_POINTS_BACK.findall(question)))
    return bool(written) and written <= asked | said and len(kept & written) * 3 >= len(kept) * 2
