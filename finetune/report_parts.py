"""Tables of the report page: scores of one run or two, and figures of live use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from finetune.live import Live

LESS = 0.01
"""Differences of worth below this are none."""
_GROUPS: dict[str, dict[str, tuple[str, int]]] = {  # score → its name; 1: more is better, -1: less
    "Answers": {
        "worth": ("Worth of an answer", 1),
        "f1": ("F1", 1),
        "exact": ("Exactly right", 1),
        "words": ("Words of an answer", 0),
        "seconds": ("Seconds", -1),
    },
    "Citations": {
        "right_citation": ("Given answers that cite the right passage", 1),
        "citation_precision": ("Markers that name the right passage", 1),
        "citation_recall": ("Answers with the right marker, of all that there are", 1),
        "unsupported": ("Sentences with a word that is not in their passage", -1),
    },
    "Refusals": {
        "right_refusals": ("Refused where no passage holds it", 1),
        "wrong_refusals": ("Refused though a passage holds it", -1),
    },
    "General ability": {
        "ability": ("All", 1),
        "ability_numbers": ("Numbers", 1),
        "ability_facts": ("Facts", 1),
        "ability_context": ("Keeping to what stands there", 1),
        "ability_language": ("Language", 1),
    },
}
_ANSWERS = {
    "liked": "Thumbs up, of rated",
    "regenerated": "Asked again",
    "refused": "Refused",
    "held": "Held",
    "quoted": "Only quoted, of released",
    "seconds": "Seconds",
}
_DECISIONS = {"approved": "Signed as drafted", "edited": "Edited", "rejected": "Rejected"}
Score = Mapping[str, float]


def scores_table(columns: Sequence[Mapping[str, Any]]) -> str:
    """The scores of one run or two, each with its interval drawn from 0 to 1."""
    heads = "".join(f"<th>{letter}</th>" for letter in "AB"[: len(columns)])
    change = "<th>A − B</th>" if len(columns) > 1 else ""
    body = ""
    for group, names in _GROUPS.items():
        known = {n: names[n] for n in names if any(n in c for c in columns)}
        if known:
            body += f"<tr class=group><th colspan=5>{group}</th></tr>"
            body += "".join(_row(t, [c.get(n) for c in columns], s) for n, (t, s) in known.items())
    return (
        f"<table class=scores style='--runs:{len(columns)}'><thead><tr><th>Score</th>{heads}"
        f"{change}<th>0 to 1</th></tr></thead><tbody>{body}</tbody></table>"
    )


def live_part(live: Live) -> str:
    """What live use says, by model and adapter."""
    if live.none:
        return (
            "<h2>Live use</h2><p class=soft>There are no figures yet: in the last "
            f"{live.days} days no one has asked anything here.</p>"
        )
    versions = list(dict.fromkeys([*live.answers, *live.desk]))
    rows = [
        *_by_version("Answers", live.answers, _ANSWERS, versions),
        *_by_version("Drafts decided at the desk", live.desk, _DECISIONS, versions),
    ]
    waits = [
        (name, [f"{f['n']:,.0f}", _span(f["half"]), _span(f["most"])])
        for name, f in live.waits.items()
    ]
    return (
        f"<h2>Live use</h2><p class=soft>The last {live.days} days on this installation, by what "
        "answered.</p>" + _table(["", *versions], rows)
    ) + _table(["Waited for the desk", "Decided", "Half within", "19 of 20 within"], waits)


def signed(value: float, style: str) -> str:
    """A difference with its sign, a minus as long as a plus."""
    return format(value, f"+{style}").replace("-", "−")


def _by_version(
    counted: str,
    found: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
    versions: Sequence[str],
) -> list[tuple[str, list[str]]]:
    """How many there are, then each figure: a row each, a column for each version."""
    columns = [found.get(version) for version in versions]
    rows = [(counted, [f"{c['n']:,}" if c else "–" for c in columns])] if found else []
    for name, title in names.items() if found else ():
        style = ".1f" if name == "seconds" else ".1%"
        rows.append((title, [_figure(c[name] if c else None, style) for c in columns]))
    return rows


def _row(title: str, scores: Sequence[Score | None], sign: int) -> str:
    style = ".1f" if any(s and s["high"] > 1 for s in scores) else ".3f"
    cells = "".join(f"<td class=n>{_figure(s, style)}</td>" for s in scores)
    if len(scores) > 1:
        cells += f"<td class=n>{_gap(scores[0], scores[1], sign, style)}</td>"
    return f"<tr><th scope=row>{title}</th>{cells}<td class=plot>{_plot(scores)}</td></tr>"


def _gap(first: Score | None, second: Score | None, sign: int, style: str) -> str:
    """Their difference; coloured where the two intervals are apart."""
    if not first or not second or not first["n"] or not second["n"]:
        return "–"
    gap = first["value"] - second["value"]
    apart = first["low"] > second["high"] or first["high"] < second["low"]
    tone = ("up" if gap * sign > 0 else "down") if apart and sign else "soft"
    return f"<span class={tone}>{signed(gap, style)}</span>"


def _plot(scores: Sequence[Score | None]) -> str:
    """Mean and interval of each, one above the other; nothing for what is no share."""
    drawn = ""
    for number, score in enumerate(scores):
        if not score or not score["n"]:
            continue
        if score["high"] > 1:
            return ""
        y, look = 8 * number + 12 - 4 * len(scores), "ab"[number]
        low, high, mean = (100 * score[key] for key in ("low", "high", "value"))
        drawn += f"<path class='whisker {look}' d='M{low:.1f} {y}H{high:.1f}'/>"
        drawn += f"<rect class='mean {look}' x='{mean - 0.9:.1f}' y='{y - 3}' width=1.8 height=6 />"
    axis = "<path class=axis d='M0 0V16M50 0V16M100 0V16'/>"
    return (
        f"<svg viewBox='-1 0 102 16' preserveAspectRatio=none aria-hidden=true>{axis}{drawn}</svg>"
    )


def _figure(score: Score | None, style: str) -> str:
    if not score or not score["n"]:
        return "–"
    value, low, high = (format(score[key], style) for key in ("value", "low", "high"))
    return f"{value}<small>{low} to {high} <span>n = {score['n']:,.0f}</span></small>"


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def _table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    if not rows:
        return ""
    body = "".join(
        f"<tr><th scope=row>{escape(name)}</th>"
        f"{''.join(f'<td class=n>{cell}</td>' for cell in cells)}</tr>"
        for name, cells in rows
    )
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class=scroll>{table}</div>"
