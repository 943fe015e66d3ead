"""A review item as rows: what queries look at as columns, the whole of it as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Select, and_, delete, insert, or_, select, update

from chatbot.adapters.schema_review import review_bodies, review_items, review_sources
from chatbot.domain import sha256_of
from chatbot.steps.review_item import DECIDED, OPEN, Reviewer, ReviewItem, State
from chatbot.steps.words import content_stems

_SEARCHED = 500  # characters; PostgreSQL keeps at most 2,700 bytes in an index
CLAIMABLE = (State.PENDING, State.ESCALATED, State.CLAIMED)
BODIES = select(review_bodies.c.body).join(review_items, review_items.c.id == review_bodies.c.id)
"""Items in full; add conditions on `review_items`."""
ORDER = (review_items.c.urgency, review_items.c.due_at, review_items.c.id)
"""The order in which open items are worked on: the most urgent, then the earliest due."""


@cache
def _json() -> TypeAdapter[ReviewItem]:
    return TypeAdapter(ReviewItem)


def dumped(item: ReviewItem) -> str:
    """The item as JSON; escapes keep NULs and lone surrogates that no text column takes."""
    return json.dumps(_json().dump_python(item, mode="json"))


def loaded(body: str) -> ReviewItem:
    """The item that `dumped` wrote."""
    return _json().validate_python(json.loads(body))


def put(connection: Connection, item: ReviewItem) -> None:
    """Writes a new item.

    Raises:
        IntegrityError: there is one of that id.
    """
    connection.execute(insert(review_items).values(columns(item)))
    connection.execute(insert(review_bodies).values(id=item.id, body=dumped(item)))
    _put_sources(connection, item)


def replace(connection: Connection, before: ReviewItem, after: ReviewItem) -> bool:
    """Writes a changed item; False, and nothing is written, when it is not `before` any more."""
    same = (review_items.c.id == before.id) & (review_items.c.version == before.version)
    written = connection.execute(update(review_items).where(same).values(columns(after)))
    if written.rowcount != 1:
        return False
    mine = update(review_bodies).where(review_bodies.c.id == after.id)
    connection.execute(mine.values(body=dumped(after)))
    if before.answer != after.answer:
        connection.execute(delete(review_sources).where(review_sources.c.item_id == after.id))
        _put_sources(connection, after)
    return True


def _put_sources(connection: Connection, item: ReviewItem) -> None:
    documents = {document for document, _ in item.answer.sources} if item.answer else set()
    if documents:
        rows = [{"item_id": item.id, "document_id": d} for d in sorted(documents)]
        connection.execute(insert(review_sources), rows)


def columns(item: ReviewItem) -> dict[str, Any]:
    """What queries filter and sort by."""
    is_open, waits = item.state in OPEN, item.state in DECIDED
    return {
        "id": item.id,
        "version": item.version,
        "fence": item.fence,
        "state": item.state.value,
        "open": int(is_open),
        "urgency": -item.priority,
        "due_at": item.due_at,
        "category": item.category,
        "kind": item.kind,
        "reviewer": item.reviewer,
        "lease_until": item.lease_until,
        "roles": "".join(f"|{r}|" for r in (item.leads if item.level else item.reviewers)),
        "barred": "".join(sorted(_barred(item))),
        "record": item.record,
        "conversation": item.conversation,
        "owner": item.owner,
        "draft_wanted": int(is_open and item.draft_wanted and item.kind == "answer"),
        "deliver_after": item.deliver_after if waits else None,
        "outcome": item.signatures[-1].decision if item.decided_at and item.signatures else "",
        "model": item.model,
        "created_at": item.created_at,
        "decided_at": item.decided_at,
        "delivered_at": item.delivered_at,
        "question": plain(item.question).casefold()[:_SEARCHED],
        "words": plain(" ".join(sorted(content_stems(item.question)))),
    }


def takeable(reviewer: Reviewer, categories: Collection[str] | None) -> ColumnElement[bool]:
    """What that person may take, leases aside; `steps.review.may_review` has the last word."""
    roles = [review_items.c.roles.contains(f"|{r}|", autoescape=True) for r in reviewer.roles]
    conditions = [
        review_items.c.open == 1,
        review_items.c.state.in_(CLAIMABLE),
        review_items.c.barred.not_like(f"%{_mark(reviewer.id)}%"),
        or_(False, *roles),
    ]
    if categories is not None:
        conditions.append(review_items.c.category.in_(categories))
    return and_(*conditions)


def plain(text: str) -> str:
    """The text without what a text column does not take."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def bodies(connection: Connection, query: Select[Any]) -> list[ReviewItem]:
    """The items that a query on `BODIES` finds."""
    return [loaded(body) for body in connection.scalars(query)]


def _barred(item: ReviewItem) -> set[str]:
    people = {item.owner, item.account, *(s.reviewer for s in item.signatures)}
    return {_mark(person) for person in people if person}


def _mark(person: str) -> str:
    """A name as letters and digits only, so that no pattern can be hidden in it."""
    return f"<{sha256_of(person)[:16]}>"
