"""What was asked lately and how it went, from the stores; and what the documents do not answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from sqlalchemy import JSON, Connection, Engine, Select, cast, select, type_coerce

from chatbot.adapters.database import transaction
from chatbot.adapters.faq_proposals import apart, is_everyday, wording_of
from chatbot.adapters.schema import answers, conversations, feedback
from chatbot.adapters.schema_review import review_items
from chatbot.domain import Status
from chatbot.notices import NOT_FOUND
from chatbot.steps.clusters import Cluster, Said, clusters
from chatbot.steps.usage import Piece, Turn, pieces

_MOST = 20_000
_READ = 1_000
_WORDINGS = 300
_TOPICS = 12
_A, _I = answers.c, review_items.c


@dataclass(frozen=True, slots=True)
class Usage:
    """What the page shows.

    Attributes:
        pieces: by hour or day, oldest first.
        questions: how many were asked; `given` of them were answered without the model.
        again: how many were taken out and asked once more.
        first: when the first of them was asked; None: there was none.
    """

    pieces: tuple[Piece, ...]
    questions: int
    given: int
    again: int
    first: datetime | None


def usage(engine: Engine, since: datetime, now: datetime) -> Usage:
    """The figures since then, of the newest 20,000 questions."""
    with transaction(engine) as connection:
        turns = [_turn(row) for row in connection.execute(_turns(engine, since))]
        thumbs = select(feedback.c.given_at, feedback.c.value).where(feedback.c.given_at >= since)
        voted = [(_zoned(row.given_at), row.value) for row in connection.execute(thumbs)]
        done = select(_I.created_at, _I.decided_at)
        done = done.where(_I.decided_at >= since, _I.kind == "answer").limit(_MOST)
        decided = [(r.decided_at, r.decided_at - r.created_at) for r in connection.execute(done)]
        again = _asked_again(connection, since)
    return Usage(
        tuple(pieces(turns, voted, decided, since, now)),
        len(turns),
        sum(turn.given for turn in turns),
        again,
        min((turn.at for turn in turns), default=None),
    )


def unanswered(
    engine: Engine, embeddings: Embeddings, since: datetime, least_people: int
) -> list[Cluster]:
    """Questions that the documents do not answer, put together by what they mean.

    One of fewer people is left out, and so is each wording that holds personal data.
    """
    query = (
        select(_A.record, conversations.c.owner)
        .join(conversations, conversations.c.id == _A.conversation_id)
        .where(_A.asked_at >= since, _A.status == Status.REFUSED.value)
        .order_by(_A.asked_at.desc())
        .limit(_READ)
    )
    asked: dict[str, list[tuple[str, str]]] = {}
    with transaction(engine) as connection:
        for row in connection.execute(query):
            record = json.loads(row.record)
            if is_everyday(record) and _not_found(record["notices"]):
                found = asked.setdefault(wording_of(record["question"]), [])
                found.append((record["question"], row.owner))
    said = [Said(v[0][0], frozenset(o for _, o in v), len(v)) for v in asked.values()][:_WORDINGS]
    if not said:
        return []
    vectors = np.asarray(embeddings.embed_documents([s.text for s in said]), np.float32)
    return clusters(said, vectors, apart, least_people)[:_TOPICS]


def _turns(engine: Engine, since: datetime) -> Select[Any]:
    # A text on PostgreSQL has to become JSON first; for SQLite it is.
    read: Any = (cast if engine.dialect.name == "postgresql" else type_coerce)(_A.record, JSON)
    columns = [read[("tokens", kind)].as_integer().label(kind) for kind in ("read", "written")]
    columns.append(read["notices"].as_json().label("notices"))
    query = select(_A.asked_at, _A.status, _A.cache, _A.milliseconds, *columns)
    return query.where(_A.asked_at >= since).order_by(_A.asked_at.desc()).limit(_MOST)


def _turn(row: Any) -> Turn:
    return Turn(
        _zoned(row.asked_at),
        row.status,
        row.cache != "miss",
        row.milliseconds,
        row.status != Status.REFUSED.value or not _not_found(row.notices),
        (row.read or 0) + (row.written or 0),
    )


def _asked_again(connection: Connection, since: datetime) -> int:
    """Turns that were taken out of their conversation and whose question came once more."""
    changed = select(_A.conversation_id).where(_A.current == 0, _A.asked_at >= since).distinct()
    query = (
        select(_A.conversation_id, _A.current, _A.asked_at, _A.record)
        .where(_A.conversation_id.in_(changed), _A.asked_at >= since)
        .order_by(_A.conversation_id, _A.ordinal)
        .limit(_READ)
    )
    found = 0
    for _, rows in groupby(connection.execute(query), key=lambda r: r.conversation_id):
        later: set[str] = set()
        for row in reversed(list(rows)):
            question = json.loads(row.record)["question"]
            found += not row.current and question in later
            later.add(question)
    return found


def _not_found(notices: Sequence[str]) -> bool:
    return bool(notices) and notices[-1].startswith(NOT_FOUND)


def _zoned(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
