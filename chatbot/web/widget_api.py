"""The widget's door: named endpoints of a Gradio application of its own, mounted at `/widget`.

They answer through the same `Answering` and `Asking` as the page. The token says who asks, and
counts for the page's origin alone; every other word is a claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from chatbot.adapters.account import Account
from chatbot.domain import Person
from chatbot.errors import CountersignError, NotFound
from chatbot.web.answering import Answering
from chatbot.web.asking import Asking
from chatbot.web.chat import AT_ONCE, threads_of
from chatbot.web.page import MAX_QUESTION
from chatbot.web.session import DESK_COOKIE
from chatbot.web.who import address_of
from chatbot.web.widget_identity import Tokens, person_of
from chatbot.web.widget_view import turn_data

if TYPE_CHECKING:
    from chatbot.bootstrap import App

NAMES = ("start", "ask", "history", "stop", "rate", "tell")
_EXAMPLES = 3
Limit = Callable[[str, str], None]


def no_limit(origin: str, address: str) -> None:
    """Lets everything through. A limiter in its place raises an error for what is too much."""


class WidgetApi:
    """What the widget can ask for.

    Args:
        app: the wired application.
        limit: is told the origin and the network address before anything that costs something, and
            raises a CountersignError, which the reader sees, where that is too much.
    """

    def __init__(self, app: App, limit: Limit = no_limit) -> None:
        self._app = app
        self._limit = limit
        self._tokens = Tokens(app.secret)
        self._asking = Asking(app)
        self._answering = Answering(app, self._asking)

    def start(self, token: str, collection: str, request: gr.Request) -> dict[str, Any]:
        """Begin: give the token kept from the last visit, or an empty one, and get one dated now.

        Also gives the site's title and questions to begin with."""
        self._admitted(request)
        self._within(request)
        origin = _origin(request)
        fresh = self._tokens.renewed(_text(token, 600), origin)
        person = self._reader(self._tokens.read(fresh, origin) or "", collection)
        return {"token": fresh, "title": self._app.settings.title, "examples": self._some(person)}

    def ask(
        self, token: str, collection: str, conversation: str, question: str, request: gr.Request
    ) -> Iterator[dict[str, Any]]:
        """Ask in a conversation (empty for a new one); gives the turn again and again as it grows.

        Sentences have passed the gate; a turn that is held says so and holds none."""
        person = self._person(token, collection, request)
        self._within(request)
        asked, where = _text(question, MAX_QUESTION + 1).strip(), _text(conversation)
        visit = str(request.session_hash or "")
        for turn, _ in self._answering.answer(person, where, asked, None, "", visit=visit):
            yield turn_data(turn)

    def history(
        self,
        token: str,
        collection: str,
        conversation: str,
        known: dict[str, int],
        request: gr.Request,
    ) -> dict[str, Any]:
        """The turns of a conversation, and the versions of what lies on the reviewers' desk.

        `known` holds the versions from last time: where nothing has changed, no turns come."""
        person, conversation = self._person(token, collection, request), _text(conversation)
        try:
            versions = self._asking.versions(conversation, person) if conversation else {}
            if known and known == versions:
                return {"turns": None, "versions": versions}
            turns = self._answering.history(person, conversation)
            # Read anew: showing what was delivered marks it as seen, which is a version as well.
            versions = self._asking.versions(conversation, person) if conversation else {}
        except NotFound:
            return {"turns": [], "versions": {}}
        return {"turns": [turn_data(turn) for turn in turns], "versions": versions}

    def stop(self, token: str, conversation: str, request: gr.Request) -> dict[str, Any]:
        """Stop the answer that is being made in a conversation."""
        self._answering.stop(self._person(token, "", request), _text(conversation))
        return {}

    def rate(self, token: str, record: str, value: int, request: gr.Request) -> dict[str, Any]:
        """Say whether an answer helped: 1, -1, or 0 to take it back."""
        person = self._person(token, "", request)
        if type(value) is int and value in (1, -1, 0):
            _try(self._app.conversations.rate, _text(record), person.id, value, "", "")
        return {}

    def tell(
        self, token: str, record: str, act: str, text: str, request: gr.Request
    ) -> dict[str, Any]:
        """About a held question: `withdraw` it, or `reply` to what its reviewer wants to know."""
        person, record = self._person(token, "", request), _text(record)
        if act == "withdraw":
            _try(self._asking.withdraw, person, record)
        elif act == "reply":
            _try(self._asking.reply, person, record, _text(text, 4000))
        return {}

    def _some(self, person: Person) -> list[str]:
        """Questions to begin with: the FAQ's, which are answered at once, then headings."""
        entries = self._app.faq.store.live()
        found = [entry.question for entry in entries if entry.is_for(person.collections)]
        found += self._app.catalogue.example_questions(_EXAMPLES, person.collections)
        return found[:_EXAMPLES]

    def _person(self, token: str, collection: str, request: gr.Request) -> Person:
        known = self._tokens.read(_text(token, 600), _origin(request))
        if known is None:
            raise gr.Error("This chat has been open for too long. Reload the page.", **_QUIET)
        account = self._admitted(request)
        person = self._reader(known, collection)
        # On the desk's own preview page: nobody signs their own question.
        return replace(person, account=account.name) if account else person

    def _admitted(self, request: gr.Request) -> Account | None:
        """Who is logged in on this very site; nobody elsewhere. Raises where such a reader may not
        ask: a website on the list speaks for its readers unless nobody without an account may ask,
        and a page of this site lets in whom it lets in itself."""
        account = self._app.accounts.session(request.cookies.get(DESK_COOKIE), deed=False)
        settings = self._app.settings
        listed = _origin(request) in (settings.widget_origins or "").split()
        if account or settings.lets_anonymous_ask or (listed and settings.anonymous != "no"):
            return account
        raise gr.Error("People without an account may not ask here.", **_QUIET)

    def _reader(self, known: str, collection: str) -> Person:
        return person_of(known, _text(collection, 400), self._app.accounts.groups.readable(None))

    def _within(self, request: gr.Request) -> None:
        _try(self._limit, _origin(request), address_of(request))


_QUIET: dict[str, Any] = {"print_exception": False}


def build_widget(app: App, limit: Limit = no_limit) -> gr.Blocks:
    """The endpoints as a Gradio application that has nothing to look at."""
    api = WidgetApi(app, limit)
    with gr.Blocks(title=app.settings.title, analytics_enabled=False) as blocks:
        for name in NAMES:
            gr.api(
                getattr(api, name),
                api_name=name,
                # Who asks comes to the line at once, as on the chat page.
                concurrency_limit=None if name == "ask" else AT_ONCE,
                concurrency_id="widget-answers" if name == "ask" else "widget-quick",
            )
    blocks.max_threads = threads_of(app)
    return blocks


def _try(act: Callable[..., object], *args: object) -> None:
    try:
        act(*args)
    except CountersignError as error:
        raise gr.Error(str(error), **_QUIET) from error


def _origin(request: gr.Request) -> str:
    return str(request.headers.get("origin", ""))


def _text(value: object, limit: int = 80) -> str:
    """A text that a page sent, cut to `limit`; empty if it is anything else."""
    return value[:limit] if isinstance(value, str) else ""
