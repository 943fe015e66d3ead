"""The desk's page about answers that are given again: how many, and what they save."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chatbot.adapters.cache_report import KINDS, CacheReport, cache_report
from chatbot.faq import EDITORS
from chatbot.steps.faq import FaqEntry, FaqState
from chatbot.steps.intervals import wilson
from chatbot.web.desk_forms import shell
from chatbot.web.desk_insights import PERIODS, bar_of, percent, periods, table_of
from chatbot.web.desk_login import Doors
from chatbot.web.desk_page import plain_bar
from chatbot.web.desk_words import ago, span
from chatbot.web.markup import escape
from chatbot.web.session import DESK_COOKIE

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_NAMES = {
    "faq": "From the FAQ",
    "exact": "The same question",
    "semantic": "In other words",
}


def add_cache(server: FastAPI, app: App, doors: Doors) -> None:
    """The page's route."""

    @server.get("/desk/cache")
    def cache(request: Request, days: int = 7) -> Response:
        account = doors.admit(request.cookies.get(DESK_COOKIE))
        if account is None:
            return RedirectResponse("/desk/login", 303)
        days, now = days if days in PERIODS else 7, datetime.now(UTC)
        page = cache_page(
            app.settings.title,
            cache_report(app.queue.engine, now - timedelta(days=days)),
            app.faq.store.list(FaqState.SUSPENDED),
            days,
            now,
            cost=app.settings.answer_cost,
            may_edit=bool(account.roles & EDITORS),
        )
        return HTMLResponse(page, headers={"Cache-Control": "private, no-store"})


def cache_page(
    site: str,
    found: CacheReport,
    stopped: Sequence[FaqEntry],
    days: int,
    now: datetime,
    *,
    cost: float = 0.0,
    may_edit: bool = False,
) -> str:
    """The page.

    Args:
        stopped: entries of the FAQ that are suspended.
        days: how far back it looks.
        cost: what one answer of the model costs; 0: not known.
        may_edit: whether this person may put anything to review.
    """
    body = (
        f'{plain_bar(site, "Cache")}<main class="insights"><div class="insights-head">'
        f"<h1>Answered before</h1>{periods('/desk/cache', days)}</div>{_tiles(found, cost)}"
        f"{_hits(found)}{_top(found)}{_suspended(found, stopped, now, may_edit=may_edit)}</main>"
    )
    return shell(site, "Cache", body, "insights-page")


def _tiles(found: CacheReport, cost: float) -> str:
    hits = sum(found.hits.values())
    low, high = wilson(found.wrong, found.checked)
    sure = (
        f"{found.wrong} of {found.checked} held against a fresh answer · 95% interval "
        f"{percent(low)} to {percent(high)}"
        if found.checked
        else "No hit was held against a fresh answer yet"
    )
    faster = ""
    if found.made is not None and found.given is not None:
        faster = f"{found.given:,.0f} ms instead of {found.made:,.0f} ms, in the middle"
    money = f"{cost * hits:,.2f}" if cost else "–"
    told = f"{hits:,} answers at {cost:g} each" if cost else "Set COUNTERSIGN_ANSWER_COST to see it"
    tiles = (
        ("Answered without the model", percent(hits / found.questions) if found.questions else "–",
         f"{hits:,} of {found.questions:,} questions"),
        ("Time saved", span(timedelta(seconds=found.saved)) if hits else "–",
         faster or "Nothing was given again in this time"),
        ("Money saved", money, told),
        ("Wrong hits", percent(found.wrong / found.checked) if found.checked else "–", sure),
    )  # fmt: skip
    drawn = "".join(
        f'<div class="tile"><dt>{name}</dt><dd>{value}</dd>'
        f'<dd class="about">{escape(words)}</dd></div>'
        for name, value, words in tiles
    )
    return f'<dl class="tiles">{drawn}</dl>'


def _hits(found: CacheReport) -> str:
    asked = found.questions or 1
    counts = [(_NAMES[kind], found.hits.get(kind, 0)) for kind in KINDS]
    counts.append(("By the model", found.questions - sum(found.hits.values())))
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td class="figure">{n:,}</td>'
        f'<td class="figure">{percent(n / asked)}</td>'
        f'<td class="bar-cell">{bar_of(((n / asked, "all"),))}</td></tr>'
        for name, n in counts
    )
    head = (
        '<th scope="col">Answered</th><th scope="col" class="figure">Questions</th>'
        '<th scope="col" class="figure">Share</th><td></td>'
    )
    return table_of(
        "How questions were answered", head, rows if found.questions else "",
        "Nothing was asked in this time.",
    ) + (
        f'<p class="hint-line">{found.entries:,} answers are kept to be given again '
        f"({found.bytes / 1e6:,.1f} MB).</p>"
    )  # fmt: skip


def _top(found: CacheReport) -> str:
    rows = "".join(
        f'<tr><th scope="row" class="long">{_named(o.question, o.faq)}</th>'
        f'<td class="figure">{o.hits:,}</td></tr>'
        for o in found.top
    )
    head = '<th scope="col">Question</th><th scope="col" class="figure">Given</th>'
    return table_of("Given most often", head, rows, "No answer was given again yet.")


def _named(question: str, entry: str) -> str:
    if not entry:
        return escape(question)
    link = escape(urlencode({"entry": entry}))
    return f'<a href="/desk/faq?{link}">{escape(question)}</a> <span class="badge good">FAQ</span>'


def _suspended(
    found: CacheReport, stopped: Sequence[FaqEntry], now: datetime, *, may_edit: bool
) -> str:
    rows = "".join(
        _row(_named(e.question, e.id), e.reason, ago(e.changed_at, now),
             _button("review", "entry", e.id) if may_edit else "")
        for e in stopped
    )  # fmt: skip
    rows += "".join(
        _row(escape(s.question), s.change, ago(s.at, now),
             _button("again", "record", s.record) if may_edit else "")
        for s in found.suspended
    )  # fmt: skip
    head = '<th scope="col">Question</th><th scope="col">What has changed</th><td></td><td></td>'
    return table_of("Suspended", head, rows, "No source of an answer has changed.")


def _row(question: str, change: str, when: str, act: str) -> str:
    return (
        f'<tr><th scope="row" class="long">{question}</th><td class="long">{escape(change)}</td>'
        f"<td>{when}</td><td>{act}</td></tr>"
    )


def _button(act: str, name: str, value: str) -> str:
    return (
        '<form method="post" action="/desk/faq">'
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        f'<button class="text" name="act" value="{act}">Review again</button></form>'
    )
