"""Things that load while the page is up."""

from __future__ import annotations

import threading

import pytest

from chatbot.background import Background
from chatbot.errors import CountersignError, ModelUnusable


def test_from_loading_to_ready() -> None:
    go = threading.Event()
    part = Background("model", lambda: go.wait(5) and 42)
    assert part.state == "loading"
    with pytest.raises(CountersignError, match="still loading"):
        part.get(0)
    go.set()
    assert part.get(5) == 42
    assert (part.state, part.detail) == ("ready", "")


def test_our_own_failure_is_passed_on() -> None:
    error = ModelUnusable("No file.", "Get one.")

    def make() -> int:
        raise error

    part = Background("model", make)
    with pytest.raises(ModelUnusable) as caught:
        part.get(5)
    assert caught.value is error
    assert (part.state, part.detail) == ("failed", "No file. Get one.")


def test_any_other_failure_is_told_too() -> None:
    part = Background("model", lambda: 1 // 0)
    with pytest.raises(CountersignError, match="by zero") as caught:
        part.get(5)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert part.state == "failed"


def test_what_was_made_and_does_not_work_has_failed() -> None:
    part = Background("model", lambda: 1)
    part.get(5)
    part.failed = True
    assert part.state == "failed"


def test_what_nobody_wants_is_not_loaded() -> None:
    made: list[int] = []
    part = Background("model", lambda: made.append(1), at_once=False)
    part.join()
    assert (part.begun, part.state, made) == (False, "loading", [])
    part.begin()
    part.begin()
    part.join()
    part.get(0)
    assert (part.begun, part.state, made) == (True, "ready", [1])
