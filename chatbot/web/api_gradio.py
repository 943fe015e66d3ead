"""The same API as named Gradio endpoints, for `gradio_client` and `@gradio/client`.

A Gradio application of its own, mounted at `/api`, with nothing to look at: the page's events are
not in it. What comes in is held to the same models as the plain addresses.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from chatbot.domain import Person
from chatbot.errors import CountersignError
from chatbot.web.api import Api
from chatbot.web.api_routes import Question, Rating
from chatbot.web.who import Refusal, Who

if TYPE_CHECKING:
    from chatbot.bootstrap import App

NAMES = ("ask", "stream", "history", "feedback", "status")


class Endpoints:
    """What the endpoints do. Their docstrings are the API's documentation."""

    def __init__(self, app: App, api: Api, who: Who) -> None:
        self._app = app
        self._api = api
        self._who = who

    async def ask(
        self, question: str, request: gr.Request, conversation: str = "", fresh: bool = False
    ) -> dict[str, Any]:
        """Ask a question; an empty conversation is a new one. Gives the answer, its status
        (released, held, refused, unavailable), its citations and passages."""
        last: dict[str, Any] = {}
        async with aclosing(self.stream(question, request, conversation, fresh)) as steps:
            async for step in steps:
                last = step
        last.pop("event", None)
        return last

    async def stream(
        self, question: str, request: gr.Request, conversation: str = "", fresh: bool = False
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Like ask, but gives each event as it comes: started, queued (and how many are ahead),
        searched, sentence, notice, held, refused, and last finished with the whole answer."""
        person = await self._person(request, "ask")
        asked = _held_to(
            Question, question=question, conversation=conversation or None, fresh=fresh
        )
        steps = self._api.ask(person, asked.question, asked.conversation or "", fresh=fresh)
        try:
            async with aclosing(steps):
                name, said = await anext(steps)
                stop = partial(self._api.stop, person, said["conversation"])
                with self._app.visits.during(str(request.session_hash or ""), stop):
                    yield {"event": name, **said}
                    async for name, said in steps:
                        yield {"event": name, **said}
        except CountersignError as error:
            raise _told(error) from error

    async def history(self, request: gr.Request, conversation: str = "") -> dict[str, Any]:
        """Your conversations, or the turns of the one that is named."""
        person = await self._person(request, "history")
        if not conversation:
            return await _try(self._api.conversations, person)
        return await _try(self._api.history, person, conversation[:64])

    async def feedback(
        self, record: str, value: int, request: gr.Request, reason: str = "", comment: str = ""
    ) -> dict[str, Any]:
        """Say what you think of an answer: 1 good, -1 bad, 0 takes it back."""
        person = await self._person(request, "feedback")
        rated = _held_to(Rating, record=record, value=value, reason=reason, comment=comment)
        given = (rated.record, rated.value, rated.reason, rated.comment)
        return await _try(self._api.feedback, person, *given)

    async def status(self, record: str, request: gr.Request) -> dict[str, Any]:
        """How a held answer stands, and the answer itself once a person has signed it."""
        person = await self._person(request, "ask")
        return await _try(self._api.status, person, record[:64])

    async def _person(self, request: gr.Request, scope: str) -> Person:
        found = await run_in_threadpool(self._who.who, request, scope)
        if isinstance(found, Refusal):
            raise gr.Error(f"{found.what} {found.remedy}", print_exception=False)
        return found


def build_api(app: App, api: Api, who: Who) -> gr.Blocks:
    """The endpoints as a Gradio application."""
    endpoints = Endpoints(app, api, who)
    with gr.Blocks(title=app.settings.title, analytics_enabled=False) as blocks:
        for name in NAMES:
            asks = name in ("ask", "stream")
            gr.api(
                getattr(endpoints, name),
                api_name=name,
                concurrency_limit=None if asks else 16,  # the line before the answers limits it
                concurrency_id="api-answers" if asks else "api-quick",
            )
    return blocks


def _held_to(model: Callable[..., Any], **given: Any) -> Any:
    try:
        return model(**given)
    except ValidationError as error:
        wrong = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors() if e["loc"])
        raise gr.Error(f"The request does not hold ({wrong}).", print_exception=False) from error


async def _try(act: Callable[..., dict[str, Any]], *args: object) -> dict[str, Any]:
    try:
        return await run_in_threadpool(act, *args)
    except CountersignError as error:
        raise _told(error) from error


def _told(error: CountersignError) -> gr.Error:
    return gr.Error(str(error), print_exception=False)
