"""Answers in the making, listened to from a thread and from an event loop."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chatbot.errors import Busy
from chatbot.gate import Event
from chatbot.lifeline import Lifeline
from chatbot.waiting import Line
from chatbot.web.stream import HeardRun, Run

SECONDS = 0.2
LONG: Any = ["word"] * 100


def words(line: Lifeline) -> Iterator[Event]:
    """A model that is faster than whoever reads it, five times as long as there is time."""
    yield from LONG


def read(run: Run) -> None:
    for _ in run.events():
        time.sleep(0.01)


async def listen(run: HeardRun) -> None:
    async for _ in run.listen():
        await asyncio.sleep(0.01)


def test_who_has_more_to_read_than_there_is_time_for_is_told_so() -> None:
    run = Run(words, Line(1, 1).join(), SECONDS)
    run.begin()
    with pytest.raises(Busy, match="too long"):
        read(run)
    assert run.interrupted


def test_the_same_in_an_event_loop() -> None:
    async def main() -> None:
        run = HeardRun(words, Line(1, 1).join(), SECONDS)
        run.begin()
        await listen(run)

    with pytest.raises(Busy, match="too long"):
        asyncio.run(main())
