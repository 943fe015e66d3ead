"""Clocks, and when a streamed text's first sentence was whole."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from chatbot.steps.words import sentence_spans


class Clock:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap, or since this was made."""
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        return seconds


def first_sentence(pieces: Sequence[tuple[float, str]]) -> float | None:
    """When the piece came that completed the first sentence; None: there is no sentence.

    Looked up afterwards, so that a stream is not charged for waiting until the next one begins.
    """
    text = "".join(piece for _, piece in pieces)
    spans = sentence_spans(text)
    if not spans:
        return None
    length = 0
    for at, piece in pieces:
        length += len(piece)
        if length >= spans[0][1]:
            return at
    return None


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
