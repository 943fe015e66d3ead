"""The API as plain addresses below `/api`, and what they all need: who asks, and errors as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from chatbot.domain import Person
from chatbot.errors import CountersignError
from chatbot.steps.screen import LONGEST
from chatbot.web.api import Api, Step
from chatbot.web.api_errors import NO_STORE, Refused
from chatbot.web.who import Refusal, Who

Steps = AsyncGenerator[Step, None]
_ALIVE = 10.0  # seconds of silence after which a stream says that it is there
_GONE = 499  # nobody reads it; the number is nginx's


def _whole(text: str) -> str:
    text.encode()  # half a character of a pair is a ValueError
    if "\0" in text:
        raise ValueError("there is a NUL character in it")
    return text


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Text = Annotated[str, AfterValidator(_whole)]


class Strict(BaseModel):
    """A body whose fields are all known: a slip of the pen is told, not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Question(Strict):
    """A question."""

    question: Annotated[Text, Field(max_length=LONGEST, description="What you want to know.")]
    conversation: Annotated[
        Id | None, Field(description="Id of a conversation to go on with; without: a new one.")
    ] = None
    fresh: Annotated[bool, Field(description="Answer anew, whatever was answered before.")] = False
    stream: Annotated[
        bool, Field(description="Send server-sent events, a sentence as soon as it is released.")
    ] = False


class Rating(Strict):
    """What the asker thinks of an answer."""

    record: Annotated[Id, Field(description="`record` of the answer.")]
    value: Annotated[Literal[1, -1, 0], Field(description="Good, bad, or taken back.")]
    reason: Annotated[Text, Field(max_length=200)] = ""
    comment: Annotated[Text, Field(max_length=4000)] = ""


class Fault(BaseModel):
    """What failed, and what to do about it."""

    error: str
    remedy: str


_FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": Fault, "description": "The request cannot be used"},
    401: {"model": Fault, "description": "There is no API key, or one that does not work"},
    403: {"model": Fault, "description": "The key lacks the scope"},
    404: {"model": Fault, "description": "It does not exist, or is not yours"},
    408: {"model": Fault, "description": "The request came too slowly"},
    413: {"model": Fault, "description": "The request is too large"},
    422: {"model": Fault, "description": "A field is missing or malformed"},
    429: {"model": Fault, "description": "Too many questions; see Retry-After"},
    503: {"model": Fault, "description": "Busy; see Retry-After"},
}


def api_router(api: Api, who: Who) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api", responses=_FAULTS, tags=["countersign"])

    @router.post("/ask", summary="Ask a question")
    async def ask(request: Request, body: Question) -> Response:
        """The answer, what it rests on, and its status: `released`, `held` (a person looks at it
        first; `review.outcome` is the address to ask later), `refused` or `unavailable`. With
        `stream` as events: `started`, `queued`, `searched`, `sentence`, `notice`, `held`,
        `refused`, `finished` (the same document), or `error`."""
        person = await asker(who, request, "ask")
        given = (person, body.question, body.conversation or "")
        if body.stream:
            return await events(api.ask(*given, fresh=body.fresh), _sse)
        return await whole(request, api.answer(*given, fresh=body.fresh), answered)

    @router.get("/history", summary="Read conversations")
    async def history(
        request: Request, conversation: Annotated[Id | None, Query()] = None
    ) -> Response:
        """Your conversations, or the turns of one of them. A signed answer stands in its place."""
        person = await asker(who, request, "history")
        if conversation is None:
            return answered(await run_in_threadpool(api.conversations, person))
        return answered(await run_in_threadpool(api.history, person, conversation))

    @router.post("/feedback", summary="Rate an answer")
    async def feedback(request: Request, body: Rating) -> Response:
        """Keeps what you think of one of your answers."""
        person = await asker(who, request, "feedback")
        given = (body.record, body.value, body.reason, body.comment)
        return answered(await run_in_threadpool(api.feedback, person, *given))

    @router.get("/status/{record}", summary="See how a held answer stands")
    async def status(request: Request, record: Annotated[Id, Path()]) -> Response:
        """The turn as it stands now: `review.state`, and the answer once a person signed it."""
        person = await asker(who, request, "ask")
        return answered(await run_in_threadpool(api.status, person, record))

    return router


def answered(body: dict[str, Any]) -> JSONResponse:
    """A document that no cache keeps."""
    return JSONResponse(body, headers=NO_STORE)


async def asker(who: Who, request: Request, scope: str = "") -> Person:
    """Who asks.

    Raises:
        Refused: nobody who may.
    """
    found = await run_in_threadpool(who.who, request, scope)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


async def whole(
    request: Request,
    work: Coroutine[Any, Any, dict[str, Any]],
    say: Callable[[dict[str, Any]], Response],
) -> Response:
    """What the work comes to; it is stopped once nobody waits for it."""
    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        return say(working.result()) if working.done() else Response(status_code=_GONE)
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.wait({working, watching})


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def events(steps: Steps, say: Callable[[str, dict[str, Any]], str]) -> Response:
    """The steps as server-sent events. What fails before the first has its own HTTP status."""
    first = await anext(steps)

    async def stream() -> AsyncGenerator[str, None]:
        try:
            yield say(*first)
            async with aclosing(_or_alive(steps)) as coming:
                async for step in coming:
                    yield ": still there\n\n" if step is None else say(*step)
        except CountersignError as error:
            yield say("error", {"error": error.what, "remedy": error.remedy})
        finally:
            await steps.aclose()

    headers = {**NO_STORE, "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)


async def _or_alive(steps: Steps) -> AsyncGenerator[Step | None, None]:
    """The steps; None where nothing came for a while, so that nobody takes the line for dead."""
    while True:
        coming = asyncio.ensure_future(_next(steps))
        try:
            while not (await asyncio.wait({coming}, timeout=_ALIVE))[0]:
                yield None
            step = coming.result()
        finally:
            if not coming.done():
                coming.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await coming
        if step is None:
            return
        yield step


async def _next(steps: Steps) -> Step | None:
    return await anext(steps, None)


def _sse(name: str, said: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(said, ensure_ascii=False)}\n\n"
