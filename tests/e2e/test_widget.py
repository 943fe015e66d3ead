"""The widget on another website's page, in a browser; and its door, asked without one."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import httpx
import pytest

from chatbot.errors import NotAllowed
from chatbot.settings import Settings
from chatbot.steps import review
from chatbot.steps.review_item import Reviewer
from chatbot.web.widget_api import NAMES, WidgetApi, build_widget
from proof.embedding import website
from tests.e2e.conftest import ROOT, free_port
from tests.e2e.desk_app import PASSWORD
from tests.e2e.fake_app import FakeApp
from tests.e2e.test_asking import SIGNED, decide
from tests.e2e.test_desk import Desk, served
from tests.e2e.visit import NARROW, WIDE

BUILT = ROOT / "chatbot" / "web" / "static" / "widget.js"
MOST_BYTES = 60 * 1024
DENTAL = "How much do you pay for dental care?"
# A website with a strict policy of its own: it lets the script in, and connections to its server.
POLICY = (
    "default-src 'none'; script-src {host}; connect-src {host}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


class Scene:
    """A served application, a website that holds its widget, and a reader's page there."""

    def __init__(self, browser: Any, desk: Desk, site: str, size: dict[str, int] = WIDE) -> None:
        self.app, self.host, self.site = desk.app, desk.url, site
        self.context = browser.new_context(viewport=size)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on(
            "console", lambda m: self.complaints.append(m.text) if m.type == "error" else None
        )
        self.page.goto(f"{site}/?secret=of-the-website")

    def ask(self, words: str) -> None:
        self.page.fill(".composer textarea", words)
        self.page.press(".composer textarea", "Enter")

    def foreign(self) -> list[str]:
        own = (f"{self.host}/", f"{self.site}/")
        return [url for url in self.requests if not url.startswith(own)]


STYLED = 'data-theme="dark" data-accent="#ffee00" data-lang="de" data-position="left" data-open'


class World:
    """One served application, and the websites that hold its widget; the last is not listed."""

    def __init__(self, desk: Desk, sites: list[str]) -> None:
        self.desk = desk
        self.titled, self.styled, self.unlisted = sites


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with ExitStack() as stack:
        made = [
            stack.enter_context(website(a, POLICY)) for a in ('data-title="Ask us"', STYLED, "")
        ]
        sites, port = [site for site, _ in made], free_port()
        for _, name in made:
            name(f"http://127.0.0.1:{port}")
        settings = Settings(_env_file=None, widget_origins=" ".join(sites[:2]))  # type: ignore[call-arg]
        app = FakeApp(settings=settings, pause=0.5)
        app.accounts.add("lena", ["lead"], PASSWORD)
        yield World(stack.enter_context(served(app, port)), sites)


@contextmanager
def visited(browser: Any, world: World, site: str) -> Iterator[Scene]:
    scene = Scene(browser, world.desk, site)
    yield scene
    scene.context.close()


