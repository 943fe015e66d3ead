"""Answers in the making: each in a thread of its own, so that a stop takes effect at once.

A generator cannot be closed while it is at work. So the chain runs in a thread that closes it when
it next comes up for air, and the page goes on the moment its reader says stop.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from contextvars import copy_context
from functools import partial

from chatbot.gate import Event
from chatbot.lifeline import Lifeline

Start = Callable[[Lifeline], Iterator[Event]]


class Run:
    """One answer in the making.

    Args:
        start: begins it, hung on a line; is called in the run's own thread.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._queue: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._line = Lifeline()

    @property
    def interrupted(self) -> bool:
        """Whether someone has stopped it before its end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End it: whoever reads `events` gets no more, and the chain is closed."""
        self._end()
        self._queue.put(None)

    def _end(self) -> None:
        self._stop.set()
        self._line.cut()  # a model that is silent would be waited for

    def events(self) -> Iterator[Event]:
        """What the chain says, until it ends or is stopped. Raises what the chain raises."""
        work = partial(copy_context().run, self._work)  # the log's lines name who asked
        threading.Thread(target=work, name="answer", daemon=True).start()
        try:
            while (item := self._queue.get()) is not None and not self.interrupted:
                if isinstance(item, BaseException):
                    raise item
                yield item
        except GeneratorExit:
            self._end()  # the reader has gone
            raise

    def _work(self) -> None:
        try:
            # The chain is a generator: closing it is what stops the model.
            with closing(self._start(self._line)) as events:  # type: ignore[type-var]
                for event in events:
                    if self.interrupted:
                        break
                    self._queue.put(event)
        except Exception as error:
            self._queue.put(error)  # raised again where it can be shown: in `events`
        finally:
            self._queue.put(None)


class Runs:
    """The answers being made, one to a conversation of each owner: a new one stops the old."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        self._lock = threading.Lock()

    def begin(self, owner: str, conversation: str, start: Start) -> Run:
        """Start an answer."""
        run = Run(start)
        with self._lock:
            older = self._runs.get((owner, conversation))
            self._runs[owner, conversation] = run
        if older:
            older.stop()
        return run

    def stop(self, owner: str, conversation: str) -> None:
        """Stop the answer that the owner has running there, if any."""
        with self._lock:
            run = self._runs.get((owner, conversation))
        if run:
            run.stop()

    def end(self, owner: str, conversation: str, run: Run) -> None:
        """Forget an answer that has ended."""
        run.stop()
        with self._lock:
            if self._runs.get((owner, conversation)) is run:
                del self._runs[owner, conversation]
