"""The desk's second page: volumes, waiting times, decisions, and what the router misses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chatbot.adapters.drift import Look, kept
from chatbot.adapters.queue_figures import Rates, Statistics, Waits
from chatbot.steps.drift import Figure
from chatbot.steps.intervals import wilson
from chatbot.web.desk_forms import shell
from chatbot.web.desk_login import Doors
from chatbot.web.desk_page import plain_bar
from chatbot.web.desk_view import title_of
from chatbot.web.desk_words import span
from chatbot.web.markup import escape
from chatbot.web.session import DESK_COOKIE

if TYPE_CHECKING:
    from chatbot.bootstrap import App

PERIODS = (1, 7, 30, 90)
Title = Callable[[str], str]


def add_insights(server: FastAPI, app: App, doors: Doors) -> None:
    """The page's route."""

    @server.get("/desk/insights")
    def insights(request: Request, days: int = 7) -> Response:
        if doors.admit(request.cookies.get(DESK_COOKIE)) is None:
            return RedirectResponse("/desk/login", 303)
        days = days if days in PERIODS else 7
        found = app.queue.statistics(datetime.now(UTC) - timedelta(days=days))
        title = partial(title_of, app.policy)
        looked = kept(app.settings.home)[-1:]
        page = insights_page(app.settings.title, found, days, title, *looked)
        return HTMLResponse(page, headers={"Cache-Control": "private, no-store"})


def insights_page(
    site: str, found: Statistics, days: int, title: Title, looked: Look | None = None
) -> str:
    """The page.

    Args:
        days: how far back it looks.
        title: category → its name for people.
        looked: the last look for drift, if there was one.
    """
    body = (
        f'{plain_bar(site, "Insights")}<main class="insights"><div class="insights-head">'
        "<h1>Insights</h1>"
        f"{periods('/desk/insights', days)}</div>{tabs('Review', days)}"
        f"{_drift(looked)}{_tiles(found)}{_volumes(found, title)}{_decisions(found.decided, title)}"
        f"{_waits(found.waits, title)}</main>"
    )
    return shell(site, "Insights", body, "insights-page")


def periods(path: str, days: int) -> str:
    """Links to the page at that path, each for another time; the one that is shown is marked."""
    links = "".join(
        f'<a href="{path}?days={n}"{" aria-current=page" if n == days else ""}>'
        f"{'24 hours' if n == 1 else f'{n} days'}</a>"
        for n in PERIODS
    )
    return f'<nav class="periods" aria-label="Period">{links}</nav>'


def tabs(current: str, days: int) -> str:
    """The two pages of the insights, the one that is shown marked."""
    links = "".join(
        f'<a href="{path}?days={days}"{" aria-current=page" if name == current else ""}>{name}</a>'
        for name, path in (("Review", "/desk/insights"), ("Usage", "/desk/usage"))
    )
    return f'<nav class="tabs" aria-label="Insights">{links}</nav>'


def _drift(looked: Look | None) -> str:
    """What drifted, and what to do about it; nothing where nothing did."""
    if looked is None or not looked.alerts:
        return ""
    rows = "".join(f"<li>{escape(_change(a))}</li>" for a in looked.alerts)
    advice = "".join(f"<p>{escape(a)}</p>" for a in dict.fromkeys(a.advice for a in looked.alerts))
    return (
        f'<section class="drift"><h2>Drift</h2><p>In the {looked.days[1]} days to '
        f"{looked.at:%Y-%m-%d}, against the {looked.days[0]} before:</p>"
        f"<ul>{rows}</ul>{advice}</section>"
    )


def _change(alert: Figure) -> str:
    name = alert.name[:1].upper() + alert.name[1:]
    if alert.values is None:
        return f"{name}: of another kind"
    before, after = (percent(v) for v in alert.values)
    return f"{name}: {before} → {after}"


