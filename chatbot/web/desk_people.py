"""The addresses of the desk's pages of people and groups: what is shown, and what a form does.

The guard lets nobody in without the right `people`; a form is taken from a page of this address.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from chatbot.adapters.account import Account
from chatbot.errors import CountersignError, NotAllowed
from chatbot.steps.rights import EVERYONE, ROLES, Right, rights_of
from chatbot.web.desk_groups_page import groups_page
from chatbot.web.desk_login import FOREIGN, body_of, from_here
from chatbot.web.desk_people_page import SAID, Card, list_page, person_page
from chatbot.web.identity import Identity

if TYPE_CHECKING:
    from chatbot.bootstrap import App

_HEADERS = {"Cache-Control": "private, no-store"}
Form = dict[str, list[str]]


def add_people(server: FastAPI, app: App, identity: Identity) -> None:
    """The pages' routes."""
    page = PeoplePage(app)

    @server.get("/desk/people")
    def people(name: str = "", said: str = "") -> Response:
        return page.one(name, said) if name else page.all()

    @server.get("/desk/groups")
    def groups() -> Response:
        return page.groups()

    async def act(request: Request, do: Callable[[Account, Form], Response]) -> Response:
        form = parse_qs((await body_of(request)).decode("utf-8", "replace"))
        account = await run_in_threadpool(identity.account, request)
        if account is None or not from_here(request):
            return HTMLResponse(str(FOREIGN), 403)
        return await run_in_threadpool(do, account, form)

    @server.post("/desk/people")
    async def change(request: Request) -> Response:
        return await act(request, page.change)

    @server.post("/desk/groups")
    async def change_groups(request: Request) -> Response:
        return await act(request, page.change_groups)


class PeoplePage:
    """What the pages show and do.

    Args:
        app: the wired application.
    """

    def __init__(self, app: App) -> None:
        self._accounts = app.accounts
        self._groups = app.accounts.groups
        self._site = app.settings.title
        self._url = app.settings.site_url
        named = app.policy.categories.values()
        more = sorted({r for c in named for r in (*c.reviewers, *c.leads)} - set(ROLES))
        self._roles = {name: role.title for name, role in ROLES.items()} | {
            name: name.capitalize() for name in more
        }

    def all(self, problem: str = "", link: str = "", name: str = "") -> Response:
        """The list, and the form for somebody new."""
        memberships = self._memberships()
        cards = [Card(a, tuple(memberships.get(a.name, ()))) for a in self._accounts.list()]
        page = list_page(self._site, cards, self._roles, problem, link, name)
        return HTMLResponse(page, 409 if problem else 200, _HEADERS)

    def one(self, name: str, said: str = "", problem: str = "", link: str = "") -> Response:
        """One person, and what can be changed about them."""
        found = next((a for a in self._accounts.list() if a.name == name), None)
        if found is None:
            return self.all(f"There is no account {name!r}.")
        card = Card(found, tuple(self._memberships().get(name, ())))
        groups = [g.name for g in self._groups.list() if g.name != EVERYONE]
        told = SAID.get(said, "")
        page = person_page(self._site, card, self._roles, groups, told, problem, link)
        return HTMLResponse(page, 409 if problem else 200, _HEADERS)

    def groups(self, problem: str = "") -> Response:
        """Every group and what it reads."""
        found, groups = self._groups.collections(), self._groups.list()
        page = groups_page(self._site, groups, found, self._groups.closed(), problem)
        return HTMLResponse(page, 409 if problem else 200, _HEADERS)

    def change(self, me: Account, form: Form) -> Response:
        """Does what a form of the page of people asks for."""
        act, name = _word(form, "act"), _word(form, "name").strip().lower()
        try:
            if act == "add":
                token = self._accounts.add(name, form.get("role", []), by=me.name)
                return self.all(link=self._link(token or ""), name=name)
            if act == "link":
                return self.one(name, link=self._link(self._accounts.link(name, me.name)))
            self._change(me, act, name, form)
        except CountersignError as error:
            return self.all(str(error)) if act == "add" else self.one(name, problem=str(error))
        asked = urlencode({"name": name, "said": act})
        return RedirectResponse(f"/desk/people?{asked}", 303)

    def change_groups(self, me: Account, form: Form) -> Response:
        """Does what a form of the page of groups asks for."""
        name, collection = _word(form, "name"), _word(form, "collection")
        acts: dict[str, Callable[[], None]] = {
            "add": partial(self._groups.add, name, me.name),
            "remove": partial(self._groups.remove, name, me.name),
            "grant": partial(self._groups.grant, name, collection, me.name),
            "revoke": partial(self._groups.revoke, name, collection, me.name),
        }
        try:
            acts.get(_word(form, "act"), _nothing)()
        except CountersignError as error:
            return self.groups(str(error))
        return RedirectResponse("/desk/groups", 303)

    def _change(self, me: Account, act: str, name: str, form: Form) -> None:
        if act == "disable":
            if name == me.name:
                raise NotAllowed("You cannot disable yourself.", "Ask another admin.")
            self._accounts.disable(name, me.name)
        elif act == "enable":
            self._accounts.enable(name, me.name)
        elif act == "save":
            roles = form.get("role", [])
            if name == me.name and Right.PEOPLE not in rights_of(roles):
                raise NotAllowed("You cannot take your own admin role.", "Ask another admin.")
            self._accounts.give(name, roles, me.name)
            self._put(name, set(form.get("group", [])), me.name)
        else:
            _nothing()

    def _put(self, name: str, wanted: set[str], by: str) -> None:
        now = set(self._memberships().get(name, ()))
        for group in sorted(wanted - now):
            self._groups.join(group, name, by)
        for group in sorted(now - wanted):
            self._groups.leave(group, name, by)

    def _memberships(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for group in self._groups.list():
            for member in group.members:
                found.setdefault(member, []).append(group.name)
        return found

    def _link(self, token: str) -> str:
        return f"{self._url}/desk/welcome?t={token}"


def _nothing() -> None:
    raise NotAllowed("There is no such button.", "Reload the page.")


def _word(form: Form, key: str) -> str:
    return form.get(key, [""])[0]
