"""A Redis that takes what is said to it and answers nothing: no question waits for it for long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from chatbot.adapters import redis_client
from chatbot.adapters.answer_store_redis import RedisStore
from chatbot.errors import BadSettings

WAIT = 0.15


class Silent:
    """Takes connections; says nothing, or what a Redis says that has no such key."""

    def __init__(self) -> None:
        self.taken = 0
        self.hangs = True
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._socket.getsockname()[1]}/0"
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.taken += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while asked := connection.recv(10_000):
                if not self.hangs:
                    connection.sendall(b"".join(map(self._said, asked.split(b"*")[1:])))

    @staticmethod
    def _said(command: bytes) -> bytes:
        if b"HELLO" in command:
            return b"%1\r\n$5\r\nproto\r\n:3\r\n"
        return b"_\r\n" if b"GET" in command else b"+OK\r\n"

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    monkeypatch.setattr(redis_client, "_SECONDS", WAIT)
    monkeypatch.setattr(redis_client, "_PAUSE", 4 * WAIT)
    made = Silent()
    yield made
    made.close()


def seconds_of(store: RedisStore) -> float:
    start = time.monotonic()
    with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
        store.get("a")
    return time.monotonic() - start


def test_it_is_left_alone_after_a_few_failures_and_asked_again_later(silent: Silent) -> None:
    store = RedisStore(silent.url)
    waited = [seconds_of(store) for _ in range(3)]
    assert min(waited) > WAIT / 2
    assert max(waited) < 3 * WAIT  # a silent server is not asked twice
    taken = silent.taken
    assert sum(seconds_of(store) for _ in range(200)) < WAIT
    with pytest.raises(redis.ConnectionError):
        store.put("a", "words", 1.0)
    assert silent.taken == taken
    silent.hangs = False
    time.sleep(5 * WAIT)
    assert store.get("a") is None
    store.put("a", "words", 1.0)
    store.close()


def test_what_has_to_go_is_tried_all_the_same(silent: Silent) -> None:
    store = RedisStore(silent.url)
    for _ in range(3):
        seconds_of(store)
    taken = silent.taken
    with pytest.raises(redis.TimeoutError):
        store.drop(["a"])
    assert silent.taken > taken
    store.close()


def test_a_url_that_is_none_is_named() -> None:
    with pytest.raises(BadSettings, match="Redis"):
        RedisStore("http://127.0.0.1")
