"""How a language model is opened, and heard to answer as its adapter before it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from chatbot.adapters.revisions import BASE, SHIPPED, Current, Revisions
from chatbot.errors import AdapterSilent, BadInput, GenerationFailed, ModelUnusable
from chatbot.settings import Settings
from chatbot.steps.probe import PROBE, TOKENS, Heard, objection, recorded

if TYPE_CHECKING:
    from chatbot.adapters.generation import ServedChat
    from chatbot.adapters.llama import LlamaServer

log = structlog.get_logger()


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


def pointed(settings: Settings) -> Current | None:
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
    current = pointed(settings)
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
