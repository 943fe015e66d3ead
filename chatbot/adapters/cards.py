"""What the database knows of the answers in the cache: what they rest on, and how they are used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, bindparam, delete, func, insert, or_, select, update

from chatbot.adapters.database import Turn, transaction, writing
from chatbot.adapters.schema import answers, documents, feedback
from chatbot.adapters.schema_cache import (
    cache_checks,
    cache_figures,
    cache_state,
    cached_answers,
    cached_sources,
    cached_vectors,
)
from chatbot.adapters.schema_review import audit_entries, review_items
from chatbot.clock import Clock, utc_now
from chatbot.domain import AnswerRecord
from chatbot.steps.neighbourhood import Observation
from chatbot.steps.review_item import State

_AT_ONCE = 500
_GONE = "a document was deleted or moved"
_GOOD = (State.PENDING, State.CLAIMED, State.APPROVED)
"""States in which a sampled answer is not found wrong."""


@dataclass(frozen=True, slots=True)
class Card:
    """One answer in the cache.

    Attributes:
        key: where its text is in the store.
        documents: id → version of what it rests on.
        vector: the question's, as bytes, and `signs` the signs of its numbers; empty: none.
        seconds: what it took to make; `size`: the bytes that it takes.
        hits: how often it was given again.
        suspended: the change that it did not outlive; empty: none.
    """

    key: str
    partition: str
    record: str
    question: str
    made_at: datetime
    seconds: float
    size: int
    documents: Mapping[str, str]
    vector: bytes = b""
    signs: bytes = b""
    hits: int = 0
    suspended: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A question whose answer is kept; its vector as bytes."""

    key: str
    question: str
    vector: bytes


_QUESTIONS = (
    select(cached_answers.c.key, cached_answers.c.question, cached_vectors.c.vector)
    .join(cached_vectors, cached_vectors.c.key == cached_answers.c.key)
    .where(
        cached_answers.c.seq.in_(bindparam("rows", expanding=True)),
        cached_answers.c.suspended.is_(None),
    )
)


