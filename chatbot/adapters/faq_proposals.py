"""What many people ask and the FAQ does not answer, from the answers that were given.

Counts only: who asked is never told, a question of few people is left out, and so is each wording
that holds personal data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from sqlalchemy import Engine, select

from chatbot.adapters.database import transaction
from chatbot.adapters.schema import answers, conversations
from chatbot.domain import Decision, Status
from chatbot.steps.clusters import NEAR, Cluster, Said, clusters
from chatbot.steps.differences import differences
from chatbot.steps.faq import FaqEntry
from chatbot.steps.personal_data import personal_data

_READ = 5_000
_WORDINGS = 6


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question that could become an entry.

    Attributes:
        people: how many different people asked it; `times`: how often.
        record: the newest answer that was released for it; empty: there was none.
    """

    question: str
    alternatives: tuple[str, ...]
    people: int
    times: int
    record: str


class FaqProposals:
    """Finds them."""

    def __init__(self, engine: Engine, embeddings: Embeddings) -> None:
        self._engine = engine
        self._embeddings = embeddings

    def find(self, since: datetime, least_people: int, known: Sequence[FaqEntry]) -> list[Proposal]:
        """What was asked since then, of the newest 5,000 questions; the most people first.

        Args:
            least_people: different people who must have asked it.
            known: entries that there are; what they answer is not proposed.
        """
        said = self._said(since)
        if not said:
            return []
        wordings = [w for e in known for w in e.wordings]
        vectors = self._embed([s.text for s in said] + wordings)
        here, there = vectors[: len(said)], vectors[len(said) :]
        near = (here @ there.T).max(axis=1) if wordings else np.zeros(len(said))
        new = np.flatnonzero(near < NEAR)
        fresh = [said[n] for n in new]
        found = clusters(fresh, here[new], apart, least_people)
        return [_proposal(cluster) for cluster in found]

    def _said(self, since: datetime) -> list[Said]:
        """Each everyday wording that stands by itself, with who used it."""
        query = (
            select(answers.c.id, answers.c.record, conversations.c.owner)
            .join(conversations, conversations.c.id == answers.c.conversation_id)
            .where(answers.c.asked_at >= since)
            .order_by(answers.c.asked_at.desc())
            .limit(_READ)
        )
        groups: dict[str, list[tuple[str, str, str]]] = {}
        with transaction(self._engine) as connection:
            for row in connection.execute(query):
                record = json.loads(row.record)
                if is_everyday(record):
                    released = record["status"] == Status.RELEASED.value
                    one = (record["question"], row.owner, row.id if released else "")
                    groups.setdefault(wording_of(record["question"]), []).append(one)
        return [
            Said(
                asked[0][0],
                frozenset(owner for _, owner, _ in asked),
                len(asked),
                tuple(r for _, _, r in asked if r),
            )
            for asked in groups.values()
        ]

    def _embed(self, texts: list[str]) -> np.ndarray:
        return np.asarray(self._embeddings.embed_documents(texts), np.float32)


def apart(one: str, other: str) -> bool:
    """Whether two questions cannot have the same answer: a number, a name, or "not" differs."""
    return bool(differences(one, other))


def _proposal(cluster: Cluster) -> Proposal:
    first, *others = cluster.wordings
    records = [r for w in cluster.wordings for r in w.records]
    return Proposal(
        first.text,
        tuple(w.text for w in others[:_WORDINGS]),
        cluster.people,
        cluster.times,
        records[0] if records else "",
    )


def is_everyday(record: dict[str, Any]) -> bool:
    """Whether it needs neither a reviewer nor the conversation, and points at no one."""
    screening = record.get("screening") or {}
    return (
        screening.get("decision") == Decision.RELEASE.value
        and not screening.get("category")
        and record["standalone"] == record["question"]
        and record.get("cache") != "faq"
        and not personal_data(record["question"])
    )


def wording_of(question: str) -> str:
    """The question without what makes no difference to how it is worded."""
    return " ".join(question.casefold().split()).rstrip("?!. ")
