"""The words of the field, as frozen records. Standard library only.

A question becomes `Retrieved` passages, then `Draft` sentences, each with a `Verdict`; what `gate`
lets through reaches a reader as an `Event`. `AnswerRecord` holds all of it, so that every answer
can be reproduced.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

LIST_ITEM = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s")


@dataclass(frozen=True, slots=True)
class Locator:
    """Where in its document a passage stands, so that a person can find it.

    Attributes:
        heading: the headings above it, outermost first.
        page: page number as printed by the viewer, from 1; None where the format has no pages.
        anchor: id of the nearest element above it that a link can point at, or None.
        start: first character in the document's extracted text.
        end: one past the last character.
    """

    heading: tuple[str, ...] = ()
    page: int | None = None
    anchor: str | None = None
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        where = [f"page {self.page}"] if self.page is not None else []
        return ", ".join(where + ([" › ".join(self.heading)] if self.heading else [])) or "start"


@dataclass(frozen=True, slots=True)
class Document:
    """One indexed document in its current version.

    Attributes:
        id: stable while the document stays at its place in its collection.
        version: SHA-256 of the file's bytes, hexadecimal.
        uri: where it was read from.
        effective: first day on which it counts, or None.
        expires: last day on which it counts, or None.
    """

    id: str
    collection: str
    uri: str
    title: str
    version: str
    media_type: str
    effective: date | None = None
    expires: date | None = None

    def counts_on(self, day: date) -> bool:
        """Whether the document may be answered from on that day."""
        return not (
            (self.effective and day < self.effective) or (self.expires and day > self.expires)
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, small enough to cite; `text` stands in the document word for word."""

    id: str
    document: Document
    ordinal: int
    text: str
    locator: Locator
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage that retrieval found.

    Attributes:
        score: fused score, 0 to 1; comparable within one question only.
        scores: the parts it was made of: `dense` (cosine), `lexical` (BM25), `coverage`
            (share of the question's weight whose words stand in the passage).
    """

    passage: Passage
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker in an answer, the passage it points at, and the exact words there."""

    marker: int
    passage: Passage
    quote: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence that no one has released yet. `text` carries its markers, as in `… [1].`"""

    text: str
    citations: tuple[Citation, ...] = ()

    @property
    def sha256(self) -> str:
        """Fingerprint of the words and of the exact sources that they rest on."""
        sources = [[c.marker, c.passage.document.version, c.quote] for c in self.citations]
        return sha256_of(json.dumps([self.text, sources], ensure_ascii=False))


class Decision(StrEnum):
    """What may happen to a draft."""

    RELEASE = "release"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision about one draft, bound to its exact words by `draft_sha256`."""

    decision: Decision
    draft_sha256: str
    reasons: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Screening:
    """What the router decided, about a question or about a sentence of an answer.

    Attributes:
        category: the policy's category that decided; empty for an everyday question.
        score: probability of that category, 0 to 1; 1.0 where a pattern matched.
        reasons: why, in plain words that the asker may read.
        text: what the policy has the asker told: a refusal, or where to find help at once.
        scores: category → probability.
        support: where set, only what is at least so well supported may be released.
    """

    decision: Decision
    category: str = ""
    score: float = 0.0
    reasons: tuple[str, ...] = ()
    text: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    support: float | None = None


class Status(StrEnum):
    """How a turn ended, for the asker."""

    RELEASED = "released"
    HELD = "held"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier question of a conversation and what was released for it."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: an identity made by the server.

    Attributes:
        collections: what they may read; None means everything.
        account: the name under which they are logged in at the desk, if they are.
    """

    id: str
    collections: frozenset[str] | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Which side of a trial an answer was given on.

    Attributes:
        candidate: revision of the adapter that is tried.
        share: per cent of the conversations that it has.
        side: `candidate` or `incumbent`.
    """

    candidate: str
    share: int
    side: str


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """Everything needed to reproduce one answer and to explain it.

    Attributes:
        mode: `generated`, `quotes` (verbatim sentences) or `none`.
        sentences: what was released, with its citations, in order.
        dropped: drafts that were not released, each with its reasons.
        notices: what was said about the answer in Countersign's own words.
        passages: what retrieval gave, best first, with scores.
        prompts: name of each prompt used → its fingerprint.
        timings: milliseconds by step.
        screening: what the router decided about the question; None: it was never asked.
        policy: fingerprint of the policy that it decided by.
        trial: where a candidate adapter has a share of the traffic and the model was asked.
        cache: `miss`, or how an earlier answer was found: `exact`, `semantic`, `faq`.
        repeats: id of that answer's record, or of the entry in the FAQ.
        tokens: `read` and `written` by the model, as counted on the way.
        request: id of the web request that asked; empty: none did.
    """

    id: str
    question: str
    standalone: str
    status: Status
    mode: str
    sentences: tuple[Draft, ...]
    verdicts: tuple[Verdict, ...]
    dropped: tuple[tuple[str, tuple[str, ...]], ...]
    notices: tuple[str, ...]
    reasons: tuple[str, ...]
    passages: tuple[ScoredPassage, ...]
    prompts: Mapping[str, str]
    model: str
    adapter: str | None
    embedding_model: str
    index_version: int
    cache: str
    timings: Mapping[str, float]
    asked_at: datetime
    reviewer: str | None = None
    screening: Screening | None = None
    policy: str = ""
    trial: Trial | None = None
    repeats: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    request: str = ""

    @property
    def written_by(self) -> str:
        """The model and its adapter, as one name."""
        return called(self.model, self.adapter)

    @property
    def answer(self) -> str:
        """The released words, markers included."""
        return join_sentences(s.text for s in self.sentences)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Each quote once, in order of first use."""
        return tuple(dict.fromkeys(c for s in self.sentences for c in s.citations))

    def to_json(self) -> str:
        """The record as a JSON text; `from_json` is its inverse."""
        return json.dumps(self, default=_plain, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> AnswerRecord:
        """The record that `to_json` wrote.

        Raises:
            KeyError, ValueError, TypeError: the text is no such record.
        """
        raw = json.loads(text)
        return cls(
            **{
                **raw,
                "status": Status(raw["status"]),
                "screening": screening_from(raw.get("screening")),
                "trial": Trial(**raw["trial"]) if raw.get("trial") else None,
                "sentences": tuple(draft_from(s) for s in raw["sentences"]),
                "verdicts": tuple(_verdict(v) for v in raw["verdicts"]),
                "dropped": tuple((d[0], tuple(d[1])) for d in raw["dropped"]),
                "notices": tuple(raw["notices"]),
                "reasons": tuple(raw["reasons"]),
                "passages": tuple(
                    ScoredPassage(passage_from(p["passage"]), p["score"], p["scores"])
                    for p in raw["passages"]
                ),
                "asked_at": datetime.fromisoformat(raw["asked_at"]),
            }
        )


def _plain(value: Any) -> Any:
    """A record as a mapping, anything else as text: five times as fast as `asdict`."""
    names = getattr(type(value), "__dataclass_fields__", None)
    return str(value) if names is None else {name: getattr(value, name) for name in names}


def screening_from(raw: dict[str, Any] | None) -> Screening | None:
    """The screening that `asdict` took apart."""
    if raw is None:
        return None
    decision, reasons = Decision(raw["decision"]), tuple(raw["reasons"])
    return Screening(**{**raw, "decision": decision, "reasons": reasons})


def draft_from(raw: dict[str, Any]) -> Draft:
    """The draft that `asdict` took apart."""
    cited = ((c["marker"], passage_from(c["passage"]), c["quote"]) for c in raw["citations"])
    return Draft(raw["text"], tuple(Citation(*c) for c in cited))


def _verdict(raw: dict[str, Any]) -> Verdict:
    return Verdict(
        Decision(raw["decision"]), raw["draft_sha256"], tuple(raw["reasons"]), raw["scores"]
    )


def passage_from(raw: dict[str, Any]) -> Passage:
    """The passage that `asdict` took apart."""
    document = {**raw["document"]}
    for day in ("effective", "expires"):
        document[day] = date.fromisoformat(document[day]) if document[day] else None
    locator = {**raw["locator"], "heading": tuple(raw["locator"]["heading"])}
    return Passage(**{**raw, "document": Document(**document), "locator": Locator(**locator)})


def called(model: str, adapter: str | None) -> str:
    """A model and its adapter as one name."""
    return f"{model}, adapter {adapter}" if adapter else model


def join_sentences(sentences: Iterable[str]) -> str:
    """Sentences as one text: a list item starts a line, everything else follows on."""
    text = ""
    for sentence in sentences:
        text += ("\n" if LIST_ITEM.match(sentence) else " ") + sentence if text else sentence
    return text


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Event: the passages that the answer will be made from, best first."""

    standalone: str
    passages: tuple[ScoredPassage, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Event: something that Countersign itself says about the answer, in fixed words."""

    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """Event: the answer is kept back until a person has looked at it.

    What was shown of it before is withdrawn.
    """

    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Event: there will be no answer, and why, in fixed words."""

    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Event, the last of each turn. What it shows of the answer passes `gate.shown`."""

    record: AnswerRecord


def sha256_of(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, hexadecimal. Lone surrogates are kept, not refused."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
