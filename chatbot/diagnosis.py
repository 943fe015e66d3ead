"""What `chatbot doctor` tries, each part once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.drift import kept
from chatbot.adapters.queue import ReviewQueue
from chatbot.pings import Ping
from chatbot.settings import Settings
from chatbot.steps.review_item import OPEN

if TYPE_CHECKING:
    from chatbot.adapters.retrieval import HybridRetriever
    from chatbot.opening import Language


def tried_search(retriever: HybridRetriever, catalogue: Catalogue) -> str:
    """What there is to know of the search index, after one search."""
    retriever.find("ready", 1)
    return f"{catalogue.count()} passages, embeddings by {retriever.model}"


def tried_model(language: Language, settings: Settings) -> str:
    """What there is to know of the language model, after one word of its own."""
    next(iter(language.client.stream("Say yes.", max_tokens=1)), None)
    place = settings.generation_url or "this process"
    return f"{language.name} at {place}, adapter {language.adapter or 'none'}"


def tried_desk(queue: ReviewQueue, audit: AuditLog, policy: str) -> Ping:
    """The queue's figures, and whether the audit log is whole."""
    counts, faults = queue.counts(), audit.verify()
    open_ = sum(n for state, n in counts.states.items() if state in OPEN)
    detail = f"{open_} waiting, {counts.overdue} overdue, policy {policy}; audit log "
    state = "failed" if faults else "ready"
    return Ping("review desk", state, detail + (faults[0] if faults else "whole"))


def last_drift(settings: Settings) -> list[Ping]:
    """What the last look for drift has found, where there was one."""
    return [Ping("drift", one.state, one.words) for one in kept(settings.home)[-1:]]
