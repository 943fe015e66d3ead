"""OpenAI's chat API, for programs that speak it: `/v1/chat/completions` and `/v1/models`.

What differs, on purpose: the last user message alone is the question. System messages and an
assistant's words are what a client claims; a conversation is the server's, named by its id in the
field `countersign`. Citations, status and record stand in the answer's field of the same name.
"""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatbot.domain import LIST_ITEM
from chatbot.web.api import Api
from chatbot.web.api_errors import openai_body
from chatbot.web.api_routes import Id, Strict, Text, answered, asker, events, whole
from chatbot.web.who import Who

MODEL = "countersign"
_WITHDRAWN = "\n\n[Withdrawn: a later part did not pass its checks. Please do not rely on it.]"


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="ignore")
    type: str
    text: Text | None = None


class Message(BaseModel):
    """A message, as the client tells it."""

    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None


class Extension(Strict):
    """What Countersign takes beside OpenAI's fields."""

    conversation: Annotated[Id | None, Field(description="A conversation to go on with.")] = None
    fresh: bool = False


class Options(BaseModel):
    """Of OpenAI's options for streams."""

    model_config = ConfigDict(extra="ignore")
    include_usage: bool | None = None


class Completion(BaseModel):
    """A request in OpenAI's shape. Other fields (temperature, tools …) are accepted and not used:
    what is answered, and how, is decided here."""

    model_config = ConfigDict(extra="ignore")
    model: Annotated[str, Field(max_length=200, description="Any name: there is one.")] = MODEL
    messages: Annotated[list[Message], Field(min_length=1, max_length=1000)]
    stream: bool | None = False
    stream_options: Options | None = None
    n: Annotated[int | None, Field(ge=1, le=1)] = 1
    countersign: Extension | None = None


def openai_router(api: Api, who: Who) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1", tags=["openai"])

    @router.get("/models", summary="List the models")
    async def models(request: Request) -> Response:
        """The one that there is."""
        await asker(who, request)
        return answered({"object": "list", "data": [_MODEL]})

    @router.post("/chat/completions", summary="Answer the last user message")
    async def completions(request: Request, body: Completion) -> Response:
        """An answer in OpenAI's shape, with `countersign` beside `choices`. Where a person has to
        look first, or where there is no answer, `finish_reason` is `content_filter` and the words
        are Countersign's own."""
        person = await asker(who, request, "ask")
        question, own = question_of(body.messages), body.countersign or Extension()
        given = (person, question, own.conversation or "")
        if body.stream:
            usage = bool(body.stream_options and body.stream_options.include_usage)
            return await events(api.ask(*given, fresh=own.fresh), Chunks(usage=usage).say)
        work = api.answer(*given, fresh=own.fresh)
        return await whole(request, work, lambda said: answered(completion(said)))

    return router


def question_of(messages: list[Message]) -> str:
    """The last user message's words; empty where there is none."""
    for message in reversed(messages):
        if message.role == "user":
            content = message.content or ""
            if isinstance(content, str):
                return content
            return "\n".join(part.text for part in content if part.type == "text" and part.text)
    return ""


def completion(said: dict[str, Any]) -> dict[str, Any]:
    """A finished turn as one completion."""
    message = {"role": "assistant", "content": words_of(said), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(said)}
    return {
        "id": f"chatcmpl-{said['record']}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [choice],
        "usage": _USAGE,
        "countersign": extension(said),
    }


def words_of(said: dict[str, Any]) -> str:
    """The answer, or what Countersign says in its place."""
    notices = said["notices"]
    if said["answer"] or said["status"] == "released" or not notices:
        return str(said["answer"])
    return str(notices[-1])  # what a refusal said


def extension(said: dict[str, Any]) -> dict[str, Any]:
    """What OpenAI's shape has no place for."""
    left = ("passages", "answer", "timings")
    return {name: value for name, value in said.items() if name not in left}


def _reason(said: dict[str, Any]) -> str:
    return "stop" if said["status"] == "released" else "content_filter"


class Chunks:
    """Steps of a turn as OpenAI's chunks; remembers what was said.

    Args:
        usage: whether the client wants a last chunk with the tokens used.
    """

    def __init__(self, *, usage: bool) -> None:
        self._usage = usage
        self._said = ""
        self._begun = int(time.time())
        self._id = ""

    def say(self, name: str, said: dict[str, Any]) -> str:
        """One step as server-sent events; empty comments for what OpenAI's shape does not tell."""
        if name == "error":
            return _data(openai_body(said["error"], said["remedy"], 503)) + _DONE
        if name == "started":
            self._id = f"chatcmpl-{said['conversation']}"
            return self._chunk({"role": "assistant", "content": ""})
        if name == "sentence":
            return self._chunk({"content": self._joined(said["text"])})
        if name == "finished":
            return self._end(said)
        return f": {name} {said.get('ahead', '')}".rstrip() + "\n\n"

    def _joined(self, sentence: str) -> str:
        """As `join_sentences` would join it to what was said."""
        between = ("\n" if LIST_ITEM.match(sentence) else " ") if self._said else ""
        self._said += between + sentence
        return between + sentence

    def _end(self, said: dict[str, Any]) -> str:
        words = ""
        if said["status"] != "released":
            words = (f"{_WITHDRAWN}\n\n" if self._said else "") + words_of(said)
        parts = [self._chunk({"content": words})] if words else []
        parts.append(self._chunk({}, _reason(said), extension(said)))
        if self._usage:
            parts.append(_data({**self._frame(), "choices": [], "usage": _USAGE}))
        return "".join(parts) + _DONE

    def _chunk(
        self, delta: dict[str, Any], reason: str | None = None, own: dict[str, Any] | None = None
    ) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk = {**self._frame(), "choices": [choice]}
        return _data(chunk if own is None else {**chunk, "countersign": own})

    def _frame(self) -> dict[str, Any]:
        about = {"object": "chat.completion.chunk", "created": self._begun, "model": MODEL}
        return {"id": self._id, **about}


def _data(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


_DONE = "data: [DONE]\n\n"
_MODEL = {"id": MODEL, "object": "model", "created": 0, "owned_by": "countersign"}
_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
"""Tokens are not billed here, and not told."""
