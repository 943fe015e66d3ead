"""The answer cache: gives an answer again where it is still what the documents say.

An answer is kept for those who may read the same collections, and for as long as everything that
made it is the same: models, prompts, policy, settings and Countersign's own code. It is given again
while retrieval gives the same passages, word for word.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import structlog

from chatbot.adapters.answer_store import Store, answer_key
from chatbot.adapters.cards import Card, Cards
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.flights import Flight, Flights
from chatbot.adapters.nearby import Nearby
from chatbot.adapters.open_store import drop_outdated
from chatbot.adapters.retrieval import today_utc
from chatbot.clock import utc_now
from chatbot.domain import AnswerRecord, Passage, Person, ScoredPassage, Status, sha256_of
from chatbot.errors import where
from chatbot.lifeline import Lifeline
from chatbot.recall import Kind, Remembered, objection, says_not_found
from chatbot.steps.entry import Entry, entry_of, put_together
from chatbot.steps.recall import normal_form
from chatbot.trace import Trace

log = structlog.get_logger()

_JUDGED = "judged"
_OVERLAP = timedelta(minutes=1)
_OTHERS = "other passages are found now"
Find = Callable[[str, Person], tuple[ScoredPassage, ...]]


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long answers are kept, and how many.

    Attributes:
        seconds: an answer is kept for so long; `negative` seconds: one that says that the
            documents do not say.
        bytes: what all of them may take.
    """

    seconds: float
    negative: float
    bytes: int


@dataclass(slots=True)
class Memo:
    """What the cache notes of one turn.

    Attributes:
        key: where its answer is, or will be.
        version: the catalogue's that retrieval works with at least; `latest`: the newest.
        day: today.
        flight: the right to make the answer, where others wait for it.
        vector: the question's, where it was compared.
        given: key of the answer that was given again, and how surely it is the right one.
    """

    partition: str
    key: str
    version: int
    latest: int
    day: date
    flight: Flight | None = None
    vector: np.ndarray | None = None
    given: str = ""
    likeness: float = 1.0


