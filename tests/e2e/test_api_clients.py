"""The API over a real connection: the clients of the how-to page, and clients that hang up."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from chatbot.domain import Person
from chatbot.gate import Event
from chatbot.lifeline import Lifeline
from proof.report import Report
from proof.schema import try_all
from proof.site import _served
from tests.e2e.fake_app import FakeApp, FakeChain

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "api.md").read_text(encoding="utf-8")
PACKAGES = ROOT / "widget" / "node_modules"


class Silent(FakeChain):
    """A chain whose model says nothing to a question with `hang`, until it is let go of."""

    def __init__(self, app: FakeApp) -> None:
        super().__init__(app)
        self.silent = 0

    def answer(
        self,
        question: str,
        conversation: str,
        person: Person,
        line: Lifeline,
        *,
        fresh: bool = False,
    ) -> Iterator[Event]:
        if "hang" not in question:
            yield from super().answer(question, conversation, person, line, fresh=fresh)
            return
        let_go = threading.Event()
        line.hold(let_go.set)
        self.silent += 1
        let_go.wait(60)
        self.silent -= 1


@pytest.fixture(scope="module")
def app() -> FakeApp:
    app = FakeApp(pause=0)
    app.accounts.add("anna", ["reviewer"], "correct horse battery staple")
    app.chain = Silent(app)
    return app


@pytest.fixture(scope="module")
def url(app: FakeApp) -> Iterator[str]:
    with _served(cast(Any, app)) as url:
        yield url


@pytest.fixture(scope="module")
def key(app: FakeApp) -> str:
    return app.keys.add("test", "anna", ["ask", "history", "feedback"])[1]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run(command: list[str], key: str) -> str:
    done = subprocess.run(
        command, env={**os.environ, "COUNTERSIGN_KEY": key}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


SAYS = ['"status":"released"', '"status": "released"', '"conversations":[{']


@pytest.mark.parametrize(("number", "says"), list(enumerate(SAYS)))
def test_the_page_s_curl_commands(url: str, key: str, number: int, says: str) -> None:
    command = blocks("sh")[number].replace("http://127.0.0.1:7860", url)
    assert says in run(["bash", "-c", command], key)


@pytest.mark.parametrize("number", range(2), ids=["gradio_client", "openai"])
def test_the_page_s_python(url: str, key: str, number: int) -> None:
    said = run(
        [sys.executable, "-c", blocks("python")[number].replace("http://127.0.0.1:7860", url)], key
    )
    assert "EUR 400" in said
    assert "released" in said


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
@pytest.mark.skipif(
    not (PACKAGES / "@gradio" / "client").exists(), reason="`make packages` was not run"
)
def test_the_page_s_javascript(url: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    script = tmp_path / "ask.mjs"
    script.write_text(blocks("js")[0].replace("http://127.0.0.1:7860", url))
    said = run(["node", str(script)], key)
    assert said.startswith("released")
    assert "EUR 400" in said


def test_whatever_is_sent_the_server_does_not_fail(
    url: str, key: str, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.rates, "_items", {})
    report = Report("server errors")
    try_all(url, key, 3, report)
    assert report.tried >= 25
    assert report.wrong == []


def test_gradio_s_endpoints(url: str, key: str, app: FakeApp) -> None:
    from gradio_client import Client

    headers = {"Authorization": f"Bearer {key}"}
    client = Client(f"{url}/api", headers=headers, verbose=False)
    job = client.submit(question="held please", api_name="/stream")
    job.result(timeout=30)
    events = job.outputs()
    assert [said["event"] for said in events] == ["started", "searched", "held", "finished"]
    record = events[-1]["record"]
    assert client.predict(record, api_name="/status")["review"]["state"] == "pending"
    talk = events[0]["conversation"]
    assert len(client.predict(conversation=talk, api_name="/history")["turns"]) == 1
    assert client.predict("r1", 1, api_name="/feedback") == {"record": "r1", "value": 1}
    for wrong in ("", " ?! ", "x" * 9000):
        with pytest.raises(Exception, match=r"question|hold"):
            client.predict(wrong, api_name="/ask")
    client.close()
    stranger = Client(f"{url}/api", verbose=False)
    for name, given in (("/ask", ["x"]), ("/history", [talk]), ("/status", [record])):
        with pytest.raises(Exception, match="API key"):
            stranger.predict(*given, api_name=name)
    stranger.close()


def hung(app: FakeApp, count: int) -> float:
    """Seconds until so many answers are silent at the same time."""
    begun, chain = time.monotonic(), cast(Silent, app.chain)
    while chain.silent != count or (count == 0 and app.line.counts() != (0, 0)):
        assert time.monotonic() - begun < 10, (chain.silent, app.line.counts())
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/ask", {"question": "hang"}),
        ("/api/ask", {"question": "hang", "stream": True}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hang"}]}),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "hang"}], "stream": True},
        ),
    ],
    ids=["rest", "rest stream", "openai", "openai stream"],
)
def test_who_hangs_up_stops_the_answer(
    url: str, key: str, app: FakeApp, path: str, body: dict[str, Any]
) -> None:
    async def some() -> None:
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
            asking = [
                asyncio.ensure_future(client.post(path, json=body, timeout=60)) for _ in range(10)
            ]
            await asyncio.to_thread(hung, app, 10)
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)

    asyncio.run(some())
    assert hung(app, 0) < 2


@pytest.mark.parametrize("place", ["", "/api"], ids=["page", "gradio"])
def test_a_page_that_is_closed_stops_its_answer(
    url: str, key: str, app: FakeApp, place: str
) -> None:
    from chatbot.web.chat import _EVENTS

    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        client.get("/")
        join: dict[str, Any] = {"session_hash": f"s{place[1:]}", "trigger_id": None}
        if place:
            join |= {"data": ["hang", "", False], "fn_index": 1}
        else:
            event = {"conversation": "", "text": "hang", "run": "r"}
            join |= {"data": [None], "event_data": event, "fn_index": _EVENTS.index("ask")}
        headers = {"authorization": f"Bearer {key}"}
        joined = client.post(f"{place}/gradio_api/queue/join", json=join, headers=headers)
        assert joined.status_code == 200, joined.text
        data = {"session_hash": join["session_hash"]}
        with client.stream("GET", f"{place}/gradio_api/queue/data", params=data) as stream:
            lines = stream.iter_lines()  # kept: forgotten, it would close the stream at once
            next(lines)
            hung(app, 1)
    assert hung(app, 0) < 2


def test_nobody_waits_longer_than_the_setting(
    url: str, key: str, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = app.settings.model_copy(update={"turn_seconds": 0.5})
    monkeypatch.setattr(app, "settings", shorter)
    headers = {"authorization": f"Bearer {key}"}
    answer = httpx.post(f"{url}/api/ask", json={"question": "hang"}, headers=headers)
    assert answer.status_code == 503
    assert "too long" in answer.json()["error"]
    assert hung(app, 0) < 2
