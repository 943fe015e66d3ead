"""A finished turn as plain data: what `chatbot ask --json` and the API give alike."""

from __future__ import annotations

from typing import Any

from chatbot.domain import AnswerRecord, Citation, ScoredPassage
from chatbot.gate import Shown


def turn_json(view: Shown, record: AnswerRecord, conversation: str) -> dict[str, Any]:
    """A turn, as far as it may be shown.

    Args:
        view: what the gate lets through of the record.
    """
    return {
        **answer_json(view),
        "conversation": conversation,
        "record": record.id,
        "reasons": list(record.reasons),
        "cache": record.cache,
        "repeats": record.repeats,
        "model": record.model,
        "adapter": record.adapter,
        "mode": record.mode,
        "timings": dict(record.timings),
    }


def answer_json(view: Shown) -> dict[str, Any]:
    """The words that may be shown, and what they rest on."""
    return {
        "status": view.status.value,
        "answer": view.text or view.message,
        "notices": list(view.notices),
        "citations": [citation_json(c) for c in view.citations],
        "passages": [passage_json(p) for p in view.passages],
    }


def citation_json(citation: Citation) -> dict[str, Any]:
    """Where a marker points."""
    document = citation.passage.document
    return {
        "marker": citation.marker,
        "document": document.uri,
        "title": document.title,
        "locator": str(citation.passage.locator),
        "quote": citation.quote,
        "page": citation.passage.locator.page,
        "version": document.version,
    }


def passage_json(scored: ScoredPassage) -> dict[str, Any]:
    """A passage that retrieval found."""
    passage = scored.passage
    return {
        "document": passage.document.uri,
        "title": passage.document.title,
        "locator": str(passage.locator),
        "page": passage.locator.page,
        "text": passage.text,
        "score": scored.score,
        "scores": dict(scored.scores),
        "id": passage.id,
    }