class AnswerCache:
    """Where the chain remembers answers: a `chatbot.recall.Memory`.

    Args:
        store: the texts.
        find: retrieval, as the chain does it.
        applied: the catalogue's version that retrieval has caught up with.
        answered_by: names and fingerprints of what answers; where one is another, so may the
            answer be.
        nearby: finds answers to questions in other words; None: the same words alone count.
    """

    def __init__(
        self,
        store: Store,
        cards: Cards,
        catalogue: Catalogue,
        find: Find,
        applied: Callable[[], int],
        answered_by: Callable[[], Mapping[str, Any]],
        keeping: Keeping,
        nearby: Nearby | None = None,
        today: Callable[[], date] = today_utc,
    ) -> None:
        self.cards = cards
        self._store = store
        self._catalogue = catalogue
        self._find = find
        self._applied = applied
        self._answered_by = answered_by
        self._keeping = keeping
        self._nearby = nearby
        self._today = today
        self._flights = Flights(store)
        self._seen: tuple[int, date] | None = None
        self._tending, self._counting = threading.Lock(), threading.Lock()
        self._hits: Counter[str] = Counter()
        self._figures: defaultdict[str, list[float]] = defaultdict(list)

    def find(self, trace: Trace) -> Remembered | None:
        """The answer that was given to this question before, if it can be given again."""
        memo = self._memo(trace)
        memo.version, memo.latest = self._versions()
        found = self._given(trace, memo, memo.key, "exact")
        if found is not None or self._nearby is None:
            return found
        if memo.vector is None:
            memo.vector = self._nearby.vector(trace.question)
        best = self._nearby.best(trace.question, memo.vector, memo.partition)
        if best is None:
            return None
        key, memo.likeness = best
        return self._given(trace, memo, key, "semantic")

    def _given(self, trace: Trace, memo: Memo, key: str, kind: Kind) -> Remembered | None:
        entry = self.entry(key)
        found = self._current(trace, memo, key, entry, kind) if entry else None
        if entry is not None and found is not None:
            memo.given = key
            self._used(key, kind, entry.seconds)
        return found

    def _used(self, key: str, kind: str, seconds: float) -> None:
        """Counts a hit, in memory: the asker does not wait for the disk."""
        with self._counting:
            self._hits[key] += 1
            self._figures[kind].append(seconds)

    def tend(self) -> None:
        """What is to be done now and then: suspends what has changed, drops what was found wrong
        and what is not worth its room, writes the figures down."""
        with self._tending:
            seen = (self._catalogue.version(), self._today())
            if seen != self._seen:
                self.suspend_outdated()
                self._seen = seen
            if self._nearby is not None:
                self._nearby.catch_up()
            self._drop_wrong()
            self._write_figures()
            if (spare := self.cards.totals()["bytes"] - self._keeping.bytes) > 0:
                self.forget(self.cards.least_worth(spare + self._keeping.bytes // 10))

    def _drop_wrong(self) -> None:
        """Takes out what a person has decided on or marked as wrong, since the last time."""
        now = utc_now()
        seq, _, since = self.cards.state(_JUDGED).partition(" ")
        looked = datetime.fromisoformat(since) if since else now - _OVERLAP
        wrong, last = self.cards.found_wrong(int(seq or 0), looked - _OVERLAP)
        if wrong:
            self.forget(self.cards.of_records(wrong))
        if last != int(seq or 0) or wrong or not since:
            self.cards.note(_JUDGED, f"{last} {now.isoformat()}")

    def _write_figures(self) -> None:
        with self._counting:
            hits, figures = self._hits, self._figures
            self._hits, self._figures = Counter(), defaultdict(list)
        if figures:
            sums = {kind: (len(saved), sum(saved)) for kind, saved in figures.items()}
            self.cards.used(hits, sums)

    def close(self) -> None:
        """Writes the last figures down."""
        self._write_figures()

    def board(self, trace: Trace, line: Lifeline) -> None:
        """Waits while somebody else makes this answer."""
        memo = self._memo(trace)
        if not trace.fresh:
            made = lambda: self._store.get(answer_key(memo.key)) is not None  # noqa: E731
            memo.flight = self._flights.board(memo.key, made, line)

    def ended(self, trace: Trace, record: AnswerRecord | None) -> None:
        """Keeps what may be kept of a turn, and lets those go on that wait for it."""
        memo: Memo | None = trace.memo
        if memo is None:
            return
        shared = False
        try:
            if record is not None:
                shared = record.cache != "miss" or self._keep(trace, record, memo)
        except Exception as error:  # the answer stands, remembered or not
            log.error("an answer could not be kept in the cache", **where(error))
        finally:
            flight, memo.flight = memo.flight, None
            if flight is not None:
                with suppress(Exception):  # its lease runs out by itself
                    flight.land(shared=shared)

    def _memo(self, trace: Trace) -> Memo:
        if trace.memo is None:
            partition = self.partition(trace.person)
            key = key_of(partition, trace.question)
            trace.memo = Memo(partition, key, *self._versions(), self._today())
        memo: Memo = trace.memo
        return memo

    def _versions(self) -> tuple[int, int]:
        """The catalogue's version that retrieval works with at least, and the newest."""
        latest = self._catalogue.version()
        return min(self._applied(), latest), latest

    def partition(self, person: Person) -> str:
        """Name of the answers that this person may be given."""
        may_read = None if person.collections is None else sorted(person.collections)
        parts = [may_read, dict(self._answered_by())]
        return sha256_of(json.dumps(parts, sort_keys=True))[:32]

    def entry(self, key: str) -> Entry | None:
        """What is kept there; what is no entry is dropped."""
        text = self._store.get(answer_key(key))
        if text is None:
            return None
        try:
            return Entry.from_json(text)
        except (KeyError, ValueError, TypeError, AttributeError):
            self.forget([key])
            return None

    def _current(
        self, trace: Trace, memo: Memo, key: str, entry: Entry, kind: Kind
    ) -> Remembered | None:
        """The answer, if the documents still say it and this person may read them."""
        passages = self._passages(entry)
        if not _stands(entry, passages, trace.person, memo.day):
            self._suspend(key)
            return None
        if (entry.version, entry.day) != (memo.latest, memo.day):
            if not self._found_again(entry, trace.person):
                self._suspend(key, _OTHERS)
                return None
            if not self._moved_on(key, entry, trace.person, memo):
                return None
        checked, found = put_together(entry, passages)
        return Remembered(
            kind=kind,
            checked=checked,
            passages=found,
            standalone=entry.standalone,
            mode=entry.mode,
            notices=entry.notices if entry.sentences else entry.notices[:-1],
            reasons=entry.reasons,
            record=entry.record,
            made_at=entry.made_at,
            refusal="" if entry.sentences else entry.notices[-1],
        )

    def _moved_on(self, key: str, entry: Entry, person: Person, memo: Memo) -> bool:
        """Notes that the answer holds at this version of the catalogue, too; not where a source
        has changed in the same moment."""
        if entry.status is Status.RELEASED:
            moved = replace(entry, version=memo.version, day=memo.day)
            self._store.put(answer_key(key), moved.to_json(), self._keeping.seconds)
        if _stands(entry, self._passages(entry), person, memo.day):
            return True
        self._suspend(key)
        return False

    def _found_again(self, entry: Entry, person: Person) -> bool:
        """Whether retrieval still gives what the answer was made from. The model may have read
        less than was found: the last passages may not have fitted."""
        now = [s.passage.id for s in self._find(entry.standalone, person)]
        then = [f.id for f in entry.passages]
        return bool(then) and now[: len(then)] == then

    def _keep(self, trace: Trace, record: AnswerRecord, memo: Memo) -> bool:
        if objection(trace, record) or memo.partition != self.partition(trace.person):
            return False
        entry = entry_of(record, memo.version, memo.day)
        text = entry.to_json()
        if says_not_found(record):
            self._store.put(answer_key(memo.key), text, self._keeping.negative)
            return True
        vector, signs = self._vector(trace, memo)
        self.cards.add(
            Card(
                key=memo.key,
                partition=memo.partition,
                record=record.id,
                question=record.question,
                made_at=record.asked_at,
                seconds=entry.seconds,
                size=len(text.encode("utf-8", "replace")),
                documents=entry.documents,
                vector=vector,
                signs=signs,
            )
        )
        self._store.put(answer_key(memo.key), text, self._keeping.seconds)
        # Once more: a source may have changed since the answer was made, or while it was put away.
        if _stands(entry, self._passages(entry), trace.person, self._today()):
            if self._nearby is not None:
                self._nearby.catch_up()
            return True
        self._suspend(memo.key)
        return False

    def _vector(self, trace: Trace, memo: Memo) -> tuple[bytes, bytes]:
        if self._nearby is None:
            return b"", b""
        found = memo.vector
        return self._nearby.kept(self._nearby.vector(trace.question) if found is None else found)

    def _passages(self, entry: Entry) -> dict[str, Passage]:
        return self._catalogue.passages([f.id for f in entry.passages])

    def _suspend(self, key: str, change: str = "") -> None:
        """Takes an answer out, noting the change that it did not outlive."""
        if change:
            self.cards.suspend([key], change)
        else:
            self.suspend_outdated()
        self.forget([key])

    def suspend_outdated(self) -> list[str]:
        """Takes every answer out that rests on a document which is not what it was."""
        return drop_outdated(self._store, self.cards, self._today())

    def forget(self, keys: list[str]) -> None:
        """Takes answers out."""
        self._store.drop([answer_key(key) for key in keys])
        self.cards.remove(keys)


def key_of(partition: str, question: str) -> str:
    """Where the answer to a question is, among those of a partition."""
    return sha256_of(f"{partition}\n{normal_form(question)}")[:32]


def _stands(entry: Entry, passages: Mapping[str, Passage], person: Person, day: date) -> bool:
    """Whether all that it rests on is there, counts on that day, and is this person's to read."""
    for found in entry.passages:
        passage = passages.get(found.id)
        if passage is None:
            return False
        document, may_read = passage.document, person.collections
        if not document.counts_on(day) or entry.documents.get(document.id) != document.version:
            return False
        if may_read is not None and document.collection not in may_read:
            return False
    return True
