"""One suite for the places where answers are kept: in memory, on disk, in Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.adapters.answer_store import SealedStore, Store
from chatbot.adapters.answer_store_disk import DiskStore
from chatbot.adapters.answer_store_redis import RedisStore
from chatbot.adapters.fakes_cache import MemoryStore
from chatbot.adapters.flights import Flights
from chatbot.lifeline import Lifeline
from proof.redis import program, server

LONG = 60.0


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    if program() is None:
        pytest.skip("the server program redis-server is not on this machine")
    with server() as url:
        yield url


@pytest.fixture(params=["memory", "disk", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "disk":
        made = DiskStore(tmp_path / "cache")
    else:
        made = RedisStore(request.getfixturevalue("redis_url"))
        made.clear()
    yield made
    made.close()


class TestStores:
    def test_a_text_is_there_until_it_is_dropped(self, store: Store) -> None:
        store.put("a", "“words” \n\x00 ☃", LONG)
        store.put("b", "others", LONG)
        assert (store.get("a"), store.get("b"), store.get("c")) == (
            "“words” \n\x00 ☃",
            "others",
            None,
        )
        store.put("a", "newer", LONG)
        assert store.get("a") == "newer"
        store.drop(["a", "c"])
        assert (store.get("a"), store.get("b")) == (None, "others")

    def test_a_text_ends_with_its_time(self, store: Store) -> None:
        store.put("a", "words", 0.05)
        assert store.add("b", "words", 0.05)
        time.sleep(0.1)
        assert (store.get("a"), store.get("b")) == (None, None)
        assert store.add("b", "again", LONG)

    def test_of_many_at_once_one_alone_adds(self, store: Store) -> None:
        told: list[bool] = []
        start = threading.Barrier(8)

        def add(number: int) -> None:
            start.wait()
            told.append(store.add("a", str(number), LONG))

        threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told) == [False] * 7 + [True]
        assert store.get("a") in set("01234567")

    def test_clear_takes_everything(self, store: Store) -> None:
        for number in range(30):
            store.put(f"k{number}", "words", LONG)
        store.clear()
        store.scrub()
        assert [store.get(f"k{n}") for n in range(30)] == [None] * 30

    def test_nothing_to_drop_is_no_error(self, store: Store) -> None:
        store.drop([])
        store.scrub()


class TestSeals:
    def test_a_sealed_text_is_read_back_and_renewed(self, store: Store) -> None:
        sealed = SealedStore(store, b"secret")
        sealed.put("a", "words\nand more", LONG)
        assert sealed.get("a") == "words\nand more"
        assert not sealed.add("a", "others", LONG)
        sealed.drop(["a"])
        assert sealed.add("a", "others", LONG)
        assert sealed.get("a") == "others"

    @pytest.mark.parametrize("foreign", ["", "words", "f" * 64 + "\nwords", "\n", "é\nwords"])
    def test_what_somebody_else_wrote_is_dropped(self, store: Store, foreign: str) -> None:
        store.put("a", foreign, LONG)
        assert SealedStore(store, b"secret").get("a") is None
        assert store.get("a") is None

    def test_a_text_counts_under_its_own_key_and_secret_alone(self, store: Store) -> None:
        sealed = SealedStore(store, b"secret")
        sealed.put("a", "words", LONG)
        moved = store.get("a")
        assert moved is not None
        store.put("b", moved, LONG)
        assert sealed.get("b") is None
        assert SealedStore(store, b"another").get("a") is None


class TestFlights:
    def test_one_makes_it_and_the_others_find_it(self, store: Store) -> None:
        flights, made = Flights(store), threading.Event()
        first = flights.board("q", made.is_set, Lifeline())
        assert first is not None
        waiting: list[object] = []
        threads = [
            threading.Thread(
                target=lambda: waiting.append(flights.board("q", made.is_set, Lifeline()))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        assert waiting == []
        made.set()
        first.land(shared=True)
        for thread in threads:
            thread.join()
        assert len(waiting) == 4

    def test_what_cannot_be_shared_is_not_waited_for_twice(self, store: Store) -> None:
        flights = Flights(store)
        first = flights.board("q", lambda: False, Lifeline())
        assert first is not None
        first.land(shared=False)
        start = time.monotonic()
        assert flights.board("q", lambda: False, Lifeline()) is None
        assert time.monotonic() - start < 1.0

    def test_a_lease_is_renewed_while_its_holder_lives(self, store: Store) -> None:
        flights = Flights(store, lease=0.3)
        first = flights.board("q", lambda: False, Lifeline())
        assert first is not None
        line = Lifeline()
        with line.limited(0.8) as short:
            assert flights.board("q", lambda: False, short) is None  # it waited in vain
        first.land(shared=True)
        second = flights.board("q", lambda: False, Lifeline())
        assert second is not None
        second.land(shared=True)

    def test_a_store_that_fails_once_does_not_end_a_lease(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flights, put, fails = Flights(store, lease=0.6), store.put, iter([True])
        first = flights.board("q", lambda: False, Lifeline())
        assert first is not None

        def busy_once(key: str, text: str, seconds: float) -> None:
            if next(fails, False):
                raise OSError("database is locked")
            put(key, text, seconds)

        monkeypatch.setattr(store, "put", busy_once)
        with Lifeline().limited(1.6) as short:
            assert flights.board("q", lambda: False, short) is None
        first.land(shared=True)

    def test_a_dead_holders_lease_is_taken_over(self, store: Store) -> None:
        store.add("flight:q", "the token of a process that is gone", 0.2)
        start = time.monotonic()
        flight = Flights(store, lease=0.3).board("q", lambda: False, Lifeline())
        assert flight is not None
        assert 0.1 < time.monotonic() - start < 2.0
        flight.land(shared=True)

    def test_nobody_waits_on_a_cut_line(self, store: Store) -> None:
        line = Lifeline()
        line.cut()
        assert Flights(store).board("q", lambda: False, line) is None


@given(st.text(), st.text())
def test_any_text_is_sealed_for_its_key(key: str, text: str) -> None:
    store = MemoryStore()
    sealed = SealedStore(store, b"secret")
    sealed.put(key, text, LONG)
    assert sealed.get(key) == text
