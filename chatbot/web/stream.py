"""Answers in the making: each in a thread of its own, so that a stop takes effect at once.

A generator cannot be closed while it is at work. So the chain runs in a thread that closes it when
it next comes up for air, and the page goes on the moment its reader says stop. The thread waits for
its place in the line, too, so that a reader who has gone gives it up.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing, suppress
from contextvars import copy_context
from functools import partial

from chatbot.errors import Busy
from chatbot.gate import Event
from chatbot.lifeline import Lifeline
from chatbot.threads import Threads
from chatbot.waiting import Place, Queued

Start = Callable[[Lifeline], Iterator[Event]]
Item = Event | Queued | BaseException | None
_THREADS = Threads("answer")
_AGAIN = 30.0  # seconds after which to try again when an answer took too long


class Run:
    """One answer in the making; it begins at once.

    Args:
        start: begins it, hung on a line; is called in the run's own thread.
        place: where it stands in the line.
        seconds: after which nobody waits for it any more.
    """

    def __init__(self, start: Start, place: Place, seconds: float) -> None:
        self._start = start
        self._place = place
        self._until = time.monotonic() + seconds
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._put: Callable[[Item], None] = self._queue.put
        self._stop = threading.Event()
        self._line = Lifeline()
        self._line.hold(place.give_up)

    def begin(self) -> None:
        """Starts it in a thread."""
        work = partial(copy_context().run, self._work)  # the log's lines name who asked
        try:
            _THREADS.start(work)
        except RuntimeError:  # the machine has no more threads
            self._place.leave()
            raise

    @property
    def interrupted(self) -> bool:
        """Whether someone has stopped it before its end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End it: whoever reads `events` gets no more, and the chain is closed."""
        self._end()
        self._put(None)

    def _end(self) -> None:
        self._stop.set()
        self._line.cut()  # a model that is silent would be waited for

    def events(self) -> Iterator[Event | Queued]:
        """What the chain says, until it ends or is stopped. Raises what the chain raises, and
        `Busy` when its time is over."""
        try:
            while (item := self._next()) is not None and not self.interrupted:
                if isinstance(item, BaseException):
                    raise item
                yield item
        except (queue.Empty, TimeoutError):
            raise self._late() from None
        except GeneratorExit:
            self._end()  # the reader has gone
            raise

    def _next(self) -> Item:
        return self._queue.get(timeout=self._left())

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:  # also where more is at hand: a model that never ends would be read for ever
            raise TimeoutError
        return left

    def _late(self) -> Busy:
        self._end()
        return Busy("This took too long to answer.", _AGAIN)

    def _work(self) -> None:
        try:
            for ahead in self._place.wait():
                self._put(Queued(ahead))
            if not self.interrupted:
                self._answer()
        except Exception as error:
            self._put(error)  # raised again where it can be shown: in `events`
        finally:
            self._place.leave()
            self._put(None)

    def _answer(self) -> None:
        # The chain is a generator: closing it is what stops the model.
        with closing(self._start(self._line)) as events:  # type: ignore[type-var]
            for event in events:
                if self.interrupted:
                    break
                self._put(event)


class HeardRun(Run):
    """A run that an event loop listens to; made in that loop, it takes no thread for listening."""

    def __init__(self, start: Start, place: Place, seconds: float) -> None:
        super().__init__(start, place, seconds)
        loop, heard = asyncio.get_running_loop(), asyncio.Queue[Item]()
        self._heard = heard

        def put(item: Item) -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it whoever listened
                loop.call_soon_threadsafe(heard.put_nowait, item)

        self._put = put

    async def listen(self) -> AsyncGenerator[Event | Queued, None]:
        """What `events` gives."""
        try:
            while (item := await self._hear()) is not None and not self.interrupted:
                if isinstance(item, BaseException):
                    raise item
                yield item
        except TimeoutError:
            raise self._late() from None
        except (GeneratorExit, asyncio.CancelledError):
            self._end()  # the reader has gone
            raise

    async def _hear(self) -> Item:
        left = self._left()
        if not self._heard.empty():  # a timer costs as much as what it waits for
            return self._heard.get_nowait()
        async with asyncio.timeout(left):
            return await self._heard.get()


class Runs:
    """The answers being made, one to a conversation of each owner: a new one stops the old."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        self._lock = threading.Lock()

    def begin(self, owner: str, conversation: str, run: Run) -> None:
        """Start an answer."""
        with self._lock:
            older = self._runs.get((owner, conversation))
            self._runs[owner, conversation] = run
        if older:
            older.stop()
        run.begin()

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
