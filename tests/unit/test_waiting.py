"""The line before the answers: its order, its length, and that nothing of it is lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import Busy
from chatbot.visits import Visits
from chatbot.waiting import Line, Place


def test_first_come_first_served_and_each_knows_its_place() -> None:
    line = Line(1, 2)
    first, second, third = line.join(), line.join(), line.join()
    assert list(first.wait()) == []
    waits = second.wait(), third.wait()
    assert [next(wait) for wait in waits] == [1, 2]
    with pytest.raises(Busy, match="Try again in"):
        line.join()
    first.leave()
    assert list(waits[0]) == []
    assert next(waits[1]) == 1
    second.leave()
    assert list(waits[1]) == []


def test_whoever_gives_up_makes_room_and_an_answer_in_the_making_keeps_it() -> None:
    line = Line(1, 1)
    inside, waiting = line.join(), line.join()
    inside.give_up()
    assert line.counts() == (1, 1)
    waiting.give_up()
    assert list(waiting.wait()) == []
    assert line.counts() == (1, 0)
    inside.leave()
    inside.leave()
    assert line.counts() == (0, 0)


def test_a_waiting_thread_is_woken() -> None:
    line, seen = Line(1, 1), threading.Event()
    inside, waiting = line.join(), line.join()

    def wait() -> None:
        list(waiting.wait())
        seen.set()

    threading.Thread(target=wait, daemon=True).start()
    assert not seen.wait(0.05)
    inside.leave()
    assert seen.wait(5)


@given(
    st.integers(1, 3),
    st.integers(0, 3),
    st.lists(st.tuples(st.sampled_from(["join", "leave", "give up"]), st.integers(0, 9))),
)
def test_never_more_than_allowed_and_none_lost(
    at_once: int, length: int, deeds: list[tuple[str, int]]
) -> None:
    line = Line(at_once, length)
    present: list[Place] = []
    for deed, number in deeds:
        if deed == "join":
            if len(present) == at_once + length:
                with pytest.raises(Busy, match="Try again in"):
                    line.join()
            else:
                present.append(line.join())
        elif present:
            place = present[number % len(present)]
            waiting = place._ahead() > 0
            place.leave() if deed == "leave" else place.give_up()
            if deed == "leave" or waiting:
                present.remove(place)
        inside, waits = line.counts()
        assert inside + waits == len(present)
        assert inside == min(at_once, len(present))
        assert waits <= length


def test_what_hangs_on_a_page_is_let_go_of_with_it() -> None:
    visits, gone = Visits(), []
    with visits.during("a", lambda: gone.append(1)), visits.during("a", lambda: gone.append(2)):
        visits.gone("b")
        visits.gone("a")
    visits.gone("a")
    assert gone == [1, 2]
    held: Any = visits._held
    assert held == {}
