"""The language model that answers, changed over when another adapter is promoted."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from chatbot.adapters.breaker import Breaker
from chatbot.adapters.revisions import BASE, SHIPPED, Revisions
from chatbot.background import Background
from chatbot.errors import (
    AdapterSilent,
    BadInput,
    CountersignError,
    GenerationFailed,
    ModelUnusable,
    where,
)
from chatbot.settings import Settings
from chatbot.steps.probe import PROBE, TOKENS, Heard, objection, recorded

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from chatbot.adapters.generation import ServedChat
    from chatbot.adapters.llama import LlamaServer

log = structlog.get_logger()

LOAD_SECONDS = 120.0
_AGAIN = 10.0
"""Seconds until a server that did not prove its adapter is asked again."""


@dataclass(slots=True)
class Language:
    """The language model, its name, its adapter, and the embedded server behind it.

    Attributes:
        client: asks this model and no other.
        bare: asks the model below the adapter; None: there is no adapter, or no way to.
        trouble: why it answers without its adapter; empty: it does not.
    """

    client: ServedChat
    name: str
    adapter: str | None = None
    server: LlamaServer | None = None
    bare: ServedChat | None = None
    trouble: str = ""

    def close(self) -> None:
        """Stops the embedded server; connections to other models stay open."""
        self.client.close()
        if self.bare is not None:
            self.bare.close()
        if self.server is not None:
            self.server.close()


class LanguageModel:
    """Loads the model in the background, and loads it anew with the adapter that is promoted.

    Attributes:
        loading: what is in use, or on its way to be.
        not_taken: why an adapter that was promoted meanwhile does not answer; empty: it does.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pointer = self._pointed()
        self._changing = threading.Lock()
        self._breaker = Breaker()
        self._stand_in: Background[Language] | None = None
        self._before: list[Language] = []
        self._tried = time.monotonic()
        self.not_taken = ""
        self.loading = Background("language model", lambda: open_first(settings))

    def chat(self) -> BaseChatModel:
        """What writes answers; waits while the model loads. Where a server is named, the embedded
        model is asked while that fails; what answers without its adapter stands in for it.

        Raises:
            GenerationFailed: it cannot be loaded, or takes too long.
        """
        from chatbot.adapters.fallback import FallbackChat

        falls_back = self._settings.generation_url and (
            self._settings.generation_fallback == "embedded"
        )
        try:
            language = self.loading.get(LOAD_SECONDS)
        except AdapterSilent as error:
            if falls_back:
                return FallbackChat(first=None, second=self._embedded, breaker=self._breaker)
            raise GenerationFailed(error.what, error.remedy) from error
        except CountersignError as error:
            raise GenerationFailed(error.what, error.remedy) from error
        if falls_back:
            return FallbackChat(
                first=language.client, second=self._embedded, breaker=self._breaker
            )
        if language.trouble:
            named = (language.client, language.name)
            return FallbackChat(first=None, second=lambda: named, breaker=self._breaker)
        return language.client

    def trouble(self) -> str:
        """What the operator should know of the adapter; empty: it answers."""
        language = self.ready()
        return self.not_taken or (language.trouble if language else "")

    def _embedded(self) -> tuple[BaseChatModel, str]:
        """The model that stands in, loaded when it is wanted for the first time."""
        with self._changing:
            if self._stand_in is None:
                here = {"generation_url": None, "generation_model": "embedded"}
                settings = self._settings.model_copy(update=here)
                self._stand_in = Background("stand-in", lambda: open_first(settings))
        language = self._stand_in.get(LOAD_SECONDS)
        adapter = f", adapter {language.adapter}" if language.adapter else ""
        return language.client, f"{language.name}{adapter}"

    def ready(self) -> Language | None:
        """The model, if it is loaded."""
        return self.loading.get(0) if self.loading.state == "ready" else None

    def follow(self) -> None:
        """Changes over where another adapter was promoted; called every second.

        The model in use goes on until the other is loaded, and for as long as an answer may take
        after that. One that cannot be loaded, or does not answer itself, changes nothing. A server
        that did not prove its adapter is asked again now and then.
        """
        if self._unproven() and time.monotonic() - self._tried > _AGAIN:
            self._tried = time.monotonic()
            with self._changing:
                self._change()
        pointer = self._pointed()
        if pointer != self._pointer:
            self._pointer = pointer
            with self._changing:
                self._change()

    def _unproven(self) -> bool:
        asked = self._settings.generation_url and self._settings.generation_base
        return bool(asked) and self.loading.state == "failed"

    def _change(self) -> None:
        other = Background("language model", lambda: open_proven(self._settings))
        other.join()
        if other.state != "ready":
            log.error("the promoted adapter was not taken", detail=other.detail)
            self.not_taken = other.detail
            return
        self.not_taken = ""
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


