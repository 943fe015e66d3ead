"""Each request that Countersign sends is one that the server's own documents describe, and each
answer that they describe is understood.

What is written here about each server was read in its documents: TGI 3.3.7, `docs/openapi.json`;
vLLM 0.33, "OpenAI-Compatible Server"; llama.cpp, `tools/server/README.md`; transformers 5.23,
`transformers serve`, which refuses fields that it does not know. Where TGI's file is at hand
(`../shared/data/tgi/openapi.json`, Apache-2.0), requests and answers are held to it as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from chatbot.adapters.breaker import Breaker
from chatbot.adapters.chosen import by_name
from chatbot.adapters.fakes import ScriptedChat
from chatbot.adapters.fallback import FallbackChat
from chatbot.adapters.generation import ServedChat, close_connections, open_chat
from chatbot.errors import GenerationFailed
from chatbot.settings import load_settings
from chatbot.trace import ADAPTER
from tests.model_stub import Handler, Stub, piece, running
from tests.strategies import passage
from tests.unit.test_chain import DENTAL, GOOD, Wired, finished

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "tgi" / "openapi.json"
NO_FILE = "TGI's file is not here: ../shared/data/tgi/openapi.json"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def body(required: tuple[str, ...], **fields: Schema) -> Schema:
    """An object of those fields and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": fields,
        "additionalProperties": False,
    }


MESSAGE = body(("role", "content"), role={"enum": ["system", "user", "assistant"]}, content=TEXT)
COMMON: dict[str, Schema] = {
    "messages": {"type": "array", "items": MESSAGE, "minItems": 1},
    "model": TEXT,
    "max_tokens": COUNT,
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "seed": COUNT,
    "stop": {"type": "array", "items": TEXT, "maxItems": 4},
    "stream": {"type": "boolean"},
    "top_p": {"type": "number"},
}
LORA = body(("id", "scale"), id=COUNT, scale={"type": "number"})
CHAT, TOKENIZE = "/v1/chat/completions", "/tokenize"
DOCUMENTED: dict[str, dict[str, Schema]] = {
    "tgi": {
        CHAT: body(("messages",), **COMMON),
        TOKENIZE: body(("inputs",), inputs=TEXT),
    },
    "vllm": {
        CHAT: body(("messages", "model"), **COMMON),
        TOKENIZE: body(("prompt",), model=TEXT, prompt=TEXT),
    },
    "llama.cpp": {
        CHAT: body(("messages",), **COMMON, lora={"type": "array", "items": LORA}),
        TOKENIZE: body(("content",), content=TEXT),
    },
    "transformers": {CHAT: body(("messages", "model"), **COMMON)},
}


def answer_tokenize(handler: Handler, server: str) -> None:
    """As each server answers, a request for another one's included."""
    sent = handler.server.asked[-1][2]  # type: ignore[attr-defined]
    own = set(sent) == set(DOCUMENTED[server].get(TOKENIZE, {}).get("properties", ()))
    if server == "transformers":
        handler.send(404, b'{"detail": "Not Found"}')
    elif server == "llama.cpp":
        handler.send(200, b'{"tokens": [1, 2]}' if own else b'{"tokens": []}')
    elif not own:
        handler.send(422 if server == "tgi" else 400, b'{"error": "missing field"}')
    elif server == "vllm":
        handler.send(200, b'{"count": 2, "max_model_len": 2048, "tokens": [1, 2]}')
    else:
        tokens = [{"id": n, "text": "a", "start": n, "stop": n + 1} for n in range(2)]
        handler.send(200, json.dumps(tokens).encode())


@contextmanager
def served(server: str) -> Iterator[tuple[Stub, ServedChat]]:
    """A stub of that server, and the real client with an adapter for one collection."""
    adapters = {"cover": "1" if server == "llama.cpp" else "cover-lora"}
    with running() as stub:
        stub.replies[TOKENIZE] = lambda h: answer_tokenize(h, server)
        model = open_chat(stub.url, "key", "m", load_settings(), by_name(adapters))
        try:
            yield stub, model
        finally:
            model.close()
            close_connections()


def said(model: ServedChat, **asked: Any) -> str:
    messages = [SystemMessage("Be brief."), HumanMessage("What {is} it?")]
    return "".join(str(p.content) for p in model.stream(messages, max_tokens=9, **asked))


