"""The door: what is let in, what is not served, and which headers go out. And who owns what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from chatbot.domain import Person
from chatbot.errors import NotFound
from chatbot.web.chat import ChatPage
from chatbot.web.identity import Identity
from chatbot.web.server import build_server
from chatbot.web.session import COOKIE, Sessions
from tests.e2e.fake_app import FakeApp

BASE = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(build_server(cast(Any, FakeApp(pause=0))), base_url=BASE) as client:
        yield client


def test_the_page_has_a_nonce_on_every_script_and_no_metadata_of_gradio(client: TestClient) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    scripts = re.findall(r"<script[^>]*>", answer.text)
    assert scripts
    assert all(f'nonce="{nonce[1]}"' in script for script in scripts)
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "og:" not in answer.text
    assert "https://" not in answer.text
    assert client.get("/").headers["content-security-policy"] != policy


def test_the_cookie_is_kept_over_visits(client: TestClient) -> None:
    sessions = Sessions(FakeApp().secret)
    client.cookies.clear()
    first = sessions.read(client.get("/").cookies[COOKIE])
    assert first
    assert sessions.read(client.get("/").cookies[COOKIE]) == first
    client.cookies.clear()
    client.cookies.set(COOKIE, "forged")
    assert sessions.read(client.get("/").cookies[COOKIE]) != first


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1/", "/gradio_api/file=/etc/passwd", "/file=/etc/passwd",
        "/gradio_api/proxy=https://example.org/", "/docs", "/redoc", "/openapi.json", "/config",
        "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/upload", "/monitoring",
        "/gradio_api/call/ask", "/gradio_api/run/ask", "/gradio_api/runs", "/manifest.json",
        "/gradio_api/../gradio_api/file=x", "/gradio_api/deep_link", "/robots.txt",
        "/metricsx", "/readyz/x",
    ],
)  # fmt: skip
def test_the_rest_of_gradio_is_not_served(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).status_code == 404
    assert client.post(path, follow_redirects=False).status_code in (404, 405)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1:7860"])
def test_other_host_names_are_refused_on_loopback(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860"])
def test_names_of_this_machine_are_served(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_other_websites_may_neither_read_nor_write(client: TestClient) -> None:
    foreign = {"origin": "https://evil.example"}
    assert "access-control-allow-origin" not in client.get("/healthz", headers=foreign).headers
    assert client.post("/gradio_api/queue/join", json={}, headers=foreign).status_code == 403
    own = client.post("/gradio_api/queue/join", json={}, headers={"origin": BASE})
    assert own.status_code == 422  # let in, and found to be no event


def test_headers_on_everything(client: TestClient) -> None:
    for path in ("/", "/healthz", "/ui/chat.css", "/documents/none", "/docs"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_health_and_documents(client: TestClient) -> None:
    assert client.get("/healthz").json()["state"] == "ready"
    client.get("/")
    page = client.get("/documents/handbook%2Fdental-cover", params={"passage": "dental-cover-2"})
    assert page.status_code == 200
    assert 'id="passage"' in page.text
    assert client.get("/documents/none").status_code == 404
    client.cookies.clear()
    assert client.get("/documents/handbook%2Fdental-cover").status_code == 404


def test_no_event_is_public() -> None:
    server = build_server(cast(Any, FakeApp()))
    blocks = cast(Any, server.routes[-1]).app.get_blocks()
    assert len(blocks.fns) == 12
    assert [f.api_visibility for f in blocks.fns.values()] == ["private"] * len(blocks.fns)
    assert all(f.concurrency_limit != 1 for f in blocks.fns.values())


def _call(page: ChatPage, name: str, cookie: str, **data: object) -> Any:
    event, cookies = SimpleNamespace(_data=data), {COOKIE: cookie}
    request = SimpleNamespace(cookies=cookies, headers={}, client=None, session_hash="s")
    result = getattr(page, name)(event, request)
    return list(result) if name in ("ask", "again") else result


def test_nobody_reaches_into_a_conversation_of_another() -> None:
    app = FakeApp(pause=0)
    sessions = Sessions(app.secret)
    page = ChatPage(cast(Any, app), Identity(cast(Any, app), sessions))
    mine, theirs = (sessions.write(Person(letter * 32)) for letter in "ab")
    asked = _call(page, "ask", mine, text="How much?", run="r")
    (conversation,) = app.conversations.all
    assert "EUR 1,500" in asked[-2][2]
    assert "not here" in _call(page, "open", theirs, conversation=conversation)[1]
    assert "EUR" not in "".join(map(str, _call(page, "open", theirs, conversation=conversation)))
    for name in ("ask", "again"):
        answer = _call(page, name, theirs, conversation=conversation, text="x", keep=0, turn=0)
        assert "card failed" in answer[0][2]
    with pytest.raises(Exception, match="no conversation"):
        _call(page, "remove", theirs, conversation=conversation)
    assert len(app.conversations.records(conversation, "a" * 32)) == 1
    with pytest.raises(NotFound):
        app.conversations.records(conversation, "b" * 32)


def test_without_a_cookie_nothing_happens() -> None:
    app = FakeApp(pause=0)
    page = ChatPage(cast(Any, app), Identity(cast(Any, app), Sessions(app.secret)))
    with pytest.raises(Exception, match="Reload"):
        _call(page, "ask", "forged", text="How much?")
    assert not app.conversations.all


def test_again_and_edit_cut_the_history_on_the_server() -> None:
    app = FakeApp(pause=0)
    sessions = Sessions(app.secret)
    page = ChatPage(cast(Any, app), Identity(cast(Any, app), sessions))
    me, owner = sessions.write(Person("a" * 32)), "a" * 32
    for text in ("first", "second", "third"):
        conversation = next(iter(app.conversations.all), "")
        _call(page, "ask", me, conversation=conversation, text=text)
    conversation = next(iter(app.conversations.all))
    _call(page, "again", me, conversation=conversation, turn=2, text="something else")
    questions = [r.question for r in app.conversations.records(conversation, owner)]
    assert questions == ["first", "second", "third"]  # the server's question, not the page's
    _call(page, "ask", me, conversation=conversation, text="other", keep=1)
    questions = [r.question for r in app.conversations.records(conversation, owner)]
    assert questions == ["first", "other"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"text": 5},
        {"text": ["x"]},
        {"text": "x" * 3000},
        {"text": " \n "},
        {"text": "nonsense"},
    ],
)
def test_what_cannot_be_asked_is_explained(data: dict[str, object]) -> None:
    app = FakeApp(pause=0)
    sessions = Sessions(app.secret)
    page = ChatPage(cast(Any, app), Identity(cast(Any, app), sessions))
    drawn = [p[2] for p in _call(page, "ask", sessions.write(Person("a" * 32)), **data)]
    assert any("card failed" in d for d in drawn if isinstance(d, str))


def test_an_unexpected_error_shows_nothing_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    app = FakeApp(pause=0)
    sessions = Sessions(app.secret)
    page = ChatPage(cast(Any, app), Identity(cast(Any, app), sessions))
    drawn = _call(page, "ask", sessions.write(Person("a" * 32)), text="crash")
    assert "secret detail" not in str(drawn)
    logged = "".join(capsys.readouterr())
    assert "RuntimeError" in logged
    assert "secret detail" not in logged
