"""The answer cache: gives an answer again where it is still what the documents say.

An answer is kept for those who may read the same collections, and for as long as everything that
made it is the same: models, prompts, policy, settings and Countersign's own code. It is given again
while retrieval gives the same passages, word for word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import structlog

from chatbot.adapters.answer_store import Store, answer_key
from chatbot.adapters.cache_upkeep import Upkeep
from chatbot.adapters.cards import Card, Cards
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.flights import Flight, Flights
from chatbot.adapters.hit_checks import Hit, HitChecks
from chatbot.adapters.nearby import Nearby
from chatbot.adapters.open_store import drop_outdated
from chatbot.adapters.retrieval import today_utc
from chatbot.domain import AnswerRecord, Passage, Person, ScoredPassage, Status, sha256_of
from chatbot.errors import where
from chatbot.lifeline import Lifeline
from chatbot.recall import Kind, Remembered, objection, says_not_found
from chatbot.steps.entry import Entry, entry_of, put_together
from chatbot.steps.recall import normal_form, speaks_to
from chatbot.trace import Trace

log = structlog.get_logger()

_REMEMBERED = 1024
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
        given: key of the answer that was given again, how surely it is the right one, and the
            seconds that it saved.
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
    seconds: float = 0.0


class AnswerCache:
    """Where the chain remembers answers: a `chatbot.recall.Memory`.

    Args:
        store: the texts.
        find: retrieval, as the chain does it.
        applied: the catalogue's version that retrieval has caught up with.
        answered_by: names and fingerprints of what answers; where one is another, so may the
            answer be.
        nearby: finds answers to questions in other words; None: the same words alone count.
        checks: holds some of those against fresh answers.
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
        checks: HitChecks | None = None,
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
        self._checks = checks
        self._today = today
        self._flights = Flights(store)
        # By version: whoever asks once more before a document changes reads nothing again.
        self._passages_at = lru_cache(_REMEMBERED)(lambda _version, ids: catalogue.passages(ids))
        seen = lambda: (catalogue.version(), today())  # noqa: E731
        self.upkeep = Upkeep(store, cards, seen, keeping.bytes)

    def find(self, trace: Trace) -> Remembered | None:
        """The answer that was given to this question before, if it can be given again."""
        again = trace.memo is not None
        memo = self._memo(trace)
        if again:
            memo.version, memo.latest = self._versions()
        found = self._given(trace, memo, memo.key, "exact")
        if found is not None or self._nearby is None:
            return found
        if memo.vector is None:
            memo.vector = self._nearby.vector(trace.question)
        best = self._nearby.best(trace.question, memo.vector, memo.partition)
        if best is None:
            return None
        memo.likeness = best.sure
        return self._given(trace, memo, best.key, "semantic", best.rivals)

    def _given(
        self, trace: Trace, memo: Memo, key: str, kind: Kind, rivals: Sequence[str] = ()
    ) -> Remembered | None:
        entry = self.entry(key)
        found = self._current(trace, memo, key, entry, kind) if entry else None
        if found is not None and kind == "semantic":
            found = found if self._fits(trace, found, rivals) else None
        if entry is not None and found is not None:
            memo.given, memo.seconds = key, entry.seconds
        return found

    def _fits(self, trace: Trace, found: Remembered, rivals: Sequence[str]) -> bool:
        """Whether an answer to other words may be one to this question, by the documents and by
        the answers to other questions as near."""
        return not self._contested(found.cited, rivals) and speaks_to(
            found.cited, self._find(trace.question, trace.person)
        )

    def _contested(self, cited: frozenset[str], rivals: Sequence[str]) -> bool:
        """Whether one of those answers rests on other passages."""
        entries = [e for key in rivals if (e := self.entry(key)) is not None]
        return any(cited.isdisjoint(e.cited) for e in entries)

    def tend(self) -> None:
        """What is to be done now and then."""
        if self._nearby is not None:
            self._nearby.catch_up()
        self.upkeep.tend()

    def close(self) -> None:
        """Writes the last figures down."""
        if self._checks is not None:
            self._checks.close()
        self.upkeep.write_figures()

    def board(self, trace: Trace, line: Lifeline) -> None:
        """Waits while somebody else makes this answer."""
        memo = self._memo(trace)
        if not trace.fresh:
            made = lambda: self._store.get(answer_key(memo.key)) is not None  # noqa: E731
            memo.flight = self._flights.board(memo.key, made, line)

    def ended(self, trace: Trace, record: AnswerRecord | None) -> None:
        """Keeps what may be kept of a turn, and lets those go on that wait for it."""
        memo: Memo | None = trace.memo
        if record is not None and trace.conversation:
            self._count(trace, record, memo)
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

    def _count(self, trace: Trace, record: AnswerRecord, memo: Memo | None) -> None:
        """Counts how a question was answered, and has a hit checked."""
        if memo is None or record.cache == "faq":
            self.upkeep.used("", record.cache if record.cache == "faq" else "other", 0.0)
            return
        self.upkeep.used(memo.given, record.cache, memo.seconds)
        if record.cache == "semantic" and self._checks is not None:
            asked, answer = record.question, record.answer
            self._checks.offer(Hit(memo.given, memo.likeness, asked, trace.person, answer))

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
        passages = self._passages_at(memo.latest, tuple(f.id for f in entry.passages))
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

    def why(self, question: str, person: Person) -> dict[str, Any]:
        """What there is for a question, and why it would be given or not."""
        partition = self.partition(person)
        key = key_of(partition, question)
        about: dict[str, Any] = {"partition": partition, "key": key}
        entry = self.entry(key)
        if entry is None and self._nearby is not None:
            vector = self._nearby.vector(question)
            near = self._nearby.likest(question, vector, partition)
            if near is None:
                return about | {"answer": "nothing like it was answered for this reader"}
            wrong, bound = self._nearby.expected_wrong(near)
            about |= {"nearest": near.question, "likeness": round(near.sure, 5),
                      "expected_wrong": round(wrong, 5), "bound": bound}  # fmt: skip
            if wrong > bound:
                return about | {"answer": "the nearest question may want another answer"}
            entry = self.entry(near.key)
            if entry is not None and self._contested(entry.cited, near.rivals):
                return about | {"answer": "other questions as near have other answers"}
        if entry is None:
            return about | {"answer": "it was not answered for this reader"}
        about |= {"record": entry.record, "made_at": entry.made_at, "asked": entry.question}
        return about | {"answer": self._state(entry, person)}

    def _state(self, entry: Entry, person: Person) -> str:
        if not _stands(entry, self._passages(entry), person, self._today()):
            return "a source has changed, or is not this reader's to read"
        same = (entry.version, entry.day) == (self._catalogue.version(), self._today())
        if not same and not self._found_again(entry, person):
            return "other passages are found now"
        return "given again"

    def forget(self, keys: list[str]) -> None:
        """Takes answers out."""
        self.upkeep.forget(keys)


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
