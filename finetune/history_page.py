"""The adapters of an installation as a page to read: what served when, scores, deeds, drift.

Everything that others wrote is escaped; the page needs no network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import pairwise
from typing import Any

from chatbot.adapters.audit import Entry
from chatbot.adapters.drift import Look
from finetune.card import SCORES

_LABELS = 12
_WIDE, _HIGH, _LEFT, _RIGHT, _TOP, _BOTTOM = 320, 132, 30, 8, 8, 18
_STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #1c2321; --soft: #5d6662;
  --line: #e2e0da; --accent: #14614f; --pale: #bcd8cf; --bad: #a32d22 }
@media (prefers-color-scheme: dark) { :root { --ground: #141716; --card: #1b1f1d; --ink: #e8ebe8;
  --soft: #a1aaa5; --line: #2f3532; --accent: #7cc9b1; --pale: #2c5147; --bad: #f09a8f } }
* { box-sizing: border-box } body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 68rem; padding: 2rem 1rem 4rem; background: var(--ground); color: var(--ink) }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem }
h3 { font-size: .9rem; margin: 0; font-weight: 600 } p { margin: .25rem 0 }
code { font-size: .85em } .soft { color: var(--soft) } .n { font-variant-numeric: tabular-nums }
.grid { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: .75rem 1rem } .grid .card { display: flex; flex-direction: column }
.grid svg { margin-top: auto } .card b { font-size: 1.3rem } svg { display: block; width: 100% }
.strip { display: flex; gap: 2px; height: 34px; border-radius: 8px; overflow: hidden }
.strip span { background: var(--pale); overflow: hidden; white-space: nowrap; flex-basis: 0;
  padding: 5px 0; text-align: center; min-width: 2px } .strip .now { background: var(--accent);
  color: var(--ground) } .marks { height: 12px }
.ends { display: flex; justify-content: space-between; font-size: .85rem; color: var(--soft) }
text { font: 11px system-ui, sans-serif; fill: var(--soft) } .axis { stroke: var(--line) }
.range { stroke: var(--accent); stroke-width: 2 } .dot { fill: var(--card); stroke: var(--accent);
  stroke-width: 2 } .dot.now { fill: var(--accent) } .path { stroke: var(--accent); fill: none;
  opacity: .35 } .cut { stroke: var(--soft); stroke-dasharray: 3 3 } .alert { fill: var(--bad) }
ul { list-style: none; padding: 0; margin: 0 }
li { padding: .5rem 0; border-top: 1px solid var(--line); display: grid; gap: 0 1rem;
  grid-template-columns: 9.5rem 1fr; overflow-wrap: anywhere } li.drift span:last-child {
  color: var(--bad) } .now-serves { color: var(--accent); font-weight: 600 }
details { margin: .5rem 0 } summary { cursor: pointer } dl { display: grid; margin: .5rem 0;
  grid-template-columns: minmax(7rem, 15rem) 1fr; gap: .25rem 1rem; overflow-wrap: anywhere }
dt { color: var(--soft) } dd { margin: 0 } .swatch { width: .8em; height: .8em; border-radius: 3px;
  display: inline-block; margin-right: .4em }
@media (max-width: 30rem) { li, dl, .grid { grid-template-columns: 1fr } }
"""


def history_page(
    cards: Sequence[dict[str, Any]], deeds: Sequence[Entry], alerts: Sequence[Look], now: datetime
) -> str:
    """The whole page.

    Args:
        cards: of every revision, oldest first, with `revision` and `serving`.
        deeds: promotions and ways back, oldest first.
        alerts: looks for drift that found some, each with what it was the first to find.
    """
    names = {str(card["revision"]): str(n) for n, card in enumerate(cards, 1)}
    serving = _revision_of(deeds[-1]) if deeds else "shipped"
    about = f"{len(cards)} promoted so far. Serving now: {_named(serving, names)}"
    if not cards:
        about = "No adapter was promoted here yet"
    parts = "".join((_served(deeds, alerts, now, names), _charts(cards),
                     _happened(deeds, alerts, names), _revisions(cards)))  # fmt: skip
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Adapters</title><style>{_STYLE}</style></head><body><h1>Adapters</h1>"
        f'<p class="soft">{about}. As of {now:%Y-%m-%d %H:%M}.</p>{parts}</body></html>\n'
    )


