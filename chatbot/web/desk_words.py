"""The desk's own words: states, reasons, clocks, shortcuts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from chatbot.steps.review_item import ReviewItem, State

STATES: Mapping[State, str] = {
    State.PENDING: "Waiting",
    State.CLAIMED: "In work",
    State.APPROVED: "Approved",
    State.EDITED: "Edited and approved",
    State.REJECTED: "Rejected",
    State.NEEDS_INFO: "Waiting for the asker",
    State.ESCALATED: "Escalated",
    State.DELIVERED: "Delivered",
    State.SEEN: "Seen by the asker",
    State.WITHDRAWN: "Withdrawn by the asker",
    State.EXPIRED: "Expired",
    State.RECALLED: "Recalled",
}
REJECTIONS = (
    ("not-in-documents", "The documents do not answer it"),
    ("needs-advice", "It needs a professional who knows the case"),
    ("wrong", "The draft is wrong and cannot be mended"),
    ("not-answered-here", "Questions of this kind are not answered here"),
    ("unclear", "It cannot be understood"),
    ("other", "Something else"),
)
VIEWS: Mapping[str, tuple[str, tuple[State, ...]]] = {
    "open": ("To do", (State.PENDING, State.ESCALATED, State.CLAIMED)),
    "asked": ("Asked", (State.NEEDS_INFO,)),
    "done": (
        "Done",
        (
            State.APPROVED,
            State.EDITED,
            State.REJECTED,
            State.DELIVERED,
            State.SEEN,
            State.RECALLED,
            State.WITHDRAWN,
            State.EXPIRED,
        ),
    ),
}
SHORTCUTS = (
    ("Go", (
        ("N", "Next answer: the most urgent one"),
        ("J K", "Down and up in the list"),
        ("Enter", "Open what is chosen"),
        ("U", "Back to the list"),
        ("1 … 9", "Show that source"),
        ("/", "Search"),
    )),
    ("Decide", (
        ("A", "Approve"),
        ("M", "Approve a sample that had to be held"),
        ("E", "Edit, then Ctrl + Enter to sign"),
        ("R", "Reject"),
        ("Z", "Undo the last decision"),
    )),
    ("Or else", (
        ("Q", "Ask the asker something"),
        ("X", "Escalate"),
        ("H", "Hand over to someone"),
        ("D", "Draft again"),
        ("B", "Put back"),
        ("C", "Recall a delivered answer"),
        ("?", "This help"),
    )),
)  # fmt: skip
_SOON = timedelta(minutes=15)


def clock(item: ReviewItem, now: datetime) -> tuple[str, str]:
    """Time left until the response target, and its tone: `calm`, `soon` or `late`."""
    left = item.due_at - now
    if left <= timedelta():
        return f"{span(-left)} overdue", "late"
    soon = max(_SOON, (item.due_at - item.created_at) / 4)
    return f"{span(left)} left", "soon" if left < soon else "calm"


def span(time: timedelta) -> str:
    """A length of time in words: its two largest units, down to minutes."""
    minutes = int(time.total_seconds() // 60)
    if minutes < 1:
        return "under a minute"
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next(n for n, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def ago(at: datetime, now: datetime) -> str:
    """How long ago something was."""
    past = now - at
    return "just now" if past < timedelta(minutes=1) else f"{span(past)} ago"


def rejection(code: str) -> str:
    """What a reason code means; the code itself where it is none of ours."""
    return dict(REJECTIONS).get(code, code)
