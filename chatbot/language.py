"""The language model that answers, changed over when another adapter is promoted."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from chatbot.adapters.breaker import Breaker
from chatbot.background import Background
from chatbot.domain import Trial, called
from chatbot.errors import AdapterSilent, CountersignError, GenerationFailed, ModelUnusable, where
from chatbot.opening import Candidate, Language, open_first, open_proven, pointed
from chatbot.pings import Ping, tried
from chatbot.settings import Settings
from chatbot.shadow import Wanted
from chatbot.steps.canary import CANDIDATE, INCUMBENT, on_candidate
from chatbot.trace import Voice

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = structlog.get_logger()

LOAD_SECONDS = 120.0
_AGAIN = 10.0
"""Seconds until a server that did not prove its adapter is asked again."""


class LanguageModel:
    """Loads the model in the background once it is wanted, and anew where another is promoted.

    Attributes:
        loading: what is in use, or on its way to be.
        breaker: opens while the server that is named fails again and again.
        not_taken: why an adapter that was promoted meanwhile does not answer; empty: it does.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pointer = self._pointed()
        self._changing = threading.Lock()
        self.breaker = Breaker()
        self._stand_in: Background[Language] | None = None
        self._before: list[Language] = []
        self._tried = time.monotonic()
        self.not_taken = ""
        # Not at once: most commands ask the index alone, and a model takes seconds of a core.
        self.loading = Background("language model", lambda: open_first(settings), at_once=False)

    def voice(self, conversation: str = "") -> Voice:
        """What writes answers in a conversation; waits while the model loads. Where a server is
        named, the embedded model is asked while that fails; what answers without its adapter
        stands in for it.

        Args:
            conversation: its id, by which a candidate's share is drawn; empty: never its.

        Raises:
            GenerationFailed: it cannot be loaded, or takes too long.
        """
        from chatbot.adapters.fallback import FallbackChat
        from chatbot.adapters.hedge import HedgedChat

        falls_back = self._settings.generation_url and (
            self._settings.generation_fallback == "embedded"
        )
        try:
            language = self.loading.get(LOAD_SECONDS)
        except AdapterSilent as error:
            if falls_back:
                return Voice(FallbackChat(first=None, second=self._embedded, breaker=self.breaker))
            raise GenerationFailed(error.what, error.remedy) from error
        except CountersignError as error:
            raise GenerationFailed(error.what, error.remedy) from error
        chat: BaseChatModel = language.client
        if falls_back:
            both: dict[str, Any] = {"first": chat, "second": self._embedded}
            both["breaker"], after = self.breaker, self._settings.generation_hedge
            chat = HedgedChat(**both, after=after) if after else FallbackChat(**both)
        elif language.stands_in:
            named = (chat, language.name)
            chat = FallbackChat(first=None, second=lambda: named, breaker=self.breaker)
        incumbent = Voice(chat, language.name, language.adapter)
        return _sided(incumbent, language.candidate, conversation, language.name)

    def shadow(self) -> Wanted | None:
        """The candidate, where it is to answer in the shadow as well."""
        language, current = self.ready(), pointed(self._settings)
        tried = language.candidate if language else None
        if tried is None or current is None or current.candidate != tried.revision:
            return None
        name = language.name if language else ""
        return Wanted(Voice(tried.client, name, tried.adapter), tried.revision, current.shadow)

    def ping(self) -> Ping:
        """How it is; while the server that is named fails, another in its place is `degraded`."""
        from chatbot.adapters.generation import look_at

        loading, url = self.loading, self._settings.generation_url
        if not url or loading.state == "loading":
            return Ping(loading.name, loading.state, loading.detail)
        failed = "degraded" if self._settings.generation_fallback == "embedded" else "failed"
        if self.breaker.open or loading.state == "failed":
            return Ping(loading.name, failed, loading.detail)
        return tried(loading.name, lambda: look_at(url), failed)

    def trouble(self) -> str:
        """What the operator should know of the adapter; empty: it answers."""
        language = self.ready()
        return self.not_taken or (language.trouble if language else "")

    def _embedded(self) -> tuple[BaseChatModel, str]:
        """The model that stands in, loaded when it is wanted for the first time."""
        with self._changing:
            if self._stand_in is None:
                here: dict[str, Any] = {"generation_url": None, "generation_model": "embedded"}
                here["generation_adapters"] = {}  # those are names on that server
                settings = self._settings.model_copy(update=here)
                self._stand_in = Background("stand-in", lambda: open_first(settings))
        language = self._stand_in.get(LOAD_SECONDS)
        return language.client, called(language.name, language.adapter)

    def ready(self) -> Language | None:
        """The model, if it is loaded."""
        return self.loading.get(0) if self.loading.state == "ready" else None

    def follow(self) -> None:
        """Changes over where another adapter was promoted; called every second.

        The model in use goes on until the other is loaded, and for as long as an answer may take
        after that. One that cannot be loaded, or does not answer itself, changes nothing. A server
        that did not prove its adapter is asked again now and then.
        """
        if not self.loading.begun:
            return
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
        try:
            current = pointed(self._settings)
        except ModelUnusable as error:
            log.error("the promoted adapter is not known", **where(error))
            return ""
        return f"{current.revision} {current.candidate} {current.share}" if current else ""


def _sided(incumbent: Voice, tried: Candidate | None, conversation: str, model: str) -> Voice:
    """The candidate where the conversation is its, else the incumbent."""
    if tried is None or not conversation:
        return incumbent
    if on_candidate(conversation, tried.revision, tried.share):
        trial = Trial(tried.revision, tried.share, CANDIDATE)
        return Voice(tried.client, model, tried.adapter, trial)
    return replace(incumbent, trial=Trial(tried.revision, tried.share, INCUMBENT))