class Cards:
    """Reads and writes the cache's tables."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def add(self, card: Card) -> None:
        """Notes a new answer, in place of what was there under its key."""
        with writing(self._engine, Turn.CARDS) as connection:
            _remove(connection, [card.key])
            connection.execute(
                insert(cached_answers).values(
                    key=card.key,
                    partition=card.partition,
                    record=card.record,
                    question=card.question,
                    made_at=card.made_at,
                    used_at=card.made_at,
                    hits=0,
                    seconds=card.seconds,
                    bytes=card.size,
                    signs=card.signs or None,
                )
            )
            rests_on = [
                {"document_id": d, "version": v, "key": card.key} for d, v in card.documents.items()
            ]
            if rests_on:
                connection.execute(insert(cached_sources), rests_on)
            if card.vector:
                connection.execute(insert(cached_vectors).values(key=card.key, vector=card.vector))

    def remove(self, keys: Collection[str]) -> None:
        """Forgets those answers; that one was suspended is remembered."""
        live = select(cached_answers.c.key).where(cached_answers.c.suspended.is_(None))
        with writing(self._engine, Turn.CARDS) as connection:
            for some in _batches(sorted(keys)):
                found = connection.scalars(live.where(cached_answers.c.key.in_(some)))
                _remove(connection, list(found))

    def suspend(self, keys: Sequence[str], change: str) -> None:
        """Suspends answers because of a change."""
        with writing(self._engine, Turn.CARDS) as connection:
            self._suspend(connection, keys, change)

    def clear(self) -> int:
        """Forgets all of them, and gives how many there were; the figures of the past stay."""
        with writing(self._engine, Turn.CARDS) as connection:
            count = connection.execute(delete(cached_answers)).rowcount
            connection.execute(delete(cached_sources))
            connection.execute(delete(cached_vectors))
        return int(count)

    def suspend_outdated(self, today: date) -> list[str]:
        """Suspends what rests on a document that has changed, is gone, or does not count today;
        gives the keys."""
        sources, now = cached_sources.c, documents.c
        outdated = or_(
            now.id.is_(None),
            now.version != sources.version,
            now.expires < today,
            now.effective > today,
        )
        query = (
            select(sources.document_id, sources.version, now.version.label("is_now"), now.title,
                   now.expires)
            .join(documents, now.id == sources.document_id, isouter=True)
            .where(outdated)
            .distinct()
        )  # fmt: skip
        keys: list[str] = []
        with writing(self._engine, Turn.CARDS) as connection:
            for row in connection.execute(query).all():
                on_it = (sources.document_id == row.document_id) & (sources.version == row.version)
                found = list(connection.scalars(select(sources.key).where(on_it)))
                self._suspend(connection, found, _change(row, today))
                keys += found
        return keys

    def _suspend(self, connection: Any, keys: Sequence[str], change: str) -> None:
        values = {"suspended": change, "suspended_at": self._clock()}
        for some in _batches(keys):
            mine = cached_answers.c.key.in_(some)
            connection.execute(update(cached_answers).where(mine).values(values))
            connection.execute(delete(cached_sources).where(cached_sources.c.key.in_(some)))
            connection.execute(delete(cached_vectors).where(cached_vectors.c.key.in_(some)))

    def since(self, row: int) -> list[tuple[int, str, bytes]]:
        """Answers noted after that row: row, partition, signs; those without signs left out."""
        cards = cached_answers.c
        query = select(cards.seq, cards.partition, cards.signs).where(
            cards.seq > row, cards.signs.is_not(None), cards.suspended.is_(None)
        )
        with transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(cards.seq))
            return [(int(r.seq), r.partition, bytes(r.signs)) for r in rows]

    def questions(self, rows: Sequence[int]) -> list[Stored]:
        """The questions of those rows whose answers can still be given."""
        with transaction(self._engine) as connection:
            found = connection.execute(_QUESTIONS, {"rows": list(rows)}) if rows else ()
            return [Stored(r.key, r.question, bytes(r.vector)) for r in found]

    def observed(self, key: str) -> list[Observation]:
        """What was seen of questions in other words that came near to that answer's."""
        checks = cache_checks.c
        query = select(checks.likeness, checks.same).where(checks.key == key)
        with transaction(self._engine) as connection:
            return [Observation(r.likeness, bool(r.same)) for r in connection.execute(query)]

    def observe(self, key: str, likeness: float, *, same: bool) -> None:
        """Notes whether an answer that was given to a question in other words was right."""
        values = {"key": key, "likeness": likeness, "same": int(same)}
        with writing(self._engine, Turn.CARDS) as connection:
            connection.execute(insert(cache_checks).values(**values, checked_at=self._clock()))

    def checks(self) -> tuple[int, int]:
        """How many answers to questions in other words were checked, and how many were wrong."""
        query = select(func.count(), func.coalesce(func.sum(1 - cache_checks.c.same), 0))
        with transaction(self._engine) as connection:
            checked, wrong = connection.execute(query).one()
        return int(checked), int(wrong)

    def of_records(self, records: Collection[str]) -> list[str]:
        """Keys of the answers that repeat those records."""
        keys: list[str] = []
        with transaction(self._engine) as connection:
            for some in _batches(sorted(records)):
                query = select(cached_answers.c.key).where(cached_answers.c.record.in_(some))
                keys += connection.scalars(query)
        return keys

    def found_wrong(self, seq: int, since: datetime) -> tuple[set[str], int]:
        """Records that a person has decided on, or has found wrong, since then; and how far the
        audit log was read.

        Args:
            seq: of the audit log's last entry that was read.
            since: from when on thumbs down count.
        """
        decided = (
            select(review_items.c.record)
            .join(audit_entries, audit_entries.c.subject == review_items.c.record)
            .where(audit_entries.c.seq > seq)
            .where(
                (review_items.c.kind != "sample")
                | review_items.c.state.not_in([s.value for s in _GOOD])
            )
        )
        down = (feedback.c.value == -1) & (feedback.c.given_at >= since)
        with transaction(self._engine) as connection:
            last = connection.scalar(select(func.coalesce(func.max(audit_entries.c.seq), 0)))
            wrong = set(connection.scalars(decided))
            wrong |= set(connection.scalars(select(feedback.c.answer_id).where(down)))
            query = select(answers.c.record).where(answers.c.id.in_(sorted(wrong)))
            repeated = [AnswerRecord.from_json(r).repeats for r in connection.scalars(query)]
        return wrong | {r for r in repeated if r}, int(last or 0)

    def used(self, hits: Mapping[str, int], figures: Mapping[str, tuple[int, float]]) -> None:
        """Counts hits by key, and figures by kind: how many, and the seconds that they saved."""
        day = self._clock().astimezone(UTC).date().isoformat()
        with writing(self._engine, Turn.CARDS) as connection:
            for key, count in hits.items():
                values = {"hits": cached_answers.c.hits + count, "used_at": self._clock()}
                mine = cached_answers.c.key == key
                connection.execute(update(cached_answers).where(mine).values(values))
            for kind, (count, seconds) in figures.items():
                mine = (cache_figures.c.day == day) & (cache_figures.c.kind == kind)
                values = {
                    "count": cache_figures.c.count + count,
                    "seconds": cache_figures.c.seconds + seconds,
                }
                if not connection.execute(
                    update(cache_figures).where(mine).values(values)
                ).rowcount:
                    new = {"day": day, "kind": kind, "count": count, "seconds": seconds}
                    connection.execute(insert(cache_figures).values(new))

    def least_worth(self, spare: int) -> list[str]:
        """Keys of the answers that are worth least, as many as take up `spare` bytes.

        An answer is worth the seconds that it saves, by the byte; a day without use halves that,
        two thirds two days, and so on.
        """
        cards = cached_answers.c
        query = select(cards.key, cards.hits, cards.seconds, cards.bytes, cards.used_at)
        now, keys = self._clock(), []
        with transaction(self._engine) as connection:
            rows = connection.execute(query.where(cards.suspended.is_(None))).all()

        def worth(row: Any) -> float:
            days = (now - row.used_at).total_seconds() / 86_400
            return float((row.hits + 1) * row.seconds / max(row.bytes, 1) / (1 + max(days, 0.0)))

        for row in sorted(rows, key=worth):
            if spare <= 0:
                break
            keys.append(row.key)
            spare -= row.bytes
        return keys

    def totals(self) -> dict[str, int]:
        """`entries` that can be given, `bytes` that they take, `suspended` ones."""
        cards = cached_answers.c
        count = func.count(), func.coalesce(func.sum(cards.bytes), 0)
        with transaction(self._engine) as connection:
            query = select(*count).where(cards.suspended.is_(None))
            entries, size = connection.execute(query).one()
            suspended = select(func.count()).where(cards.suspended.is_not(None))
            return {
                "entries": int(entries),
                "bytes": int(size),
                "suspended": int(connection.scalar(suspended) or 0),
            }

    def figures(self) -> dict[str, tuple[int, float]]:
        """Kind of hit → how many there were, and the seconds that they saved."""
        kinds = cache_figures.c
        query = select(kinds.kind, func.sum(kinds.count), func.sum(kinds.seconds))
        with transaction(self._engine) as connection:
            rows = connection.execute(query.group_by(kinds.kind)).all()
        return {kind: (int(count), float(seconds)) for kind, count, seconds in rows}

    def state(self, name: str) -> str:
        """What was noted under that name; empty: nothing."""
        with transaction(self._engine) as connection:
            query = select(cache_state.c.value).where(cache_state.c.name == name)
            return connection.scalar(query) or ""

    def note(self, name: str, value: str) -> None:
        """Notes something under a name."""
        with writing(self._engine, Turn.CARDS) as connection:
            connection.execute(delete(cache_state).where(cache_state.c.name == name))
            connection.execute(insert(cache_state).values(name=name, value=value))


def _remove(connection: Any, keys: Collection[str]) -> None:
    for some in _batches(sorted(keys)):
        for table in (cached_answers, cached_sources, cached_vectors):
            connection.execute(delete(table).where(table.c.key.in_(some)))


def _change(row: Any, today: date) -> str:
    if row.is_now is None:
        return _GONE
    if row.is_now != row.version:
        return f"“{row.title}” was changed"
    ended = row.expires is not None and row.expires < today
    return f"“{row.title}” {'has expired' if ended else 'is not in force yet'}"


def _batches(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[i : i + _AT_ONCE] for i in range(0, len(keys), _AT_ONCE)]
