"""Logging in and out to ask: by a password, or by the identity provider that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.concurrency import run_in_threadpool

from chatbot.adapters.oidc import Flow, Provider
from chatbot.errors import BadInput, NotAllowed
from chatbot.web.desk_access import may_enter
from chatbot.web.desk_login import FOREIGN, form_of, from_here
from chatbot.web.identity import Identity
from chatbot.web.login_pages import ask_login_page
from chatbot.web.session import DESK_COOKIE, begin, end
from chatbot.web.who import address_of

if TYPE_CHECKING:
    from chatbot.bootstrap import App

FRESH = {"Cache-Control": "no-store"}
FLOW_COOKIE = "countersign_login"
_FLOW_SECONDS = 600
_AWAY = NotAllowed(
    "You are not logged in: this was not begun in this browser, or too long ago.", "Log in anew."
)


class Login:
    """What the addresses do.

    Args:
        app: the wired application.
        identity: says who is logged in already.
    """

    def __init__(self, app: App, identity: Identity) -> None:
        self._accounts = app.accounts
        self._identity = identity
        self._settings = app.settings
        self._signer = URLSafeTimedSerializer(app.secret, salt="countersign.web.login")
        back = f"{app.settings.site_url}/login/callback"
        self._provider = Provider(app.settings, back) if app.settings.oidc_issuer else None
        self._https = app.settings.site_url.startswith("https:")

    def show(self, request: Request) -> Response:
        """The form; someone who is logged in goes on to the chat."""
        if self._identity.account(request):
            return RedirectResponse("/", 303, FRESH)
        return self.page()

    def login(self, request: Request, form: Mapping[str, str]) -> Response:
        """Opens a session, or says why not."""
        name, password = form.get("name", ""), form.get("password", "")
        try:
            if not from_here(request):
                raise FOREIGN
            token = self._accounts.login(name, password, address_of(request))
        except NotAllowed as error:
            return self.page(str(error), name, 403)
        return self.enter(request, token, "/")

    def logout(self, request: Request) -> Response:
        """Ends the session."""
        if not from_here(request):
            return self.page(str(FOREIGN), status=403)
        self._accounts.logout(request.cookies.get(DESK_COOKIE, ""))
        home = "/" if self._settings.lets_anonymous_ask else "/login"
        answer = RedirectResponse(home, 303, FRESH)
        end(answer)
        return answer

    def enter(self, request: Request, token: str, home: str) -> Response:
        """Hands out a new session. One that the browser came with, which another may have put
        there, is ended: it does not become theirs."""
        self._accounts.logout(request.cookies.get(DESK_COOKIE, ""))
        answer = RedirectResponse(home, 303, FRESH)
        begin(answer, token, secure=self._https or request.url.scheme == "https")
        return answer

    def leave(self, to: str = "") -> Response:
        """Sends somebody to the identity provider; what has to come back stays in their browser."""
        if self._provider is None:
            return self.page("There is no identity provider.", status=404)
        try:
            url, flow = self._provider.leave()
        except NotAllowed as error:
            return self.page(str(error), status=502)
        answer = RedirectResponse(url, 303, FRESH)
        kept = self._signer.dumps(asdict(flow) | {"to": to})
        answer.set_cookie(
            FLOW_COOKIE, str(kept), max_age=_FLOW_SECONDS, path="/login", httponly=True,
            samesite="lax", secure=self._https,
        )  # fmt: skip
        return answer

    def callback(self, request: Request) -> Response:
        """Lets in whom the provider sent back; what was kept for it is used up, however it ends."""
        try:
            if self._provider is None:
                raise _AWAY
            kept = self._kept(request)
            to = kept.pop("to")
            who = self._provider.identify(dict(request.query_params), Flow(**kept))
            token = self._accounts.login_by_provider(who.issuer, who.subject, who.name, who.groups)
            account = self._accounts.session(token)
            at_desk = to == "desk" and account is not None and may_enter(account.roles)
            answer = self.enter(request, token, "/desk/" if at_desk else "/")
        except (NotAllowed, BadInput) as error:
            answer = self.page(str(error), status=403)
        answer.delete_cookie(FLOW_COOKIE, path="/login", httponly=True, samesite="lax")
        return answer

    def _kept(self, request: Request) -> dict[str, str]:
        try:
            found = self._signer.loads(request.cookies.get(FLOW_COOKIE, ""), max_age=_FLOW_SECONDS)
        except BadData as error:
            raise _AWAY from error
        return dict(found)

    def page(self, problem: str = "", name: str = "", status: int = 200) -> Response:
        """The form, and what went wrong."""
        settings = self._settings
        provider = settings.oidc_title if settings.oidc_issuer else ""
        anonymous = settings.lets_anonymous_ask
        page = ask_login_page(settings.title, problem, name, provider, anonymous=anonymous)
        return HTMLResponse(page, status, FRESH)


def add_login(server: FastAPI, app: App, identity: Identity) -> None:
    """The routes."""
    doors = Login(app, identity)
    server.get("/login")(doors.show)
    server.get("/login/provider")(doors.leave)
    server.get("/login/callback")(doors.callback)

    @server.post("/login")
    async def login(request: Request) -> Response:
        return await run_in_threadpool(partial(doors.login, request, await form_of(request)))

    @server.post("/logout")
    def logout(request: Request) -> Response:
        return doors.logout(request)
