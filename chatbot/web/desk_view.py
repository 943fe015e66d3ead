"""Puts together what the desk shows: asks the queue, the accounts and the conversations."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import gradio as gr

from chatbot.adapters.account import Account
from chatbot.domain import Turn
from chatbot.errors import NotFound
from chatbot.policy import Policy
from chatbot.steps.review import may_review
from chatbot.steps.review_item import Reviewer, ReviewItem
from chatbot.web.desk_access import may_enter, may_read, recallable, why_not
from chatbot.web.desk_acts import Claim
from chatbot.web.desk_queue import Counts, Filter, queue_html, stamp_of
from chatbot.web.desk_render import ItemView, empty_html, evidence_html, item_html, more_html
from chatbot.web.desk_words import VIEWS

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_LISTED, _PAGES = 50, 20
_KEPT = 20
_SIMILAR = 3
Parts = tuple[Any, Any, Any, Any, str]


class DeskView:
    """Reads, and draws; changes nothing.

    Args:
        app: the wired application.
    """

    def __init__(self, app: App) -> None:
        self._queue = app.queue
        self._accounts = app.accounts
        self._conversations = app.conversations
        self._policy = app.policy
        self._counted = Counts()
        self._counted_until = 0.0

    def account(self, token: str | None, *, deed: bool) -> Account | None:
        """Whose session that is, if they have business here."""
        account = self._accounts.session(token, deed=deed)
        return account if account and may_enter(account.roles) else None

    def parts(
        self, me: Reviewer, claim: Claim, item: ReviewItem | None, news: str, now: datetime
    ) -> Parts:
        """Queue, item, conversation, evidence and news; what the browser has is left out."""
        drawn = {"queue": self._list(me, claim, item, now), **self._item(me, claim, item, now)}
        fresh = [
            gr.skip() if html is None or claim.have.get(part) == stamp_of(html) else html
            for part, html in drawn.items()
        ]
        return (*fresh, news)  # type: ignore[return-value]

    def _list(self, me: Reviewer, claim: Claim, item: ReviewItem | None, now: datetime) -> str:
        wish = claim.filter
        mine = list(islice((i for i in self._found(wish) if may_read(i, me)), _LISTED))
        current = item.id if item else ""
        return queue_html(mine, self._counts(), wish, current, me.id, now, self._title)

    def _found(self, wish: Filter) -> Iterator[ReviewItem]:
        """What fits, some pages of it: who may not read the most urgent ones sees what follows."""
        last = None
        for _ in range(_PAGES):
            found = self._queue.list(
                states=wish.states,
                category=wish.category or None,
                text=wish.text or None,
                limit=_LISTED,
                before=last,
            )
            yield from found
            if len(found) < _LISTED:
                return
            last = found[-1]

    def _item(
        self, me: Reviewer, claim: Claim, item: ReviewItem | None, now: datetime
    ) -> dict[str, str | None]:
        if item is None:
            counts = self._counts()
            nothing = '<div class="none" data-stamp="0000000000000000"></div>'
            blank = empty_html(counts.views.get("open", 0))
            return {"item": blank, "more": nothing, "evidence": nothing}
        known = claim.item == item.id and claim.version == item.version and claim.have.get("more")
        if known:  # the conversation and the evidence change with the item's version only
            view = ItemView(
                item, me.id, now, why_not(item, me), (), (), self._title(item.category),
                recallable(item, me),
            )  # fmt: skip
            return {"item": item_html(view, self._colleagues(item, me)), "more": None,
                    "evidence": None}  # fmt: skip
        similar = [i for i in self._queue.similar_signed(item, _SIMILAR) if may_read(i, me)]
        view = ItemView(
            item, me.id, now, why_not(item, me), self._turns(item, me), similar,
            self._title(item.category), recallable(item, me),
        )  # fmt: skip
        drawn = item_html(view, self._colleagues(item, me))
        return {"item": drawn, "more": more_html(view), "evidence": evidence_html(view)}

    def _counts(self) -> Counts:
        """How much there is; kept for twenty times as long as counting took.

        So that many reviewers with a long queue spend little on it, and few with a short one see
        each change at once.
        """
        began = time.monotonic()
        if began < self._counted_until:
            return self._counted
        self._counted = self._count()
        done = time.monotonic()
        self._counted_until = done + _KEPT * (done - began)
        return self._counted

    def _count(self) -> Counts:
        found = self._queue.counts()
        views = {
            key: sum(found.states.get(state, 0) for state in states)
            for key, (_, states) in VIEWS.items()
        }
        return Counts(views, found.categories, found.overdue)

    def _turns(self, item: ReviewItem, me: Reviewer) -> Sequence[Turn]:
        """The conversation up to the question, as it was released; none if it was deleted."""
        try:
            turns = self._conversations.turns(item.conversation, item.owner, me.collections)
        except NotFound:
            return ()
        before = []
        for turn in turns:
            if turn.question == item.question:
                break
            before.append(turn)
        return before

    def _colleagues(self, item: ReviewItem, me: Reviewer) -> Sequence[str]:
        """Who could decide it instead."""
        others = (a for a in self._accounts.list() if a.active and a.name != me.id)
        return [a.name for a in others if not may_review(item, a.reviewer)]

    def _title(self, category: str) -> str:
        return title_of(self._policy, category)


def title_of(policy: Policy, category: str) -> str:
    """A category's name for people; items may have one that the policy does not name."""
    title = policy.category(category).title
    return category.replace("-", " ").capitalize() if category and title == category else title
