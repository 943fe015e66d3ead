"""What goes wrong with a model server never reaches a reader: `python -m proof.serving`.

A server fails in twelve ways, each many times, behind the real client and the real chain. No
question may hang past its deadline, no half sentence be shown as a whole one; the breaker opens
within five failures, and the server is back in use within thirty seconds of its recovery.
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chatbot.adapters.breaker import Breaker
from chatbot.adapters.fakes import (
    HashedEmbeddings,
    ListRetriever,
    MemoryConversations,
    ScriptedChat,
)
from chatbot.adapters.fakes_desk import ListDesk, ScriptedRouter
from chatbot.adapters.fallback import FallbackChat
from chatbot.adapters.generation import open_chat
from chatbot.chain import Chain
from chatbot.domain import Document, Finished, Locator, Passage, Person
from chatbot.gate import Sentence
from chatbot.journey import Steps
from chatbot.lifeline import Lifeline
from chatbot.limits import Limits
from chatbot.prompts import load_prompt
from chatbot.settings import load_settings
from chatbot.trace import Voice
from proof.report import Report

DEADLINE, GRACE, RECOVERY = 1.5, 1.0, 30.0
QUESTION = "What is the waiting period of crowns?"
WHOLE = "Crowns have a waiting period of 240 days [1]."
NEXT = " Fillings have a waiting period of 90 days [1]."
TEXT = "Fillings have a waiting period of 90 days. Crowns have a waiting period of 240 days."
_ABOUT = {
    "model": "m", "adapter": None, "embedding_model": "hashed", "index_version": 1,
    "policy": "", "searched": "one document",
}  # fmt: skip


def piece(text: str, finish: str | None = None) -> str:
    """One event of a stream."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    return json.dumps({"id": "", "object": "chat.completion.chunk", "created": 1, "model": "m",
                       "choices": [choice]})  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Fails as its server is told to."""

    def do_POST(self) -> None:
        """Answers, or does what a broken server does."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/completions"):
            server: Any = self.server
            server.fault(self)
        else:
            self.status(404, {})

    def status(self, code: int, body: object) -> None:
        """A whole answer that is no stream."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, *events: str) -> None:
        """Events; the stream ends with the connection."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in events:
            self.wfile.write(f"data: {event}\n\n".encode())
            self.wfile.flush()

    def wait(self) -> None:
        """Silence, until the client hangs up."""
        self.connection.settimeout(20)
        try:
            self.server.hung_up += not self.rfile.read(1)  # type: ignore[attr-defined]
        except OSError:
            return

    def reset(self) -> None:
        """The connection is torn, not closed."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Nothing."""


Fault = Callable[[Handler], None]


def _then(*deeds: Fault) -> Fault:
    def all_of_them(handler: Handler) -> None:
        for deed in deeds:
            deed(handler)

    return all_of_them


HALF = "Crowns have a wai"
FAULTS: dict[str, Fault] = {
    "500": lambda h: h.status(500, {"error": "boom", "error_type": "unknown"}),
    "422": lambda h: h.status(422, {"error": "too long", "error_type": "validation"}),
    "424": lambda h: h.status(424, {"error": "failed", "error_type": "generation"}),
    "429": lambda h: h.status(429, {"error": "overloaded", "error_type": "overloaded"}),
    "an error in the stream": lambda h: h.stream(
        piece(WHOLE), piece(" Fillings ha"), json.dumps({"error": {"message": "OOM", "code": 500}})
    ),
    "half a stream": lambda h: h.stream(piece(WHOLE), piece(" Fillings ha")),
    "half a sentence": lambda h: h.stream(piece(HALF)),
    "garbage": lambda h: h.status(200, b"\x00\xff\xfe garbage \n\n data: x"),
    "garbage in the stream": lambda h: h.stream(piece(WHOLE), '{"choices": [{"delta": 7}]}'),
    "a torn connection": _then(lambda h: h.stream(piece(HALF)), Handler.reset),
    "silence": Handler.wait,
    "silence in the middle": _then(lambda h: h.stream(piece(WHOLE), piece(" Fil")), Handler.wait),
}


