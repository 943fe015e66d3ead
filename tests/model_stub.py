"""A model server on this machine that answers as it is told to, and notes what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each path as the server was told to, and notes what it was asked."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stub: Any = self.server
        headers = {name.lower(): value for name, value in self.headers.items()}
        stub.asked.append((self.path, headers, json.loads(body)))
        stub.replies.get(self.path, missing)(self)

    def send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, *events: object) -> None:
        """Server-sent events, without a length: the end is where the connection ends."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in events:
            data = event if isinstance(event, str) else json.dumps(event)
            self.wfile.write(f"data: {data}\n\n".encode())
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        return


class Stub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.replies: dict[str, Reply] = {"/v1/chat/completions": good}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        return  # a client that hangs up is what some tests are about


def missing(handler: Handler) -> None:
    handler.send(404, b'{"error": "not here"}')


def piece(text: str | None, finish: str | None = None, **changed: object) -> dict[str, object]:
    delta: object = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None} | changed
    return {
        "id": "",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "system_fingerprint": "f",
        "choices": [choice],
    }


def good(handler: Handler) -> None:
    handler.stream(piece("Hello"), piece(" world."), piece("", "stop"), "[DONE]")


@contextmanager
def running() -> Iterator[Stub]:
    """A stub that answers until the end of the block."""
    server = Stub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
