"""What is noted on a question's way, and what its steps hand to each other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from langchain_core.messages import BaseMessage

from chatbot.domain import (
    AnswerRecord,
    Draft,
    Person,
    ScoredPassage,
    Status,
    Turn,
    Verdict,
)
from chatbot.errors import CountersignError
from chatbot.steps.verify import REPEATED
from chatbot.steps.words import content_stems

_MOST_REPEATED = 2
_MOST_DROPPED = 3


@dataclass
class Trace:
    """What is noted on the way, for the record."""

    question: str
    person: Person
    history: Sequence[Turn]
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

    def lap(self, step: str) -> None:
        """Milliseconds since the start, under the step's name; the first time counts."""
        self.timings.setdefault(step, round((time.perf_counter() - self.started) * 1000, 3))

    def said(self) -> frozenset[str]:
        """Content stems of the sentences released so far."""
        return content_stems(" ".join(draft.text for draft in self.sentences))

    def astray(self) -> bool:
        """Whether the model has begun to ramble: what it writes is dropped, or repeats itself."""
        repeated = sum(REPEATED in reasons for _, reasons in self.dropped)
        return repeated >= _MOST_REPEATED or (
            not self.sentences and len(self.dropped) >= _MOST_DROPPED
        )

    def note(self, draft: Draft, verdict: Verdict | None, held: tuple[str, ...] | None) -> None:
        """Keeps what the gate decided about a draft; once held, the turn stays held."""
        self.lap("first_sentence")
        self.sentences.append(draft)
        if verdict is not None:
            self.verdicts.append(verdict)
        if held is None:
            self.status = Status.RELEASED
            self.mode = "generated" if self.mode == "none" else self.mode
        else:
            self.status, self.reasons = Status.HELD, held

    def record(self, about: Mapping[str, Any]) -> AnswerRecord:
        """The finished turn; `about` says which models and which index made it."""
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
            model=about["model"],
            adapter=about["adapter"],
            embedding_model=about["embedding_model"],
            index_version=about["index_version"],
            cache="miss",
            timings=self.timings,
            asked_at=datetime.now(UTC),
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
