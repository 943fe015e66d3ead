"""Logging in and out at the desk, and the links that work once.

The session is a random token in a cookie of its own, which scripts cannot read and other websites
cannot send with a form. A form is taken only from a page of this very address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from chatbot.adapters.account import Account
from chatbot.adapters.accounts import Accounts
from chatbot.adapters.queue import ReviewQueue
from chatbot.errors import BadInput, CountersignError, NotAllowed, NotFound
from chatbot.steps.review import put_back
from chatbot.web.desk_access import may_enter, may_work
from chatbot.web.desk_forms import login_page, welcome_page
from chatbot.web.session import DESK_COOKIE, begin, end
from chatbot.web.who import address_of

if TYPE_CHECKING:
    from chatbot.bootstrap import App
    from chatbot.settings import Settings

_FORM_BYTES = 16_384
_NUMBER = re.compile(r"\d{1,9}")
_FRESH = {"Cache-Control": "no-store"}
FOREIGN = NotAllowed("This form came from another website.", "Open the desk, and send it there.")


class Doors:
    """What the addresses around the desk do.

    Args:
        settings: the name at the top of the pages, and the identity provider.
    """

    def __init__(self, accounts: Accounts, queue: ReviewQueue, settings: Settings) -> None:
        self._accounts = accounts
        self._queue = queue
        self._site = settings.title
        self._provider = settings.oidc_title if settings.oidc_issuer else ""
        self._secure = settings.site_url.startswith("https:")

    def admit(self, token: str | None) -> Account | None:
        """Whose session that is, if they have business at the desk."""
        account = self._accounts.session(token)
        return account if account and may_enter(account.roles) else None

    def show_login(self, request: Request) -> Response:
        """The form; someone who is logged in goes on to the desk."""
        if self.admit(request.cookies.get(DESK_COOKIE)):
            return RedirectResponse("/desk/", 303, _FRESH)
        page = login_page(self._site, provider=self._provider)
        return HTMLResponse(page, headers=_FRESH)

    def login(self, request: Request, form: Mapping[str, str]) -> Response:
        """Opens a session, or says why not."""
        name, password = form.get("name", ""), form.get("password", "")
        try:
            if not from_here(request):
                raise FOREIGN
            token = self._accounts.login(name, password, address_of(request))
        except NotAllowed as error:
            page = login_page(self._site, str(error), name, self._provider)
            return HTMLResponse(page, 403, _FRESH)
        return self._enter(request, token)

    def logout(self, request: Request) -> Response:
        """Ends the session."""
        if not from_here(request):
            return HTMLResponse(login_page(self._site, str(FOREIGN)), 403, _FRESH)
        self._accounts.logout(request.cookies.get(DESK_COOKIE, ""))
        answer = RedirectResponse("/desk/login", 303, _FRESH)
        end(answer)
        return answer

    def leave(self, request: Request, form: Mapping[str, str]) -> Response:
        """Puts back what was open in a page that is being closed, if it still is that person's."""
        account = self.admit(request.cookies.get(DESK_COOKIE)) if from_here(request) else None
        item, fence = form.get("item", ""), form.get("fence", "")
        if account and may_work(account.roles) and _NUMBER.fullmatch(fence):
            me = account.reviewer
            with suppress(NotAllowed, NotFound):  # decided or taken by another since
                self._queue.apply(
                    item, me.id, "put-back", lambda i, now: put_back(i, me, int(fence), now)
                )
        return Response(status_code=204, headers=_FRESH)

    def show_welcome(self, t: str = "") -> Response:
        """The form behind a one-time link. Looking at it does not use the link up."""
        name = self._accounts.link_name(t)
        return HTMLResponse(welcome_page(self._site, t, name), 404 if name is None else 200, _FRESH)

    def welcome(self, request: Request, form: Mapping[str, str]) -> Response:
        """Sets the password that was chosen, and opens a session."""
        token, password = form.get("t", ""), form.get("password", "")
        owner = self._accounts.link_name(token)
        try:
            if not from_here(request):
                raise FOREIGN
            if password != form.get("again", ""):
                raise BadInput("The two passwords differ.", "Type the same one twice.")
            session = self._accounts.welcome(token, password, form.get("name", ""))
        except CountersignError as error:
            page = welcome_page(self._site, token, owner, str(error), form.get("name", ""))
            return HTMLResponse(page, 403, _FRESH)
        return self._enter(request, session, "/")

    def _enter(self, request: Request, token: str, home: str = "") -> Response:
        """Hands out a new session.

        Args:
            home: where somebody goes who has no business at the desk; empty: they are turned away.
        """
        account = self._accounts.session(token)
        at_desk = account is not None and may_enter(account.roles)
        if not at_desk and not home:
            self._accounts.logout(token)
            words = "Your account has no business at this desk. Ask for another role."
            return HTMLResponse(login_page(self._site, words), 403, _FRESH)
        self._accounts.logout(request.cookies.get(DESK_COOKIE, ""))  # whose it was is not theirs
        answer = RedirectResponse("/desk/" if at_desk else home, 303, _FRESH)
        begin(answer, token, secure=self._secure or request.url.scheme == "https")
        return answer


def add_doors(server: FastAPI, app: App) -> Doors:
    """The routes of the desk that are no part of Gradio."""
    doors = Doors(app.accounts, app.queue, app.settings)

    @server.get("/desk")
    def desk() -> Response:
        return RedirectResponse("/desk/", 308)

    server.get("/desk/login")(doors.show_login)
    server.get("/desk/welcome")(doors.show_welcome)

    @server.post("/desk/login")
    async def login(request: Request) -> Response:
        return await run_in_threadpool(partial(doors.login, request, await form_of(request)))

    @server.post("/desk/logout")
    def logout(request: Request) -> Response:
        return doors.logout(request)

    @server.post("/desk/leave")
    async def leave(request: Request) -> Response:
        return await run_in_threadpool(partial(doors.leave, request, await form_of(request)))

    @server.post("/desk/welcome")
    async def welcome(request: Request) -> Response:
        return await run_in_threadpool(partial(doors.welcome, request, await form_of(request)))

    return doors


def from_here(request: Request) -> bool:
    """Whether a page of this very address sent the request; browsers say so with each form."""
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")


async def form_of(request: Request, most: int = _FORM_BYTES) -> dict[str, str]:
    """The fields of a form; none where it is larger than any of ours."""
    body = await body_of(request, most)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


async def body_of(request: Request, most: int = _FORM_BYTES) -> bytes:
    """What was sent; nothing where it is larger than any of our forms."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            return b""
    return bytes(body)