def good(handler: Handler) -> None:
    """What a server does that is well."""
    handler.stream(piece(WHOLE), piece(NEXT), piece("", "stop"), "[DONE]")


class Server(ThreadingHTTPServer):
    """A model server that can be told how to fail."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fault: Fault = good
        self.hung_up = 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what this is about."""


class Site:
    """The real client and chain over that server."""

    def __init__(self, server: Server, *, stand_in: bool) -> None:
        settings = load_settings(generation_timeout=30)
        client = open_chat(server.url, None, "m", settings)
        self.breaker = Breaker()
        small = ScriptedChat(replies=(WHOLE,))
        chat = FallbackChat(first=client, second=lambda: (small, "small"), breaker=self.breaker)
        self._model = chat if stand_in else client
        document = Document("d", "c", "file", "Dental cover", "v", "text/markdown")
        passage = Passage("p", document, 0, TEXT, Locator())
        self._store = MemoryConversations()
        embeddings = HashedEmbeddings()
        steps = Steps(
            ScriptedRouter(),
            ListRetriever(passages=[passage], embeddings=embeddings),
            embeddings,
            lambda _: Voice(self._model),
            {name: load_prompt(name) for name in ("answer", "condense")},
            Limits(relevance=0.1, support=0.4, quote=0.005, deadline=DEADLINE),
            lambda _: dict(_ABOUT),
        )
        self.chain = Chain(steps, self._store, ListDesk(), lambda _: dict(_ABOUT))

    def ask(self, line: Lifeline | None = None) -> tuple[list[str], str, float]:
        """The sentences shown, the model that wrote them, and the seconds that it took."""
        person, began = Person("anna", None), time.monotonic()
        talk = self._store.create(person.id)
        shown, model = [], ""
        for event in self.chain.answer(QUESTION, talk.id, person, line):
            if isinstance(event, Sentence):
                shown.append(event.text)
            elif isinstance(event, Finished):
                model = event.record.model
        return shown, model, time.monotonic() - began


def main() -> int:
    """Runs all of it."""
    parser = argparse.ArgumentParser(prog="python -m proof.serving", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="questions for each fault")
    count = parser.parse_args().count
    server = Server()
    return max(_faults(server, count), _breaker(server, count), _leaving(server, count))


def _faults(server: Server, count: int) -> int:
    report = Report(f"questions that hung or showed half a sentence ({len(FAULTS)} faults)")
    site = Site(server, stand_in=False)
    whole = {WHOLE.strip(), NEXT.strip(), *(f"“{s}.” [1]" for s in TEXT.rstrip(".").split(". "))}
    for name, server.fault in FAULTS.items():
        with ThreadPoolExecutor(16) as pool:
            for shown, _, seconds in pool.map(lambda _: site.ask(), range(count)):
                late = seconds > DEADLINE + GRACE
                half = [s for s in shown if s not in whole]
                report.count(f"{name}: {seconds:.1f} s, {shown}" if late or half else "")
    return report.end(len(FAULTS) * count)


def _breaker(server: Server, count: int) -> int:
    report = Report("breakers that opened late, let more through, or stayed open after recovery")
    for _ in range(max(1, count // 50)):
        site = Site(server, stand_in=True)
        server.fault = FAULTS["500"]
        models = [site.ask()[1] for _ in range(6)]
        report.count("" if site.breaker.open and set(models) == {"small"} else f"{models}")
        server.fault, began = good, time.monotonic()
        while (model := site.ask()[1]) != "m" and time.monotonic() - began < RECOVERY:
            time.sleep(0.25)
        report.count("" if model == "m" and not site.breaker.open else "it stayed open")
    return report.end()


def _leaving(server: Server, count: int) -> int:
    report = Report("askers who left and whose server was not hung up on within 2 s")
    site = Site(server, stand_in=False)
    server.fault = Handler.wait
    for _ in range(max(1, count // 5)):
        before, line = server.hung_up, Lifeline()
        threading.Timer(0.1, line.cut).start()
        site.ask(line)
        end = time.monotonic() + 2.0
        while server.hung_up == before and time.monotonic() < end:
            time.sleep(0.01)
        report.count("" if server.hung_up > before else "still open")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
