"""The list of what is to be reviewed → HTML. Pure; every text goes through `markup.escape`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chatbot.domain import sha256_of
from chatbot.steps.review_item import ReviewItem, State
from chatbot.web.desk_words import STATES, VIEWS, ago, clock
from chatbot.web.icons import icon
from chatbot.web.markup import escape


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reviewer wants to see of the queue. Comes from their browser, so it is only a wish."""

    view: str = "open"
    category: str = ""
    text: str = ""

    @property
    def states(self) -> tuple[State, ...]:
        """The states that the view shows."""
        return VIEWS.get(self.view, VIEWS["open"])[1]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is.

    Attributes:
        views: number of items in each view.
        categories: number of open items in each category.
        overdue: open items whose time is up.
    """

    views: Mapping[str, int] = field(default_factory=dict)
    categories: Mapping[str, int] = field(default_factory=dict)
    overdue: int = 0


def queue_html(
    items: Sequence[ReviewItem],
    counts: Counts,
    wish: Filter,
    current: str,
    me: str,
    now: datetime,
    title: Callable[[str], str],
) -> str:
    """The queue.

    Args:
        current: id of the item that is open beside it.
        me: name of the reviewer who looks.
        title: category → its name for people.
    """
    rows = "".join(_row(item, item.id == current, me, now, title) for item in items)
    listed = f'<ul class="rows">{rows}</ul>' if rows else _nothing(wish)
    late = f'<span class="late-count">{counts.overdue} overdue</span>' if counts.overdue else ""
    inner = (
        f'<nav class="views" aria-label="Queues">{_views(counts, wish)}</nav>'
        f'<div class="sifted">{_categories(counts, wish, title)}{late}</div>{listed}'
    )
    return stamped("queue-inner", inner)


def stamped(name: str, inner: str, attributes: str = "") -> str:
    """A part of the page that says which words it holds, so that the same are not sent twice."""
    stamp = sha256_of(attributes + inner)[:16]
    return f'<div class="{name}" data-stamp="{stamp}"{attributes}>{inner}</div>'


def stamp_of(html: str) -> str:
    """The stamp of a stamped part."""
    return html.split('data-stamp="', 1)[1][:16]


def _views(counts: Counts, wish: Filter) -> str:
    return "".join(
        f'<button type="button" data-act="view" data-view="{key}" '
        f'aria-pressed="{"true" if wish.view == key else "false"}">{words}'
        f'<span class="count">{counts.views.get(key, 0)}</span></button>'
        for key, (words, _) in VIEWS.items()
    )


def _categories(counts: Counts, wish: Filter, title: Callable[[str], str]) -> str:
    names = sorted({*counts.categories, wish.category} - {""}, key=title)
    options = "".join(
        f'<option value="{escape(name)}"{" selected" if name == wish.category else ""}>'
        f"{escape(title(name))} ({counts.categories.get(name, 0)})</option>"
        for name in names
    )
    return (
        '<label class="unseen" for="category">Category</label>'
        f'<select id="category"><option value="">All categories</option>{options}</select>'
    )


def _row(
    item: ReviewItem, current: bool, me: str, now: datetime, title: Callable[[str], str]
) -> str:
    holder = item.held_by(now)
    mark = ' aria-current="true"' if current else ""
    return (
        f'<li><a class="row" href="?item={escape(item.id)}" data-act="open" '
        f'data-id="{escape(item.id)}"{mark}>'
        f'<span class="row-top"><span class="kind">{escape(title(item.category))}</span>'
        f"{_when(item, now)}</span>"
        f'<span class="asked">{escape(item.question)}</span>'
        f'<span class="row-end">{_badges(item)}{_holder(holder, me)}</span></a></li>'
    )


def _when(item: ReviewItem, now: datetime) -> str:
    if item.state not in VIEWS["open"][1]:
        at = item.delivered_at or item.decided_at or item.created_at
        return f'<span class="clock done">{ago(at, now)}</span>'
    words, tone = clock(item, now)
    return f'<span class="clock {tone}">{icon("clock")}{words}</span>'


def _badges(item: ReviewItem) -> str:
    found = [("state", STATES[item.state])] if item.state not in _PLAIN else []
    if item.kind == "sample":
        found.append(("sample", "Sample"))
    if item.level and item.state is not State.ESCALATED:
        found.append(("state", "Escalated"))
    if item.outdated:
        found.append(("warn", "Outdated"))
    if item.needed > 1:
        found.append(("plain", f"{len(item.signatures)} of {item.needed} signed"))
    if item.draft_wanted and item.answer is None and item.state in _PLAIN:
        found.append(("plain", "Being drafted"))
    return "".join(f'<span class="badge {tone}">{words}</span>' for tone, words in found)


_PLAIN = (State.PENDING, State.CLAIMED, State.NEEDS_INFO)


def _holder(holder: str | None, me: str) -> str:
    if holder is None:
        return ""
    if holder == me:
        return '<span class="holder mine">Yours</span>'
    name = escape(holder)
    return f'<span class="holder" title="{name} works on it">{_initial(holder)}{name}</span>'


def _initial(name: str) -> str:
    return f'<span class="initial" aria-hidden="true">{escape(name[:1].upper())}</span>'


def _nothing(wish: Filter) -> str:
    if wish.text or wish.category:
        return (
            '<div class="nothing"><p>Nothing here fits that.</p><button type="button" '
            'class="text" data-act="unsift">Show everything</button></div>'
        )
    words = {
        "asked": "Nobody is being asked anything.",
        "done": "Nothing has been decided yet.",
    }.get(wish.view, "Everything is done.")
    return f'<div class="nothing"><p>{words}</p></div>'
