"""Who sends a request: the one place that says so, for the guard, the chat, the viewer, the desk.

An account's session comes first, then the signed cookie of a browser without one. What somebody may
do and read is looked up each time: a role or a group that was taken away counts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from chatbot.adapters.account import Account
from chatbot.domain import Person
from chatbot.errors import NotFound
from chatbot.steps.rights import ANONYMOUS, NONE, Right, rights_of
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions, new_person

if TYPE_CHECKING:
    from chatbot.bootstrap import App


class Carrier(Protocol):
    """A request of FastAPI's or Gradio's, as far as its sender goes."""

    @property
    def cookies(self) -> Mapping[str, str]: ...


class Identity:
    """Tells who sends a request.

    Args:
        sessions: reads the cookie of browsers without an account.
    """

    def __init__(self, app: App, sessions: Sessions) -> None:
        self.sessions = sessions
        self._accounts = app.accounts
        self._anonymous = app.settings.lets_anonymous_ask

    def account(self, request: Carrier, *, deed: bool = True) -> Account | None:
        """Whose session that is; None: nobody is logged in.

        Args:
            deed: whether a person did something; a page that only looks keeps no session alive.
        """
        return self._accounts.session(request.cookies.get(DESK_COOKIE), deed=deed)

    def rights(self, request: Carrier) -> tuple[Account | None, frozenset[Right]]:
        """Who is logged in, and what the sender may do."""
        account = self.account(request)
        if account is not None:
            return account, rights_of(account.roles)
        return None, ANONYMOUS if self._anonymous else NONE

    def who(self, request: Carrier, *, deed: bool = True) -> Person | None:
        """The person who asks and reads; None: nobody who may."""
        account = self.account(request, deed=deed)
        if account is not None:
            return person_of(account) if Right.ASK in rights_of(account.roles) else None
        browser = self.sessions.read(request.cookies.get(COOKIE)) if self._anonymous else None
        if browser is None:
            return None
        return Person(browser.id, self._accounts.groups.readable(None))

    def newcomer(self) -> Person | None:
        """Somebody whom nobody has seen before; None where such people may not ask."""
        if not self._anonymous:
            return None
        return Person(new_person().id, self._accounts.groups.readable(None))

    def by_key(self, person: Person) -> Person | None:
        """Who asks with an API key, narrowed to what its owner may read today; None: they may not
        ask."""
        try:
            owner = self._accounts.get(person.account or "")
        except NotFound:
            return None
        if Right.ASK not in rights_of(owner.roles):
            return None
        both = [c for c in (person.collections, owner.collections) if c is not None]
        return replace(person, collections=frozenset.intersection(*both) if both else None)


def person_of(account: Account) -> Person:
    """Somebody with an account, as the one who asks. No browser's id has a colon in it."""
    return Person(f"account:{account.name}", account.collections, account.name)
