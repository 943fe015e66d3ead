"""The desk's page on which a conversation of somebody else's is read, for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from chatbot.adapters.readings import Dated, Reading
from chatbot.domain import Person
from chatbot.errors import CountersignError, NotFound
from chatbot.steps.rights import ROLES
from chatbot.web.desk_login import FOREIGN, form_of, from_here
from chatbot.web.desk_people_page import page, wrong
from chatbot.web.icons import icon
from chatbot.web.identity import Identity
from chatbot.web.markup import answer_html, escape
from chatbot.web.turns import Turn, turn_of

if TYPE_CHECKING:
    from chatbot.adapters.account import Account
    from chatbot.bootstrap import App

_HEADERS = {"Cache-Control": "private, no-store"}
_MOST = 50
TOLD = (
    "It is written down before anything is shown, with your name and your reason. Whoever asked "
    "sees in their conversation that it was read, when, and by which role."
)


def add_reading(server: FastAPI, app: App, identity: Identity) -> None:
    """The page's routes."""
    glass = Glass(app)

    @server.get("/desk/read")
    def look(person: str = "", conversation: str = "") -> Response:
        return glass.form(person.strip().lower(), conversation)

    @server.post("/desk/read")
    async def read(request: Request) -> Response:
        form = await form_of(request)
        account = await run_in_threadpool(identity.account, request)
        if account is None or not from_here(request):
            return HTMLResponse(str(FOREIGN), 403, _HEADERS)
        reason, conversation = form.get("reason", ""), form.get("conversation", "").strip()
        return await run_in_threadpool(partial(glass.read, account, conversation, reason))


class Glass:
    """What the page shows and does.

    Args:
        app: the wired application.
    """

    def __init__(self, app: App) -> None:
        self._readings = app.readings
        self._conversations = app.conversations
        self._queue = app.queue
        self._site = app.settings.title

    def form(self, person: str, conversation: str, reason: str = "", problem: str = "") -> Response:
        """Where a conversation and a reason are named, and what was read lately."""
        listed = self._readings.dated(f"account:{person}", _MOST) if person else ()
        body = (
            f'<div class="insights-head"><h1>Read a conversation</h1></div>{wrong(problem)}'
            f"{_form(person, listed, conversation, reason)}{_log(self._readings.latest(_MOST))}"
        )
        html = page(self._site, "Inquiries", body, "Inquiries")
        return HTMLResponse(html, 409 if problem else 200, _HEADERS)

    def read(self, me: Account, conversation: str, reason: str) -> Response:
        """Shows what its owner would see, as far as the reader may read what it rests on; writes
        the reason down first."""
        try:
            owner = self._readings.open(conversation, me.name, me.roles, reason)
            turns = self._turns(conversation, owner, me)
        except CountersignError as error:
            return self.form("", conversation, reason, str(error))
        drawn = "".join(_turn(turn) for turn in turns)
        whose = owner.removeprefix("account:") if owner.startswith("account:") else "no account"
        body = (
            f'<p class="crumb"><a href="/desk/read">{icon("back")}Read a conversation</a></p>'
            f'<header class="faq-head"><p class="facts"><span>{escape(whose)}</span></p>'
            f"<h1>{escape(turns[0].question if turns else 'Nothing was asked')}</h1></header>"
            f'<p class="said" role="status">{icon("check")}Your reason is written down.</p>'
            f'<ul class="read-turns">{drawn}</ul>'
        )
        return HTMLResponse(page(self._site, "A conversation", body, "Inquiries"), 200, _HEADERS)

    def _turns(self, conversation: str, owner: str, me: Account) -> Sequence[Turn]:
        records = self._conversations.records(conversation, owner)
        items = self._queue.of_conversation(conversation, owner) if records else {}
        if not records:
            raise NotFound("There is nothing in this conversation.", "It may have been deleted.")
        reader = Person(owner, me.collections)
        return [
            turn_of(record, n, conversation, reader, items.get(record.id))
            for n, record in enumerate(records)
        ]


def _form(person: str, listed: Sequence[Dated], conversation: str, reason: str) -> str:
    if listed:
        options = "".join(
            f'<option value="{escape(d.id)}">{d.updated_at:%Y-%m-%d %H:%M}, {d.turns} '
            f"{'question' if d.turns == 1 else 'questions'}</option>"
            for d in listed
        )
        which = (
            f'<label class="field"><span>Conversation of {escape(person)}</span>'
            f'<select name="conversation" required>{options}</select></label>'
        )
    else:
        none = f"{escape(person)} has asked nothing under this name. " if person else ""
        which = (
            f'<p class="hint-line">{none}</p><label class="field"><span>Id of the conversation'
            f'</span><input name="conversation" maxlength="64" required autocomplete="off" '
            f'value="{escape(conversation)}"></label>'
        )
    return (
        f'<form method="post" action="/desk/read" class="person read-form">{which}'
        '<label class="field"><span>Reason</span><textarea name="reason" rows="3" minlength="10" '
        f'maxlength="1000" required>{escape(reason)}</textarea></label>'
        f'<p class="hint-line">{TOLD}</p><div class="faq-acts">'
        '<button class="primary">Write it down and read</button></div></form>'
    )


def _log(found: Sequence[Reading]) -> str:
    rows = "".join(
        f'<tr><td>{r.at:%Y-%m-%d %H:%M}</td><th scope="row">{escape(r.reader)}</th>'
        f'<td><a href="/desk/read?conversation={quote(r.conversation)}">'
        f"{escape(r.conversation[:8])}</a></td>"
        f'<td class="long">{escape(r.reason)}</td></tr>'
        for r in found
    )
    heads = "".join(f'<th scope="col">{h}</th>' for h in ("When", "Who", "Conversation", "Why"))
    table = (
        f'<div class="scroll-x"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )
    none = '<p class="none-yet">Nothing was read so far.</p>'
    return f'<section class="figures"><h2>What was read</h2>{table if rows else none}</section>'


def _turn(turn: Turn) -> str:
    said = (
        answer_html(turn.text, turn.citations, turn.index)
        if turn.text
        else f"<p>{escape(turn.message or 'No answer was shown.')}</p>"
    )
    asked = f'<p class="then-asked">{escape(turn.question)}</p>'
    return f'<li>{asked}<div class="answer">{said}</div></li>'


def read_note(found: Sequence[Reading]) -> str:
    """What the owner is told: when, and which role, not who and why."""
    if not found:
        return ""
    last = found[-1]
    role = ROLES[last.role].title.lower() if last.role in ROLES else last.role
    times = "" if len(found) == 1 else f" It was read {len(found)} times."
    article = "an" if role[0] in "aeiou" else "a"
    return f"This conversation was read by {article} {role} on {last.at:%Y-%m-%d}.{times}"
