"""The language model that answers, changed over when another adapter is promoted."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from chatbot.adapters.breaker import Breaker
from chatbot.adapters.revisions import Revisions
from chatbot.background import Background
from chatbot.domain import called
from chatbot.errors import CountersignError, GenerationFailed, ModelUnusable, where
from chatbot.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from chatbot.adapters.generation import ServedChat
    from chatbot.adapters.llama import LlamaServer

log = structlog.get_logger()

LOAD_SECONDS = 120.0


@dataclass(slots=True)
class Language:
    """The language model, its name, its adapter, and the embedded server behind it.

    Attributes:
        client: asks this model and no other.
    """

    client: ServedChat
    name: str
    adapter: str | None = None
    server: LlamaServer | None = None

    def close(self) -> None:
        """Stops the embedded server; connections to other models stay open."""
        self.client.close()
        if self.server is not None:
            self.server.close()


class LanguageModel:
    """Loads the model in the background, and loads it anew with the adapter that is promoted.

    Attributes:
        loading: what is in use, or on its way to be.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pointer = self._pointed()
        self._changing = threading.Lock()
        self._breaker = Breaker()
        self._stand_in: Background[Language] | None = None
        self._before: list[Language] = []
        self.loading = Background("language model", lambda: open_language(settings))

    def chat(self) -> BaseChatModel:
        """What writes answers; waits while the model loads. Where a server is named, the embedded
        model is asked while that fails.

        Raises:
            GenerationFailed: it cannot be loaded, or takes too long.
        """
        try:
            client = self.loading.get(LOAD_SECONDS).client
        except CountersignError as error:
            raise GenerationFailed(error.what, error.remedy) from error
        if self._settings.generation_url and self._settings.generation_fallback == "embedded":
            from chatbot.adapters.fallback import FallbackChat

            return FallbackChat(first=client, second=self._embedded, breaker=self._breaker)
        return client

    def _embedded(self) -> tuple[BaseChatModel, str]:
        """The model that stands in, loaded when it is wanted for the first time."""
        with self._changing:
            if self._stand_in is None:
                here: dict[str, Any] = {"generation_url": None, "generation_model": "embedded"}
                here["generation_adapters"] = {}  # those are names on that server
                settings = self._settings.model_copy(update=here)
                self._stand_in = Background("stand-in", lambda: open_language(settings))
        language = self._stand_in.get(LOAD_SECONDS)
        return language.client, called(language.name, language.adapter)

    def ready(self) -> Language | None:
        """The model, if it is loaded."""
        return self.loading.get(0) if self.loading.state == "ready" else None

    def follow(self) -> None:
        """Changes over where another adapter was promoted; called every second.

        The model in use goes on until the other is loaded, and for as long as an answer may take
        after that. One that cannot be loaded changes nothing.
        """
        pointer = self._pointed()
        if pointer != self._pointer:
            self._pointer = pointer
            with self._changing:
                self._change()

    def _change(self) -> None:
        other = Background("language model", lambda: open_language(self._settings))
        other.join()
        if other.state != "ready":
            log.error("the promoted adapter could not be loaded", detail=other.detail)
            return
        if (before := self.ready()) is not None:
            self._before.append(before)
            closing = threading.Timer(self._settings.answer_deadline, before.close)
            closing.daemon = True
            closing.start()
        self.loading = other

    def close(self) -> None:
        """Stops the model, and those before it that were still finishing their answers."""
        from chatbot.adapters.generation import close_connections

        with self._changing:
            self.loading.join()
            now = self.ready()
            for language in (*self._before, *([now] if now else [])):
                language.close()
            if self._stand_in is not None:
                self._stand_in.join()
                if self._stand_in.state == "ready":
                    self._stand_in.get(0).close()
            close_connections()

    def _pointed(self) -> str:
        if self._settings.generation_url or self._settings.generation_adapter != "current":
            return ""
        try:
            current = Revisions(self._settings.adapters_folder).current()
        except ModelUnusable as error:
            log.error("the promoted adapter is not known", **where(error))
            return ""
        return current.revision if current else ""


def open_language(settings: Settings) -> Language:
    """The model that the settings name.

    Raises:
        ModelUnusable: it cannot be loaded.
    """
    from chatbot.adapters.chosen import by_name
    from chatbot.adapters.generation import open_chat
    from chatbot.adapters.llama import start_llama

    if settings.generation_url:
        key = settings.generation_key.get_secret_value() if settings.generation_key else None
        name = settings.generation_model.replace("embedded", "tgi")
        choice = by_name(settings.generation_adapters)
        return Language(open_chat(settings.generation_url, key, name, settings, choice), name)
    server = start_llama(settings)
    chat = open_chat(server.url, server.key, server.model, settings, server.choice)
    return Language(chat, server.model, server.adapter, server)
