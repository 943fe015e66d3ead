"""The check of what was written: each sentence against the passages, quotes where nothing holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import structlog
from langchain_core.embeddings import Embeddings

from chatbot import notices
from chatbot.deadline import within
from chatbot.domain import (
    Decision,
    Draft,
    Notice,
    Passage,
    Person,
    Refused,
    Screening,
    Status,
    Turn,
    Verdict,
)
from chatbot.errors import where
from chatbot.limits import Limits
from chatbot.steps import verify
from chatbot.steps.evidence import Evidence, evidence_of, quotable
from chatbot.steps.fragment import is_fragment
from chatbot.steps.quotes import Quotation, best_quotes, likelihoods, quoted, to_the_point
from chatbot.trace import Checked, Trace, Written

log = structlog.get_logger()

Items = Iterator[Any]
Describe = Callable[[Person], dict[str, Any]]
"""What is known of the index and the models; `searched` says what was searched."""

_TOO_WEAK: dict[str, Any] = {"decision": Decision.HOLD, "reasons": (notices.TOO_WEAK,)}


class Router(Protocol):
    """Decides what is sensitive."""

    def screen(self, question: str, history: Sequence[Turn]) -> Screening:
        """Whether a question may be answered at once."""

    def screen_answer(self, sentence: str, cited: str) -> Screening:
        """Whether a sentence of an answer may be shown; `cited` is what it rests on."""


class Checking:
    """Decides on each sentence; arguments as in `chatbot.journey.Steps`."""

    def __init__(
        self, router: Router, embeddings: Embeddings, limits: Limits, describe: Describe
    ) -> None:
        self._router = router
        self._embeddings = embeddings
        self._limits = limits
        self._describe = describe
        self._quote_vectors = lru_cache(maxsize=2048)(self._embed_quotes)
        self._question_vector = lru_cache(maxsize=64)(self._embed_question)

    def verify(self, items: Items) -> Items:
        """Decides on each sentence; quotes the documents where the model wrote nothing."""
        for item in items:
            if not isinstance(item, Written):
                yield item
            elif item.trace.stopped:
                continue
            elif item.sentence is not None:
                yield self._check(item.trace, item.sentence)
            elif not item.trace.sentences and item.trace.status is not Status.HELD:
                yield from self._instead(item)

    def _check(self, trace: Trace, sentence: str) -> Checked:
        def check() -> Checked:
            claim, _ = verify.split_markers(sentence)
            question, evidence = trace.standalone, self._evidence(trace)
            fragment = is_fragment(claim, evidence)
            vectors = self._embed([claim, f"{question} {claim}"] if fragment else [claim])
            asked = verify.Asked(question, vectors[1]) if fragment else None
            least = max(self._limits.support, trace.least_support or 0.0)
            draft, verdict = verify.check(
                sentence, vectors[0], evidence, least, trace.said(), asked
            )
            if verdict.decision is Decision.RELEASE:
                likely = self._likely(question, draft, evidence)
                draft, verdict = to_the_point(
                    draft, verdict, likely, self._limits.quote, fragment=fragment
                )
            return Checked(trace, draft, self._allowed(draft, verdict))

        return self._checked(trace, sentence, check)

    def _likely(self, question: str, draft: Draft, evidence: Sequence[Evidence]) -> list[Quotation]:
        rests_on = {(c.marker, c.quote) for c in draft.citations}
        found = likelihoods(question, self._question_vector(question), evidence)
        return [q for q in found if (q.evidence.marker, q.quote) in rests_on]

    def _checked(self, trace: Trace, sentence: str, check: Callable[[], Checked]) -> Checked:
        try:
            return within(self._limits.check_seconds, check)
        except Exception as error:  # whatever goes wrong in a check, the sentence stays back
            log.error("verification failed", **where(error))
            return Checked(trace, Draft(sentence), None)

    def _allowed(self, draft: Draft, verdict: Verdict) -> Verdict:
        """The verdict on a supported sentence, once the router has read it as well."""
        if verdict.decision is not Decision.RELEASE:
            return verdict
        cited = "\n".join(c.passage.text for c in draft.citations)
        screening = self._router.screen_answer(draft.text, cited)
        if screening.decision is Decision.RELEASE:
            return verdict
        return replace(verdict, decision=Decision.HOLD, reasons=screening.reasons)

    def _instead(self, end: Written) -> Items:
        """Verbatim quotes, when the model wrote nothing that holds."""
        trace = end.trace
        refused = any(notices.MODEL_FOUND_NOTHING in text.upper() for text, _ in trace.dropped)
        question, evidence = trace.standalone, self._evidence(trace)
        vector = self._question_vector(question)
        quotes = best_quotes(question, vector, evidence, self._limits.quote)
        if not quotes:
            reason = "the passages do not hold the answer" if refused else notices.NOTHING_NEAR
            yield not_found(trace, reason, self._describe)
            return
        trace.mode = "quotes"
        missed = notices.NEARLY if refused else notices.UNSUPPORTED
        notice = notices.NO_MODEL if end.failure else missed
        trace.notices.append(notice)
        trace.reasons = (str(end.failure),) if end.failure else ("no supported sentence",)
        yield Notice(notice)
        for quotation in quotes:
            yield self._check_quote(trace, quotation)

    def _check_quote(self, trace: Trace, quotation: Quotation) -> Checked:
        def check() -> Checked:
            draft, verdict = quoted(quotation.evidence, quotation.quote)
            if trace.least_support is not None and quotation.similarity < trace.least_support:
                return Checked(trace, draft, replace(verdict, **_TOO_WEAK))
            return Checked(trace, draft, self._allowed(draft, verdict))

        return self._checked(trace, quotation.quote, check)

    def _evidence(self, trace: Trace) -> list[Evidence]:
        return [
            evidence_of(number, s.passage, self._quote_vectors(s.passage), s.score)
            for number, s in enumerate(trace.passages, 1)
        ]

    def _embed_quotes(self, passage: Passage) -> np.ndarray:
        return self._embed(quotable(passage))

    def _embed_question(self, question: str) -> np.ndarray:
        return np.asarray(self._embeddings.embed_query(question), np.float32)

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self._embeddings.embed_documents(list(texts)), np.float32)


def not_found(trace: Trace, reason: str, describe: Describe) -> Refused:
    """Ends the turn: the documents do not hold the answer, or there are none."""
    searched = describe(trace.person)["searched"]
    trace.status = Status.UNAVAILABLE if not searched else Status.REFUSED
    trace.reasons = (reason if searched else "no documents are indexed",)
    text = f"{notices.NOT_FOUND} Searched: {searched}." if searched else notices.NOTHING_INDEXED
    trace.notices.append(text)
    return Refused(trace.reasons, text)
