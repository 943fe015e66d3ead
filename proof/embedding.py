"""Another website, whose only page holds the widget, and the browser that visits it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PAGE = (
    '<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>'
    '<script src="{host}/widget.js" {attributes} async></script>'
)


@contextmanager
def website(attributes: str = "", policy: str = "") -> Iterator[tuple[str, Callable[[str], None]]]:
    """Serves it; gives its origin, and a function that is told where the widget's server is.

    Args:
        attributes: of the script that loads the widget.
        policy: the page's own content security policy, with `{host}` for the widget's server.
    """
    host = ""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if "favicon" in self.path else 200)
            self.send_header("Content-Type", "text/html")
            if policy:
                self.send_header("Content-Security-Policy", policy.format(host=host))
            self.end_headers()
            self.wfile.write(_PAGE.format(host=host, attributes=attributes).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    def name(url: str) -> None:
        nonlocal host
        host = url

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", name
    finally:
        server.shutdown()
        server.server_close()


def chromium() -> str | None:
    """Where the browser's program is."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield started
        started.close()
