"""axe-core finds no serious or critical problem on any page or in the widget, light and dark."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

from chatbot.domain import Person
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions
from chatbot.web.widget_identity import Tokens
from proof.embedding import browser, website
from proof.filled import PASSWORD, Filled
from proof.report import Report
from proof.site import Site, site

_GRAVE = ("serious", "critical")
_ALL = {"resultTypes": ["violations"]}
_COLOURS = {**_ALL, "runOnly": ["color-contrast", "link-in-text-block"]}
_TEXTS = (
    "The annual limit for dental care is EUR 400",
    "- **Alder Plus** pays up to EUR 1,500 a year",
    "Fillings\t50%\t80%\nRoot canal\tNot covered\t70%",
)
_OWNER = "w-" + "a" * 32
View = Callable[[Any], None]


def pages(host: str, filled: Filled) -> tuple[dict[str, View], dict[str, View]]:
    """Each page of an asker's and of the desk, and what to do to see it."""

    def at(path: str, ready: str, click: str = "", then: str = "") -> View:
        def go(page: Any) -> None:
            page.goto(f"{host}{path}")
            page.wait_for_selector(ready, state="attached")
            if click:
                page.click(click)
                page.wait_for_selector(then)

        return go

    answered, noted = filled.answered[0], filled.noted[0]
    panel = "#panel .source[open]"
    asker = {
        "chat": at("/?c=new", "html.up .welcome"),
        "answer and panel": at(
            f"/?c={answered}", "html.up .turn", "#history .cite >> nth=0", panel
        ),
        "held": at(f"/?c={noted}", "html.up .card.held"),
        "document": at("/documents/h0?passage=hp0&at=8-20#passage", "#passage"),
        "no document": at("/documents/none", "main"),
        "login": at("/login", "input[name=name]"),
        "desk login": at("/desk/login", "input[name=name]"),
    }
    paths = (
        "insights",
        "usage",
        "faq",
        "faq?entry=faq0",
        "votes",
        "cache",
        "people",
        "groups",
        "read",
    )
    desk = {
        "desk": at("/desk/", "html.up #queue .row"),
        "item": at("/desk/?item=desk0", "html.up #item .item"),
        "preview": at("/desk/widget", "countersign-chat .welcome"),
        **{path: at(f"/desk/{path}", "main") for path in paths},
    }
    return asker, desk


def widget(host: str, embedding: str, filled: Filled, token: str) -> dict[str, View]:
    """The widget on another website, in each of its states."""

    def at(conversation: str, ready: str, click: str = "", then: str = "") -> View:
        def go(page: Any) -> None:
            kept = {"token": token, "conversation": conversation, "open": "yes" if ready else "no"}
            page.goto(embedding)
            page.evaluate(
                "([k, v]) => localStorage.setItem(k, JSON.stringify(v))",
                [f"countersign:{host}/:", kept],
            )
            page.reload()
            page.wait_for_selector(ready or ".launcher")
            if click:
                page.click(click)
                page.wait_for_selector(then)

        return go

    return {
        "widget, closed": at("", ""),
        "widget, welcome": at("", ".welcome"),
        "widget, answers": at(filled.answered[0], ".turn .chip"),
        "widget, passage": at(filled.answered[0], ".turn .chip", ".cite >> nth=0", ".source mark"),
        "widget, held": at(filled.noted[0], ".card.held"),
    }


def grave(page: Any) -> list[str]:
    """Serious and critical problems of what the page shows now, light and dark."""
    found = []
    for scheme, rules in (("light", _ALL), ("dark", _COLOURS)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if page.evaluate("typeof axe === 'undefined'"):
            page.evaluate(AXE_SCRIPT)
        result = page.evaluate("options => axe.run(document, options)", rules)
        found += [
            f"{scheme}: {v['id']} ({v['impact']}) {n['target']} {n['html'][:200]}"
            for v in result["violations"]
            if v["impact"] in _GRAVE
            for n in v["nodes"]
        ]
    return found


def look(page: Any, views: Mapping[str, View], report: Report) -> None:
    """Counts each view."""
    for name, go in views.items():
        go(page)
        problems = grave(page)
        report.count(f"{name}: {len(problems)} problems" if problems else "")
        report.wrong += [f"{name}: {problem}" for problem in problems]


def contexts(opened: Site, started: Any) -> tuple[Any, Any]:
    """A browser of an asker, and one of somebody who may do everything at the desk."""
    app, made = opened.app, []
    asker = Sessions(app.secret).write(Person(_OWNER))
    account = app.accounts.login("lena", PASSWORD, "proof")
    for name, value in ((COOKIE, asker), (DESK_COOKIE, account)):
        context = started.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": name, "value": value, "url": opened.url}])
        made.append(context)
    return made[0], made[1]


def some(views: Mapping[str, View], share: int) -> Mapping[str, View]:
    """One in so many of them."""
    return {key: views[key] for key in list(views)[share // 2 :: share]}


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="one view in so many")
    asked = parser.parse_args()
    report = Report("serious problems of accessibility")
    with website() as (page, name), site(["What is it?"], widget_origins=page) as opened:
        name(opened.url)
        filled = Filled(opened, _TEXTS, _OWNER)
        token = Tokens(opened.app.secret).sign(_OWNER, page)
        asker, desk = pages(opened.url, filled)
        embedded = widget(opened.url, page, filled, token)
        with browser() as started:
            first, second = contexts(opened, started)
            look(first.new_page(), some({**asker, **embedded}, asked.share), report)
            look(second.new_page(), some(desk, asked.share), report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
