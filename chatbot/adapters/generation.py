"""The language model behind LangChain's chat interface: one client for every server.

TGI, vLLM, llama.cpp and `transformers serve` all answer `POST /v1/chat/completions`; the embedded
model is reached in the same way, so that nothing but a URL changes between a laptop and a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import httpx
from huggingface_hub import close_session
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError
from langchain_core.outputs import ChatGenerationChunk
from langchain_huggingface import ChatHuggingFace, HuggingFaceEndpoint
from pydantic import PrivateAttr

from chatbot.adapters.transport import hanging_on, use_own_transport
from chatbot.errors import GenerationFailed
from chatbot.lifeline import Lifeline
from chatbot.settings import Settings

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


class ServedChat(ChatHuggingFace):
    """A chat model on an OpenAI-compatible server, counting tokens with that server's tokenizer."""

    _counter: TokenCounter = PrivateAttr()
    _fixed: dict[str, Any] = PrivateAttr()

    @property
    def _default_params(self) -> dict[str, Any]:
        # The client takes a temperature of 0 for "not given" and sends 0.8, and its URL for the
        # model's name; and it drops the seed.
        return {**super()._default_params, **self._fixed}

    def _stream(
        self, *args: Any, line: Lifeline | None = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        """The answer in pieces.

        Args:
            line: what the answer hangs on; when it is cut, the connection is closed.

        Raises:
            GenerationFailed: the server is down, slow, or answers something that is no answer.
        """
        finished = False
        try:
            for chunk in hanging_on(line, super()._stream(*args, **kwargs)):
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

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """The model's name alone: the client's own fields hold the server's key."""
        yield "model_id", self.model_id

    def get_num_tokens(self, text: str) -> int:
        """Tokens of a text, in the served model's own tokens where the server can tell."""
        return self._counter.count(text)

    def close(self) -> None:
        """Closes the connection that tokens are counted over; they are estimated from then on."""
        self._counter.close()


def close_connections() -> None:
    """Closes the connections that all clients share; the next question would open new ones."""
    close_session()


class TokenCounter:
    """Asks a server for the number of a text's tokens; llama.cpp, TGI and vLLM each their way.

    A server that has no such door is answered for by an estimate that errs on the high side.
    """

    def __init__(self, url: str, headers: dict[str, str], model: str) -> None:
        self._client = httpx.Client(base_url=url, headers=headers, timeout=5.0)
        self._model = model
        self._able = True
        self.count = lru_cache(maxsize=4096)(self._count)

    def close(self) -> None:
        """Closes the connection to the server; from then on tokens are estimated."""
        self._able = False
        self._client.close()

    def _count(self, text: str) -> int:
        if self._able:
            try:
                body = {"content": text, "inputs": text, "prompt": text, "model": self._model}
                answer = self._client.post("/tokenize", json=body).raise_for_status().json()
                return _length(answer)
            except (httpx.HTTPError, ValueError, KeyError, TypeError):
                self._able = False
        return len(text.encode("utf-8", "replace")) // 3 + 1


def _length(answer: Any) -> int:
    if isinstance(answer, list):  # TGI
        return len(answer)
    return int(answer["count"]) if "count" in answer else len(answer["tokens"])


def open_chat(
    url: str,
    key: str | None,
    model: str,
    settings: Settings,
    extra: Mapping[str, Any] | None = None,
) -> ServedChat:
    """A chat model on the server at that base URL (with or without `/v1`).

    Makes no connection. The key, or the word `none`, is always sent as our own header: left to
    itself the client would send the user's Hugging Face token to whatever the URL names.

    Args:
        extra: fields that this server alone knows, sent with each question.
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
    if extra:
        chat._fixed["extra_body"] = dict(extra)
    chat._counter = TokenCounter(base, headers, model)
    return chat
