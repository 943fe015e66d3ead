"""Who hangs up stops the model: `python -m proof.hangup`.

The model takes the question and says nothing. Askers at each door hang up then; upstream must be
let go of within two seconds, and nothing may be left: no place in the line, no thread, no open
page. With `--waiting` nobody hangs up: then upstream stays open, or this would prove nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import httpx

from chatbot.web.chat import _EVENTS
from proof.report import Report
from proof.site import Site, site

_QUESTION = "How long does a replacement card take?"
_SECONDS = 2.0
_BATCH = 10
_NUMBERS = count()


class Silent(ThreadingHTTPServer):
    """A model that says nothing; knows how many wait for it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.open = 0


class _Handler(BaseHTTPRequestHandler):
    server: Silent

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if b'"messages"' not in asked:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.flush()
        with self.server.lock:
            self.server.open += 1
        select.select([self.connection], [], [], 120)  # until the other side hangs up
        with self.server.lock:
            self.server.open -= 1

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def _silent() -> Iterator[Silent]:
    server = Silent()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def main() -> int:
    """Hangs up at every door in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="askers who hang up")
    parser.add_argument("--waiting", action="store_true", help="they do not hang up")
    asked = parser.parse_args()
    report = Report(f"askers who hung up and whose model went on for over {_SECONDS:.0f} s")
    with _silent() as model:
        url = f"http://127.0.0.1:{model.server_address[1]}"
        never = {"generation_fallback": "none", "cache": "none", "turn_seconds": 600.0}
        with site([_QUESTION], generation_url=url, **never) as running:
            running.app.accounts.add("proof", ["manager"], "correct horse battery staple")
            _, key = running.app.keys.add("proof", "proof", ["ask"])
            while report.tried < asked.count and not (asked.waiting and report.wrong):
                door = _DOORS[report.tried // _BATCH % len(_DOORS)]
                asyncio.run(_batch(running, key, model, door, report, hang_up=not asked.waiting))
            _nothing_left(running, report)
    return report.end(least=asked.count)


async def _batch(
    running: Site, key: str, model: Silent, door: Door, report: Report, *, hang_up: bool
) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=running.url, headers=headers, timeout=300, trust_env=False
    ) as client:
        asking = [asyncio.ensure_future(door(client)) for _ in range(_BATCH)]
        if await _until(lambda: model.open == _BATCH, 60) is None:
            raise SystemExit(f"only {model.open} of {_BATCH} questions reached the model")
        if hang_up:
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
        took = await _until(lambda: model.open == 0, _SECONDS)
        for _ in range(_BATCH):
            report.count("" if took is not None else f"{door.__name__}: {model.open} still open")
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)


async def _until(so: Callable[[], bool], most: float) -> float | None:
    begun = time.monotonic()
    while not so():
        if time.monotonic() - begun > most:
            return None
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


def _nothing_left(running: Site, report: Report) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        left = [t for t in threading.enumerate() if t.name == "answer"]
        if not left and running.app.line.counts() == (0, 0) and not running.app.visits._held:
            report.count()
            return
        time.sleep(0.05)
    report.count(f"left: {len(left)} threads, {running.app.line.counts()}, {running.app.visits}")


async def _rest(client: httpx.AsyncClient) -> None:
    await client.post("/api/ask", json={"question": _QUESTION})


async def _rest_stream(client: httpx.AsyncClient) -> None:
    await client.post("/api/ask", json={"question": _QUESTION, "stream": True})


async def _openai(client: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": _QUESTION}]
    await client.post("/v1/chat/completions", json={"messages": messages})


async def _openai_stream(client: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": _QUESTION}]
    await client.post("/v1/chat/completions", json={"messages": messages, "stream": True})


async def _gradio(client: httpx.AsyncClient) -> None:
    body = {"data": [_QUESTION, "", False], "fn_index": 1}
    await _events(client, "/api", body)


async def _page(client: httpx.AsyncClient) -> None:
    await client.get("/")  # gives the cookie
    event = {"conversation": "", "text": _QUESTION, "run": "r"}
    body = {"data": [None], "event_data": event, "fn_index": _EVENTS.index("ask")}
    await _events(client, "", body)


async def _events(client: httpx.AsyncClient, place: str, body: dict[str, Any]) -> None:
    session = f"h{next(_NUMBERS)}"
    join = {**body, "session_hash": session}
    await client.post(f"{place}/gradio_api/queue/join", json=join)
    await client.get(f"{place}/gradio_api/queue/data", params={"session_hash": session})


Door = Callable[[httpx.AsyncClient], Awaitable[None]]
_DOORS: tuple[Any, ...] = (_rest, _rest_stream, _openai, _openai_stream, _gradio, _page)


if __name__ == "__main__":
    sys.exit(main())
