"""The second tab of the insights: what is asked, how it goes, what is missing, what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chatbot.adapters.usage_figures import Usage, unanswered, usage
from chatbot.errors import CountersignError
from chatbot.plots import Line, plot
from chatbot.settings import Settings
from chatbot.steps.clusters import Cluster
from chatbot.steps.intervals import wilson
from chatbot.steps.usage import Piece, money
from chatbot.web.desk_forms import shell
from chatbot.web.desk_insights import PERIODS, percent, periods, table_of, tabs
from chatbot.web.desk_login import Doors
from chatbot.web.desk_page import plain_bar
from chatbot.web.markup import escape
from chatbot.web.session import DESK_COOKIE

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_WORDINGS = 3
_TICKS = 5
_KINDS = (
    ("released", "Answered", "one"),
    ("held", "Held", "two"),
    ("not found", "Not in the documents", "three"),
    ("refused", "Refused", "four"),
)
Value = Callable[[Piece], float | None]


def add_usage(server: FastAPI, app: App, doors: Doors) -> None:
    """The page's route."""

    @server.get("/desk/usage")
    def show(request: Request, days: int = 7) -> Response:
        if doors.admit(request.cookies.get(DESK_COOKIE)) is None:
            return RedirectResponse("/desk/login", 303)
        days, now = days if days in PERIODS else 7, datetime.now(UTC)
        since, engine = now - timedelta(days=days), app.queue.engine
        try:
            embeddings, least = app.retriever.embeddings, app.settings.faq_people
            topics = unanswered(engine, embeddings, since, least)
        except CountersignError:  # the index is loading, or unusable: the figures stand without
            topics = None
        page = usage_page(app.settings, usage(engine, since, now), topics, days, now)
        return HTMLResponse(page, headers={"Cache-Control": "private, no-store"})


def usage_page(
    settings: Settings,
    found: Usage,
    topics: Sequence[Cluster] | None,
    days: int,
    now: datetime,
) -> str:
    """The page.

    Args:
        topics: what the documents do not answer; None: that cannot be told now.
        days: how far back it looks.
    """
    body = (
        f'{plain_bar(settings.title, "Insights")}<main class="insights"><div class="insights-head">'
        f"<h1>Insights</h1>{periods('/desk/usage', days)}</div>{tabs('Usage', days)}"
        f"{_tiles(found, settings, now)}{_plots(found.pieces, settings, days)}"
        f"{_topics(topics, settings.faq_people)}</main>"
    )
    return shell(settings.title, "Usage", body, "insights-page")


def _tiles(found: Usage, settings: Settings, now: datetime) -> str:
    up, down = sum(p.up for p in found.pieces), sum(p.down for p in found.pieces)
    missing, asked = _sum(found.pieces, "not found"), found.questions
    low, high = wilson(up, up + down)
    voted = f"{up:,} up, {down:,} down · 95% interval {percent(low)} to {percent(high)}"
    spent, told = _money(found, settings, now)
    tiles = (
        ("Questions", f"{asked:,}", f"{found.given:,} answered from what was answered before"),
        ("Thumbs up", percent(up / (up + down)) if up + down else "–",
         voted if up + down else "Nobody has rated an answer in this time"),
        ("Thumbs down", percent(down / asked) if asked else "–",
         f"{down:,} of {asked:,} questions"),
        ("Answered anew", percent(found.again / asked) if asked else "–",
         f"{found.again:,} askers wanted another answer"),
        ("Not in the documents", percent(missing / asked) if asked else "–",
         f"{missing:,} of {asked:,} questions"),
        ("Money", spent, told),
    )  # fmt: skip
    drawn = "".join(
        f'<div class="tile"><dt>{name}</dt><dd>{value}</dd>'
        f'<dd class="about">{escape(words)}</dd></div>'
        for name, value, words in tiles
    )
    return f'<dl class="tiles of-three">{drawn}</dl>'


