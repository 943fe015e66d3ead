"""The line before the answers: so many are made at once, so many wait, and no more.

Whoever waits knows how many are before them. Whoever finds the line full is told at once when to
try again: a short line keeps its promise, a long one only hides that there is too much to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from chatbot.errors import Busy

_FIRST_GUESS, _LONGEST = 2.0, 60.0  # seconds that an answer takes; the longest time that is named
_WEIGHT = 0.1  # of the newest answer in the mean


@dataclass(frozen=True, slots=True)
class Queued:
    """Event: the question waits for its turn, and how many are before it."""

    ahead: int


class Line:
    """First come, first served.

    Args:
        at_once: answers that are made at the same time.
        length: questions that may wait.
    """

    def __init__(self, at_once: int, length: int) -> None:
        self._at_once = at_once
        self._length = length
        self._changed = threading.Condition()
        self._waiting: list[Place] = []
        self._inside: set[Place] = set()
        self._mean = _FIRST_GUESS

    def join(self) -> Place:
        """A place, which has to be left again.

        Raises:
            Busy: the line is full.
        """
        with self._changed:
            if len(self._waiting) >= self._length and len(self._inside) >= self._at_once:
                raise Busy("Too many questions wait already.", self._wait())
            place = Place(self)
            self._waiting.append(place)
            self._move()
            return place

    def counts(self) -> tuple[int, int]:
        """Answers that are being made, and questions that wait."""
        with self._changed:
            return len(self._inside), len(self._waiting)

    def _wait(self) -> float:
        """Seconds until there should be room again."""
        return min(_LONGEST, self._mean * (len(self._waiting) + 1) / self._at_once)

    def _move(self) -> None:
        while self._waiting and len(self._inside) < self._at_once:
            place = self._waiting.pop(0)
            place._since = time.monotonic()
            self._inside.add(place)
        self._changed.notify_all()


class Place:
    """One question's place in the line, or among the answers that are being made."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._since = 0.0

    def wait(self) -> Iterator[int]:
        """How many are before it, each time that this changes; ends when it is its turn, or when it
        was given up."""
        line, last = self._line, 0
        while True:
            with line._changed:
                ahead = self._ahead()
                while ahead and ahead == last:
                    line._changed.wait()
                    ahead = self._ahead()
            if not ahead:
                return
            last = ahead
            yield ahead

    def _ahead(self) -> int:
        waiting = self._line._waiting
        return waiting.index(self) + 1 if self in waiting else 0

    def give_up(self) -> None:
        """Nobody waits for it any more; an answer that is being made keeps its place."""
        with self._line._changed:
            if self in self._line._waiting:
                self._line._waiting.remove(self)
                self._line._move()

    def leave(self) -> None:
        """Makes room for the next."""
        self.give_up()
        line = self._line
        with line._changed:
            if self in line._inside:
                line._inside.remove(self)
                took = time.monotonic() - self._since
                line._mean += _WEIGHT * (took - line._mean)
                line._move()
