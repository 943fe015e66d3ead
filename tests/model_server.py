"""A model server for tests that answers by a rule: an OpenAI-compatible stream on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Messages = list[dict[str, str]]
Rule = Callable[[Messages], str]


class ModelServer(ThreadingHTTPServer):
    """Says what its rule makes of the messages.

    Attributes:
        follow: the tokens that go on a text, likeliest first.
        asked: the messages of each call; `keys`: what each call was authorised with.
    """

    daemon_threads = True

    def __init__(self, rule: Rule) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rule = rule
        self.follow: Callable[[str], list[str]] = lambda _: []
        self.asked: list[Messages] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server: Any = self.server
        if self.path == "/v1/completions":
            self._follow(body["prompt"])
            return
        if self.path != "/v1/chat/completions":
            self.send_error(404)
            return
        server.asked.append(body["messages"])
        server.keys.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for text, finish in ((server.rule(body["messages"]), None), ("", "stop")):
            delta = {"role": "assistant", "content": text}
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            event = {"id": "", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [choice]}  # fmt: skip
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def _follow(self, text: str) -> None:
        server: Any = self.server
        likely = {token: -float(n) for n, token in enumerate(server.follow(text))}
        choice = {"index": 0, "text": "", "logprobs": {"top_logprobs": [likely]}}
        answer = json.dumps({"choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def served(rule: Rule) -> Iterator[ModelServer]:
    """A running server, stopped at the end."""
    server = ModelServer(rule)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
