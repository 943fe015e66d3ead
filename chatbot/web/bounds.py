"""How large a request may be, how fast it must come, from where how many, and when it is over.

Plain ASGI, below the guard. Bodies are limited for every address of the site; requests are counted
for the API, whose every call costs something. Where an event stream of Gradio's breaks, whatever
was made for its page stops: Gradio itself would let a model that is silent go on.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.adapters.rates import Rates
from chatbot.errors import CountersignError, TooMany
from chatbot.visits import Visits
from chatbot.web.api_errors import response_to
from chatbot.web.who import caller_of

BODY_SECONDS = 20.0
_COUNTED = ("/api/", "/v1/")


class TooLarge(CountersignError):
    """A request with more bytes than are read."""


class TooSlow(CountersignError):
    """A request that does not come to its end."""


class Bounds:
    """The limits of one server.

    Args:
        app: the application inside.
        rates: counts requests.
        visits: is told when a page has gone.
        most: bytes of one request.
    """

    def __init__(self, app: ASGIApp, rates: Rates, visits: Visits, most: int) -> None:
        self._app = app
        self._rates = rates
        self._visits = visits
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._count(scope)
            body = await self._body(scope, receive)
        except CountersignError as error:
            await _answer(scope, error)(scope, receive, send)
            return
        if body is not None:
            receive = _given(body, receive)
        if scope["path"].endswith("/gradio_api/queue/data"):
            await self._watched(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _count(self, scope: Scope) -> None:
        if scope["path"].startswith(_COUNTED):
            await run_in_threadpool(self._rates.asks, caller_of(Request(scope)))

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None where there is none to wait for.

        Raises:
            TooLarge, TooSlow: and the connection is of no more use.
        """
        headers = Headers(scope=scope)
        told = headers.get("content-length", "")
        if told.isdigit() and int(told) > self._most:
            raise self._too_large()
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        try:
            return await asyncio.wait_for(self._read(receive), BODY_SECONDS)
        except TimeoutError:
            raise TooSlow(
                f"The request did not arrive within {BODY_SECONDS:.0f} seconds.", "Send it again."
            ) from None

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._most:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The request is larger than {self._most // 1024} KB.",
            "Send less; COUNTERSIGN_REQUEST_KB sets the limit.",
        )

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        try:
            await self._app(scope, receive, send)
        finally:
            self._visits.gone(visit)


def _given(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives the body again, then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


def _answer(scope: Scope, error: CountersignError) -> Response:
    status = {TooLarge: 413, TooSlow: 408, TooMany: 429}[type(error)]
    return response_to(scope["path"], error, status)
