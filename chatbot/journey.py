"""The steps of a question's journey, each a stream into a stream.

What is its own a step turns into the next step's; every event it passes on. So the first sentence
reaches the reader while the model writes the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.retrievers import BaseRetriever

from chatbot import notices
from chatbot.checking import Checking, Describe, Items, Router, not_found
from chatbot.deadline import within
from chatbot.domain import (
    Decision,
    Held,
    Notice,
    Refused,
    Retrieved,
    Screening,
    Status,
)
from chatbot.errors import GenerationFailed, ModelUnusable, where
from chatbot.gate import UNVERIFIED, release
from chatbot.limits import Limits
from chatbot.prompts import Prompt
from chatbot.steps.condense import accepted_rewrite, carried_over, needs_context, recent
from chatbot.steps.ground import ground
from chatbot.steps.rank import relevance
from chatbot.steps.words import sentence_stream
from chatbot.trace import ADAPTER, STAND_IN, Asked, Checked, Found, Prompted, Trace, Voice, Written

log = structlog.get_logger()

_REWRITE_TOKENS = 96
_ENDS = tuple(".!?:;…\"')]”’»。！？")


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
        describe: Describe,
    ) -> None:
        self._router = router
        self._retriever = retriever
        self._model = model
        self._prompts = prompts
        self._limits = limits
        self._describe = describe
        self._checking = Checking(router, embeddings, limits, describe)

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
            yield not_found(trace, "nothing relevant was found", self._describe)
            return
        if found < self._limits.weak_relevance:
            if self._limits.hold_weak:
                yield trace.hold((notices.WEAK,))
                return
            trace.notices.append(notices.HARDLY_FITS)
            yield Notice(notices.HARDLY_FITS)
        yield Found(trace)

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
            trace.spend("read", grounded.tokens)
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
                        trace.spend("written", 1)  # these servers send a piece for each token
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
        yield from self._checking.verify(items)

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
