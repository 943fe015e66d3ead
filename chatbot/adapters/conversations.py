"""Conversations, their answers, and what people thought of them, in the database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from chatbot.adapters.database import transaction, writing
from chatbot.adapters.schema import answers, canary_turns, conversations, feedback, shadow_answers
from chatbot.domain import AnswerRecord, Status, Turn
from chatbot.errors import NotFound
from chatbot.gate import open_to, shown
from chatbot.steps.review_item import ReviewItem

_TITLE_LENGTH = 80
# Made once: each question waits for these, and making a statement takes longer than running it.
_OWNER = select(conversations.c.owner).where(conversations.c.id == bindparam("conversation"))
# Two processes that add to a conversation take turns, so that each answer gets a place of its own.
_OWNER_LOCKED = _OWNER.with_for_update()
_CURRENT = (answers.c.conversation_id == conversations.c.id) & (answers.c.current == 1)
_RECORDS = (
    select(conversations.c.owner, answers.c.record)
    .join(answers, _CURRENT, isouter=True)
    .where(conversations.c.id == bindparam("conversation"))
    .order_by(answers.c.ordinal)
)
_KNOWN = select(answers.c.id).where(answers.c.id == bindparam("id")).exists()
_LENGTH = select(func.max(answers.c.ordinal), func.sum(answers.c.current), _KNOWN).where(
    answers.c.conversation_id == bindparam("conversation")
)
_INSERT = insert(answers)
_NEW = insert(conversations)
_CHANGE = update(conversations).where(conversations.c.id == bindparam("conversation"))
Reviewed = Callable[[str, str], Mapping[str, ReviewItem]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation in its owner's list."""

    id: str
    title: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given, and what became of it.

    Attributes:
        current: it still stands in its conversation.
        rating: 1 or -1, what its asker thought of it; 0: they did not say.
    """

    conversation: str
    current: bool
    record: AnswerRecord
    rating: int


class ConversationStore:
    """Keeps conversations. Whoever asks for one names its owner, and sees only that owner's.

    Args:
        reviewed: gives the items of a conversation on the reviewers' desk, by record.
    """

    def __init__(self, engine: Engine, reviewed: Reviewed = lambda *_: {}) -> None:
        self._engine = engine
        self._reviewed = reviewed

    def create(self, owner: str, name: str = "") -> Conversation:
        """A new, empty conversation.

        Args:
            name: its id, of `new_id`; empty for one that nobody knows yet.
        """
        made = Conversation(name or new_id(), "New conversation", datetime.now(UTC))
        with writing(self._engine) as connection:
            connection.execute(_NEW, {"owner": owner, **asdict(made)})
        return made

    def list(self, owner: str) -> list[Conversation]:
        """The owner's conversations that hold a question, newest first."""
        asked = select(answers.c.conversation_id).where(answers.c.current == 1)
        query = select(conversations).where(
            conversations.c.owner == owner, conversations.c.id.in_(asked)
        )
        rows = self._rows(query.order_by(conversations.c.updated_at.desc()))
        return [Conversation(r.id, r.title, r.updated_at) for r in rows]

    def records(self, conversation: str, owner: str) -> Sequence[AnswerRecord]:
        """The answers of a conversation, oldest first.

        Raises:
            NotFound: there is none of that id, or it is another owner's.
        """
        with transaction(self._engine) as connection:
            rows = connection.execute(_RECORDS, {"conversation": conversation}).all()
        _same(rows[0].owner if rows else None, owner)
        return [AnswerRecord.from_json(row.record) for row in rows if row.record is not None]

    def record(self, record_id: str) -> AnswerRecord:
        """One answer, whoever's it is: for the operator and the auditor.

        Raises:
            NotFound: there is none of that id.
        """
        rows = self._rows(select(answers.c.record).where(answers.c.id == record_id))
        if not rows:
            raise NotFound(f"There is no answer {record_id!r}.", "It may have been deleted.")
        return AnswerRecord.from_json(rows[0].record)

    def place(self, record_id: str) -> tuple[str, str]:
        """Conversation and owner of an answer.

        Raises:
            NotFound: there is none of that id.
        """
        mine = select(conversations.c.id, conversations.c.owner).join(
            answers, answers.c.conversation_id == conversations.c.id
        )
        rows = self._rows(mine.where(answers.c.id == record_id))
        if not rows:
            raise NotFound(f"There is no answer {record_id!r}.", "It may have been deleted.")
        return rows[0].id, rows[0].owner

    def turns(
        self, conversation: str, owner: str, collections: frozenset[str] | None = None
    ) -> Sequence[Turn]:
        """What was asked, and what of the answers has passed the gate.

        Args:
            collections: what whoever reads this may read today; of an answer that rests on more,
                they see nothing. None: everything.
        """
        records = self.records(conversation, owner)
        items = self._reviewed(conversation, owner) if records else {}
        kept = [(r, items.get(r.id)) for r in records]
        return [
            Turn(r.question, shown(r, item).text if open_to(collections, r, item) else "")
            for r, item in kept
        ]

    def append(self, conversation: str, owner: str, record: AnswerRecord) -> None:
        """Keeps a finished turn; the first one gives the conversation its title. The same one
        again changes nothing."""
        with writing(self._engine) as connection:
            self.put(connection, conversation, owner, record)

    def put(
        self, connection: Connection, conversation: str, owner: str, record: AnswerRecord
    ) -> None:
        """`append`, in a transaction of the caller's."""
        _owned(connection, conversation, owner, _OWNER_LOCKED)
        asked = {"conversation": conversation, "id": record.id}
        last, current, known = connection.execute(_LENGTH, asked).one()
        if known:
            return
        row = {
            "id": record.id,
            "conversation_id": conversation,
            "ordinal": (last or 0) + 1,
            "current": 1,
            "asked_at": record.asked_at,
            "status": record.status.value,
            "milliseconds": record.timings.get("total", 0.0),
            "record": record.to_json(),
            "cache": record.cache,
        }
        connection.execute(_INSERT, row)
        if record.trial is not None:
            refused = record.status is Status.REFUSED  # "not in the passages" is dropped, too
            dropped = 0 if refused else len(record.dropped)
            tried = {"answer_id": record.id, "dropped": dropped, **asdict(record.trial)}
            connection.execute(insert(canary_turns).values(tried))
        values: dict[str, Any] = {"updated_at": record.asked_at}
        if not current:
            values["title"] = " ".join(record.question.split())[:_TITLE_LENGTH]
        _change(connection, conversation, values)

    def truncate(self, conversation: str, owner: str, keep: int) -> None:
        """Takes all but the first `keep` turns out of the conversation; their records stay."""
        with writing(self._engine) as connection:
            _owned(connection, conversation, owner)
            ids = connection.scalars(
                select(answers.c.id)
                .where(answers.c.conversation_id == conversation, answers.c.current == 1)
                .order_by(answers.c.ordinal)
            ).all()
            gone = answers.c.id.in_(ids[keep:])
            connection.execute(update(answers).where(gone).values(current=0))

    def rename(self, conversation: str, owner: str, title: str) -> None:
        """Gives a conversation another title; an empty one changes nothing."""
        clean = " ".join(title.split())[:_TITLE_LENGTH]
        with writing(self._engine) as connection:
            _owned(connection, conversation, owner)
            if clean:
                _change(connection, conversation, {"title": clean})

    def delete(self, conversation: str, owner: str) -> None:
        """Deletes a conversation, its answers, and what was thought of them."""
        with writing(self._engine) as connection:
            _owned(connection, conversation, owner)
            ids = select(answers.c.id).where(answers.c.conversation_id == conversation)
            for table in (feedback, canary_turns, shadow_answers):
                connection.execute(delete(table).where(table.c.answer_id.in_(ids)))
            connection.execute(delete(answers).where(answers.c.conversation_id == conversation))
            connection.execute(delete(conversations).where(conversations.c.id == conversation))

    def rate(
        self,
        record_id: str,
        owner: str,
        value: Literal[1, -1, 0],
        reason: str = "",
        comment: str = "",
    ) -> None:
        """Keeps what the owner thinks of one of their answers; 0 takes it back.

        Raises:
            NotFound: there is no such answer, or it is another owner's.
        """
        with writing(self._engine) as connection:
            conversation = connection.scalar(
                select(answers.c.conversation_id).where(answers.c.id == record_id)
            )
            _owned(connection, conversation or "", owner)
            mine = (feedback.c.answer_id == record_id) & (feedback.c.owner == owner)
            connection.execute(delete(feedback).where(mine))
            if value:
                connection.execute(
                    insert(feedback).values(
                        answer_id=record_id,
                        owner=owner,
                        value=value,
                        reason=reason[:200],
                        comment=comment[:4000],
                        given_at=datetime.now(UTC),
                    )
                )

    def ratings(self, conversation: str, owner: str) -> dict[str, int]:
        """Answer id → what the owner thought of it, 1 or -1, where they said so."""
        query = (
            select(feedback.c.answer_id, feedback.c.value)
            .join(answers, answers.c.id == feedback.c.answer_id)
            .where(answers.c.conversation_id == conversation, feedback.c.owner == owner)
        )
        return {row.answer_id: int(row.value) for row in self._rows(query)}

    def liked(self) -> Sequence[AnswerRecord]:
        """Answers that their askers found good, oldest first."""
        query = (
            select(answers.c.record)
            .join(feedback, answers.c.id == feedback.c.answer_id)
            .where(feedback.c.value == 1)
            .order_by(answers.c.id)
        )
        return [AnswerRecord.from_json(row.record) for row in self._rows(query)]

    def disliked(self) -> Sequence[tuple[AnswerRecord, str, str]]:
        """Answers that their askers found bad, oldest first, each with its reason and comment."""
        query = (
            select(answers.c.record, feedback.c.reason, feedback.c.comment)
            .join(feedback, answers.c.id == feedback.c.answer_id)
            .where(feedback.c.value == -1)
            .order_by(answers.c.id)
        )
        return [(AnswerRecord.from_json(r.record), r.reason, r.comment) for r in self._rows(query)]

    def given(self, since: datetime) -> Sequence[Given]:
        """Every answer since then, whoever's, those taken back as well; each conversation in its
        order."""
        columns = (answers.c.conversation_id, answers.c.current, answers.c.record, feedback.c.value)
        query = (
            select(*columns)
            .join(feedback, answers.c.id == feedback.c.answer_id, isouter=True)
            .where(answers.c.asked_at >= since)
            .order_by(answers.c.conversation_id, answers.c.ordinal)
        )
        return [
            Given(r.conversation_id, bool(r.current), AnswerRecord.from_json(r.record),
                  int(r.value or 0))
            for r in self._rows(query)
        ]  # fmt: skip

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with transaction(self._engine) as connection:
            return connection.execute(query).all()


def new_id() -> str:
    """An id that nobody can guess."""
    return uuid.uuid4().hex


def _owned(
    connection: Connection, conversation: str, owner: str, query: Select[Any] = _OWNER
) -> None:
    _same(connection.scalar(query, {"conversation": conversation}), owner)


def _same(found: str | None, owner: str) -> None:
    if found != owner:
        raise NotFound("There is no such conversation.", "It may have been deleted.")


def _change(connection: Connection, conversation: str, values: dict[str, Any]) -> None:
    connection.execute(_CHANGE, {"conversation": conversation, **values})
