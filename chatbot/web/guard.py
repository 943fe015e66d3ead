"""The outermost layer: which requests come in, and which headers go out. Plain ASGI.

Plain, because Starlette's `BaseHTTPMiddleware` would hold up Gradio's event streams.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions, new_person

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# What the page needs of Gradio. Its file, proxy, upload, info and API routes are not in here.
_GRADIO_EXACT = frozenset(
    {"/", "/theme.css", "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/cancel",
     "/gradio_api/reset", "/gradio_api/startup-events"}
)  # fmt: skip
_GRADIO_UNDER = ("/assets/", "/static/", "/gradio_api/heartbeat/")
_OURS = ("/ui/", "/documents/", "/healthz", "/favicon.ico")
_EXACT = _GRADIO_EXACT | {
    "/desk", "/desk/login", "/desk/logout", "/desk/leave", "/desk/welcome", "/desk/insights",
    "/desk/usage", "/readyz", "/metrics",
    "/desk/faq", "/desk/votes", "/desk/cache",
}  # fmt: skip
_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self'{styles}; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)


class Guard:
    """Turns away what does not belong here, starts sessions, and adds the security headers.

    Args:
        app: the application inside.
        sessions: reads and writes the cookie.
        loopback: whether the server listens on this machine only; then a request by any other host
            name is another website's attempt to reach it through the reader's browser.
        pages: path → Gradio's page there and a nonce → the page that is sent.
        admit: whether a session of the desk, named by its cookie, may see the desk.
    """

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        loopback: bool,
        pages: Mapping[str, Callable[[str, str], str]],
        admit: Callable[[str | None], object],
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._loopback = loopback
        self._pages = pages
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send, policy()))
        elif scope["path"] in self._pages and scope["method"] == "GET":
            if scope["path"] == "/desk/" and not await self._admitted(scope):
                login = RedirectResponse("/desk/login", 303)
                await login(scope, receive, _with_headers(send, policy()))
                return
            await self._page(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send, policy()))

    async def _admitted(self, scope: Scope) -> bool:
        token = _cookie(scope, DESK_COOKIE)
        return bool(await run_in_threadpool(self._admit, token))

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._loopback and urlsplit(f"//{host}").hostname not in LOOPBACK:
            return PlainTextResponse("This host name is not served here.", 400)
        origin = headers.get("origin")
        if scope["method"] == "POST" and origin and urlsplit(origin).netloc != host:
            return PlainTextResponse("Requests from other websites are refused.", 403)
        path = scope["path"]
        if path in _EXACT or path.startswith(_GRADIO_UNDER + _OURS):
            return None
        at_desk = path.removeprefix("/desk")
        if path != at_desk and (at_desk in _GRADIO_EXACT or at_desk.startswith(_GRADIO_UNDER)):
            return None
        return PlainTextResponse("There is no such page.", 404)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio's page, with our head, a nonce on each script, and a session."""
        nonce = secrets.token_urlsafe(16)
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        # Compressed, it could not be changed; a deep link would load a state that a client wrote.
        kept = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]
        await self._app({**scope, "headers": kept, "query_string": b""}, receive, collect)
        html = self._pages[scope["path"]](body.decode(), nonce).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-length"] = str(len(html))
        headers["cache-control"] = "no-store"
        person = self._sessions.read(_cookie(scope, COOKIE)) or new_person()
        secure = scope.get("scheme") == "https"
        headers.append("set-cookie", self._sessions.header(person, secure=secure))
        send = _with_headers(send, policy(nonce))
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": html})


def policy(nonce: str | None = None) -> str:
    """The content security policy; with a nonce, the one for the page that Gradio drives.

    That one allows `unsafe-eval`, because `gr.HTML` compiles its templates in the browser, and
    inline styles, because Gradio writes them. Inline scripts and handlers stay forbidden.
    """
    if nonce is None:
        return _POLICY.format(scripts="", styles="")
    return _POLICY.format(scripts=f" 'nonce-{nonce}' 'unsafe-eval'", styles=" 'unsafe-inline'")


def _cookie(scope: Scope, name: str) -> str | None:
    try:
        found = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _with_headers(send: Send, content_policy: str) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name, value in _COMMON.items():
                headers[name] = value
            headers["Content-Security-Policy"] = content_policy
            message = {**message, "headers": headers.raw}
        await send(message)

    return wrapped