ASKING: dict[str, Callable[[ServedChat], object]] = {
    "a stream": said,
    "a stream from an adapter": lambda m: said(m, collections=["cover"]),
    "a stream that ends at a word": lambda m: said(m, stop=["\n\n"]),
    "a whole answer": lambda m: m.invoke("What is it?", max_tokens=9),
    "tokens": lambda m: m.get_num_tokens("some text"),
}


@pytest.mark.parametrize("server", DOCUMENTED)
@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_requests_are_as_the_server_documents_them(
    server: str, ask: Callable[[ServedChat], object]
) -> None:
    with served(server) as (stub, model):
        answer = ask(model)
    path, headers, sent = stub.asked[-1]
    assert headers["content-type"].startswith("application/json")
    if (server, path) == ("transformers", TOKENIZE):
        assert isinstance(answer, int)
        assert len(stub.asked) == 1  # told that there is no such door, it does not try another key
        return
    jsonschema.validate(sent, DOCUMENTED[server][path])
    if path == TOKENIZE:
        assert answer == 2
    else:
        assert (sent["temperature"], sent["seed"], sent["max_tokens"]) == (0.0, 0, 9)


@pytest.mark.skipif(not FILE.exists(), reason=NO_FILE)
@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_requests_are_valid_by_tgis_own_file(ask: Callable[[ServedChat], object]) -> None:
    with served("tgi") as (stub, model):
        ask(model)
    assert stub.asked
    for path, _, sent in stub.asked:  # every one, those that find out whose server it is included
        post = api()["paths"][path]["post"]
        jsonschema.validate(sent, strict(post["requestBody"]["content"]["application/json"]))


@pytest.mark.skipif(not FILE.exists(), reason=NO_FILE)
def test_what_is_written_here_about_tgi_is_what_its_file_says() -> None:
    schemas = api()["components"]["schemas"]
    for path, name in ((CHAT, "ChatRequest"), (TOKENIZE, "GenerateRequest")):
        mine, theirs = DOCUMENTED["tgi"][path], schemas[name]
        assert mine["required"] == theirs["required"]
        for field, schema in mine["properties"].items():
            assert schema["type"] == theirs["properties"][field]["type"], field


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"adapter_id": "cover"}, "an adapter by a name of its own"),
        ({"stop": "one"}, "a word where a list belongs"),
        ({"seed": -1}, "a seed below nothing"),
        ({"stream": "yes"}, "a word where a truth belongs"),
        ({"max_tokens": 1.5}, "half a token"),
    ],
)
def test_a_request_that_is_not_documented_is_found(sent: Schema, wrong: str) -> None:
    asked = {"messages": [{"role": "user", "content": "x"}], "stream": True, "seed": 0} | sent
    schemas = [DOCUMENTED["tgi"][CHAT]]
    if FILE.exists():
        content = api()["paths"][CHAT]["post"]["requestBody"]["content"]
        schemas.append(strict(content["application/json"]))
    for schema in schemas:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(asked, schema)


ALL_OF_THEM = ["tgi", "vllm", "llama.cpp"]  # transformers serves one model


@pytest.mark.parametrize("server", ALL_OF_THEM)
@pytest.mark.parametrize(
    ("collections", "own"),
    [((), False), (("cover",), True), (("cards",), False), (("cover", "x"), False)],
)
def test_a_single_collection_is_for_its_adapter(
    server: str, collections: tuple[str, ...], own: bool
) -> None:
    with served(server) as (stub, model):
        pieces = list(model.stream("What?", collections=collections))
    sent = stub.asked[-1][2]
    lora = [{"id": int(own), "scale": 1.0}] if server == "llama.cpp" else None
    name = "m" if server == "llama.cpp" or not own else "cover-lora"
    assert (sent.get("lora"), sent["model"]) == (lora, name)
    called = {"llama.cpp": "adapter 1"}.get(server, "cover-lora") if own else None
    assert {p.response_metadata.get(ADAPTER) for p in pieces if p.content} == {called}


