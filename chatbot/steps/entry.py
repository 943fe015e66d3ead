"""An answer as the cache keeps it: its words, and where in which passages they stand.

No passage's text is in it. What a hit shows is read from the catalogue again, so that a passage
which is gone, or is not the asker's to read, cannot come out of the cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from chatbot.domain import (
    AnswerRecord,
    Citation,
    Decision,
    Draft,
    Passage,
    ScoredPassage,
    Status,
    Verdict,
)

_FORM = 1


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that the answer was made from: its id, and how it was found."""

    id: str
    score: float
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Quoted:
    """A citation: its marker, the place of its passage among those found, and the quote's span."""

    marker: int
    passage: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Said:
    """A released sentence, and the verdict that let it through."""

    text: str
    quotes: tuple[Quoted, ...]
    sha256: str
    reasons: tuple[str, ...]
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer in the cache.

    Attributes:
        record: id of the record that it repeats; `made_at`: when that was.
        sentences: none where the answer was that the documents do not say.
        documents: id → version of each document that a passage is from.
        version: the catalogue's version at which retrieval last gave these passages, on `day`.
        seconds: what the answer took to make.
    """

    question: str
    standalone: str
    record: str
    made_at: datetime
    status: Status
    mode: str
    sentences: tuple[Said, ...]
    passages: tuple[Found, ...]
    documents: Mapping[str, str]
    notices: tuple[str, ...]
    reasons: tuple[str, ...]
    version: int
    day: date
    seconds: float

    @property
    def cited(self) -> frozenset[str]:
        """Ids of the passages that its sentences cite."""
        return frozenset(self.passages[q.passage].id for s in self.sentences for q in s.quotes)

    def to_json(self) -> str:
        """The entry as a JSON text; `from_json` is its inverse."""
        raw = asdict(self) | {"form": _FORM, "made_at": self.made_at.isoformat()}
        return json.dumps(raw | {"day": self.day.isoformat()}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Entry:
        """The entry that `to_json` wrote.

        Raises:
            KeyError, ValueError, TypeError, AttributeError: the text is no such entry.
        """
        raw = json.loads(text)
        if raw.pop("form") != _FORM:
            raise ValueError("an entry of another form")
        return cls(
            **raw
            | {
                "status": Status(raw["status"]),
                "made_at": datetime.fromisoformat(raw["made_at"]),
                "day": date.fromisoformat(raw["day"]),
                "sentences": tuple(_said(s) for s in raw["sentences"]),
                "passages": tuple(Found(**f) for f in raw["passages"]),
                "notices": tuple(raw["notices"]),
                "reasons": tuple(raw["reasons"]),
            }
        )


def entry_of(record: AnswerRecord, version: int, day: date) -> Entry:
    """What is kept of an answer.

    Args:
        version: the catalogue's version before the passages were looked for, on that day.

    Raises:
        ValueError: it cites what it was not made from, so it cannot be put together again.
    """
    verdicts = {v.draft_sha256: v for v in record.verdicts}
    order = [s.passage.id for s in record.passages]
    documents = {s.passage.document.id: s.passage.document.version for s in record.passages}
    return Entry(
        question=record.question,
        standalone=record.standalone,
        record=record.id,
        made_at=record.asked_at,
        status=record.status,
        mode=record.mode,
        sentences=tuple(_kept(d, verdicts.get(d.sha256), order) for d in record.sentences),
        passages=tuple(Found(s.passage.id, s.score, dict(s.scores)) for s in record.passages),
        documents=documents,
        notices=record.notices,
        reasons=record.reasons,
        version=version,
        day=day,
        seconds=record.timings.get("total", 0.0) / 1000,
    )


def _kept(draft: Draft, verdict: Verdict | None, order: list[str]) -> Said:
    if verdict is None or verdict.decision is not Decision.RELEASE:
        raise ValueError("a sentence without a verdict that released it")
    quotes = []
    for citation in draft.citations:
        start = citation.passage.text.index(citation.quote)
        place = order.index(citation.passage.id)
        quotes.append(Quoted(citation.marker, place, start, start + len(citation.quote)))
    return Said(draft.text, tuple(quotes), draft.sha256, verdict.reasons, dict(verdict.scores))


def _said(raw: dict[str, Any]) -> Said:
    quotes = tuple(Quoted(**q) for q in raw["quotes"])
    return Said(**raw | {"quotes": quotes, "reasons": tuple(raw["reasons"])})


def put_together(
    entry: Entry, passages: Mapping[str, Passage]
) -> tuple[tuple[tuple[Draft, Verdict], ...], tuple[ScoredPassage, ...]]:
    """The sentences with their verdicts, and the passages, from the catalogue as it is now.

    Args:
        passages: id → passage, with all that the entry names.

    Raises:
        KeyError, IndexError: a passage is not there.
    """
    found = tuple(ScoredPassage(passages[f.id], f.score, f.scores) for f in entry.passages)
    return tuple(_drafted(s, found) for s in entry.sentences), found


def _drafted(said: Said, found: tuple[ScoredPassage, ...]) -> tuple[Draft, Verdict]:
    cited = []
    for quote in said.quotes:
        passage = found[quote.passage].passage
        cited.append(Citation(quote.marker, passage, passage.text[quote.start : quote.end]))
    verdict = Verdict(Decision.RELEASE, said.sha256, said.reasons, said.scores)
    return Draft(said.text, tuple(cited)), verdict