def _money(found: Usage, settings: Settings, now: datetime) -> tuple[str, str]:
    tokens = sum(p.tokens for p in found.pieces)
    if not (settings.price_tokens or settings.price_hour):
        names = "COUNTERSIGN_PRICE_TOKENS or COUNTERSIGN_PRICE_HOUR"
        return "–", f"{tokens:,} tokens. Set {names} to see it"
    hours = (now - found.first) / timedelta(hours=1) if found.first else 0.0
    spent = money(tokens, hours, settings.price_tokens, settings.price_hour)
    each = f"{spent / found.questions:,.4f} a question · " if found.questions else ""
    running = f", {hours:,.0f} hours" if settings.price_hour else ""
    return f"{spent:,.2f}", f"{each}{tokens:,} tokens{running}"


def _plots(found: Sequence[Piece], settings: Settings, days: int) -> str:
    price = settings.price_tokens
    spent = ("Money for tokens", lambda p: money(p.tokens, 0, price, 0))
    used = ("Tokens, thousands", lambda p: p.tokens / 1000)
    what, cost = spent if price else used
    drawn = (
        _plot("Questions", "questions", found, days,
              [(name, look, _count(kind)) for kind, name, look in _KINDS]),
        _plot("Thumbs", "ratings", found, days,
              [("Up", "one", lambda p: p.up), ("Down", "four", lambda p: p.down)]),
        _plot("Seconds for an answer of the model", "seconds", found, days,
              [("Half within", "one", lambda p: p.middle),
               ("19 of 20 within", "two", lambda p: p.late)]),
        _plot("Answers given again", "answers", found, days,
              [("Given again", "one", lambda p: p.given)]),
        _plot("Hours until a reviewer's decision", "hours", found, days,
              [("Half within", "two", lambda p: p.wait)]),
        _plot(what, "money" if price else "thousands", found, days, [("Model", "one", cost)]),
    )  # fmt: skip
    return f'<div class="plots">{"".join(drawn)}</div>'


def _plot(
    title: str,
    unit: str,
    found: Sequence[Piece],
    days: int,
    wanted: Sequence[tuple[str, str, Value]],
) -> str:
    """One plot with what its lines are; that there is nothing, where nothing was measured."""
    lines, names = [], []
    for name, look, value in wanted:
        at = [(float(n), v) for n, p in enumerate(found) if (v := value(p)) is not None]
        if any(v for _, v in at):
            dots = [f"{name}: {v:,.4g} ({_day(found[int(n)], days)})" for n, v in at]
            lines.append(Line(at, look, name, [look] * len(at), dots))
            names.append(f'<li class="{look}">{name}</li>')
    if not lines:
        inner = '<p class="none-yet">Nothing in this time.</p>'
    else:
        every = -(-len(found) // _TICKS)
        last = len(found) - 1  # the newest has its name
        ticks = [_day(p, days) if (last - n) % every == 0 else "" for n, p in enumerate(found)]
        drawn = plot(lines, "time (UTC)", unit, ticks, floor=0.0)
        inner = f"{drawn}<ul>{''.join(names)}</ul>"
    return f'<section class="plot"><h2>{title}</h2>{inner}</section>'


def _topics(topics: Sequence[Cluster] | None, least: int) -> str:
    rows = "".join(
        f'<tr><th scope="row" class="long">{escape(topic.wordings[0].text)}'
        f"{_others(topic)}</th>"
        f'<td class="figure">{topic.people:,}</td><td class="figure">{topic.times:,}</td></tr>'
        for topic in topics or ()
    )
    head = (
        '<th scope="col">Question</th><th scope="col" class="figure">People</th>'
        '<th scope="col" class="figure">Times</th>'
    )
    nothing = (
        "The index is not ready, so this cannot be told now."
        if topics is None
        else f"Nothing that at least {least} people asked is missing in the documents."
    )
    return table_of("Asked, and not in the documents", head, rows, nothing)


def _others(topic: Cluster) -> str:
    others = [w.text for w in topic.wordings[1 : 1 + _WORDINGS]]
    return f'<span class="also">{escape(" · ".join(others))}</span>' if others else ""


def _count(kind: str) -> Value:
    return lambda piece: piece.counts.get(kind, 0)


def _sum(found: Sequence[Piece], kind: str) -> int:
    return sum(p.counts.get(kind, 0) for p in found)


def _day(piece: Piece, days: int) -> str:
    """When the piece ended: the last one ends now."""
    if days == 1:
        return f"{piece.begins + timedelta(hours=1):%H:%M}"
    ended = piece.begins + timedelta(days=1)
    return f"{ended.day} {ended:%b}"