def _tiles(found: Statistics) -> str:
    decided = sum(r.approved + r.edited + r.rejected for r in found.decided)
    approved = sum(r.approved for r in found.decided)
    tiles = (
        ("Held", f"{sum(found.submitted.values()):,}", "questions came to the desk"),
        ("Decided", f"{decided:,}", "answers were signed or rejected"),
        (
            "Approved as drafted",
            percent(approved / decided) if decided else "–",
            f"{approved:,} of {decided:,}",
        ),
        ("Released, but wrong", *_share(found.wrong, found.samples)),
        ("Right, but had to be held", *_share(found.misses, found.samples)),
    )
    drawn = "".join(
        f'<div class="tile"><dt>{name}</dt><dd>{value}</dd><dd class="about">{words}</dd></div>'
        for name, value, words in tiles
    )
    return f'<dl class="tiles">{drawn}</dl>'


def _share(n: int, samples: int) -> tuple[str, str]:
    if not samples:
        return "–", "No sampled answer was looked at in this time"
    low, high = (percent(bound) for bound in wilson(n, samples))
    return percent(n / samples), f"{n} of {samples} sampled · 95% interval {low} to {high}"


def _volumes(found: Statistics, title: Title) -> str:
    most = max(found.submitted.values(), default=0)
    rows = "".join(
        f'<tr><th scope="row">{escape(title(name))}</th><td class="figure">{n:,}</td>'
        f'<td class="bar-cell">{bar_of(((n / most, "all"),))}</td></tr>'
        for name, n in sorted(found.submitted.items(), key=lambda x: -x[1])
    )
    head = '<th scope="col">Category</th><th scope="col" class="figure">Held</th><td></td>'
    return table_of("Volume", head, rows, "Nothing was held in this time.")


def _decisions(rates: Sequence[Rates], title: Title) -> str:
    rows = "".join(_rate(rate, title) for rate in rates)
    head = (
        '<th scope="col">Category</th><th scope="col">Model</th>'
        '<th scope="col" class="figure">Approved</th><th scope="col" class="figure">Edited</th>'
        '<th scope="col" class="figure">Rejected</th><td></td>'
    )
    return table_of("Decisions", head, rows, "Nothing was decided in this time.")


def _rate(rate: Rates, title: Title) -> str:
    n = rate.approved + rate.edited + rate.rejected or 1
    parts = ((rate.approved / n, "good"), (rate.edited / n, "fair"), (rate.rejected / n, "poor"))
    figures = "".join(
        f'<td class="figure">{percent(share)} <span class="of">{count}</span></td>'
        for count, (share, _) in zip(
            (rate.approved, rate.edited, rate.rejected), parts, strict=True
        )
    )
    return (
        f'<tr><th scope="row">{escape(title(rate.category))}</th>'
        f"<td>{escape(rate.model) or '–'}</td>"
        f'{figures}<td class="bar-cell">{bar_of(parts)}</td></tr>'
    )


def _waits(waits: Sequence[Waits], title: Title) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(title(w.category))}</th><td class="figure">{w.n:,}</td>'
        f'<td class="figure">{span(w.median)}</td><td class="figure">{span(w.p95)}</td></tr>'
        for w in waits
    )
    head = (
        '<th scope="col">Category</th><th scope="col" class="figure">Decided</th>'
        '<th scope="col" class="figure">Half within</th>'
        '<th scope="col" class="figure">19 of 20 within</th>'
    )
    return table_of("Waiting until a decision", head, rows, "Nothing was decided in this time.")


def table_of(heading: str, head: str, rows: str, nothing: str) -> str:
    """A table with its heading, or that there is nothing."""
    inner = (
        f'<div class="scroll-x"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
        if rows
        else f'<p class="none-yet">{nothing}</p>'
    )
    return f'<section class="figures"><h2>{heading}</h2>{inner}</section>'


def bar_of(parts: Sequence[tuple[float, str]]) -> str:
    """Shares side by side; attributes instead of styles, which the page's policy forbids."""
    at, drawn = 0.0, ""
    for share, tone in parts:
        width = share * 100
        drawn += f'<rect class="{tone}" x="{at:.2f}" y="0" width="{width:.2f}" height="8"/>'
        at += width
    return (
        '<svg class="bars" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f"{drawn}</svg>"
    )


def percent(share: float) -> str:
    """A share as people write it."""
    return f"{share * 100:.1f}%" if 0 < share < 0.1 else f"{share * 100:.0f}%"
