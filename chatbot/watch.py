"""Looks for drift once in a while, at low priority, beside a server that answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog

from chatbot.adapters.drift import Look, fresh, keep, kept
from chatbot.clock import Clock, utc_now
from chatbot.errors import where

log = structlog.get_logger()

_PAUSE = 300.0
_NICE = 15


class Watch:
    """Looks in a thread of its own, and keeps what it found where the desk and the doctor read it.

    Args:
        look: looks now.
        folder: where looks are kept; of several servers on one folder the first looks.
        every: time between two looks; none: never.
    """

    def __init__(
        self, look: Callable[[], Look], folder: Path, every: timedelta, clock: Clock = utc_now
    ) -> None:
        self._look = look
        self._folder = folder
        self._every = every
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)

    def start(self) -> None:
        """Begins."""
        if self._every:
            self._thread.start()

    def close(self) -> None:
        """Ends what it is doing, then stops."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def turn(self) -> None:
        """Looks, where it is time to. An alert goes into the log once, until it is over."""
        before = next(reversed(kept(self._folder)), None)
        if before is not None and self._clock() - before.at < self._every:
            return
        found = self._look()
        keep(self._folder, found)
        for alert in fresh(found, before):
            log.warning("drift", figure=alert.name, values=alert.values, advice=alert.advice)

    def _loop(self) -> None:
        if hasattr(os, "setpriority"):  # on Linux this is the thread's own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while not self._stop.wait(_PAUSE):
            try:
                self.turn()
            except Exception as error:  # tried again; answering does not depend on it
                if self._stop.is_set():
                    return
                log.error("drift could not be looked for", **where(error))
