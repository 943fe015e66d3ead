"""What goes to a model server, and what comes of its answers: the good, the broken and the late."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from httpcore._backends.sync import SyncStream
from langchain_core.messages import HumanMessage, SystemMessage

from chatbot.adapters import transport
from chatbot.adapters.generation import ServedChat, close_connections, open_chat
from chatbot.errors import GenerationFailed
from chatbot.lifeline import Lifeline
from chatbot.settings import load_settings
from tests.model_stub import Handler, Reply, Stub, missing, piece, running

MESSAGES = [SystemMessage("Be brief."), HumanMessage("What {is} it?")]

CLIENTS: list[ServedChat] = []


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def opened() -> Iterator[list[ServedChat]]:
    """The clients that a test has made, closed after it."""
    yield CLIENTS
    while CLIENTS:
        CLIENTS.pop().close()
    close_connections()


def chat(where: Stub | str, key: str | None = None) -> ServedChat:
    url = where if isinstance(where, str) else where.url
    CLIENTS.append(open_chat(url, key, "my-model", load_settings(generation_timeout=1)))
    return CLIENTS[-1]


def said(model: ServedChat) -> str:
    return "".join(str(p.content) for p in model.stream(MESSAGES, max_tokens=9))


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_what_is_sent(stub: Stub, suffix: str) -> None:
    assert said(chat(stub.url + suffix)) == "Hello world."
    ((path, _, body),) = stub.asked
    assert path == "/v1/chat/completions"
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What {is} it?"},
    ]
    assert (body["model"], body["stream"], body["max_tokens"]) == ("my-model", True, 9)
    assert (body["temperature"], body["seed"]) == (0.0, 0)


@pytest.mark.parametrize(("key", "sent"), [("sesame", "Bearer sesame"), (None, "Bearer none")])
def test_no_key_but_the_given_one_is_sent(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, key: str | None, sent: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    stub.replies["/tokenize"] = lambda h: h.send(200, b"[1, 2]")
    model = chat(stub, key)
    said(model)
    assert model.get_num_tokens("x") == 2
    assert [headers["authorization"] for _, headers, _ in stub.asked] == [sent, sent]
    assert "hf_of_the_user" not in repr(stub.asked)
    assert "sesame" not in repr(model)


def close_in_the_middle(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    data = f"data: {json.dumps(piece('Hel'))}\n\n".encode()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def stall(handler: Handler) -> None:
    handler.stream(piece("Hel"))
    time.sleep(3)


def stall_at_once(_: Handler) -> None:
    time.sleep(3)


FAILURES: dict[str, Reply] = {
    "500": lambda h: h.send(500, b'{"error": "boom"}'),
    "500 in words": lambda h: h.send(500, b"<html>boom</html>", "text/html"),
    "401": lambda h: h.send(401, b'{"error": "who are you"}'),
    "404": missing,
    "422": lambda h: h.send(422, b'{"error": "too long", "error_type": "validation"}'),
    "429": lambda h: h.send(429, b'{"error": "overloaded", "error_type": "overloaded"}'),
    "garbage": lambda h: h.send(200, b"\x00\xff garbage", "text/event-stream"),
    "garbage event": lambda h: h.stream("{not json"),
    "a number": lambda h: h.stream("7"),
    "a list": lambda h: h.stream([]),
    "nothing known": lambda h: h.stream({}),
    "no choices": lambda h: h.stream({"choices": None}),
    "an empty choice": lambda h: h.stream({"choices": [{}]}),
    "no choice": lambda h: h.stream({"choices": [None]}),
    "no delta": lambda h: h.stream(piece("x", delta=None)),
    "nothing": lambda h: h.stream(),
    "done at once": lambda h: h.stream("[DONE]"),
    "an answer that is no stream": lambda h: h.send(200, b'{"choices": []}'),
    "an error in the stream": lambda h: h.stream(
        piece("Hel"), {"error": "out of memory", "error_type": "generation"}
    ),
    "another error in the stream": lambda h: h.stream(
        piece("Hel"), {"error": {"message": "out of memory", "code": 500}}
    ),
    "the end too soon": lambda h: h.stream(piece("Hel")),
    "a connection that breaks": close_in_the_middle,
    "silence": stall_at_once,
    "silence in the middle": stall,
}


@pytest.mark.parametrize("reply", FAILURES.values(), ids=FAILURES.keys())
def test_whatever_goes_wrong_is_one_error_in_time(stub: Stub, reply: Reply) -> None:
    stub.replies["/v1/chat/completions"] = reply
    start = time.monotonic()
    with pytest.raises(GenerationFailed) as caught:
        said(chat(stub))
    assert time.monotonic() - start < 2.5
    assert "GENERATION_URL" in caught.value.remedy


def test_a_server_that_is_not_there(stub: Stub) -> None:
    gone = chat("http://127.0.0.1:9")
    with pytest.raises(GenerationFailed):
        said(gone)
    assert gone.get_num_tokens("four words in here") >= 4


@pytest.mark.parametrize("url", ["127.0.0.1:9", "localhost", "ftp://127.0.0.1:9", ""])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(GenerationFailed):
        said(chat(url))


@pytest.mark.parametrize(
    "answer", [b"[1, 2, 3]", b'{"tokens": [1, 2, 3]}', b'{"count": 3, "tokens": []}']
)
def test_tokens_as_each_server_counts_them(stub: Stub, answer: bytes) -> None:
    stub.replies["/tokenize"] = lambda h: h.send(200, answer)
    model = chat(stub)
    assert [model.get_num_tokens(t) for t in ("a b c", "a b c", "d")] == [3, 3, 3]
    assert len(stub.asked) == 2


@pytest.mark.parametrize("answer", [b"{}", b"7", b"null", b"not json", b'{"count": "x"}'])
def test_a_server_that_cannot_count_is_counted_for_generously(stub: Stub, answer: bytes) -> None:
    stub.replies["/tokenize"] = lambda h: h.send(200, answer)
    model = chat(stub)
    assert model.get_num_tokens("one two three four") >= 4
    assert model.get_num_tokens("你好世界") >= 4


@pytest.mark.parametrize("says", [(), (piece("Hel"),)], ids=["at once", "in the middle"])
@pytest.mark.parametrize("limit", [30.0, 0.4], ids=["the reader leaves", "the time is over"])
def test_a_silent_server_is_hung_up_on(stub: Stub, says: tuple[object, ...], limit: float) -> None:
    hung_up = threading.Event()

    def silent(handler: Handler) -> None:
        if says:
            handler.stream(*says)
        handler.rfile.read(1)
        hung_up.set()

    stub.replies["/v1/chat/completions"] = silent
    CLIENTS.append(open_chat(stub.url, None, "m", load_settings(generation_timeout=30)))
    whole, start = Lifeline(), time.monotonic()
    leaving = threading.Timer(0.4, whole.cut)
    if limit > 1:
        leaving.start()
    with whole.limited(limit) as line, pytest.raises(GenerationFailed):
        list(CLIENTS[-1].stream(MESSAGES, line=line))
    assert time.monotonic() - start < 2.0
    assert hung_up.wait(2.0)


def test_a_line_that_was_cut_before_lets_nothing_begin(stub: Stub) -> None:
    line = Lifeline()
    line.cut()
    with pytest.raises(GenerationFailed):
        list(chat(stub).stream(MESSAGES, line=line))


def test_a_reader_who_leaves_hangs_up(stub: Stub) -> None:
    hung_up = threading.Event()

    def endless(handler: Handler) -> None:
        try:
            handler.stream(*(piece(f"word {n} " * 500) for n in range(5000)))
        except OSError:
            hung_up.set()

    stub.replies["/v1/chat/completions"] = endless
    stream = chat(stub).stream(MESSAGES)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert hung_up.wait(20)


def test_many_answers_are_read_in_fewer_looks_and_whole(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty at once, of twenty-five tokens a second each, would be 1,250 looks a second."""
    looks, words = list[int](), [f"{n} " for n in range(60)]
    read = SyncStream.read

    def looking(own: Any, *args: Any, **kwargs: Any) -> bytes:
        looks.append(1)
        return read(own, *args, **kwargs)

    def writing(handler: Handler) -> None:
        handler.stream(*map(piece, words[:1]))
        for word in words[1:]:
            time.sleep(0.005)
            handler.wfile.write(f"data: {json.dumps(piece(word))}\n\n".encode())
        handler.wfile.write(f"data: {json.dumps(piece('', 'stop'))}\n\ndata: [DONE]\n\n".encode())

    stub.replies["/v1/chat/completions"] = writing
    monkeypatch.setattr(SyncStream, "read", looking)
    with ExitStack() as others:
        for _ in range(24):
            others.enter_context(transport._readers.one_more())
        told = [str(p.content) for p in chat(stub).stream(MESSAGES, line=Lifeline())]
    assert "".join(told) == "".join(words)
    assert len(looks) < 30