def open_first(settings: Settings) -> Language:
    """The model that the settings name, or the one in this process without its adapter where that
    does not answer.

    Raises:
        AdapterSilent: a server does not answer as its adapter.
        ModelUnusable: it cannot be loaded.
    """
    try:
        return open_proven(settings)
    except AdapterSilent as error:
        log.error("the adapter was not taken", detail=str(error))
        if settings.generation_url:
            raise
        language = open_language(settings.model_copy(update={"generation_adapter": "none"}))
        language.trouble = str(error)
        return language


def open_proven(settings: Settings) -> Language:
    """The model that the settings name, heard to answer as its adapter where it has one.

    Raises:
        AdapterSilent: it answers as if the adapter were not there, or as another adapter.
        ModelUnusable: it cannot be loaded.
    """
    language = open_language(settings)
    if language.bare is None:
        return language
    try:
        found = objection(hear(language.client, language.bare), _recorded(settings))
    except GenerationFailed as error:
        found = f"the probe was not answered ({error.what})"
    if found:
        language.close()
        raise AdapterSilent(
            f"The adapter {language.adapter} was not taken: {found}.",
            "Promote another, or go back with `finetune rollback`; on a server of its own, check "
            "that it has loaded the adapter under the name in COUNTERSIGN_GENERATION_MODEL.",
        )
    return language


def hear(client: ServedChat, bare: ServedChat) -> Heard:
    """Asks the probe of both. The adapter last: the bare model's memory of the probe is then gone.

    Raises:
        GenerationFailed: one of them does not answer.
    """
    said = []
    for chat in (bare, client):
        pieces = chat.stream(PROBE, max_tokens=TOKENS)
        said.append("".join(p.content for p in pieces if isinstance(p.content, str)))
    return Heard(*said)


def _recorded(settings: Settings) -> Heard | None:
    """What was heard when the adapter was promoted that the settings name."""
    if settings.generation_url or settings.generation_adapter != "current":
        return None
    revisions = Revisions(settings.adapters_folder)
    current = revisions.current()
    if current is None or current.revision in (BASE, SHIPPED):
        return None
    try:
        return recorded(revisions.card(current.revision))
    except BadInput as error:
        raise ModelUnusable(error.what, error.remedy) from error


def open_language(settings: Settings) -> Language:
    """The model that the settings name, as it comes.

    Raises:
        ModelUnusable: it cannot be loaded.
    """
    from chatbot.adapters.generation import open_chat
    from chatbot.adapters.llama import start_llama

    if settings.generation_url:
        key = settings.generation_key.get_secret_value() if settings.generation_key else None
        url, name = settings.generation_url, settings.generation_model.replace("embedded", "tgi")
        chat = open_chat(url, key, name, settings)
        if settings.generation_base is None:
            return Language(chat, name)
        bare = open_chat(url, key, settings.generation_base, settings)
        return Language(chat, settings.generation_base, name, bare=bare)
    server = start_llama(settings)

    def asking(adapter: str | None) -> ServedChat:
        return open_chat(server.url, server.key, server.model, settings, server.worn(adapter))

    bare = asking(None) if server.adapter else None
    return Language(asking(server.adapter), server.model, server.adapter, server, bare)
