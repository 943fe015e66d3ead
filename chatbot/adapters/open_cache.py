"""Settings in, an answer cache out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from langchain_core.embeddings import Embeddings

from chatbot.adapters.answer_cache import AnswerCache, Keeping
from chatbot.adapters.answer_store import Store
from chatbot.adapters.cards import Cards
from chatbot.adapters.embeddings import TextEncoder
from chatbot.adapters.hit_checks import HitChecks
from chatbot.adapters.nearby import Nearby
from chatbot.adapters.retrieval import HybridRetriever
from chatbot.adapters.router import classifier_file
from chatbot.adapters.same_question import open_same_question
from chatbot.chain import Chain
from chatbot.domain import Person, ScoredPassage, sha256_of
from chatbot.errors import ModelUnusable
from chatbot.prompts import load_prompt
from chatbot.settings import Settings

log = structlog.get_logger()

_CHANGES_ANSWERS = (
    "generation_adapters", "generation_base", "generation_context", "generation_url",
    "answer_tokens", "passages", "candidates", "relevance", "weak_relevance", "support",
)  # fmt: skip
_DAY = 86_400.0


def open_cache(
    settings: Settings,
    store: Store,
    retriever: HybridRetriever,
    answered_by: Callable[[], Mapping[str, Any]],
    chain: Callable[[], Chain],
) -> AnswerCache:
    """The cache over that store; `AnswerCache` describes the other arguments."""
    catalogue, dense = retriever.catalogue, retriever.dense

    def find(question: str, person: Person) -> tuple[ScoredPassage, ...]:
        return retriever.find(question, settings.passages, person.collections)

    keeping = Keeping(
        settings.cache_days * _DAY,
        settings.cache_not_found_minutes * 60,
        settings.cache_mb * 1_000_000,
    )
    cards = Cards(catalogue.engine)
    return AnswerCache(
        store,
        cards,
        catalogue,
        find,
        lambda: dense.applied,
        answered_by,
        keeping,
        _nearby(settings, cards, retriever.embeddings),
        HitChecks(chain, cards, settings.cache_checked),
    )


def _nearby(settings: Settings, cards: Cards, encoder: Embeddings) -> Nearby | None:
    """Compares questions; not where that was not learned for this embedding model."""
    if settings.cache_wrong_hits <= 0 or not isinstance(encoder, TextEncoder):
        return None
    try:
        return Nearby(cards, open_same_question(encoder), settings.cache_wrong_hits)
    except ModelUnusable as error:
        log.warning("only the same words are looked for in the answer cache", detail=str(error))
        return None


def made_by(settings: Settings, embedding_model: str) -> str:
    """Fingerprint of all that answers are made and screened by, beside the language model and the
    policy: settings, prompts, classifier, embedding model, code."""
    values = {name: getattr(settings, name) for name in _CHANGES_ANSWERS}
    prompts = {name: load_prompt(name).fingerprint for name in ("answer", "condense")}
    classifier = hashlib.sha256(classifier_file(settings).read_bytes()).hexdigest()
    parts = [values, prompts, classifier, embedding_model, code_fingerprint()]
    return sha256_of(json.dumps(parts, sort_keys=True))


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """SHA-256 of this program: what another release has checked is not taken over from it."""
    package = Path(__file__).resolve().parent.parent
    files = sorted(package.rglob("*.py"))
    return sha256_of("\n".join(f"{f.name} {sha256_of(f.read_text('utf-8'))}" for f in files))
