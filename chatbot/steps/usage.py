"""What was asked and how it went, in pieces of time: counts and middles, nobody's words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np


@dataclass(frozen=True, slots=True)
class Turn:
    """One answered question, as far as figures go.

    Attributes:
        given: whether it was answered from what was answered before.
        found: whether the documents held an answer.
    """

    at: datetime
    status: str
    given: bool = False
    milliseconds: float = 0.0
    found: bool = True
    tokens: int = 0


@dataclass(slots=True)
class Piece:
    """A day, or an hour of the last one.

    Attributes:
        seconds: of each answer of the model; `waits`: hours until each decision at the desk.
    """

    begins: datetime
    counts: dict[str, int] = field(default_factory=dict)
    given: int = 0
    up: int = 0
    down: int = 0
    tokens: int = 0
    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float | None:
        """Seconds that half of the answers took at most; None: there was none."""
        return float(np.median(self.seconds)) if self.seconds else None

    @property
    def late(self) -> float | None:
        """Seconds that 19 of 20 answers took at most."""
        return _share(self.seconds, 0.95)

    @property
    def wait(self) -> float | None:
        """Hours that half of the askers waited for a decision at most."""
        return float(np.median(self.waits)) if self.waits else None


def pieces(
    turns: Iterable[Turn],
    thumbs: Iterable[tuple[datetime, int]],
    decided: Iterable[tuple[datetime, timedelta]],
    since: datetime,
    now: datetime,
) -> list[Piece]:
    """The time from `since` to `now`, an hour a piece up to a day and else a day, oldest first."""
    length = timedelta(hours=1) if now - since <= timedelta(days=1) else timedelta(days=1)
    made = [Piece(since + n * length) for n in range(max(1, -(-(now - since) // length)))]

    def piece(at: datetime) -> Piece:
        return made[max(0, min((at - since) // length, len(made) - 1))]

    for turn in turns:
        one, kind = piece(turn.at), "not found" if not turn.found else turn.status
        one.counts[kind] = one.counts.get(kind, 0) + 1
        one.tokens, one.given = one.tokens + turn.tokens, one.given + turn.given
        if turn.status == "released" and not turn.given:
            one.seconds.append(turn.milliseconds / 1000)
    for at, value in thumbs:
        one = piece(at)
        one.up, one.down = one.up + (value > 0), one.down + (value < 0)
    for at, waited in decided:
        piece(at).waits.append(waited / timedelta(hours=1))
    return made


def money(tokens: int, hours: float, price_tokens: float, price_hour: float) -> float:
    """What so many tokens and hours cost, at the price of 1,000 and of one."""
    return tokens / 1000 * price_tokens + hours * price_hour


def _share(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
