"""Threads that are used again: nothing is lost, no more of them than there is work."""

from __future__ import annotations

import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.threads import Threads


def test_a_thread_that_is_idle_is_used_again() -> None:
    threads, used = Threads("again"), set[int]()
    for _ in range(20):
        done = threading.Event()

        def work(done: threading.Event = done) -> None:
            used.add(threading.get_ident())
            done.set()

        threads.start(work)
        assert done.wait(5)
        time.sleep(0.01)  # until it is idle
    assert len(used) == 1


def test_whoever_finds_none_idle_gets_a_new_one() -> None:
    threads, together = Threads("together"), threading.Barrier(6)

    def meet() -> None:
        together.wait(5)

    for _ in range(5):
        threads.start(meet)
    together.wait(5)  # all five are at it at once, or this breaks


def test_those_without_work_end() -> None:
    threads, used = Threads("short", patience=0.05), list[threading.Thread]()
    threads.start(lambda: used.append(threading.current_thread()))
    end = time.monotonic() + 5
    while (not used or used[0].is_alive()) and time.monotonic() < end:
        time.sleep(0.01)
    assert used
    assert not used[0].is_alive()


@given(pauses=st.lists(st.floats(0, 0.004), min_size=1, max_size=60))
@settings(max_examples=30, deadline=None)
def test_whatever_the_moment_all_of_it_is_done(pauses: list[float]) -> None:
    threads = Threads("all", patience=0.001)  # they end just when more comes
    left = threading.Semaphore(0)
    for pause in pauses:
        threads.start(left.release)
        time.sleep(pause)
    assert all(left.acquire(timeout=5) for _ in pauses)
