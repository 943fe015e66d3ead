"""A name for each web request: in its answer, in the records and the log lines that it leads to."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

log = structlog.get_logger()

HEADER = "X-Request-ID"
# What proxies make. Anything shorter or freer could be a name, or somebody's number.
_WELL_FORMED = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,64}")
_DOORS = {
    "": "page", "gradio_api": "events", "assets": "files", "static": "files", "ui": "files",
    "theme.css": "files", "favicon.ico": "files", "desk": "desk", "documents": "documents",
    "healthz": "health", "readyz": "health", "metrics": "metrics", "v1": "api", "api": "api",
    "widget.js": "widget", "widget": "widget",
}  # fmt: skip


class Requests:
    """The outermost layer: names each request, and tells of each answer. Plain ASGI.

    Args:
        responded: told the door and the status of each answer.
    """

    def __init__(self, app: ASGIApp, responded: Callable[[str, int], None]) -> None:
        self._app = app
        self._responded = responded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, began, status = name_of(Headers(scope=scope).get(HEADER, "")), time.perf_counter(), 0
        # Gradio hands its handlers these headers, and nothing else of the request's.
        kept = [(k, v) for k, v in scope["headers"] if k != HEADER.lower().encode()]
        scope = {**scope, "headers": [*kept, (HEADER.lower().encode(), name.encode())]}

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                headers[HEADER] = name
                message = {**message, "headers": headers.raw}
            await send(message)

        with bound_contextvars(request=name):
            try:
                await self._app(scope, receive, answered)
            finally:
                door = door_of(scope["path"])
                self._responded(door, status or 500)
                milliseconds = round((time.perf_counter() - began) * 1000, 1)
                about = {"method": _method(scope), "door": door, "status": status or 500}
                log.info("a request was answered", milliseconds=milliseconds, **about)


def name_of(claimed: str) -> str:
    """The name that a proxy has given the request, if it is of the form of one; else a new one."""
    return claimed if _WELL_FORMED.fullmatch(claimed) else uuid.uuid4().hex


def door_of(path: str) -> str:
    """Which part of the application a path belongs to, in one of a few words."""
    return _DOORS.get(path.split("/", 2)[1] if "/" in path else path, "other")


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"
