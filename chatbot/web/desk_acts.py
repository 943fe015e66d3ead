"""What a browser claims, what can be done to an item, and what is said about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chatbot.steps import review
from chatbot.steps.review_item import DECIDED, Reviewer, ReviewItem, State
from chatbot.steps.rights import Right
from chatbot.web.desk_queue import Filter
from chatbot.web.desk_words import REJECTIONS, VIEWS
from chatbot.web.markup import escape

Change = Callable[[ReviewItem, datetime], ReviewItem]
_TEXT = 20_001  # one more than is kept: a longer text is refused, not cut


@dataclass(frozen=True, slots=True)
class Claim:
    """What the browser says: nothing of it is believed, all of it is compared.

    Attributes:
        run: the page's own name for the event, sent back with its outcome.
        have: part of the page → stamp of what is shown there.
        leave: item that was open before, with the fence of its claim.
        active: whether someone has touched the page lately.
    """

    run: str = ""
    act: str = ""
    item: str = ""
    fence: int = -1
    sha256: str = ""
    version: int = -1
    text: str = ""
    code: str = ""
    note: str = ""
    to: str = ""
    leave: str = ""
    leave_fence: int = -1
    active: bool = False
    filter: Filter = field(default_factory=Filter)
    have: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, data: object) -> Claim:
        """The claim in an event's data; whatever is missing or odd counts as not said."""
        raw = data if isinstance(data, dict) else {}
        have, view = raw.get("have"), _word(raw, "view")
        category = _word(raw, "category")
        return cls(
            run=_word(raw, "run"),
            act=_word(raw, "act"),
            item=_word(raw, "item"),
            fence=_number(raw, "fence"),
            sha256=_word(raw, "sha256"),
            version=_number(raw, "version"),
            code=_word(raw, "code"),
            to=_word(raw, "to"),
            leave=_word(raw, "leave"),
            leave_fence=_number(raw, "leave_fence"),
            text=_word(raw, "text", _TEXT),
            note=_word(raw, "note", _TEXT),
            active=raw.get("active") is True,
            filter=Filter(view if view in VIEWS else "open", category, _word(raw, "search")),
            have={k: _word(have, k) for k in have} if isinstance(have, dict) else {},
        )


def _word(raw: Mapping[str, Any], key: str, limit: int = 80) -> str:
    value = raw.get(key)
    return value[:limit] if isinstance(value, str) else ""


def _number(raw: Mapping[str, Any], key: str) -> int:
    value = raw.get(key)
    return value if type(value) is int else -1


def _reject(claim: Claim, me: Reviewer) -> Change:
    code = claim.code if claim.code in dict(REJECTIONS) else ""
    return lambda i, now: review.reject(i, me, claim.fence, code, claim.note, now)


Maker = Callable[[Claim, Reviewer, Reviewer | None, timedelta], Change]
ACTS: Mapping[str, Maker] = {
    "approve": lambda c, me, _to, _lease: (
        lambda i, now: review.approve(i, me, c.fence, c.sha256, now)
    ),
    "missed": lambda c, me, _to, _lease: (
        lambda i, now: review.missed(i, me, c.fence, c.sha256, now)
    ),
    "edit": lambda c, me, _to, _lease: lambda i, now: review.edit(i, me, c.fence, c.text, now),
    "reject": lambda c, me, _to, _lease: _reject(c, me),
    "ask": lambda c, me, _to, _lease: lambda i, now: review.ask(i, me, c.fence, c.text, now),
    "escalate": lambda c, me, _to, _lease: (
        lambda i, now: review.escalate(i, me, c.fence, c.text, now)
    ),
    "redraft": lambda c, me, _to, _lease: lambda i, now: review.redraft(i, me, c.fence, now),
    "put-back": lambda c, me, _to, _lease: lambda i, now: review.put_back(i, me, c.fence, now),
    "reassign": lambda c, me, to, lease: (
        lambda i, now: review.reassign(i, me, to or me, now, lease)
    ),
    "recall": lambda c, me, _to, _lease: lambda i, now: review.recall(i, me, c.text, now),
}
AFTERWARDS_NEXT = frozenset({"approve", "missed", "edit", "reject", "ask"})
_SAID = {
    "ask": "Asked. It comes back with the reply.",
    "escalate": "Escalated to a lead.",
    "redraft": "It is being drafted again.",
    "put-back": "Put back for anyone to take.",
    "reassign": "Handed over.",
    "recall": "Recalled. Whoever got it is told.",
}
_DONE = {State.APPROVED: "Approved", State.EDITED: "Signed as edited", State.REJECTED: "Rejected"}


def said(item: ReviewItem, act: str, now: datetime) -> tuple[str, float]:
    """What to tell the reviewer about a deed, and for how many seconds it can be taken back."""
    if item.state in DECIDED and item.deliver_after:
        return _DONE[item.state], max((item.deliver_after - now).total_seconds(), 0.0)
    if item.kind == "sample" and act in ("approve", "missed", "edit", "reject"):
        return "Noted for the statistics.", 0.0
    if act in ("approve", "edit"):
        return "Signed. It needs another person's signature too.", 0.0
    return _SAID.get(act, ""), 0.0


def news_html(
    run: str, kind: str, text: str = "", *, me: str = "", undo: str = "", seconds: float = 0
) -> str:
    """What has come of an event, for the page's script to read."""
    return (
        f'<div class="news" data-run="{escape(run)}" data-kind="{kind}" data-me="{escape(me)}" '
        f'data-undo="{escape(undo)}" data-seconds="{seconds:.2f}">{escape(text)}</div>'
    )


def with_ways(news: str, rights: Collection[Right]) -> str:
    """The same news, naming the pages that only some may have: the script shows the way there."""
    pages = {"people": Right.PEOPLE, "inquiries": Right.READ_OTHERS}
    ways = [way for way, right in pages.items() if right in rights]
    return news.replace('<div class="news"', f'<div class="news" data-may="{" ".join(ways)}"', 1)
