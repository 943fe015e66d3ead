"""The questions that were answered before, and which of them are near a new one.

Each is kept as the signs of its vector's numbers, 48 bytes: the share of signs in which two vectors
differ tells their angle (Charikar, "Similarity estimation techniques from rounding algorithms",
2002). All of a partition's are compared, so nothing is built and nothing is missed by a search; the
few that remain are compared by their vectors. Derived from the database: each process reads what
is new.
"""

from __future__ import annotations

import threading

import numpy as np

_AT_ONCE = 1 << 15  # rows whose signs fit a core's cache
_NEAR = 0.32
"""Share of differing signs up to which questions are compared: a cosine of 0.53."""
_FIRST = 1024


def packed(vector: np.ndarray) -> bytes:
    """A vector as it is kept."""
    return np.asarray(vector, np.float16).tobytes()


def unpacked(rows: list[bytes]) -> np.ndarray:
    """Vectors as they were kept (n x dimensions, float32)."""
    return np.stack([np.frombuffer(row, np.float16) for row in rows]).astype(np.float32)


def signs(vector: np.ndarray) -> bytes:
    """The signs of a vector's numbers, a bit each, in whole words of 64."""
    bits = np.packbits(np.asarray(vector) > 0)
    return bits.tobytes().ljust(-(-len(bits) // 8) * 8, b"\0")


class _Part:
    """One partition's signs, word by word, and the rows that they belong to."""

    def __init__(self, words: int) -> None:
        self.rows = np.zeros(_FIRST, np.int64)
        self.words = np.zeros((words, _FIRST), np.uint64)
        self.count = 0

    def add(self, row: int, words: np.ndarray) -> None:
        if self.count == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
            self.words = np.concatenate([self.words, np.zeros_like(self.words)], axis=1)
        self.rows[self.count] = row
        self.words[:, self.count] = words
        self.count += 1


class QuestionIndex:
    """May be used from several threads.

    Attributes:
        last: the newest row that it knows.
    """

    def __init__(self) -> None:
        self.last = 0
        self._parts: dict[str, _Part] = {}
        self._lock = threading.Lock()

    def add(self, row: int, partition: str, signed: bytes) -> None:
        """Takes a question over; rows come in rising order, and a second time to no effect."""
        words = np.frombuffer(signed, np.uint64)
        with self._lock:
            if row <= self.last:
                return
            self._parts.setdefault(partition, _Part(len(words))).add(row, words)
            self.last = row

    def near(self, partition: str, signed: bytes, most: int) -> list[int]:
        """Rows of a partition's questions that may be near one, the nearest first."""
        with self._lock:
            part = self._parts.get(partition)
            if part is None:  # else there is one at least
                return []
            count, rows, words = part.count, part.rows, part.words
        wanted = np.frombuffer(signed, np.uint64)
        limit = int(_NEAR * 64 * len(wanted))
        places, distances = [], []
        for start in range(0, count, _AT_ONCE):
            end = min(start + _AT_ONCE, count)
            apart = np.zeros(end - start, np.uint16)
            for word, mine in zip(words[:, start:end], wanted, strict=True):
                apart += np.bitwise_count(word ^ mine)
            found = np.flatnonzero(apart <= limit)
            places.append(found + start)
            distances.append(apart[found])
        order = np.argsort(np.concatenate(distances), kind="stable")[:most]
        return [int(rows[at]) for at in np.concatenate(places)[order]]
