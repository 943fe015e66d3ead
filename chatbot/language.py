"""The language model that answers, changed over when another adapter is promoted."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from chatbot.adapters.breaker import Breaker
from chatbot.adapters.revisions import BASE, SHIPPED, Current, Revisions
from chatbot.background import Background
from chatbot.domain import Trial, called
from chatbot.errors import (
    AdapterSilent,
    BadInput,
    CountersignError,
    GenerationFailed,
    ModelUnusable,
    where,
)
from chatbot.settings import Settings
from chatbot.shadow import Wanted
from chatbot.steps.canary import CANDIDATE, INCUMBENT, on_candidate
from chatbot.steps.probe import PROBE, TOKENS, Heard, objection, recorded
from chatbot.trace import Voice

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from chatbot.adapters.generation import ServedChat
    from chatbot.adapters.llama import LlamaServer

log = structlog.get_logger()

LOAD_SECONDS = 120.0
_AGAIN = 10.0
"""Seconds until a server that did not prove its adapter is asked again."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An adapter that answers in a share of the conversations.

    Attributes:
        client: asks it and no other.
        share: per cent of the conversations.
    """

    client: ServedChat
    adapter: str
    revision: str
    share: int


@dataclass(slots=True)
class Language:
    """The language model, its name, its adapter, and the embedded server behind it.

    Attributes:
        client: asks this model and no other.
        bare: asks the model below the adapter; None: there is no adapter, or no way to.
        candidate: what is tried beside it.
        trouble: why it answers without its adapter or its candidate; empty: it does not.
        stands_in: it answers in its adapter's place.
    """

    client: ServedChat
    name: str
    adapter: str | None = None
    server: LlamaServer | None = None
    bare: ServedChat | None = None
    candidate: Candidate | None = None
    trouble: str = ""
    stands_in: bool = False

    def close(self) -> None:
        """Stops the embedded server; connections to other models stay open."""
        self.client.close()
        if self.bare is not None:
            self.bare.close()
        if self.candidate is not None:
            self.candidate.client.close()
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
                return Voice(FallbackChat(first=None, second=self._embedded, breaker=self._breaker))
            raise GenerationFailed(error.what, error.remedy) from error
        except CountersignError as error:
            raise GenerationFailed(error.what, error.remedy) from error
        chat: BaseChatModel = language.client
        if falls_back:
            both: dict[str, Any] = {"first": chat, "second": self._embedded}
            both["breaker"], after = self._breaker, self._settings.generation_hedge
            chat = HedgedChat(**both, after=after) if after else FallbackChat(**both)
        elif language.stands_in:
            named = (chat, language.name)
            chat = FallbackChat(first=None, second=lambda: named, breaker=self._breaker)
        incumbent = Voice(chat, language.name, language.adapter)
        return _sided(incumbent, language.candidate, conversation, language.name)

    def shadow(self) -> Wanted | None:
        """The candidate, where it is to answer in the shadow as well."""
        language, current = self.ready(), _current(self._settings)
        tried = language.candidate if language else None
        if tried is None or current is None or current.candidate != tried.revision:
            return None
        name = language.name if language else ""
        return Wanted(Voice(tried.client, name, tried.adapter), tried.revision, current.shadow)

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
            current = _current(self._settings)
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


def _current(settings: Settings) -> Current | None:
    """What was promoted here, where that is what the settings ask for."""
    if settings.generation_url or settings.generation_adapter != "current":
        return None
    return Revisions(settings.adapters_folder).current()


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
        language.trouble, language.stands_in = str(error), True
        return language


def open_proven(settings: Settings) -> Language:
    """The model that the settings name, heard to answer as its adapter where it has one.

    A candidate that cannot be loaded or is not heard takes no part; `trouble` says why.

    Raises:
        AdapterSilent: it answers as if the adapter were not there, or as another adapter.
        ModelUnusable: it cannot be loaded.
    """
    current = _current(settings)
    if current is not None and current.candidate:
        try:
            return _heard(open_language(settings, current), settings, current)
        except ModelUnusable as error:
            log.error("the candidate takes no part", detail=str(error))
            language = _heard(open_language(settings), settings, current)
            language.trouble = str(error)
            return language
    return _heard(open_language(settings), settings, current)


def _heard(language: Language, settings: Settings, current: Current | None) -> Language:
    """The model, once each of its adapters was heard."""
    try:
        if language.adapter:
            known = current is not None and current.revision not in (BASE, SHIPPED)
            revision = current.revision if current is not None and known else ""
            _prove(language.client, language, language.adapter, _recorded(settings, revision))
        if (tried := language.candidate) is not None:
            _prove(tried.client, language, tried.adapter, _recorded(settings, tried.revision))
    except ModelUnusable:
        language.close()
        raise
    return language


def _prove(client: ServedChat, language: Language, adapter: str, then: Heard | None) -> None:
    if language.bare is None:
        return
    try:
        found = objection(hear(client, language.bare), then)
    except GenerationFailed as error:
        found = f"the probe was not answered ({error.what})"
    if found:
        raise AdapterSilent(
            f"The adapter {adapter} was not taken: {found}.",
            "Promote another, or go back with `finetune rollback`; on a server of its own, check "
            "that it has loaded the adapter under the name in COUNTERSIGN_GENERATION_MODEL.",
        )


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


def _recorded(settings: Settings, revision: str) -> Heard | None:
    """What was heard when that revision was promoted; an empty one: it never was."""
    if not revision:
        return None
    try:
        return recorded(Revisions(settings.adapters_folder).card(revision).get("heard", {}))
    except BadInput as error:
        raise ModelUnusable(error.what, error.remedy) from error


def open_language(settings: Settings, current: Current | None = None) -> Language:
    """The model that the settings name, as it comes.

    Args:
        current: names a candidate to be loaded beside its adapter, in the same server.

    Raises:
        ModelUnusable: it cannot be loaded.
    """
    from chatbot.adapters.chosen import Choice, by_name
    from chatbot.adapters.generation import open_chat
    from chatbot.adapters.llama import start_llama

    if settings.generation_url:
        key = settings.generation_key.get_secret_value() if settings.generation_key else None
        url, name = settings.generation_url, settings.generation_model.replace("embedded", "tgi")
        chat = open_chat(url, key, name, settings, by_name(settings.generation_adapters))
        if settings.generation_base is None:
            return Language(chat, name)
        bare = open_chat(url, key, settings.generation_base, settings)
        return Language(chat, settings.generation_base, name, bare=bare)
    tried = None
    if current is not None:
        tried = Revisions(settings.adapters_folder).file(current.candidate)
    server = start_llama(settings, tried)

    def asking(choice: Choice) -> ServedChat:
        return open_chat(server.url, server.key, server.model, settings, choice)

    language = Language(asking(server.choice), server.model, server.adapter, server)
    if server.bare and (server.adapter or server.candidate):
        language.bare = asking(Choice(server.bare))
    if current is not None and server.candidate:
        name, share = server.candidate, current.share
        client = asking(replace(server.choice, general=server.tried))
        language.candidate = Candidate(client, name, current.candidate, share)
    return language
