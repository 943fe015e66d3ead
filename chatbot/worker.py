"""What goes on behind the desk: drafts are written, decisions delivered, messages sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from chatbot.adapters.queue import ReviewQueue
from chatbot.chain import Chain
from chatbot.clock import utc_now
from chatbot.errors import NotAllowed, where
from chatbot.steps.review import drafted
from chatbot.steps.review_item import ReviewItem

log = structlog.get_logger()

_PAUSE = 0.5
_WATCH_PAUSE = 30.0
_AT_ONCE = 8
_DELIVERED_AT_ONCE = 100
_SYSTEM = "system"


class Worker:
    """Works on the queue in a thread of its own. Each piece of work is done again after a crash.

    Args:
        chain: gives the chain, waiting while it loads.
        send: sends what waits in the outbox.
        expires: age at which a question that nobody decided is given up.
        watch: looks after a candidate adapter, twice a minute.
    """

    def __init__(
        self,
        queue: ReviewQueue,
        chain: Callable[[], Chain],
        send: Callable[[], object],
        expires: timedelta,
        watch: Callable[[], object] = lambda: None,
    ) -> None:
        self._queue = queue
        self._chain = chain
        self._expires = expires
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(work, name, pause), name=name, daemon=True)
            for name, work, pause in (
                ("deliver", self.deliver, _PAUSE),
                ("send", send, _PAUSE),  # apart: who waits at a page waits for no mail server
                ("draft", self.draft, _PAUSE),
                ("watch", watch, _WATCH_PAUSE),
            )
        ]

    def start(self) -> None:
        """Begins."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends what it is doing, then stops."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def draft(self) -> None:
        """Drafts what wants a draft."""
        for item in self._queue.wanting_draft(_AT_ONCE):
            if self._stop.is_set():
                return
            try:
                self._draft(item)
            except NotAllowed:
                continue  # withdrawn, or drafted by another process meanwhile
            except Exception as error:  # one that cannot be drafted must not keep the others
                log.error("an answer could not be drafted", item=item.id, **where(error))

    def _draft(self, item: ReviewItem) -> None:
        answer, model = self._chain().draft(item)
        self._queue.apply(
            item.id, _SYSTEM, "drafted", lambda i, now: drafted(i, answer, now, model)
        )

    def deliver(self) -> None:
        """Delivers what was decided and can no longer be taken back, and gives up what is old."""
        for item_id in self._queue.due(utc_now(), _DELIVERED_AT_ONCE):
            with suppress(NotAllowed):  # taken back meanwhile, or delivered by another process
                self._queue.deliver(item_id)
        self._queue.expire_old(self._expires)

    def _loop(self, work: Callable[[], object], name: str, pause: float) -> None:
        while not self._stop.wait(pause):
            try:
                work()
            except Exception as error:  # tried again at the next turn; the item stays where it is
                if self._stop.is_set():
                    return
                log.error("work behind the desk failed", work=name, **where(error))
                self._stop.wait(10 * _PAUSE)
