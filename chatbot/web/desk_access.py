"""Who may enter the desk, read an item there, and work on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chatbot.steps.review import may_review
from chatbot.steps.review_item import OPEN, Reviewer, ReviewItem, State

_ELSEWHERE = frozenset({"manager"})
_ONLY_READ = frozenset({"auditor"})
_READ_ALL = frozenset({"lead", "admin", "auditor"})


def may_enter(roles: Iterable[str]) -> bool:
    """Whether these roles have business at the desk."""
    return bool(frozenset(roles) - _ELSEWHERE)


def may_work(roles: Iterable[str]) -> bool:
    """Whether these roles may change anything there."""
    return bool(frozenset(roles) - _ELSEWHERE - _ONLY_READ)


def may_read(item: ReviewItem, reviewer: Reviewer) -> bool:
    """Whether someone may see an item with its draft.

    Never their own question: it would show them an answer that nobody has signed.
    """
    if reviewer.id in (item.owner, item.account):
        return False
    return bool(reviewer.roles & {*item.reviewers, *item.leads, *_READ_ALL})


def why_not(item: ReviewItem, reviewer: Reviewer) -> str:
    """Why that person may not decide on that item; empty: they may."""
    return may_review(item, reviewer) if may_work(reviewer.roles) else "your role only reads"


def claimable(item: ReviewItem, reviewer: Reviewer, holder: str | None) -> bool:
    """Whether opening the item should take it to work on."""
    at_hand = item.state in OPEN - {State.NEEDS_INFO}
    return at_hand and holder in (None, reviewer.id) and not why_not(item, reviewer)
