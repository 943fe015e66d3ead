"""Connections to model servers that can be closed while somebody waits on them.

The hub's client is told to make its requests over this transport. Each request has a connection of
its own, known before anything is sent; a line that is cut shuts it down, which ends the waiting.
What streams in is read as plain dictionaries.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

import httpx
from huggingface_hub import constants, set_client_factory
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.inference import _client as hub_client
from huggingface_hub.inference._common import _parse_text_generation_error

from chatbot.lifeline import Lifeline

T = TypeVar("T")

_line: ContextVar[Lifeline | None] = ContextVar("line", default=None)
_READS_A_SECOND = 500.0
"""Of all answers together: with fifty, to wake up for each token costs more than what is done."""
_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


def hanging_on(line: Lifeline | None, pieces: Iterator[T]) -> Iterator[T]:
    """The same pieces; requests that are made for them end when the line is cut."""
    with _readers.one_more():
        while True:
            token = _line.set(line)  # not across a yield: the reader's requests are its own
            try:
                piece = next(pieces)
            except StopIteration:
                return
            finally:
                _line.reset(token)
            yield piece


class _Readers:
    """How many answers are being read."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def wait(self) -> None:
        """The longer the more there are: what comes meanwhile is read at once."""
        time.sleep(self._count / _READS_A_SECOND)

    def _add(self, more: int) -> None:
        with self._lock:
            self._count += more


_readers = _Readers()


class Transport(httpx.HTTPTransport):
    """Tells the line that a request hangs on about its connection."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request."""
        line = _line.get()
        if line is not None:
            request.extensions = {**request.extensions, "trace": lambda n, i: _hold(line, n, i)}
        return super().handle_request(request)


@cache
def use_own_transport() -> None:
    """Has the hub's client use it from now on. A connection that is kept open could not be told
    from the one before, so none is."""
    set_client_factory(
        lambda: httpx.Client(
            transport=Transport(limits=httpx.Limits(max_keepalive_connections=0)),
            event_hooks={"request": [_refuse_offline]},
            follow_redirects=True,
            timeout=None,  # noqa: S113 - each request has its own
        )
    )
    # The client makes four data classes of each token, which copy themselves as often: 0.7 ms, and
    # with many askers more than all else that is done for an answer. LangChain reads dictionaries.
    hub_client._stream_chat_completion_response = _pieces  # type: ignore[attr-defined]


def _pieces(lines: Iterable[str]) -> Iterator[Any]:
    """The pieces of a streamed answer, as the server wrote them."""
    for line in lines:
        field, _, value = line.partition(":")
        if field != "data":
            continue
        if value.strip() == "[DONE]":
            return
        piece = json.loads(value)
        if piece.get("error") is not None:
            raise _parse_text_generation_error(piece["error"], piece.get("error_type"))
        yield piece


def _refuse_offline(request: httpx.Request) -> None:
    """What the hub's own client does, but for the hub alone: other servers may be on this desk."""
    if constants.HF_HUB_OFFLINE and str(request.url).startswith(constants.ENDPOINT):
        raise OfflineModeIsEnabled(f"HF_HUB_OFFLINE is set; {request.url} is not asked for.")


def _hold(line: Lifeline, name: str, info: dict[str, Any]) -> None:
    if name in _CONNECTED:
        stream = info["return_value"]
        connection, read = stream.get_extra_info("socket"), stream.read
        line.hold(lambda: _shut(connection))

        def unhurried(*args: Any, **kwargs: Any) -> bytes:
            _readers.wait()
            return read(*args, **kwargs)  # type: ignore[no-any-return]

        stream.read = unhurried


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed
        connection.shutdown(socket.SHUT_RDWR)
