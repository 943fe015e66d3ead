"""A language model that copies its passages: whatever secret they hold, it tells at once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PASSAGE = re.compile(r"^\[(\d+)\][^\n]*\n(.+?)(?=\n\n|\n\[|\Z)", re.MULTILINE | re.DOTALL)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "messages" not in asked:
            self.send_error(404)
            return
        prompt = str(asked["messages"][-1]["content"])
        copied = [f"{text.strip().splitlines()[-1]} [{n}]" for n, text in _PASSAGE.findall(prompt)]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in [*(f"{line}\n" for line in copied or ["Nothing."]), None]:
            self.wfile.write(f"data: {json.dumps(_chunk(piece))}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _chunk(piece: str | None) -> dict[str, Any]:
    delta = {"role": "assistant", "content": piece or ""}
    reason = "stop" if piece is None else None
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {
        "id": "stub", "object": "chat.completion.chunk", "created": 0, "model": "stub",
        "system_fingerprint": "", "choices": [choice],
    }  # fmt: skip


@contextmanager
def stub_model() -> Iterator[str]:
    """Serves the model on a loopback port; gives its base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
