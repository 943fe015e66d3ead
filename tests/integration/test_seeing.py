"""What an operator sees of the real application, and what nobody does: `/metrics`, `/readyz`, logs.

A stub in the place of the model server; documents, index, router, desk and pages are the real ones.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from pydantic import SecretStr

from chatbot.adapters.rates import rates_of
from chatbot.bootstrap import App, bootstrap
from chatbot.domain import Status
from chatbot.logs import configure_logs, take_over_logs
from chatbot.settings import load_settings
from chatbot.web.chat import ChatPage
from chatbot.web.identity import Identity
from chatbot.web.server import build_server
from chatbot.web.session import COOKIE, Sessions, new_person
from tests.model_stub import Handler, Stub, piece, running

HERE = ("127.0.0.1", 50000)
BASE = "http://127.0.0.1:7860"
PERSON = ("Zebulon", "Quackenbush", "zq@example.org", "DE89 3704 0044 0532 0130 00", "0664 1234567")
ABOUT_ME = f"I am {PERSON[0]} {PERSON[1]}, {PERSON[2]}, account {PERSON[3]}, call {PERSON[4]}."
REQUEST = "0123456789abcdef0123456789abcdef"


def wrote(handler: Handler) -> None:
    handler.stream(piece("The replacement card reaches you by post "), piece("[1]."),
                   piece("", "stop"), "[DONE]")  # fmt: skip


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with running() as server:
        server.replies["/v1/chat/completions"] = wrote
        yield server


@pytest.fixture(scope="module")
def app(handbook_home: Path, stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("seen") / "home"
    shutil.copytree(handbook_home, home)
    about = {"generation_url": stub.url, "generation_fallback": "none", "price_tokens": 1.5}
    with bootstrap(load_settings(home=home, **about)) as app:
        assert app.chain
        yield app


@pytest.fixture(scope="module")
def server(app: App) -> Any:
    return build_server(app)


def client(server: Any, host: str = HERE[0]) -> TestClient:
    return TestClient(server, base_url=BASE, client=(host, HERE[1]))


def asked(app: App, question: str) -> str:
    """Asks on the page; gives who asked."""
    sessions = Sessions(app.secret)
    person = new_person()
    event = SimpleNamespace(_data={"text": question, "run": "1"})
    request = SimpleNamespace(
        cookies={COOKIE: sessions.write(person)},
        headers={"x-request-id": REQUEST},
        client=None,
        session_hash="s",
    )
    list(ChatPage(app, Identity(app, sessions)).ask(event, request))
    return person.id


def values(page: str, name: str) -> dict[str, float]:
    rows = [line.rpartition(" ") for line in page.splitlines() if line.startswith(name)]
    return {labels.removeprefix(name): float(value) for labels, _, value in rows}


def test_turns_and_stores_are_in_the_metrics(app: App, server: Any) -> None:
    web = client(server)
    before = values(web.get("/metrics").text, "countersign_answers_total")
    who = asked(app, "How long does a replacement card take?")
    asked(app, "Should I stop taking my blood thinner before surgery?")
    page = web.get("/metrics").text
    after = values(page, "countersign_answers_total")
    assert sum(after.values()) == sum(before.values()) + 2
    assert values(page, "countersign_tokens_total")['{kind="read"}'] > 100
    assert values(page, "countersign_cost_total")[""] > 0
    assert values(page, 'countersign_queue_items{state="pending"}')[""] >= 1
    assert values(page, "countersign_queue_oldest_seconds")[""] > 0
    assert sum(values(page, "countersign_held_total").values()) >= 1
    assert values(page, "countersign_documents")[""] > 5
    assert values(page, 'countersign_ready{part="database"}')[""] == 1
    assert values(page, "countersign_scrape_failed")[""] == 0
    assert 'model_info{adapter="none",embedding_model=' in page
    assert who not in page
    records = [
        app.conversations.records(c.id, who) for c in app.conversations.list(who)
    ]  # the request is in the record
    assert [r.request for turns in records for r in turns] == [REQUEST]


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("10.0.0.7", {}),
        (HERE[0], {"x-forwarded-for": "10.0.0.7"}),
        (HERE[0], {"forwarded": "for=10.0.0.7"}),
        (HERE[0], {"authorization": "Bearer guess", "x-real-ip": "127.0.0.1"}),
    ],
)
def test_metrics_are_for_this_machine(server: Any, host: str, headers: dict[str, str]) -> None:
    answer = client(server, host).get("/metrics", headers=headers)
    assert answer.status_code == 404
    assert "countersign_" not in answer.text


def test_or_for_whoever_has_the_token(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = app.settings.model_copy(
        update={"metrics_token": SecretStr("sesame"), "host": "0.0.0.0"}
    )
    monkeypatch.setattr(app, "settings", settings)
    server = build_server(app)
    for token, status in (("sesame", 200), ("Sesame", 404), ("", 404), ("sesamé", 404)):
        headers = {b"authorization": f"Bearer {token}".encode()}
        assert client(server, "10.0.0.7").get("/metrics", headers=headers).status_code == status
    assert client(server).get("/metrics").status_code == 404


def test_ready_says_which_part_is_not(
    app: App, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = client(server)
    assert web.get("/readyz").json() == {
        "ready": True,
        "not_ready": [],
        "parts": dict.fromkeys(
            ["database", "search index", "language model", "answer cache"], "ready"
        ),
    }
    language, nowhere = app._language, {"generation_url": "http://127.0.0.1:9"}
    for fallback, status, state in (("none", 503, "failed"), ("embedded", 200, "degraded")):
        changed = language._settings.model_copy(update=nowhere | {"generation_fallback": fallback})
        with monkeypatch.context() as here:
            here.setattr(language, "_settings", changed)
            answer = web.get("/readyz")
        assert (answer.status_code, answer.json()["parts"]["language model"]) == (status, state)
        assert "127.0.0.1" not in answer.text

    def down() -> int:
        raise OSError("no route to the database")

    monkeypatch.setattr(app.catalogue, "version", down)
    answer = web.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["not_ready"] == ["database"]
    assert "route" not in answer.text
    assert "not_ready" not in web.get("/metrics").text
    monkeypatch.undo()
    monkeypatch.setattr(app, "_store", SimpleNamespace(get=lambda _: down()))
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["answer cache"]) == (200, "degraded")
    nobody = {"limits": "redis://127.0.0.1:9", "chroma_url": "http://127.0.0.1:9"}
    monkeypatch.setattr(app, "settings", app.settings.model_copy(update=nobody))
    monkeypatch.setattr(app, "rates", rates_of(app.settings))
    parts = web.get("/readyz").json()["parts"]
    assert (parts["limits"], parts["vectors"]) == ("degraded", "degraded")


def test_no_line_of_the_log_holds_anything_personal(
    app: App, stub: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo(handler: Handler) -> None:
        handler.stream(
            piece(f"{ABOUT_ME} The card reaches you by post [1]."), piece("", "stop"), "[DONE]"
        )

    def quoting_error(handler: Handler) -> None:
        handler.send(500, json.dumps({"error": ABOUT_ME}).encode())

    def broken(*_: object) -> None:
        raise ValueError(ABOUT_ME)

    before, root = structlog.get_config(), logging.getLogger()
    kept = list(root.handlers), root.level, threading.excepthook
    try:
        configure_logs("json", "debug")
        take_over_logs()
        root.setLevel(logging.DEBUG)
        for reply in (wrote, echo, quoting_error):
            stub.replies["/v1/chat/completions"] = reply
            asked(app, f"{ABOUT_ME} How long does a replacement card take?")
            asked(app, "How do I order a replacement card?")
        asked(app, f"{ABOUT_ME} Should I stop taking my blood thinner?")
        asked(app, ABOUT_ME * 200)
        monkeypatch.setattr(app.chain.steps, "_router", SimpleNamespace(screen=broken))
        asked(app, f"{ABOUT_ME} How much is it?")
        monkeypatch.setattr(app.conversations, "append", broken)
        asked(app, f"{ABOUT_ME} How much was it?")
        thread = threading.Thread(target=broken)
        thread.start()
        thread.join()
        root.error("a library quotes %s", ABOUT_ME)
    finally:
        structlog.configure(**before)
        logging.captureWarnings(False)
        root.handlers[:], threading.excepthook = kept[0], kept[2]
        root.setLevel(kept[1])
        stub.replies["/v1/chat/completions"] = wrote
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert len(lines) > 10
    assert {"debug", "info", "warning", "error"} >= {line["level"] for line in lines}
    events = {line["event"] for line in lines}
    assert {"a turn has ended", "screening failed", "a turn has failed"} <= events
    ended = [line for line in lines if line["event"] == "a turn has ended"]
    assert {line["request"] for line in ended} == {REQUEST}
    assert {Status.HELD.value, Status.RELEASED.value} <= {line["status"] for line in ended}
    for secret in PERSON:
        assert secret not in said.err + said.out, secret
