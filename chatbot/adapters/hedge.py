"""Hedging: where the first model is silent for long, the other is asked beside it.

Whichever writes first answers, and the other's connection is closed (Dean and Barroso, The Tail at
Scale, Communications of the ACM 56, 2013). Off unless a time is set: it costs work twice over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from chatbot.adapters.fallback import FallbackChat
from chatbot.errors import GenerationFailed
from chatbot.lifeline import Lifeline

Pieces = Callable[[Lifeline], Iterator[ChatGenerationChunk]]
Heard = ChatGenerationChunk | Exception | None  # None: it has ended


class HedgedChat(FallbackChat):
    """Asks `first`, and `second` as well where that has written nothing for `after` seconds.

    To the breaker one that was overtaken is neither a failure nor a success.
    """

    after: float

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        *,
        line: Lifeline | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """The answer in pieces, all of them one model's.

        Raises:
            GenerationFailed: both models fail, or the one that writes does in the middle.
        """
        first = self.first

        def instead(own: Lifeline | None) -> Iterator[ChatGenerationChunk]:
            return self._instead(messages, stop, None, line=own, **kwargs)

        if first is None or not self.breaker.allows():
            yield from instead(line)
            return
        race = _Race(line)
        try:
            main = race.start(lambda own: first._stream(messages, stop, line=own, **kwargs))
            writer = self._first_to_write(race, main, instead)
            for piece in race.told_by(writer):
                if isinstance(piece, Exception):
                    if writer is main:
                        self._count(line)
                    raise piece
                yield piece
            if writer is main:
                self.breaker.succeeded()
        finally:
            race.end()

    def _first_to_write(self, race: _Race, main: _Runner, instead: Pieces) -> _Runner:
        """Whoever has written, or has ended well without a word."""
        until = time.monotonic() + self.after
        while True:
            only = len(race.runners) == 1
            heard = race.hear(max(0.0, until - time.monotonic()) if only else None)
            if heard is None:
                race.start(instead)
                continue
            runner, piece = heard
            if not isinstance(piece, Exception):
                runner.kept.append(piece)
                if piece is None or piece.message.content:
                    return runner
                continue
            runner.failed = True
            if runner is main:
                self._count(race.line)
            if not isinstance(piece, GenerationFailed) or (race.line and race.line.is_cut):
                raise piece
            if only:
                race.start(instead)
            elif all(r.failed for r in race.runners):
                raise piece


class _Runner:
    """One request, read by a thread of its own.

    Attributes:
        kept: what was heard of it before it was known that it writes.
    """

    def __init__(self, pieces: Pieces, told: SimpleQueue[tuple[_Runner, Heard]]) -> None:
        self.line = Lifeline()
        self.kept: list[ChatGenerationChunk | None] = []
        self.failed = False
        self._pieces = pieces
        self._told = told
        threading.Thread(target=self._run, name="hedge", daemon=True).start()

    def _run(self) -> None:
        try:
            for piece in self._pieces(self.line):
                self._told.put((self, piece))
            self._told.put((self, None))
        except Exception as error:  # raised where the answer is read
            self._told.put((self, error))


class _Race:
    """Requests side by side, all of them hanging on the reader's line."""

    def __init__(self, line: Lifeline | None) -> None:
        self.line = line
        self.runners: list[_Runner] = []
        self._told: SimpleQueue[tuple[_Runner, Heard]] = SimpleQueue()

    def start(self, pieces: Pieces) -> _Runner:
        """One more."""
        runner = _Runner(pieces, self._told)
        self.runners.append(runner)
        if self.line is not None:
            self.line.hold(runner.line.cut)
        return runner

    def hear(self, seconds: float | None) -> tuple[_Runner, Heard] | None:
        """What comes next, and from whom; None: nothing in that time."""
        try:
            return self._told.get(timeout=seconds)
        except Empty:
            return None

    def told_by(self, writer: _Runner) -> Iterator[ChatGenerationChunk | Exception]:
        """All that this one says from its beginning; the others are let go of."""
        self._let_go(r for r in self.runners if r is not writer)
        for piece in writer.kept:
            if piece is None:
                return
            yield piece
        while True:
            runner, heard = self._told.get()
            if runner is writer:
                if heard is None:
                    return
                yield heard

    def end(self) -> None:
        """Lets go of all of them."""
        self._let_go(iter(self.runners))

    def _let_go(self, runners: Iterator[_Runner]) -> None:
        for runner in runners:
            runner.line.cut()
            if self.line is not None:
                self.line.drop(runner.line.cut)
