"""What is noted on a question's way, and what its steps hand to each other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from structlog.contextvars import get_contextvars

from chatbot.domain import (
    AnswerRecord,
    Draft,
    Held,
    Person,
    ScoredPassage,
    Screening,
    Status,
    Trial,
    Turn,
    Verdict,
)
from chatbot.errors import CountersignError
from chatbot.gate import HELD_TEXT
from chatbot.lifeline import Lifeline
from chatbot.steps.review_item import Answer
from chatbot.steps.verify import REPEATED
from chatbot.steps.words import content_stems

STAND_IN = "stand_in"
"""In the metadata of a model's words: the name of the model that wrote them in another's place."""
ADAPTER = "adapter"
"""In the same place: the adapter that wrote them, where their collection has one of its own."""
_MOST_REPEATED = 2
_MOST_DROPPED = 3


@dataclass(frozen=True)
class Voice:
    """The model that is to answer a turn, and what the record says of it.

    Attributes:
        model: its name; empty: as everywhere else.
        trial: where a candidate adapter is tried.
    """

    chat: BaseChatModel
    model: str = ""
    adapter: str | None = None
    trial: Trial | None = None


@dataclass
class Trace:
    """What is noted on the way, for the record.

    Attributes:
        conversation: its id; empty where the turn belongs to none.
        voice: the model that answers, once it was asked for.
        stopped: no more is wanted.
        stand_in: the model that wrote in the other's place; empty: none had to.
        adapter: the adapter of the passages' collection; empty: the general one wrote.
        line: what the answer hangs on; whoever asked may cut it at any time.
        cut: the model was stopped before it had ended.
        drafted: for the reviewers, each sentence with what is wrong with it.
        fresh: the asker wants a new answer.
        cache: `miss`, or how an earlier answer was found; `repeats`: the record that was.
        memo: what the answer cache has noted of this turn.
        tokens: `read` and `written` by the model.
        request: id of the web request that asked, where there was one.
    """

    question: str
    person: Person
    history: Sequence[Turn]
    conversation: str = ""
    voice: Voice | None = None
    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    standalone: str = ""
    passages: tuple[ScoredPassage, ...] = ()
    sentences: list[Draft] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    dropped: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    reasons: tuple[str, ...] = ()
    status: Status = Status.REFUSED
    mode: str = "none"
    stopped: bool = False
    stand_in: str = ""
    adapter: str = ""
    line: Lifeline = field(default_factory=Lifeline)
    cut: bool = False
    screening: Screening | None = None
    drafted: list[tuple[Draft, tuple[str, ...]]] = field(default_factory=list)
    fresh: bool = False
    cache: str = "miss"
    repeats: str = ""
    memo: Any = None
    tokens: dict[str, int] = field(default_factory=dict)
    request: str = field(default_factory=lambda: get_contextvars().get("request", ""))

    @property
    def least_support(self) -> float | None:
        """How well the documents must support an answer to this question, beyond the usual."""
        return self.screening.support if self.screening else None

    def lap(self, step: str) -> None:
        """Milliseconds since the start, under the step's name; the first time counts."""
        self.timings.setdefault(step, round((time.perf_counter() - self.started) * 1000, 3))

    def spend(self, kind: str, tokens: int) -> None:
        """Counts tokens that the model has `read` or `written`."""
        self.tokens[kind] = self.tokens.get(kind, 0) + tokens

    def said(self) -> frozenset[str]:
        """Content stems of the sentences released so far."""
        return content_stems(" ".join(draft.text for draft in self.sentences))

    def astray(self) -> bool:
        """Whether the model has begun to ramble: what it writes is dropped, or repeats itself."""
        repeated = sum(REPEATED in reasons for _, reasons in self.dropped)
        return repeated >= _MOST_REPEATED or (
            not self.sentences and len(self.dropped) >= _MOST_DROPPED
        )

    def note(self, draft: Draft, verdict: Verdict | None) -> None:
        """Keeps a sentence that the gate has released."""
        self.lap("first_sentence")
        self.sentences.append(draft)
        if verdict is not None:
            self.verdicts.append(verdict)
        self.status = Status.RELEASED
        self.mode = "generated" if self.mode == "none" else self.mode

    def hold(self, reasons: tuple[str, ...], text: str = "") -> Held:
        """Ends the turn: held, whatever was released of it withdrawn."""
        self.status, self.reasons, self.stopped = Status.HELD, reasons, True
        return Held(reasons, f"{text}\n\n{HELD_TEXT}" if text else HELD_TEXT)

    def answer(self) -> Answer:
        """What was drafted, for the reviewers: what is unsupported stands in it, and is marked."""
        drafted = [(d, p) for d, p in self.drafted if REPEATED not in p]
        if self.mode == "quotes":
            drafted = [(draft, problems) for draft, problems in drafted if not problems]
        return Answer(
            tuple(draft for draft, _ in drafted),
            tuple(scored.passage for scored in self.passages),
            tuple(problems for _, problems in drafted),
        )

    def record(self, about: Mapping[str, Any]) -> AnswerRecord:
        """The finished turn; `about` says which models and which index made it."""
        voice = self.voice
        if voice is not None and voice.model:
            about = {**about, "model": voice.model, "adapter": voice.adapter}
        return AnswerRecord(
            id=uuid.uuid4().hex,
            question=self.question,
            standalone=self.standalone,
            status=self.status,
            mode=self.mode,
            sentences=tuple(self.sentences),
            verdicts=tuple(self.verdicts),
            dropped=tuple(self.dropped),
            notices=tuple(self.notices),
            reasons=self.reasons,
            passages=self.passages,
            prompts=self.prompts,
            model=self.stand_in or about["model"],
            adapter=None if self.stand_in else self.adapter or about["adapter"],
            embedding_model=about["embedding_model"],
            index_version=about["index_version"],
            cache=self.cache,
            repeats=self.repeats,
            timings=self.timings,
            asked_at=datetime.now(UTC),
            screening=self.screening,
            policy=about["policy"],
            tokens=self.tokens,
            request=self.request,
            trial=voice.trial if voice is not None and not self.stand_in else None,
        )


@dataclass(frozen=True)
class Asked:
    trace: Trace


@dataclass(frozen=True)
class Found:
    trace: Trace


@dataclass(frozen=True)
class Prompted:
    trace: Trace
    messages: tuple[BaseMessage, ...]


@dataclass(frozen=True)
class Written:
    """A sentence of the model; None: there will be no more, and why where it failed."""

    trace: Trace
    sentence: str | None
    failure: CountersignError | None = None


@dataclass(frozen=True)
class Checked:
    trace: Trace
    draft: Draft
    verdict: Verdict | None
