"""axe-core finds no serious or critical problem on any page or in the widget, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chatbot.settings import Settings
from chatbot.steps.faq import FaqEntry
from chatbot.web.session import DESK_COOKIE
from proof.embedding import website
from tests.e2e.conftest import free_port
from tests.e2e.desk_app import PASSWORD, money_answer, seed
from tests.e2e.fake_app import FakeApp
from tests.e2e.test_desk import Desk, served
from tests.e2e.test_widget import DENTAL
from tests.e2e.visit import WIDE

axe = pytest.importorskip("axe_playwright_python.base")
GRAVE = ("serious", "critical")
ALL = {"resultTypes": ["violations"]}
COLOURS = {**ALL, "runOnly": ["color-contrast", "link-in-text-block"]}
HELD = "This is held. May I take it?"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    port = free_port()
    with website() as (site, name):
        name(f"http://127.0.0.1:{port}")
        app: Any = FakeApp(settings=Settings(_env_file=None, widget_origins=site), pause=0)  # type: ignore[call-arg]
        seed(app)
        entry = FaqEntry(
            "", "How much is paid for fillings?", money_answer(), "anna", datetime.now(UTC)
        )
        app.faq.store.add(entry, "anna", "propose")
        app.site = site
        with served(app, port) as desk:
            yield desk


@pytest.fixture(scope="module")
def context(browser: Any, desk: Desk) -> Iterator[Any]:
    """A browser in which somebody is logged in at the desk."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    token = desk.app.accounts.login("lena", PASSWORD, "lena")
    context.add_cookies([{"name": DESK_COOKIE, "value": token, "url": desk.url}])
    yield context
    context.close()


def grave(page: Any) -> list[str]:
    """Serious and critical problems of what the page shows now, light and dark."""
    found = []
    for scheme, rules in (("light", ALL), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("typeof axe === 'undefined'") and page.evaluate(axe.AXE_SCRIPT)
        result = page.evaluate("options => axe.run(document, options)", rules)
        found += [
            f"{scheme}: {v['id']} ({v['impact']}) {n['target']} {n['html'][:160]}"
            for v in result["violations"]
            if v["impact"] in GRAVE
            for n in v["nodes"]
        ]
    return found


def chat(page: Any, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("html.up", state="attached")


def ask(page: Any, words: str) -> None:
    page.fill("#question", words)
    page.press("#question", "Enter")
    page.wait_for_selector("#live .turn.done")


def answered(page: Any, url: str) -> None:
    chat(page, f"{url}/?c=new")
    ask(page, DENTAL)
    page.click("#live .cite >> nth=0")
    page.wait_for_selector("#panel .source[open]")


def held(page: Any, url: str) -> None:
    chat(page, f"{url}/?c=new")
    ask(page, HELD)
    page.wait_for_selector("#live .card.held")


def item(page: Any, url: str) -> None:
    page.goto(f"{url}/desk/?item=health-1")
    page.wait_for_selector("#item .item")


def at(path: str, ready: str) -> Callable[[Any, str], None]:
    def go(page: Any, url: str) -> None:
        page.goto(f"{url}{path}")
        page.wait_for_selector(ready)

    return go


def login(page: Any, url: str) -> None:
    page.context.clear_cookies()
    at("/desk/login", "input[name=name]")(page, url)


PAGES: dict[str, Callable[[Any, str], None]] = {
    "chat": lambda page, url: chat(page, f"{url}/?c=new"),
    "answer and panel": answered,
    "held": held,
    "document": at("/documents/handbook%2Fdental-cover?passage=dental-cover-2#passage", "#passage"),
    "desk": at("/desk/", "#queue .row"),
    "item": item,
    "insights": at("/desk/insights", ".insights"),
    "faq": at("/desk/faq", "main"),
    "votes": at("/desk/votes", "main"),
    "cache": at("/desk/cache", "main"),
    "preview": at("/desk/widget", "countersign-chat .welcome .example"),
    "login": login,  # the last: it takes the session away
}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_a_serious_problem(context: Any, desk: Desk, name: str) -> None:
    page = context.new_page()
    page.set_default_timeout(15_000)
    PAGES[name](page, desk.url)
    assert grave(page) == []
    page.close()


def test_nor_has_the_widget(context: Any, desk: Desk) -> None:
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(desk.app.site)
    page.wait_for_selector(".launcher")
    found = {"closed": grave(page)}
    page.click(".launcher")
    page.wait_for_selector(".welcome .example")
    found["welcome"] = grave(page)
    for name, words in (
        ("answer", DENTAL),
        ("held", HELD),
        ("none", "refuse"),
        ("failed", "error"),
    ):
        page.fill(".composer textarea", words)
        page.press(".composer textarea", "Enter")
        page.wait_for_selector("countersign-chat:not([data-busy]) .turn:last-child .actions")
        found[name] = grave(page)
    page.click(".chip >> nth=0")
    page.wait_for_selector(".source mark")
    found["passage"] = grave(page)
    page.close()
    assert {name: problems for name, problems in found.items() if problems} == {}
