"""The language model behind LangChain's chat interface: one client for every server.

TGI, vLLM, llama.cpp and `transformers serve` all answer `POST /v1/chat/completions`; the embedded
model is reached in the same way, so that nothing but a URL changes between a laptop and a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import Any

import httpx
from huggingface_hub import close_session
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_huggingface import ChatHuggingFace, HuggingFaceEndpoint
from pydantic import PrivateAttr

from chatbot.adapters.chosen import Choice
from chatbot.adapters.transport import hanging_on, use_own_transport
from chatbot.errors import GenerationFailed
from chatbot.lifeline import Lifeline
from chatbot.settings import Settings
from chatbot.trace import ADAPTER

_FAILURES = (
    HfHubHTTPError,
    InferenceTimeoutError,
    httpx.HTTPError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
)  # the last four: an answer that is not of the form
_NOT_ITS_WAY = (400, 422)  # what a server says to another one's request for tokens


_LOOK_SECONDS = 2.0
_LIKELIEST = 20  # tokens: as many as vLLM gives unless told otherwise


class ServedChat(ChatHuggingFace):
    """A chat model on an OpenAI-compatible server, counting tokens with that server's tokenizer."""

    _counter: TokenCounter = PrivateAttr()
    _fixed: dict[str, Any] = PrivateAttr()
    _choice: Choice = PrivateAttr()

    @property
    def _default_params(self) -> dict[str, Any]:
        # The client takes a temperature of 0 for "not given" and sends 0.8, and its URL for the
        # model's name; and it drops the seed.
        return {**super()._default_params, **self._fixed}

    def _stream(
        self,
        *args: Any,
        line: Lifeline | None = None,
        collections: Collection[str] = (),
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """The answer in pieces.

        Args:
            line: what the answer hangs on; when it is cut, the connection is closed.
            collections: of what the answer is made from; a single one's adapter writes it.

        Raises:
            GenerationFailed: the server is down, slow, or answers something that is no answer.
        """
        finished = False
        chosen = self._choice.of(collections)
        try:
            pieces = super()._stream(*args, **{**kwargs, **chosen.request})
            for chunk in hanging_on(line, pieces):
                if chosen.name:
                    chunk.message.response_metadata[ADAPTER] = chosen.name
                finished = finished or "finish_reason" in (chunk.generation_info or {})
                yield chunk
        except _FAILURES as error:
            raise GenerationFailed(
                f"The language model did not answer ({type(error).__name__}).",
                "Check GENERATION_URL and the server behind it; `chatbot doctor` shows its state.",
            ) from error
        if not finished:
            raise GenerationFailed(
                "The language model broke off its answer.",
                "Check GENERATION_URL and the server behind it; `chatbot doctor` shows its state.",
            )

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        """The whole answer, made of its pieces: what goes wrong is said in one way."""
        return generate_from_stream(self._stream(*args, **kwargs))

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """The model's name alone: the client's own fields hold the server's key."""
        yield "model_id", self.model_id

    def get_num_tokens(self, text: str) -> int:
        """Tokens of a text, in the served model's own tokens where the server can tell."""
        return self._counter.count(text)

    def following(self, text: str) -> list[str]:
        """The tokens that are likeliest to go on a text outside of any chat, likeliest first.

        Raises:
            GenerationFailed: the server does not answer, or does not tell likelihoods.
        """
        try:
            return self._counter.following(text)
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise GenerationFailed(
                f"The server does not tell which tokens are likeliest ({type(error).__name__}).",
                "Use one whose /v1/completions knows `logprobs`, as llama.cpp's does, or "
                "leave general ability out.",
            ) from error

    def close(self) -> None:
        """Closes the connection that tokens are counted over; they are estimated from then on."""
        self._counter.close()


def look_at(url: str) -> None:
    """Asks a server how it is, as TGI, vLLM, llama.cpp and transformers all tell it.

    One that has no such page is there at least.

    Raises:
        httpx.HTTPError: it cannot be reached, or says that it cannot answer.
    """
    base = url.rstrip("/").removesuffix("/v1")
    answer = httpx.get(f"{base}/health", timeout=_LOOK_SECONDS)
    if answer.is_server_error and answer.status_code != httpx.codes.NOT_IMPLEMENTED:
        answer.raise_for_status()


def close_connections() -> None:
    """Closes the connections that all clients share; the next question would open new ones."""
    close_session()


class TokenCounter:
    """Asks a server for the number of a text's tokens; TGI, vLLM and llama.cpp each their way.

    The way that a server understands is found with the first text: of the others it says that
    they are wrong, or (llama.cpp) it finds no tokens. A server that has no such door is answered
    for by an estimate that errs on the high side.
    """

    def __init__(self, url: str, headers: dict[str, str], model: str) -> None:
        self._model = model
        self._client = httpx.Client(base_url=url, headers=headers, timeout=5.0)
        self._ways: list[Callable[[str], dict[str, str]]] = [
            lambda text: {"inputs": text},
            lambda text: {"model": model, "prompt": text},
            lambda text: {"content": text},
        ]
        self.count = lru_cache(maxsize=4096)(self._count)

    def following(self, text: str) -> list[str]:
        """The likeliest next tokens, as OpenAI's own list or llama.cpp's tells them."""
        body = {"model": self._model, "prompt": text, "max_tokens": 1, "temperature": 0,
                "logprobs": _LIKELIEST}  # fmt: skip
        answer = self._client.post("/v1/completions", json=body, timeout=60.0)
        told = answer.raise_for_status().json()["choices"][0]["logprobs"]
        if "content" in told:
            found = {t["token"]: t["logprob"] for t in told["content"][0]["top_logprobs"]}
        else:
            found = told["top_logprobs"][0]
        return sorted(found, key=found.__getitem__, reverse=True)

    def close(self) -> None:
        """Closes the connection to the server; from then on tokens are estimated."""
        self._ways.clear()
        self._client.close()

    def _count(self, text: str) -> int:
        for way in tuple(self._ways) if text else ():
            try:
                answer = self._client.post("/tokenize", json=way(text))
                if answer.status_code in _NOT_ITS_WAY:
                    continue
                if number := _length(answer.raise_for_status().json()):
                    self._ways = [way]
                    return number
            except (httpx.HTTPError, ValueError, KeyError, TypeError):
                break
        if text:
            self._ways = []
        return len(text.encode("utf-8", "replace")) // 3 + 1


def _length(answer: Any) -> int:
    if isinstance(answer, list):  # TGI
        return len(answer)
    return int(answer["count"]) if "count" in answer else len(answer["tokens"])


def open_chat(
    url: str, key: str | None, model: str, settings: Settings, choice: Choice | None = None
) -> ServedChat:
    """A chat model on the server at that base URL (with or without `/v1`).

    Makes no connection. The key, or the word `none`, is always sent as our own header: left to
    itself the client would send the user's Hugging Face token to whatever the URL names.

    Args:
        choice: the adapters of single collections on that server.
    """
    use_own_transport()
    base = url.rstrip("/").removesuffix("/v1")
    headers = {"Authorization": f"Bearer {key or 'none'}"}
    endpoint = HuggingFaceEndpoint(  # type: ignore[call-arg]  # `model` comes from the URL
        endpoint_url=f"{base}/v1",
        task="conversational",
        timeout=settings.generation_timeout,
        server_kwargs={"headers": headers},
    )
    chat = ServedChat(llm=endpoint, model_id=model, max_tokens=settings.answer_tokens)
    chat._fixed = {"model": model, "temperature": 0.0, "seed": 0}
    chat._choice = choice or Choice()
    chat._counter = TokenCounter(base, headers, model)
    return chat