def _served(
    deeds: Sequence[Entry], alerts: Sequence[Look], now: datetime, names: Mapping[str, str]
) -> str:
    """A strip of what served when, and a mark for each alert."""
    if not deeds:
        return ""
    begins = deeds[0].at
    whole = max((now - begins).total_seconds(), 1.0)
    ends = [*(d.at for d in deeds[1:]), now]
    strip = "".join(_stretch(_revision_of(d), d.at, end, _revision_of(deeds[-1]), names)
                    for d, end in zip(deeds, ends, strict=True))  # fmt: skip

    def place(at: datetime) -> float:
        return 99.2 * (at - begins).total_seconds() / whole

    marks = "".join(
        f'<rect class="alert" x="{place(a.at):.2f}" y="0" width="0.8" height="10">'
        f"<title>{a.at:%Y-%m-%d}: {escape(a.words)}</title></rect>"
        for a in alerts
        if a.at >= begins
    )
    key = (
        '<p class="soft"><span class="swatch" style="background: var(--bad)"></span>drift was found'
        "</p>"
        if marks
        else ""
    )
    return (
        f'<h2>What served when</h2><div class="strip">{strip}</div>'
        '<svg class="marks" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
        f'aria-label="Drift">{marks}</svg>'
        f'<div class="ends"><span>{begins:%Y-%m-%d}</span><span>{now:%Y-%m-%d}</span></div>{key}'
    )


def _stretch(
    revision: str, begin: datetime, end: datetime, last: str, names: Mapping[str, str]
) -> str:
    told = f"{revision}, {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    look = ' class="now"' if revision == last else ""
    seconds = max((end - begin).total_seconds(), 1.0)
    return (
        f'<span{look} style="flex-grow: {seconds:.0f}" title="{escape(told)}">'
        f"{escape(names.get(revision, revision))}</span>"
    )


def _charts(cards: Sequence[dict[str, Any]]) -> str:
    if not cards:
        return ""
    drawn = "".join(
        _chart(title, cards, name)
        for name, title in SCORES.items()
        if any(c["scores"].get(name, {}).get("n") for c in cards)
    )
    several = len({c["test"] for c in cards}) > 1
    cut = " Left and right of a dashed line they are of different tests, not to be compared."
    return (
        "<h2>Scores</h2><p class=soft>At promotion, by number of the revision, each with its 95% "
        f"interval; what serves now is filled.{cut if several else ''}</p>"
        f'<div class="grid">{drawn}</div>'
    )


def _chart(title: str, cards: Sequence[dict[str, Any]], name: str) -> str:
    """One score over the revisions, oldest left."""
    found = [(c, c["scores"][name]) for c in cards if c["scores"].get(name, {}).get("n")]
    low: float = math.floor(10 * min(s["low"] for _, s in found)) / 10
    top: float = max(math.ceil(10 * max(s["high"] for _, s in found)) / 10, low + 0.1)
    step = (_WIDE - _LEFT - _RIGHT) / len(found)
    places = [_LEFT + step * (n + 0.5) for n in range(len(found))]

    def high(value: float) -> float:
        return _TOP + (_HIGH - _TOP - _BOTTOM) * (top - value) / (top - low)

    lines = "".join(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{high(v):.1f}" '
        f'y2="{high(v):.1f}"/><text x="{_LEFT - 5}" y="{high(v) + 4:.1f}" text-anchor="end">'
        f"{v:.2f}</text>"
        for v in (low, (low + top) / 2, top)
    )
    links = ""
    for (x, (card, s)), (x2, (card2, s2)) in pairwise(zip(places, found, strict=True)):
        if card["test"] == card2["test"]:
            links += f'<path class="path" d="M{x:.1f} {high(s["value"]):.1f}'
            links += f'L{x2:.1f} {high(s2["value"]):.1f}"/>'
        else:
            middle = (x + x2) / 2
            links += f'<line class="cut" x1="{middle:.1f}" x2="{middle:.1f}" y1="{_TOP}" '
            links += f'y2="{_HIGH - _BOTTOM}"/>'
    dots = "".join(_dot(card, s, x, high(s["value"]), high(s["low"]), high(s["high"]))
                   for x, (card, s) in zip(places, found, strict=True))  # fmt: skip
    numbers = [n for n, card in enumerate(cards, 1) if card["scores"].get(name, {}).get("n")]
    every = math.ceil(len(numbers) / _LABELS)
    days = "".join(
        f'<text x="{x:.1f}" y="{_HIGH - 3}" text-anchor="middle">{n}</text>'
        for x, n in list(zip(places, numbers, strict=True))[::every]
    )
    last = next((s for c, s in reversed(found) if c["serving"]), found[-1][1])
    return (
        f'<div class="card"><h3>{title}</h3><p class="n"><b>{last["value"]:.3f}</b> <span class='
        f'"soft">{last["low"]:.3f} to {last["high"]:.3f}</span></p><svg viewBox="0 0 {_WIDE} '
        f'{_HIGH}" role="img" aria-label="{title}">{lines}{links}{dots}{days}</svg></div>'
    )