@pytest.mark.parametrize(
    ("collections", "adapter"),
    [(["cover"], "cover-lora"), (["cards"], None), (["cover", "cards"], None)],
)
@pytest.mark.parametrize("up", [True, False])
def test_the_record_names_the_adapter_that_wrote(
    collections: list[str], adapter: str | None, up: bool
) -> None:
    small = ScriptedChat(replies=(GOOD,))
    with served("vllm") as (stub, model):
        said = [piece(GOOD), piece("", "stop"), "[DONE]"] if up else []
        stub.replies[CHAT] = lambda h: h.stream(*said)
        chat = FallbackChat(first=model, second=lambda: (small, "small"), breaker=Breaker())
        texts = {"cover": DENTAL.text, "cards": DENTAL.text.replace("80%", "70%")}
        found = [passage(texts[name], name, collection=name) for name in collections]
        record = finished(Wired((), passages=found, chat=chat).ask())
    assert record.mode == "generated"
    assert (record.model, record.adapter) == (("scripted", adapter) if up else ("small", None))


def api() -> Schema:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def strict(content: Schema) -> Schema:
    """The schema of a body, allowing no field that it does not name."""
    reference = content["schema"]["$ref"]
    parts = api()["components"]
    parts["schemas"][reference.rpartition("/")[2]]["additionalProperties"] = False
    return {"$ref": reference, "components": parts}


# --- answers --------------------------------------------------------------------------------------

CHUNK = {"id": "", "object": "chat.completion.chunk", "created": 1, "model": "m",
         "system_fingerprint": "f"}  # fmt: skip


def chunk(delta: Schema, finish: str | None = None, **more: object) -> Schema:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {**CHUNK, "choices": [choice], **more}


def told(**fields: object) -> Schema:
    return {"role": "assistant", **fields}


USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
STREAMS: dict[str, list[Any]] = {
    "tgi": [
        chunk(told(content="Hello")),
        chunk(told(content=""), "stop", usage=None),
        "[DONE]",
    ],
    "vllm": [
        chunk(told(content="", reasoning=None)),
        chunk({"content": "Hello"}),
        chunk({"content": ""}, "stop", usage=None),
        {**CHUNK, "choices": [], "usage": USAGE},
        "[DONE]",
    ],
    "llama.cpp": [
        chunk(told(content=None)),
        chunk({"content": "Hello"}),
        chunk({}, "stop", timings={"predicted_n": 2}),
        "[DONE]",
    ],
    "transformers": [
        chunk({"role": "assistant"}),
        chunk({"content": "Hello"}),
        chunk({}, "stop", usage=USAGE),
    ],
}


@pytest.mark.parametrize("server", STREAMS)
def test_answers_as_each_server_streams_them(server: str) -> None:
    with served(server) as (stub, model):
        stub.replies[CHAT] = lambda h: h.stream(*STREAMS[server])
        assert said(model) == "Hello"


ERRORS = {
    422: {"error": "Input validation error", "error_type": "validation"},
    424: {"error": "Request failed during generation", "error_type": "generation"},
    429: {"error": "Model is overloaded", "error_type": "overloaded"},
    500: {"error": "Incomplete generation", "error_type": "incomplete_generation"},
    503: {"error": "unhealthy", "error_type": "healthcheck"},
}


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("streamed", [True, False])
def test_each_documented_error_is_one_of_ours(status: int, streamed: bool) -> None:
    with served("tgi") as (stub, model):
        stub.replies[CHAT] = lambda h: h.send(status, json.dumps(ERRORS[status]).encode())
        with pytest.raises(GenerationFailed):
            said(model) if streamed else model.invoke("What is it?")


@pytest.mark.parametrize("status", ERRORS)
def test_a_server_that_cannot_count_is_told_so_once(status: int) -> None:
    with served("tgi") as (stub, model):
        stub.replies[TOKENIZE] = lambda h: h.send(status, json.dumps(ERRORS[status]).encode())
        assert model.get_num_tokens("some words") >= 2
        asked = len(stub.asked)
        assert model.get_num_tokens("some other words") >= 3
    assert len(stub.asked) == asked


@pytest.mark.skipif(not FILE.exists(), reason=NO_FILE)
def test_the_answers_here_are_as_tgis_file_describes_them() -> None:
    parts = api()["components"]

    def check(value: object, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": parts}
        jsonschema.validate(value, schema)

    for choice in (piece("Hello")["choices"], STREAMS["tgi"][0]["choices"]):
        assert isinstance(choice, list)
        told_apart = {k: v for k, v in choice[0].items() if v is not None}
        check({**CHUNK, "choices": [told_apart]}, "ChatCompletionChunk")
    for error in ERRORS.values():
        check(error, "ErrorResponse")
    for status in (422, 424, 429, 500):
        content = api()["paths"][CHAT]["post"]["responses"][str(status)]["content"]
        assert content["application/json"]["example"] == ERRORS[status]
