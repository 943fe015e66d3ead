"""How each proof says what it found."""

from __future__ import annotations

import sys
import time


class Report:
    """Counts what was tried and what went wrong; prints one line, and gives the exit status.

    Args:
        what: the promise, in a few words.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._start = time.perf_counter()
        self.tried = 0
        self.wrong: list[str] = []

    def count(self, wrong: str = "") -> None:
        """One more was tried; `wrong` says what was wrong with it, if anything."""
        self.tried += 1
        if wrong:
            self.wrong.append(wrong)

    def end(self, least: int = 1) -> int:
        """Prints the line; 0 where enough was tried and nothing was wrong, else 1."""
        seconds = time.perf_counter() - self._start
        good = not self.wrong and self.tried >= least
        word = "ok" if good else "FAILED"
        print(f"{word}: {self._what}: {len(self.wrong)} of {self.tried:,} ({seconds:.0f} s)")
        for line in self.wrong[:5]:
            print(f"    {line}", file=sys.stderr)
        return 0 if good else 1