def test_on_another_website_it_asks_streams_cites_and_gets_a_signed_answer(
    browser: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with visited(browser, world, world.titled) as scene:
        page, app = scene.page, scene.app
        assert scene.requests[1:] == [f"{scene.host}/widget.js"]  # nothing before it is opened
        page.click(".launcher")
        page.wait_for_selector(".welcome .example")
        assert page.inner_text("header h2") == "Ask us"
        scene.ask(DENTAL)
        page.wait_for_selector('[data-phase="writing"] .answer p')
        assert "Fillings" not in page.inner_text(".answer")  # the last sentence is still to come
        page.wait_for_selector('[data-phase="done"] .chips')
        assert "Fillings" in page.inner_text(".answer")
        page.click('.answer .cite:text-is("2")')
        assert page.inner_text(".source .passage mark") == "Fillings and extractions"
        page.keyboard.press("Escape")
        page.wait_for_selector(".source", state="detached")

        scene.ask("This is held. May I take it?")
        page.wait_for_selector('[data-kind="held"] .card .link')
        page.keyboard.press("Escape")
        page.reload()
        page.wait_for_timeout(300)
        assert page.locator(".panel").is_hidden()
        (item,) = app.queue.list()
        decide(app, item, "edit", monkeypatch)
        page.wait_for_selector(".badge:not([hidden])")
        page.click(".launcher")
        page.wait_for_selector(".signed")
        page.reload()
        page.wait_for_selector(".signed")  # it was open, so it opens again
        assert SIGNED in page.inner_text(".turn:last-child .answer")
        assert page.locator(".turn").count() == 2
        assert scene.foreign() == []
        assert not any(
            "secret=of-the-website" in url for url in scene.requests if scene.host in url
        )
        assert [c for c in scene.complaints if "favicon" not in c and "404" not in c] == []


def test_on_a_website_that_is_not_listed_it_is_refused(browser: Any, world: World) -> None:
    with visited(browser, world, world.unlisted) as scene:
        before = dict(scene.app.conversations.all)
        refused: list[str] = []
        scene.page.on("requestfailed", lambda r: refused.append(r.url))
        scene.page.click(".launcher")
        scene.page.wait_for_selector(".away")
        scene.ask(DENTAL)
        scene.page.wait_for_selector(".problem")
        called = [url for url in scene.requests if url.startswith(f"{scene.host}/widget/")]
        assert called
        assert refused == called  # the browser could read none of them
        for url in {*called, f"{scene.host}/widget/gradio_api/queue/join"}:
            for method in ("GET", "POST", "OPTIONS"):
                answer = httpx.request(method, url, headers={"Origin": scene.site})
                assert answer.status_code == 403
                assert "access-control-allow-origin" not in answer.headers
        assert scene.app.conversations.all == before
        assert scene.page.locator(".turn").count() == 0


def test_how_it_looks_and_what_it_says_are_the_websites(browser: Any, world: World) -> None:
    with visited(browser, world, world.styled) as scene:
        page = scene.page
        page.wait_for_selector(".welcome .example")
        assert page.get_attribute(".composer textarea", "placeholder") == "Stellen Sie eine Frage"
        host = page.locator("countersign-chat")
        assert host.get_attribute("data-theme") == "dark"
        assert host.bounding_box()["x"] < 100
        assert "255 238 0" in host.get_attribute("style")
        page.set_viewport_size(NARROW)
        assert page.locator(".panel").bounding_box()["width"] == NARROW["width"]


def test_the_preview_writes_the_line_and_shows_the_widget(browser: Any, world: World) -> None:
    desk = world.desk
    assert httpx.get(f"{desk.url}/desk/widget").status_code == 303
    context = browser.new_context(viewport=WIDE)
    (name, value), *_ = desk.cookie("lena").items()
    context.add_cookies([{"name": name, "value": value, "url": desk.url}])
    page = context.new_page()
    page.goto(f"{desk.url}/desk/widget")
    page.select_option("[name=collection]", "handbook")
    page.fill("[name=title]", 'Ask "us" <b>')
    page.wait_for_selector("countersign-chat h2:text-is('Ask \"us\" <b>')")
    assert page.inner_text("#snippet") == (
        f'<script src="{desk.url}/widget.js" data-collection="handbook" '
        'data-title="Ask &#34;us&#34; &#60;b&#62;" async></script>'
    )
    assert world.titled in page.inner_text(".websites")
    page.wait_for_selector(".welcome")
    page.fill(".composer textarea", DENTAL)
    page.press(".composer textarea", "Enter")
    page.wait_for_selector(".chips")
    context.close()


# Without a browser

SHOP = "https://shop.example"


def request(origin: str = SHOP) -> gr.Request:
    made = SimpleNamespace(headers={"origin": origin}, cookies={}, client=None, session_hash="")
    return cast(gr.Request, made)


class Reader:
    """Someone at a widget."""

    def __init__(self, api: WidgetApi, origin: str = SHOP) -> None:
        self.api, self.request = api, request(origin)
        self.token = api.start("", "", self.request)["token"]

    def ask(self, words: str, conversation: str = "", collection: str = "") -> dict[str, Any]:
        turns = self.api.ask(self.token, collection, conversation, words, self.request)
        return list(turns)[-1]

    def history(self, conversation: str, known: Any = None, collection: str = "") -> dict[str, Any]:
        return self.api.history(self.token, collection, conversation, known or {}, self.request)


@pytest.fixture
def app() -> FakeApp:
    return FakeApp(pause=0)


@pytest.fixture
def api(app: FakeApp) -> WidgetApi:
    return WidgetApi(cast(Any, app))


def test_a_conversation_is_its_owners_alone(api: WidgetApi) -> None:
    mine, other = Reader(api), Reader(api)
    talk = mine.ask(DENTAL)["conversation"]
    assert len(mine.history(talk)["turns"]) == 1
    assert other.history(talk) == {"turns": [], "versions": {}}
    assert other.ask("And mine?", talk)["kind"] == "failed"
    assert len(mine.history(talk)["turns"]) == 1


def test_a_token_from_another_website_is_a_strangers(api: WidgetApi) -> None:
    mine, thief = Reader(api), Reader(api, "https://other.example")
    talk = mine.ask(DENTAL)["conversation"]
    thief.token = mine.token
    with pytest.raises(gr.Error, match="Reload"):
        thief.history(talk)
    with pytest.raises(gr.Error, match="Reload"):
        thief.ask("And mine?", talk)
    assert api.start(mine.token, "", thief.request)["token"] != mine.token


def test_what_the_page_may_not_search_is_not_shown(api: WidgetApi) -> None:
    mine = Reader(api)
    talk = mine.ask(DENTAL)["conversation"]
    (turn,) = mine.history(talk, collection="handbook")["turns"]
    assert turn["answer"]
    (turn,) = mine.history(talk, collection="other")["turns"]
    assert turn["answer"] == []
    assert turn["sources"] == []


def test_a_held_turn_is_told_and_its_words_come_when_signed(
    api: WidgetApi, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Reader(api)
    talk = mine.ask("This is held. May I take it?")["conversation"]
    known = mine.history(talk)
    (turn,) = known["turns"]
    assert (turn["open"], turn["state"], turn["answer"]) == (True, "pending", [])
    assert mine.history(talk, known["versions"])["turns"] is None
    (item,) = app.queue.list()
    decide(app, item, "edit", monkeypatch)
    (turn,) = mine.history(talk, known["versions"])["turns"]
    assert turn["signed"]
    assert turn["answer"] == [["p", SIGNED]]


def test_a_reader_replies_withdraws_and_rates(api: WidgetApi, app: FakeApp) -> None:
    mine, other = Reader(api), Reader(api)
    talk = mine.ask("This is held. May I take it?")["conversation"]
    (item,) = app.queue.list()
    anna = Reviewer("anna", frozenset({"reviewer"}))
    lease = timedelta(minutes=5)
    app.queue.apply(item.id, "anna", "claim", lambda i, now: review.claim(i, anna, now, lease))
    app.queue.apply(
        item.id, "anna", "ask", lambda i, now: review.ask(i, anna, i.fence, "Which one?", now)
    )
    assert mine.history(talk)["turns"][0]["asked"] == "Which one?"
    for act in ("withdraw", "reply"):
        with pytest.raises(gr.Error, match="no such question"):
            other.api.tell(other.token, item.record, act, "The red one.", other.request)
    mine.api.tell(mine.token, item.record, "reply", "The red one.", mine.request)
    assert app.queue.get(item.id).thread[-1].text == "The red one."
    mine.api.tell(mine.token, item.record, "withdraw", "", mine.request)
    assert mine.history(talk)["turns"][0]["state"] == "withdrawn"
    record = mine.ask(DENTAL, talk)["record"]
    mine.api.rate(mine.token, record, -1, mine.request)
    mine.api.rate(mine.token, record, 7, mine.request)
    assert mine.history(talk)["turns"][1]["rating"] == -1


@pytest.mark.parametrize(
    ("host", "anonymous", "listed", "may"),
    [
        ("127.0.0.1", "auto", False, True),
        ("127.0.0.1", "no", True, False),
        ("0.0.0.0", "auto", True, True),
        ("0.0.0.0", "auto", False, False),
        ("0.0.0.0", "no", True, False),
        ("0.0.0.0", "yes", False, True),
    ],
)
def test_the_widget_is_no_way_round_an_account(
    host: str, anonymous: Any, listed: bool, may: bool
) -> None:
    given = {"host": host, "anonymous": anonymous, "widget_origins": SHOP if listed else None}
    app = FakeApp(settings=Settings.model_validate(given), pause=0)
    api = WidgetApi(cast(Any, app))
    if may:
        assert Reader(api).ask(DENTAL)["answer"]
        return
    with pytest.raises(gr.Error, match="without an account"):
        Reader(api)
    reader = Reader(WidgetApi(cast(Any, FakeApp(pause=0))))  # a token from better days
    with pytest.raises(gr.Error, match="without an account"):
        list(api.ask(reader.token, "", "", DENTAL, reader.request))
    assert app.conversations.all == {}


def test_a_limit_is_told_the_origin_before_anything_is_done(app: FakeApp) -> None:
    told: list[tuple[str, str]] = []

    def limit(origin: str, address: str) -> None:
        told.append((origin, address))
        if len(told) > 1:
            raise NotAllowed("Too many questions.", "Try again in 5 s.")

    mine = Reader(WidgetApi(cast(Any, app), limit))
    with pytest.raises(gr.Error, match="Try again in 5 s"):
        mine.ask(DENTAL)
    assert told == [(SHOP, ""), (SHOP, "")]
    assert app.conversations.all == {}


def test_the_endpoints_are_named_and_described(app: FakeApp) -> None:
    found = build_widget(cast(Any, app)).get_api_info()["named_endpoints"]
    assert sorted(found) == sorted(f"/{name}" for name in NAMES)
    assert all(one["description"] for one in found.values())
    (asked,) = [p["parameter_name"] for p in found["/ask"]["parameters"]][3:]
    assert asked == "question"


# The built file


def test_the_built_file_is_small_and_names_no_other_server() -> None:
    assert len(gzip.compress(BUILT.read_bytes(), 9)) <= MOST_BYTES


def test_the_built_file_is_what_the_source_builds_to(tmp_path: Any) -> None:
    node, packages = shutil.which("node"), ROOT / "widget" / "node_modules"
    if node is None or not packages.is_dir():
        pytest.skip("no node, or no packages: `make packages`")
    built = tmp_path / "widget.js"
    subprocess.run([node, "build.mjs", built], cwd=ROOT / "widget", check=True)
    assert built.read_bytes() == BUILT.read_bytes(), "run: cd widget && npm run build"
