"""A line is cut once, from anywhere, and lets go of all that hangs on it."""

from __future__ import annotations

import threading

from chatbot.lifeline import Lifeline


def test_what_is_held_is_let_go_of_once() -> None:
    line, calls = Lifeline(), []
    line.hold(lambda: calls.append("a"))
    line.cut()
    line.cut()
    assert calls == ["a"]
    line.hold(lambda: calls.append("late"))
    assert calls == ["a", "late"]
    assert line.is_cut


def test_what_is_dropped_stays() -> None:
    line, calls = Lifeline(), []

    def let_go() -> None:
        calls.append("a")

    line.hold(let_go)
    line.drop(let_go)
    line.cut()
    assert calls == []


def test_a_part_ends_with_the_whole_or_by_itself() -> None:
    whole = Lifeline()
    with whole.limited(60) as part:
        whole.cut()
        assert part.is_cut
    other, over = Lifeline(), threading.Event()
    with other.limited(0.01) as part:
        part.hold(over.set)
        assert over.wait(2)
    assert not other.is_cut
