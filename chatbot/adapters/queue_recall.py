"""Who else was given an answer that is taken back: it may have been given again from the cache."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from chatbot.adapters.queue_views import load
from chatbot.adapters.schema import answers, conversations
from chatbot.domain import AnswerRecord
from chatbot.steps.review_item import REACHED, ReviewItem, State

_REASON = "the same answer was taken back from somebody else"


Given = Row[*tuple[Any, ...]]
"""One answer that was given: `id`, `conversation_id`, `record`, `owner`."""


def origin_of(connection: Connection, item: ReviewItem) -> str:
    """The record, or the entry in the FAQ, that an item's answer repeats, or else its own."""
    found = connection.scalar(select(answers.c.record).where(answers.c.id == item.record))
    return (AnswerRecord.from_json(found).repeats if found else "") or item.record


def given(connection: Connection, origins: Collection[str]) -> list[Given]:
    """Every answer that is one of these, or repeats one of them."""
    repeats = (answers.c.record.contains(f'"repeats": "{o}"', autoescape=True) for o in origins)
    query = (
        select(answers.c.id, answers.c.conversation_id, answers.c.record, conversations.c.owner)
        .join(conversations, conversations.c.id == answers.c.conversation_id)
        .where(or_(answers.c.id.in_(origins), (answers.c.cache != "miss") & or_(*repeats)))
    )
    return list(connection.execute(query).all())


def to_be_told(
    connection: Connection, item: ReviewItem, others: Iterable[Given]
) -> Iterator[tuple[ReviewItem, bool]]:
    """An item for each other record with that answer whose asker has to be told, and whether it is
    a new one. An answer that a person has signed or works on is left to that person, unless it is
    the one that the others repeat."""
    origin = origin_of(connection, item)
    for row in others:
        there = load(connection, row.id, lock=True)
        if row.id == item.record:
            continue
        if there is None:
            question = AnswerRecord.from_json(row.record).question
            yield _new(item, row.id, row.conversation_id, row.owner, question), True
        elif _to_be_told(there, row.id == origin):
            yield there, False


def _to_be_told(item: ReviewItem, first: bool) -> bool:
    if item.kind == "sample":
        return item.state is not State.RECALLED
    return first and item.state in REACHED


def _new(item: ReviewItem, record: str, conversation: str, owner: str, question: str) -> ReviewItem:
    return ReviewItem(
        id=record,
        record=record,
        conversation=conversation,
        owner=owner,
        question=question,
        category=item.category,
        reasons=(_REASON,),
        created_at=item.created_at,
        due_at=item.due_at,
        kind="sample",
        reviewers=item.reviewers,
        leads=item.leads,
        draft_wanted=False,
        policy=item.policy,
    )
