"""What an answer hangs on: cut it, and whatever waits for the answer is let go of at once.

A generator that waits for a silent server cannot be closed. What it waits on can.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LetGo = Callable[[], None]


class Lifeline:
    """Holds what is to be let go of; may be cut from any thread, once.

    Attributes:
        late: it was cut because the time was over.
    """

    def __init__(self) -> None:
        self.late = False
        self._lock = threading.Lock()
        self._held: list[LetGo] = []
        self._cut = False

    @property
    def is_cut(self) -> bool:
        """Whether nobody waits any more."""
        return self._cut

    def hold(self, let_go: LetGo) -> None:
        """Has `let_go` called when the line is cut; at once if it is."""
        with self._lock:
            if not self._cut:
                self._held.append(let_go)
                return
        let_go()

    def drop(self, let_go: LetGo) -> None:
        """What is not waited on any more is not let go of."""
        with self._lock:
            if let_go in self._held:
                self._held.remove(let_go)

    def cut(self) -> None:
        """Lets go of everything."""
        with self._lock:
            self._cut = True
            held, self._held = self._held, []
        for let_go in held:
            let_go()

    def _run_out(self) -> None:
        self.late = True
        self.cut()

    @contextmanager
    def limited(self, seconds: float) -> Iterator[Lifeline]:
        """A line that is cut with this one, or by itself when the time is over."""
        line = Lifeline()
        self.hold(line.cut)
        timer = threading.Timer(seconds, line._run_out)
        timer.daemon = True
        timer.start()
        try:
            yield line
        finally:
            timer.cancel()
            self.drop(line.cut)
