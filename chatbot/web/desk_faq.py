"""The addresses of the desk's FAQ page: what is shown, and what a form does.

A form is taken from a page of this very address, from whoever the session cookie says; what it
claims to have seen is compared with what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from chatbot.adapters.account import Account
from chatbot.clock import utc_now
from chatbot.errors import BadInput, CountersignError, NotAllowed, NotFound
from chatbot.faq import EDITORS
from chatbot.steps.faq import FaqEntry, may_approve
from chatbot.steps.review_item import Reviewer
from chatbot.web.desk_faq_page import SAID, VIEWS, Seen, entry_page, evidence_stamp, list_page
from chatbot.web.desk_login import FOREIGN, Doors, form_of, from_here
from chatbot.web.session import DESK_COOKIE

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_PAST = timedelta(days=90)
_BYTES = 65_536
_HEADERS = {"Cache-Control": "private, no-store"}
_LOGIN = "/desk/login"


def add_faq(server: FastAPI, app: App, doors: Doors) -> None:
    """The page's routes."""
    page = FaqPage(app)

    @server.get("/desk/faq")
    def look(
        request: Request, entry: str = "", edit: str = "", view: str = "", q: str = "",
        said: str = "",
    ) -> Response:  # fmt: skip
        account = doors.admit(request.cookies.get(DESK_COOKIE))
        if account is None:
            return RedirectResponse(_LOGIN, 303)
        if entry:
            return page.one(entry, account.reviewer, editing=bool(edit), said=said)
        return page.all(view if view in VIEWS else "", q[:80], account.reviewer)

    @server.post("/desk/faq")
    async def act(request: Request) -> Response:
        form = await form_of(request, _BYTES)
        account = await run_in_threadpool(doors.admit, request.cookies.get(DESK_COOKIE))
        if account is None:
            return RedirectResponse(_LOGIN, 303)
        return await run_in_threadpool(partial(page.act, request, account, form))


class FaqPage:
    """What the page shows and does.

    Args:
        app: the wired application.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._faq = app.faq
        self._site = app.settings.title

    def all(self, view: str, search: str, me: Reviewer, problem: str = "") -> Response:
        """The list."""
        people = self._app.settings.faq_people
        found = self._app.faq_proposals(_PAST) if view == "asked" else ()
        entries = [e for e in self._faq.store.list() if e.is_for(me.collections)]
        page = list_page(
            self._site, entries, view, search, utc_now(), proposals=found,
            people=people, fault=self._faq.fault, problem=problem,
            may_edit=bool(me.roles & EDITORS),
        )  # fmt: skip
        return HTMLResponse(page, 409 if problem else 200, headers=_HEADERS)

    def one(
        self,
        entry_id: str,
        me: Reviewer,
        *,
        editing: bool = False,
        said: str = "",
        problem: str = "",
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        """One entry, or its form."""
        try:
            self._faq.store.live()  # so that a change of a source shows here at once
            entry = self._faq.store.get(entry_id)
        except NotFound:
            return self.all("", "", me)
        if not entry.is_for(me.collections):  # as if it were not there
            return self.all("", "", me)
        may_edit = bool(me.roles & EDITORS)
        changed = self._faq.store.change(entry) if entry.documents else ""
        seen = Seen(
            entry, utc_now(), changed, may_edit, may_approve(entry, me),
            self._faq.evidence(entry) if editing and may_edit else None, typed or {},
        )  # fmt: skip
        page = entry_page(self._site, seen, SAID.get(said, ""), problem)
        return HTMLResponse(page, 409 if problem else 200, headers=_HEADERS)

    def act(self, request: Request, account: Account, form: Mapping[str, str]) -> Response:
        """Does what a form asks for, and shows what has come of it."""
        me, act, entry_id = account.reviewer, form.get("act", ""), form.get("entry", "")
        try:
            if not from_here(request):
                raise FOREIGN
            if entry_id and not self._faq.store.get(entry_id).is_for(me.collections):
                raise NotFound("There is no such entry.", "See the list.")
            done = self._done(act, entry_id, form, me)
        except CountersignError as error:
            if not entry_id:
                return self.all("asked", "", me, str(error))
            return self.one(entry_id, me, editing=act == "edit", problem=str(error), typed=form)
        return RedirectResponse(f"/desk/faq?{urlencode({'entry': done.id, 'said': act})}", 303)

    def _done(self, act: str, entry_id: str, form: Mapping[str, str], me: Reviewer) -> FaqEntry:
        if act == "approve":
            return self._faq.approve(entry_id, me, form.get("sha256", ""))
        if act == "review":
            return self._faq.review(entry_id, me)
        if act == "suspend":
            return self._faq.suspend(entry_id, me, form.get("reason", ""))
        if act == "edit":
            return self._edited(entry_id, form, me)
        if act == "promote":
            record, question = form.get("record", ""), form.get("question", "")
            return self._faq.promote(record, me, question, _lines(form.get("alternatives", "")))
        if act == "again":
            return self._faq.review(self._faq.promote(form.get("record", ""), me).id, me)
        raise NotAllowed("There is no such button.", "Reload the page.")

    def _edited(self, entry_id: str, form: Mapping[str, str], me: Reviewer) -> FaqEntry:
        entry = self._faq.store.get(entry_id)
        if evidence_stamp(self._faq.evidence(entry)) != form.get("shown"):
            raise NotAllowed(
                "The passages that the markers point at have changed since.",
                "They are shown anew below: check each marker, then save.",
            )
        version = -1
        with suppress(ValueError):
            version = int(form.get("version", ""))
        wanted = replace(
            entry,
            version=version,
            question=" ".join(form.get("question", "").split()),
            alternatives=tuple(_lines(form.get("alternatives", ""))),
            owner=" ".join(form.get("owner", "").split()),
            effective=_day(form.get("effective", "")),
            expires=_day(form.get("expires", "")),
        )
        return self._faq.edit(wanted, form.get("text", ""), me)


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(f"{text!r} is no day.", "Write it as 2026-12-31.") from error
