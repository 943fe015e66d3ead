"""Which other websites may call the widget's addresses, by a list and nothing else.

An origin counts where it is on the list letter for letter (scheme, host, port), or where it is this
very site. What is sent back is the list's own entry; cookies are never asked for, so a call from
another website carries no session of this one.
"""

from __future__ import annotations

from collections.abc import Set
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

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


def refusal(method: str, path: str, headers: Headers, listed: Set[str]) -> Response | None:
    """The answer to a request that is not let in, or to a browser's question; None: go on.

    Args:
        listed: the origins that may embed the widget.
    """
    origin = headers.get("origin")
    allowed = origin in listed or is_own(origin, headers.get("host", ""))
    if method == "OPTIONS":
        return Response(status_code=204, headers=_PREFLIGHT) if allowed else _refused()
    if path == SCRIPT and method in ("GET", "HEAD"):
        return None  # anyone may read the script; what it does is decided below
    if origin is None and method in ("GET", "HEAD"):
        return None  # a page of this site, or no browser: those send none when they read
    return None if allowed else _refused()


def added(path: str, headers: Headers, listed: Set[str]) -> dict[str, str]:
    """Headers that let a listed website read the answer."""
    origin = headers.get("origin")
    found = {"Vary": "Origin, Accept-Encoding"}
    if origin in listed:
        found["Access-Control-Allow-Origin"] = str(origin)
    if path == SCRIPT:
        found["Cross-Origin-Resource-Policy"] = "cross-origin"
    return found


def is_own(origin: str | None, host: str) -> bool:
    """Whether a page of this very site sent the request."""
    parts = urlsplit(origin or "")
    return bool(parts.netloc) and parts.netloc == host and parts.scheme in ("http", "https")


def _refused() -> Response:
    return PlainTextResponse(REFUSED, 403)
