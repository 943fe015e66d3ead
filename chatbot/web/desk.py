"""The review desk: Gradio Blocks around lists and texts of our own, like the chat page.

What is open beside the list is held by whoever opened it: opening claims, leaving puts back, and
the lease is renewed while someone is at work. The browser sends the fence and the SHA-256 of what
it shows; both are claims, compared with what is stored in the transaction that decides. Who acts
comes from the session cookie, looked up again in every event, with their roles of that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

import gradio as gr
import structlog

from chatbot.adapters.account import Account
from chatbot.clock import utc_now
from chatbot.errors import CountersignError, NotAllowed, NotFound, where
from chatbot.steps import review
from chatbot.steps.review_item import ReviewItem
from chatbot.steps.rights import rights_of
from chatbot.web.desk_access import claimable, may_read, may_work
from chatbot.web.desk_acts import ACTS, AFTERWARDS_NEXT, Claim, news_html, said, with_ways
from chatbot.web.desk_page import bar_html, dialogs_html, editor_html
from chatbot.web.desk_view import DeskView, Parts
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions

if TYPE_CHECKING:
    from chatbot.bootstrap import App

log = structlog.get_logger()

LEASE = timedelta(minutes=5)
_RENEW = timedelta(minutes=3)
_AT_ONCE = 16
_EVENTS = ("look", "open", "next", "decide", "undo")
_BRIDGE = (
    f"const names = {list(_EVENTS)!r};"
    "document.dispatchEvent(new CustomEvent('countersign:bridge', {detail: (name, data) => {"
    "if (names.includes(name)) trigger(name, data); }}));"
)
_UNEXPECTED = (
    "Something went wrong, and it is not certain that this was done. Reload the page to see; if it "
    "happens once more, tell whoever runs this desk. Its log says more."
)
Handler = Callable[["DeskPage", "Call"], Parts]


class Call:
    """One event from a browser, with the person whom the server found behind it.

    Args:
        asker: who they are in the chat of the same browser, where they may not have been logged in.
    """

    def __init__(self, account: Account, asker: str | None, claim: Claim) -> None:
        self.account = account
        self.asker = asker
        self.me = account.reviewer
        self.claim = claim


def _event(handler: Handler) -> Callable[[DeskPage, gr.EventData, gr.Request], Parts]:
    """Finds out who it is, and turns our errors into a message beside what is so now."""

    @wraps(handler)
    def run(page: DeskPage, event: gr.EventData, request: gr.Request) -> Parts:
        claim = Claim.read(event._data)
        account = page.account(request, deed=claim.active)
        if account is None:
            return (*[gr.skip()] * 4, news_html(claim.run, "login", "Your session has ended."))
        call = Call(account, page.asker(request), claim)
        try:
            *parts, news = handler(page, call)
            return (*parts, with_ways(news, rights_of(account.roles)))
        except CountersignError as error:
            news = news_html(claim.run, "error", str(error), me=account.name)
            return page.shown(call, page.readable(claim.item, call), news)
        except Exception as error:
            # The reviewer must learn that it was not done; the log gets the place.
            log.error("an event of the desk ended in an unexpected error", **where(error))
            return (*[gr.skip()] * 4, news_html(claim.run, "error", _UNEXPECTED, me=account.name))

    # Gradio reads annotations to know which argument is the event and which the request.
    run.__annotations__ = {"event": gr.EventData, "request": gr.Request}
    del run.__wrapped__
    return run


class DeskPage:
    """What the desk does when something happens on it.

    Args:
        app: the wired application.
    """

    def __init__(self, app: App) -> None:
        self._queue = app.queue
        self._accounts = app.accounts
        self._view = DeskView(app)
        self._askers = Sessions(app.secret)

    @_event
    def look(self, call: Call) -> Parts:
        """The list and the open item as they are now; keeps the item for whoever is at work."""
        item = self._renewed(self.readable(call.claim.item, call), call)
        return self.shown(call, item, news_html(call.claim.run, "", me=call.account.name))

    @_event
    def open(self, call: Call) -> Parts:
        """Shows an item, and takes it where that is possible; what was open is put back."""
        self._leave(call)
        item = self.readable(call.claim.item, call)
        if call.claim.item and item is None:
            raise NotFound("This is not here, or not for you to read.", "Choose another one.")
        if item and claimable(item, call.me, item.held_by(utc_now())):
            item = self._change(
                item.id, call, "claim", lambda i, t: review.claim(i, call.me, t, LEASE)
            )
        return self.shown(call, item, news_html(call.claim.run, "open", me=call.account.name))

    @_event
    def next(self, call: Call) -> Parts:
        """Takes the most urgent item that this person may decide."""
        self._leave(call)
        return self._next(call, "")

    @_event
    def decide(self, call: Call) -> Parts:
        """Does one of the things that can be done to an item that one holds."""
        claim = call.claim
        if claim.act not in ACTS or not may_work(call.me.roles):
            raise NotAllowed("This is not yours to do.", "Ask a lead.")
        if self.readable(claim.item, call) is None:
            raise NotFound("This is not here, or not for you to read.", "Choose another one.")
        to = self._accounts.get(claim.to).reviewer if claim.act == "reassign" else None
        change = ACTS[claim.act](claim, call.me, to, LEASE)
        about = {"code": claim.code} if claim.act == "reject" else {}
        item = self._change(claim.item, call, claim.act, change, about)
        words, seconds = said(item, claim.act, utc_now())
        if claim.act in AFTERWARDS_NEXT:
            return self._next(call, words, item.id if seconds else "", seconds)
        stays = claim.act in ("redraft", "recall")
        news = news_html(claim.run, "done", words, me=call.account.name)
        return self.shown(call, item if stays else None, news)

    @_event
    def undo(self, call: Call) -> Parts:
        """Takes the person's own decision back, and opens the item again."""
        self._leave(call)
        item = self._change(
            call.claim.item, call, "undo", lambda i, t: review.undo(i, call.me, t, LEASE)
        )
        news = news_html(call.claim.run, "open", "Taken back.", me=call.account.name)
        return self.shown(call, item, news)

    def account(self, request: gr.Request, *, deed: bool) -> Account | None:
        """Who sends the event; None: nobody who may be here."""
        return self._view.account(request.cookies.get(DESK_COOKIE), deed=deed)

    def asker(self, request: gr.Request) -> str | None:
        """Who the person is in the chat of the same browser."""
        person = self._askers.read(request.cookies.get(COOKIE))
        return person.id if person else None

    def readable(self, item_id: str, call: Call) -> ReviewItem | None:
        """The item, if there is one and this person may see it."""
        try:
            item = self._queue.get(item_id) if item_id else None
        except NotFound:
            return None
        return item if item and may_read(item, call.me) and item.owner != call.asker else None

    def shown(self, call: Call, item: ReviewItem | None, news: str) -> Parts:
        """All parts of the page as they are now; those that the browser has are left out."""
        return self._view.parts(call.me, call.claim, item, news, utc_now())

    def _next(self, call: Call, words: str, undo: str = "", seconds: float = 0) -> Parts:
        wanted = [call.claim.filter.category] if call.claim.filter.category else None
        item = None
        if may_work(call.me.roles):
            item = self._queue.claim_next(call.me, LEASE, wanted, call.asker)
        news = news_html(
            call.claim.run, "next", words, me=call.account.name, undo=undo, seconds=seconds
        )
        return self.shown(call, item, news)

    def _renewed(self, item: ReviewItem | None, call: Call) -> ReviewItem | None:
        """The item, kept for longer where its holder is at work on it and the lease is short."""
        now, fence = utc_now(), call.claim.fence
        if item is None or not call.claim.active or item.held_by(now) != call.me.id:
            return item
        if item.fence != fence or item.lease_until is None or item.lease_until - now >= _RENEW:
            return item
        return self._change(
            item.id, call, "renew", lambda i, t: review.renew(i, call.me, fence, t, LEASE)
        )

    def _leave(self, call: Call) -> None:
        """Puts back what was open before, if it still is this person's."""
        left, fence = call.claim.leave, call.claim.leave_fence
        if not left or not may_work(call.me.roles):
            return
        try:
            self._change(left, call, "put-back", lambda i, t: review.put_back(i, call.me, fence, t))
        except (NotAllowed, NotFound):
            return  # decided, lost or taken by another since: there is nothing to put back

    def _change(
        self,
        item_id: str,
        call: Call,
        action: str,
        change: Callable[[ReviewItem, datetime], ReviewItem],
        about: dict[str, Any] | None = None,
    ) -> ReviewItem:
        return self._queue.apply(item_id, call.me.id, action, change, about=about or {})


def build_desk(app: App) -> gr.Blocks:
    """The desk as Gradio Blocks, without anything of one reviewer's in it."""
    page, title = DeskPage(app), f"Desk · {app.settings.title}"
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as blocks:
        bare = {"apply_default_css": False, "js_on_load": None}
        gr.HTML(bar_html(app.settings.title), elem_id="top", **bare)
        queue = gr.HTML("", elem_id="queue", **bare)
        item = gr.HTML("", elem_id="item", **bare)
        gr.HTML(editor_html(), elem_id="writing", **bare)
        evidence = gr.HTML("", elem_id="evidence", **bare)
        more = gr.HTML("", elem_id="more", **bare)
        gr.HTML(dialogs_html(), elem_id="dialogs", **bare)
        news = gr.HTML("", elem_id="news", **bare)
        bridge = gr.HTML("", elem_id="bridge", apply_default_css=False, js_on_load=_BRIDGE)
        for name in _EVENTS:
            getattr(bridge, name)(
                getattr(page, name),
                outputs=[queue, item, more, evidence, news],
                api_visibility="private",
                concurrency_limit=_AT_ONCE,
                concurrency_id="looks" if name == "look" else "deeds",
                trigger_mode="multiple",
                show_progress="hidden",
            )
    return blocks
