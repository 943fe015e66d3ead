"""Who may enter the desk, read an item there, and work on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chatbot.steps.review import may_recall, may_review
from chatbot.steps.review_item import OPEN, Reviewer, ReviewItem, State
from chatbot.steps.rights import Right, rights_of


def may_enter(roles: Iterable[str]) -> bool:
    """Whether these roles have business at the desk."""
    return Right.DESK in rights_of(roles)


def may_work(roles: Iterable[str]) -> bool:
    """Whether these roles may change anything there."""
    return Right.DECIDE in rights_of(roles)


def may_read(item: ReviewItem, reviewer: Reviewer) -> bool:
    """Whether someone may see an item with its draft.

    Never their own question: it would show them an answer that nobody has signed. Never one whose
    draft rests on documents that are not theirs to read.
    """
    if reviewer.id in (item.owner, item.account) or not item.open_to(reviewer.collections):
        return False
    if Right.EVERY_ITEM in rights_of(reviewer.roles):
        return True
    return bool(reviewer.roles & {*item.reviewers, *item.leads})


def why_not(item: ReviewItem, reviewer: Reviewer) -> str:
    """Why that person may not decide on that item; empty: they may."""
    return may_review(item, reviewer) if may_work(reviewer.roles) else "your role only reads"


def recallable(item: ReviewItem, reviewer: Reviewer) -> bool:
    """Whether that person may take back what was given, and is done with."""
    mine = may_work(reviewer.roles) and not may_recall(item, reviewer)
    return mine and item.state not in OPEN


def claimable(item: ReviewItem, reviewer: Reviewer, holder: str | None) -> bool:
    """Whether opening the item should take it to work on."""
    at_hand = item.state in OPEN - {State.NEEDS_INFO}
    return at_hand and holder in (None, reviewer.id) and not why_not(item, reviewer)
