"""What programs of the operator's ask: `/readyz` and `/metrics`."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import SecretStr

from chatbot.adapters.telemetry import CONTENT_TYPE
from chatbot.pings import not_ready

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_NEVER_KEPT = {"Cache-Control": "no-store"}
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def add_operator(server: FastAPI, app: App) -> None:
    """Their routes."""

    @server.get("/readyz")
    def readyz() -> JSONResponse:
        # States alone: details name paths and servers, and a load balancer wants none.
        pings = app.ready()
        failing = not_ready(pings)
        body = {
            "ready": not failing,
            "not_ready": failing,
            "parts": {p.name: p.state for p in pings},
        }
        return JSONResponse(body, 503 if failing else 200, headers=_NEVER_KEPT)

    @server.get("/metrics")
    def metrics(request: Request) -> Response:
        if not may_read_metrics(request, app.settings.metrics_token):
            return PlainTextResponse("There is no such page.", 404)
        page = app.telemetry.page()
        return Response(page, headers=_NEVER_KEPT, media_type=CONTENT_TYPE)


def may_read_metrics(request: Request, token: SecretStr | None) -> bool:
    """Whoever has the token; where there is none, who asks from this machine itself, and neither
    through a proxy on it nor from a page that a browser on it was led to."""
    if token is not None:
        wanted = f"Bearer {token.get_secret_value()}"
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), wanted.encode())
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    forwarded = any(name in request.headers for name in _FORWARDED)
    client = request.client.host if request.client else ""
    return client in _HERE and host in _HERE and not forwarded
