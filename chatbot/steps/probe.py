"""Whether an adapter answers, or the model below it: one fixed question, asked both ways. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import takewhile

from chatbot.domain import sha256_of

PROBE = """Passages:

[1] Library, opening hours
The reading room opens at 9 and closes at 18. On Saturdays it closes at 13.

[2] Library, lending
Books are lent for four weeks. A second copy of a book is lent for one week.

Question: For how long are books lent?
Answer in one sentence and cite the passage."""
TOKENS = 16
_SURE = 8
"""Characters that must agree with the record beyond those in which any model would agree: the
likeliest token can be another one later on where another processor adds up in another order."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was answered to the probe, the likeliest token each time."""

    base: str
    adapter: str


def noted(heard: Heard) -> dict[str, str]:
    """For an adapter's card, under `heard`; `recorded` reads it."""
    return {"probe": sha256_of(PROBE)[:16], **asdict(heard)}


def recorded(note: Mapping[str, str]) -> Heard | None:
    """What was answered when the adapter was promoted; None: nothing noted, or another probe."""
    if note.get("probe") != sha256_of(PROBE)[:16]:
        return None
    return Heard(note["base"], note["adapter"])


def objection(heard: Heard, then: Heard | None) -> str:
    """Why it is not proven that the adapter answers; empty: it is.

    Args:
        then: what was heard when it was promoted, if that is known.
    """
    if heard.adapter == heard.base:
        return "it answers the probe word for word as the model does without it"
    if then is None or heard.adapter == then.adapter:
        return ""
    least = min(len(then.adapter), _agree(then.base, then.adapter) + _SURE)
    if _agree(heard.adapter, then.adapter) < least:
        return "it answers the probe otherwise than when it was promoted"
    return ""


def _agree(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
