"""The desk's page of two answers to one question, side by side: which is better?

For people who decide at the desk. Nobody who asks comes here, and nobody is shown a pair of their
own: one of the two answers was never shown to anyone. The order is drawn; no name stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from chatbot.adapters.account import Account
from chatbot.adapters.votes import Pair
from chatbot.domain import AnswerRecord
from chatbot.errors import CountersignError
from chatbot.gate import shown
from chatbot.notices import NOT_FOUND
from chatbot.steps.review_item import Answer
from chatbot.steps.votes import BAD, LEFT, RIGHT, TIE
from chatbot.web.desk_access import may_work
from chatbot.web.desk_evidence import evidence_cards
from chatbot.web.desk_forms import shell
from chatbot.web.desk_login import Doors, form_of, from_here
from chatbot.web.desk_page import plain_bar
from chatbot.web.identity import person_of
from chatbot.web.markup import answer_html, escape
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_FRESH = {"Cache-Control": "private, no-store"}
_BALLOT = (
    (LEFT, "1<i> is better</i>", "1"),
    (TIE, "Tie", "T"),
    (BAD, "Both bad", "B"),
    (RIGHT, "2<i> is better</i>", "2"),
)


class Booth:
    """What the page's address does."""

    def __init__(self, app: App, doors: Doors) -> None:
        self._votes = app.votes
        self._doors = doors
        self._askers = Sessions(app.secret)
        self._site = app.settings.title

    def look(self, request: Request, pair: str = "", last: str = "") -> Response:
        """The next pair, or the one that was voted on and is to be voted on anew.

        Args:
            last: what was voted on just now, to go back to.
        """
        account = self._doors.admit(request.cookies.get(DESK_COOKIE))
        if account is None:
            return RedirectResponse("/desk/login", 303, _FRESH)
        if not may_work(account.roles):
            return self._page(None, "Your role only reads: reviewers and leads compare answers.")
        who = (account.name, self._own(request, account))
        try:
            may = account.collections
            found = self._votes.pair(pair, *who, may) if pair else self._votes.next(*who, may)
        except CountersignError as error:
            return self._page(None, str(error), status=404)
        return self._page(found, last=last)

    def vote(self, request: Request, form: Mapping[str, str]) -> Response:
        """Keeps a vote and goes on to the next pair."""
        account = self._doors.admit(request.cookies.get(DESK_COOKIE))
        if account is None:
            return RedirectResponse("/desk/login", 303, _FRESH)
        if not from_here(request) or not may_work(account.roles):
            return self._page(None, "This vote was not counted: it is not yours to give.", 403)
        answer = form.get("answer", "")
        own = self._own(request, account)
        try:
            choice = form.get("choice", "")
            self._votes.vote(answer, account.name, own, choice, account.collections)
        except CountersignError as error:
            return self._page(None, str(error), 400)
        return RedirectResponse(f"/desk/votes?last={answer}", 303, _FRESH)

    def _own(self, request: Request, account: Account) -> set[str]:
        """Who they are when they ask: the account, and the chat in the same browser."""
        asker = self._askers.read(request.cookies.get(COOKIE))
        mine = {account.name, person_of(account).id}
        return mine | {asker.id} if asker else mine

    def _page(
        self, pair: Pair | None, told: str = "", status: int = 200, last: str = ""
    ) -> HTMLResponse:
        return HTMLResponse(votes_page(self._site, pair, told, last), status, _FRESH)


def add_votes(server: FastAPI, app: App, doors: Doors) -> None:
    """The page's routes."""
    booth = Booth(app, doors)
    server.get("/desk/votes")(booth.look)

    @server.post("/desk/votes")
    async def vote(request: Request) -> Response:
        return await run_in_threadpool(partial(booth.vote, request, await form_of(request)))


def votes_page(site: str, pair: Pair | None, told: str = "", last: str = "") -> str:
    """The page.

    Args:
        told: why there is no pair; empty with none: there is nothing to compare.
        last: id of the pair that was voted on just now.
    """
    back = (
        f'<p class="again">Your vote is counted. <a id="again" href="/desk/votes?pair='
        f'{quote(last, safe="")}">Change it <kbd>Z</kbd></a></p>'
        if last
        else ""
    )
    body = (
        f"{plain_bar(site, 'Compare')}"
        f'<main class="votes">{back}{_ballot(pair) if pair else _nothing(told)}</main>'
        '<script type="module" src="/ui/votes.js"></script>'
    )
    return shell(site, "Compare", body, "votes-page")


def _ballot(pair: Pair) -> str:
    sides = "".join(
        f'<section class="side" aria-labelledby="side-{n}"><h2 id="side-{n}">Answer {n}</h2>'
        f'<div class="answer">{_answer(record)}</div></section>'
        for n, record in enumerate((pair.left, pair.right), 1)
    )
    buttons = "".join(
        f'<button type="submit" name="choice" value="{choice}" class="second"><span>{words}</span>'
        f"<kbd>{key}</kbd></button>"
        for choice, words, key in _BALLOT
    )
    both = Answer(
        pair.left.sentences + pair.right.sentences, tuple(p.passage for p in pair.left.passages)
    )
    return (
        '<p class="facts">Which answer would you rather have given?</p>'
        f"<h1>{escape(pair.left.standalone)}</h1>"
        '<form id="ballot" method="post" action="/desk/votes">'
        f'<input type="hidden" name="answer" value="{escape(pair.id)}">'
        f'<div class="sides">{sides}</div>'
        f'<div class="acts"><div class="main-acts" role="group" aria-label="Vote">{buttons}</div>'
        "</div></form>"
        f'<section class="evidence-inner"><h2>Passages</h2>{evidence_cards(both)}</section>'
    )


def _answer(record: AnswerRecord) -> str:
    """As its asker reads it."""
    view = shown(record)
    if not view.text:
        return f"<p>{escape(view.message or NOT_FOUND)}</p>"
    said = "".join(f'<p class="hint-line">{escape(n)}</p>' for n in view.notices)
    return said + answer_html(view.text, view.citations, 0)


def _nothing(told: str) -> str:
    heading = "Nothing to compare"
    words = told or (
        "Pairs appear here while an adapter is tried and answers in the shadow "
        "(finetune shadow), until you have voted on each."
    )
    return f'<div class="blank-item"><h1>{heading}</h1><p>{escape(words)}</p></div>'