def _dot(
    card: dict[str, Any], s: dict[str, float], x: float, y: float, y1: float, y2: float
) -> str:
    now = " now" if card["serving"] else ""
    told = f"{card['revision']}: {s['value']:.3f}, {s['low']:.3f} to {s['high']:.3f}"
    return (
        f"<g><title>{escape(told)}</title>"
        f'<line class="range" x1="{x:.1f}" x2="{x:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'
        f'<circle class="dot{now}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/></g>'
    )


def _happened(deeds: Sequence[Entry], alerts: Sequence[Look], names: Mapping[str, str]) -> str:
    lines: list[tuple[datetime, str, str]] = [
        (d.at, "", f"{escape(d.actor)}: {escape(d.action)}, {_named(_revision_of(d), names)}")
        for d in deeds
    ]
    lines += [(a.at, "drift", f"Drift: {escape(a.words)}") for a in alerts]
    told = "".join(
        f'<li class="{look}"><span class="soft n">{at:%Y-%m-%d %H:%M}</span>'
        f"<span>{words}</span></li>"
        for at, look, words in sorted(lines, reverse=True)
    )
    return f"<h2>What happened</h2><ul>{told}</ul>" if told else ""


def _revisions(cards: Sequence[dict[str, Any]]) -> str:
    drawn = "".join(_revision(n, card) for n, card in reversed(list(enumerate(cards, 1))))
    return f"<h2>Revisions</h2>{drawn}" if drawn else ""


def _revision(number: int, card: dict[str, Any]) -> str:
    serves = ' <span class="now-serves">serves now</span>' if card["serving"] else ""
    rows = "".join(f"<dt>{escape(t)}</dt><dd class=n>{escape(v)}</dd>" for t, v in _facts(card))
    return (
        f'<details class="card"><summary>{number} <code>{escape(card["revision"])}</code> '
        f'<span class="soft">{escape(_day(card))}, {escape(card["by"])}</span>{serves}</summary>'
        f"<dl>{rows}</dl></details>"
    )


def _facts(card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, title in SCORES.items():
        if (s := card["scores"].get(name)) and s["n"]:
            yield title, f"{s['value']:.3f}, {s['low']:.3f} to {s['high']:.3f}, n = {s['n']}"
    if gain := card.get("gain"):
        interval = f"{gain['low']:+.3f} to {gain['high']:+.3f}"
        yield f"Worth above {card['against']}", f"{gain['value']:+.3f}, {interval}"
    for against, votes in card.get("votes", {}).items():
        better, n = votes["preferred"], votes["preferred"]["n"]
        interval = f"{better['low']:.3f} to {better['high']:.3f}"
        counts = f"{votes['counts']['pairs']} pairs, {votes['counts']['voters']} voters"
        told = f"{counts}; better in {better['value']:.3f}"
        yield f"Reviewers' votes against {against}", f"{told} of {n} decided, {interval}"
    yield "Test", card["test"]
    if training := card.get("training"):
        yield "Settings", ", ".join(f"{k} {v}" for k, v in training["plan"].items() if v != "")
    data = card.get("data")
    if isinstance(data, dict):  # older cards have a path
        yield "Data", f"{data['rows']:,} rows, SHA-256 {data['sha256']}"
        yield "Licences", ", ".join(data["origins"])
    for deed, commit in card.get("commit", {}).items():
        yield f"Code, {deed}", commit


def _named(revision: str, names: Mapping[str, str]) -> str:
    number = f"{names[revision]} " if revision in names else ""
    return f"{number}<code>{escape(revision)}</code>"


def _revision_of(deed: Entry) -> str:
    return deed.subject.removeprefix("adapter:")


def _day(card: dict[str, Any]) -> str:
    return str(card["at"])[:10]
