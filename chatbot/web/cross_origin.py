"""Which other websites may call the widget's addresses, by a list and nothing else.

An origin counts where it is on the list letter for letter (scheme, host, port), or where it is this
very site. What is sent back is the list's own entry; cookies are never asked for, so a call from
another website carries no session of this one.
"""

from __future__ import annotations

from collections.abc import Set

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

SCRIPT = "/widget.js"
_API = "/widget/gradio_api/"
PATHS = frozenset(
    {SCRIPT, "/widget/config", f"{_API}info", f"{_API}queue/join", f"{_API}queue/data"}
)
"""What the widget needs; the rest of its Gradio application is not served."""
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "content-type, x-gradio-user",
    "Access-Control-Max-Age": "600",
}
REFUSED = "This website may not use the chat here."


def origin_of(scope: Scope) -> str | None:
    """What the request says about its origin; two headers are one that is on no list."""
    found = Headers(scope=scope).getlist("origin")
    return ", ".join(found) if found else None


def refusal(
    method: str, path: str, origin: str | None, listed: Set[str], *, own: bool
) -> Response | None:
    """The answer to a request that is not let in, or to a browser's question; None: go on.

    Args:
        listed: the origins that may embed the widget.
        own: whether the origin is this very site.
    """
    allowed = own or origin in listed
    if method == "OPTIONS":
        return Response(status_code=204, headers=_PREFLIGHT) if allowed else _refused()
    if path == SCRIPT and method in ("GET", "HEAD"):
        return None  # anyone may read the script; what it does is decided below
    if origin is None and method in ("GET", "HEAD"):
        return None  # a page of this site, or no browser: those send none when they read
    return None if allowed else _refused()


def added(path: str, origin: str | None, listed: Set[str]) -> dict[str, str]:
    """Headers that let a listed website read the answer."""
    found = {"Vary": "Origin, Accept-Encoding"}
    if origin in listed:
        found["Access-Control-Allow-Origin"] = str(origin)
    if path == SCRIPT:
        found["Cross-Origin-Resource-Policy"] = "cross-origin"
    return found


def _refused() -> Response:
    return PlainTextResponse(REFUSED, 403)
