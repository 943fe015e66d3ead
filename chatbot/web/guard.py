"""The outermost layer: which requests come in, and which headers go out. Plain ASGI.

Plain, because Starlette's `BaseHTTPMiddleware` would hold up Gradio's event streams.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Set

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.steps.rights import Check, need_of, served
from chatbot.web import cross_origin
from chatbot.web.hosts import Hosts
from chatbot.web.identity import Identity
from chatbot.web.login_pages import refused_page
from chatbot.web.session import COOKIE, new_person

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

    What an address needs stands in `rights.ROUTES`; what is not in there is not served.

    Args:
        app: the application inside.
        identity: says who sends a request, and what they may do.
        hosts: the names under which this site is served.
        pages: path → Gradio's page there and a nonce → the page that is sent.
        secure: whether people reach the site by https, whatever a proxy before it makes of that.
        site: its name, for the page that says no.
        embedders: origins of the websites that may hold the widget.
    """

    def __init__(
        self,
        app: ASGIApp,
        identity: Identity,
        hosts: Hosts,
        pages: Mapping[str, Callable[[str, str], str]],
        secure: bool,
        site: str,
        embedders: Set[str] = frozenset(),
    ) -> None:
        self._app = app
        self._identity = identity
        self._hosts = hosts
        self._pages = pages
        self._secure = secure
        self._site = site
        self._embedders = embedders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks over a WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope) or await self._barred(scope)
        if scope["path"] in cross_origin.PATHS:
            origin = cross_origin.origin_of(scope)
            send = _with(send, cross_origin.added(scope["path"], origin, self._embedders))
        if refusal is not None:
            await refusal(scope, receive, secured(send))
        elif scope["path"] in self._pages and scope["method"] == "GET":
            await self._page(scope, receive, send)
        else:
            await self._app(scope, receive, secured(send))

    def _refusal(self, scope: Scope) -> Response | None:
        """Why this is nothing for this site, whoever sends it."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if scope["path"] in cross_origin.PATHS and len(hosts) == 1 and self._hosts.serves(hosts[0]):
            origin = cross_origin.origin_of(scope)
            own = origin is not None and self._hosts.own(origin, hosts[0])
            return cross_origin.refusal(
                scope["method"], scope["path"], origin, self._embedders, own=own
            )
        if (refusal := misdirected(scope, self._hosts)) is not None:
            return refusal
        if not served(scope["path"]):
            return PlainTextResponse("There is no such page.", 404)
        if need_of(scope["method"], scope["path"]) is None:
            return PlainTextResponse("This is not done here.", 405)
        return None

    async def _barred(self, scope: Scope) -> Response | None:
        """Why this person may not have that; nothing where they may."""
        need = need_of(scope["method"], scope["path"])
        if need is None or isinstance(need, Check):
            return None
        account, rights = await run_in_threadpool(self._identity.rights, HTTPConnection(scope))
        if need in rights:
            return None
        if account is not None:
            return HTMLResponse(refused_page(self._site, account.name), 403)
        at_desk = scope["path"].startswith("/desk")
        return RedirectResponse("/desk/login" if at_desk else "/login", 303)

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
        sessions = self._identity.sessions
        person = sessions.read(HTTPConnection(scope).cookies.get(COOKIE)) or new_person()
        secure = self._secure or scope.get("scheme") == "https"
        headers.append("set-cookie", sessions.header(person, secure=secure))
        send = secured(send, policy(nonce))
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


def misdirected(scope: Scope, hosts: Hosts) -> Response | None:
    """The answer to a request that was sent to another name, or by another website; None: go on."""
    headers = Headers(scope=scope)
    named, origins = headers.getlist("host"), headers.getlist("origin")
    if len(named) != 1 or not hosts.serves(named[0]):
        return PlainTextResponse("This host name is not served here.", 400)
    foreign = len(origins) > 1 or (origins and not hosts.own(origins[0], named[0]))
    if foreign and scope["method"] not in ("GET", "HEAD"):
        return PlainTextResponse("Requests from other websites are refused.", 403)
    return None


def secured(send: Send, content_policy: str | None = None) -> Send:
    """`send` that adds the security headers, with the policy of plain pages or another one."""
    return _with(send, {**_COMMON, "Content-Security-Policy": content_policy or policy()})


def _with(send: Send, added: Mapping[str, str]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            headers.update(added)
            message = {**message, "headers": headers.raw}
        await send(message)

    return wrapped
