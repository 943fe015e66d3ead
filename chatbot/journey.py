"""The steps of a question's journey, each a stream into a stream.

What is its own a step turns into the next step's; every event it passes on. So the first sentence
reaches the reader while the model writes the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import structlog
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.retrievers import BaseRetriever

from chatbot import notices
from chatbot.deadline import within
from chatbot.domain import (
    Decision,
    Draft,
    Held,
    Notice,
    Passage,
    Person,
    Refused,
    Retrieved,
    Screening,
    Status,
    Turn,
    Verdict,
)
from chatbot.errors import GenerationFailed, ModelUnusable, where
from chatbot.gate import UNVERIFIED, release
from chatbot.limits import Limits
from chatbot.prompts import Prompt
from chatbot.steps import verify
from chatbot.steps.condense import accepted_rewrite, carried_over, needs_context, recent
from chatbot.steps.evidence import Evidence, evidence_of, quotable
from chatbot.steps.fragment import is_fragment
from chatbot.steps.ground import ground
from chatbot.steps.rank import relevance
from chatbot.steps.verify import Quotation
from chatbot.steps.words import sentence_stream
from chatbot.trace import ADAPTER, STAND_IN, Asked, Checked, Found, Prompted, Trace, Voice, Written

log = structlog.get_logger()

_TOO_WEAK: dict[str, Any] = {"decision": Decision.HOLD, "reasons": (notices.TOO_WEAK,)}
_REWRITE_TOKENS = 96
_ENDS = tuple(".!?:;…\"')]”’»。！？")


class Router(Protocol):
    """Decides what is sensitive."""

    def screen(self, question: str, history: Sequence[Turn]) -> Screening:
        """Whether a question may be answered at once."""

    def screen_answer(self, sentence: str, cited: str) -> Screening:
        """Whether a sentence of an answer may be shown; `cited` is what it rests on."""


Items = Iterator[Any]


class Steps:
    """The steps, with what they need of the world.

    Args:
        router: says what is sensitive.
        retriever: finds passages; takes `k` and `collections`, gives `metadata["scored"]`.
        embeddings: compares sentences with passages.
        model: gives the language model for a conversation (`""`: for none), or raises
            `GenerationFailed` or `ModelUnusable`. Asked once a turn.
        prompts: `answer` and `condense`.
        describe: what is known of the index and the models; `searched` says what was searched.
    """

    def __init__(
        self,
        router: Router,
        retriever: BaseRetriever,
        embeddings: Embeddings,
        model: Callable[[str], Voice],
        prompts: dict[str, Prompt],
        limits: Limits,
        describe: Callable[[Person], dict[str, Any]],
    ) -> None:
        self._router = router
        self._retriever = retriever
        self._embeddings = embeddings
        self._model = model
        self._prompts = prompts
        self._limits = limits
        self._describe = describe
        self._quote_vectors = lru_cache(maxsize=2048)(self._embed_quotes)

    def screen(self, items: Items) -> Items:
        """Lets everyday questions through; the others end here."""
        for item in items:
            trace = item.trace
            trace.screening = screening = self._screened(trace)
            trace.lap("screen")
            if screening.decision is Decision.RELEASE:
                yield item
            elif screening.decision is Decision.REFUSE:
                trace.status, trace.reasons = Status.REFUSED, screening.reasons
                trace.notices.append(screening.text)
                yield Refused(screening.reasons, screening.text)
            else:
                yield trace.hold(screening.reasons, screening.text)

    def _screened(self, trace: Trace) -> Screening:
        try:
            return within(
                self._limits.check_seconds,
                lambda: self._router.screen(trace.question, trace.history),
            )
        except Exception as error:  # whatever goes wrong in a check, the answer stays back
            log.error("screening failed", **where(error))
            return Screening(Decision.HOLD, reasons=(notices.UNSCREENED,))

    def condense(self, items: Items) -> Items:
        """Makes a follow-up a question that stands alone."""
        for item in items:
            if not isinstance(item, Asked):
                yield item
                continue
            trace = item.trace
            trace.standalone = self._standalone(trace)
            trace.lap("condense")
            yield item

    def _standalone(self, trace: Trace) -> str:
        question, history = trace.question, trace.history
        if not needs_context(question, history):
            return question
        if self._limits.condense_with_model:
            rewrite = self._rewrite(trace)
            if rewrite and accepted_rewrite(rewrite, question, history):
                return rewrite
        return carried_over(question, history)

    def _rewrite(self, trace: Trace) -> str:
        prompt = self._prompts["condense"]
        trace.prompts[prompt.name] = prompt.fingerprint
        try:
            model = self._chat(trace)
            budget = (
                self._limits.context_tokens - _REWRITE_TOKENS - model.get_num_tokens(trace.question)
            )
            said = recent(trace.history, model.get_num_tokens, budget // 2)
            messages = prompt.render({"history": said, "question": trace.question})
            return "".join(self._pieces(trace, messages, _REWRITE_TOKENS)).strip()
        except (GenerationFailed, ModelUnusable):
            return ""

    def retrieve(self, items: Items) -> Items:
        """Finds the passages; without a relevant one the journey ends here."""
        for item in items:
            if not isinstance(item, Asked):
                yield item
                continue
            trace = item.trace
            found = self._retriever.invoke(
                trace.standalone, k=self._limits.passages, collections=trace.person.collections
            )
            trace.passages = tuple(document.metadata["scored"] for document in found)
            trace.lap("retrieve")
            yield Retrieved(trace.standalone, trace.passages)
            yield from self._relevant(trace)

    def _relevant(self, trace: Trace) -> Items:
        found = relevance(trace.passages)
        if found < self._limits.relevance:
            yield self._not_found(trace, "nothing relevant was found")
            return
        if found < self._limits.weak_relevance:
            if self._limits.hold_weak:
                yield trace.hold((notices.WEAK,))
                return
            trace.notices.append(notices.HARDLY_FITS)
            yield Notice(notices.HARDLY_FITS)
        yield Found(trace)

    def _not_found(self, trace: Trace, reason: str) -> Refused:
        searched = self._describe(trace.person)["searched"]
        trace.status = Status.UNAVAILABLE if not searched else Status.REFUSED
        trace.reasons = (reason if searched else "no documents are indexed",)
        text = f"{notices.NOT_FOUND} Searched: {searched}." if searched else notices.NOTHING_INDEXED
        trace.notices.append(text)
        return Refused(trace.reasons, text)

    def ground(self, items: Items) -> Items:
        """Writes the prompt: the question and its numbered passages."""
        for item in items:
            if not isinstance(item, Found):
                yield item
                continue
            trace, prompt = item.trace, self._prompts["answer"]
            trace.prompts[prompt.name] = prompt.fingerprint
            try:
                model = self._chat(trace)
            except (GenerationFailed, ModelUnusable) as error:
                yield Written(trace, None, error)
                continue
            budget = self._limits.context_tokens - self._limits.answer_tokens
            grounded = ground(
                trace.standalone, trace.passages, prompt, model.get_num_tokens, budget
            )
            trace.passages = grounded.passages
            trace.lap("ground")
            yield Prompted(trace, grounded.messages)

    def generate(self, items: Items) -> Items:
        """Has the model write, sentence by sentence."""
        for item in items:
            if not isinstance(item, Prompted):
                yield item
                continue
            failure = None
            pieces = self._pieces(item.trace, list(item.messages), self._limits.answer_tokens)
            try:
                for sentence in sentence_stream(pieces):
                    if item.trace.stand_in and notices.STANDS_IN not in item.trace.notices:
                        item.trace.notices.append(notices.STANDS_IN)
                        yield Notice(notices.STANDS_IN)
                    if item.trace.cut and not sentence.endswith(_ENDS):
                        continue  # half a sentence can say what the whole one would not
                    item.trace.lap("first_sentence_written")
                    yield Written(item.trace, sentence)
                    if item.trace.astray():
                        break
            except GenerationFailed as error:
                failure = error
            item.trace.lap("generate")
            yield Written(item.trace, None, failure)

    def _chat(self, trace: Trace) -> BaseChatModel:
        trace.voice = trace.voice or self._model(trace.conversation)
        return trace.voice.chat

    def _pieces(self, trace: Trace, messages: list[BaseMessage], most: int) -> Iterator[str]:
        """The model's words as they come, until the deadline or until no one wants them.

        Raises:
            GenerationFailed: the model failed, or wrote nothing in time.
        """
        model, came = self._chat(trace), False
        rests_on = {scored.passage.document.collection for scored in trace.passages}
        with trace.line.limited(self._limits.deadline) as line:
            try:
                for piece in model.stream(
                    messages, max_tokens=most, line=line, collections=rests_on
                ):
                    trace.stand_in = trace.stand_in or piece.response_metadata.get(STAND_IN, "")
                    trace.adapter = trace.adapter or piece.response_metadata.get(ADAPTER, "")
                    if isinstance(piece.content, str) and piece.content:
                        came = True
                        yield piece.content
                    cut_short = piece.response_metadata.get("finish_reason") == "length"
                    trace.cut |= line.is_cut or cut_short
                    if trace.stopped or line.is_cut:
                        return
            except GenerationFailed:
                if not (line.is_cut and came):
                    raise
                trace.cut = True

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
            return Checked(trace, draft, self._allowed(draft, verdict))

        return self._checked(trace, sentence, check)

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
        if any(notices.MODEL_FOUND_NOTHING in text.upper() for text, _ in trace.dropped):
            yield self._not_found(trace, "the passages do not hold the answer")
            return
        vector = np.asarray(self._embeddings.embed_query(trace.standalone), np.float32)
        quotes = verify.best_quotes(trace.standalone, vector, self._evidence(trace))
        if not quotes:
            yield self._not_found(trace, "nothing in the passages comes near the question")
            return
        trace.mode = "quotes"
        notice = notices.NO_MODEL if end.failure else notices.UNSUPPORTED
        trace.notices.append(notice)
        trace.reasons = (str(end.failure),) if end.failure else ("no supported sentence",)
        yield Notice(notice)
        for quotation in quotes:
            yield self._check_quote(trace, quotation)

    def _check_quote(self, trace: Trace, quotation: Quotation) -> Checked:
        def check() -> Checked:
            draft, verdict = verify.quoted(quotation)
            if trace.least_support is not None and quotation.similarity < trace.least_support:
                return Checked(trace, draft, replace(verdict, **_TOO_WEAK))
            return Checked(trace, draft, self._allowed(draft, verdict))

        return self._checked(trace, quotation.quote, check)

    def gate(self, items: Items) -> Items:
        """Releases what was decided to be released; the first sentence that is held ends all."""
        for item in items:
            if not isinstance(item, Checked):
                yield item
                continue
            trace, draft, verdict = item.trace, item.draft, item.verdict
            if verdict is not None and verdict.decision is Decision.REFUSE:
                trace.dropped.append((draft.text, verdict.reasons))
                continue
            event = release(draft, verdict)
            if isinstance(event, Held):
                trace.dropped.append((draft.text, event.reasons))
                yield trace.hold(event.reasons or (UNVERIFIED,))
                return
            trace.note(draft, verdict)
            yield event

    def collect(self, items: Items) -> Items:
        """In the gate's place where a draft is made for reviewers: keeps all, releases nothing."""
        for item in items:
            if isinstance(item, Checked):
                trace, verdict = item.trace, item.verdict
                problems = verdict.reasons if verdict else (UNVERIFIED,)
                trace.drafted.append((item.draft, problems))
                if problems:
                    trace.dropped.append((item.draft.text, problems))
                else:
                    trace.sentences.append(item.draft)
            yield item

    def _evidence(self, trace: Trace) -> list[Evidence]:
        return [
            evidence_of(number, scored.passage, self._quote_vectors(scored.passage))
            for number, scored in enumerate(trace.passages, 1)
        ]

    def _embed_quotes(self, passage: Passage) -> np.ndarray:
        return self._embed(quotable(passage))

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self._embeddings.embed_documents(list(texts)), np.float32)
