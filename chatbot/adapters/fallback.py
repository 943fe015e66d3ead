"""One chat model with another in its place while it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel, generate_from_stream
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict

from chatbot.adapters.breaker import Breaker
from chatbot.errors import CountersignError, GenerationFailed
from chatbot.lifeline import Lifeline
from chatbot.trace import STAND_IN


class FallbackChat(BaseChatModel):
    """Asks `first`; where it fails before its first word, or has failed too often, `second`.

    Attributes:
        first: None: there is none that may be asked.
        second: gives the other model and its name, or raises `CountersignError`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    first: BaseChatModel | None
    second: Callable[[], tuple[BaseChatModel, str]]
    breaker: Breaker

    @property
    def _llm_type(self) -> str:
        return "fallback"

    def get_num_tokens(self, text: str) -> int:
        """Tokens of a text in the first model's own."""
        return (self.first or self.second()[0]).get_num_tokens(text)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        line: Lifeline | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """The answer in pieces.

        Raises:
            GenerationFailed: both models fail, or the first does in the middle of its answer.
        """
        failure = None
        if self.first is not None and self.breaker.allows():
            began = False
            try:
                for chunk in self.first._stream(messages, stop, line=line, **kwargs):
                    began = began or bool(chunk.message.content)
                    yield chunk
            except GenerationFailed as error:
                self._count(line)
                if began or (line is not None and line.is_cut):
                    raise
                failure = error
            else:
                self.breaker.succeeded()
                return
        yield from self._instead(messages, stop, failure, line=line, **kwargs)

    def _count(self, line: Lifeline | None) -> None:
        """The first has failed; a reader who left is no failure of it."""
        if line is None or not line.is_cut or line.late:
            self.breaker.failed()

    def _instead(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        failure: GenerationFailed | None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        try:
            model, name = self.second()
        except CountersignError as error:
            raise failure or GenerationFailed(error.what, error.remedy) from error
        for chunk in model._stream(messages, stop, **kwargs):
            chunk.message.response_metadata[STAND_IN] = name
            yield chunk

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, **kwargs))
