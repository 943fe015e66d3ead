"""Where held answers go: from a finished turn to an item for the reviewers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from chatbot.clock import Clock, utc_now
from chatbot.domain import AnswerRecord, Person, Status, sha256_of
from chatbot.policy import Category, Policy
from chatbot.steps.review_item import Answer, ReviewItem

ASKED = "asked for a person"
SAMPLED = "sampled to measure what is missed"
_UNCHECKED = "unchecked"


Also = Callable[[Any], None]
"""What is to be written by the same connection."""
Keep = Callable[[Any, str, str, AnswerRecord], None]
"""Writes a turn by a connection: conversation, owner, record."""


class Queue(Protocol):
    """Where items are kept."""

    def submit(self, item: ReviewItem, also: Also | None = None) -> ReviewItem:
        """Keeps a new item, in one transaction with `also`; the same one again changes nothing."""

    def usual_wait(self, category: str) -> timedelta | None:
        """How long items of that category took lately; None: nobody knows yet."""


class Desk:
    """Hands turns over to the reviewers.

    Args:
        policy: who may decide what, and by when.
        clock: the time, with its zone.
        keep: keeps the turn itself. Held and kept at once, a process that dies leaves no item
            behind that nobody waits for.
    """

    def __init__(
        self,
        queue: Queue,
        policy: Policy,
        clock: Clock = utc_now,
        keep: Keep | None = None,
    ) -> None:
        self._queue = queue
        self._keep = keep
        self._policy = policy
        self._clock = clock

    def hold(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem:
        """Keeps a held turn for the reviewers; it has a place there before the asker is told."""
        item, keep = self._item(record, conversation, person), self._keep
        if keep is None:
            return self._queue.submit(item)
        return self._queue.submit(item, lambda by: keep(by, conversation, person.id, record))

    def ask(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem:
        """The asker wants a person's answer to a turn that was answered or refused."""
        item = replace(self._item(record, conversation, person), reasons=(ASKED,))
        found = self._queue.submit(item)
        if found.kind != "sample":
            return found
        # The sample keeps its place: it measures what the checks missed.
        return self._queue.submit(replace(item, id=sha256_of(f"asked {item.id}")[:32]))

    def sample(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem | None:
        """Has a share of the released answers looked at afterwards, so that misses are measured."""
        if record.status is not Status.RELEASED or not self.chosen(record.id):
            return None
        return self.look(record, conversation, person)

    def look(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem:
        """Has an answer that was given looked at: it can be recalled then."""
        item = self._item(record, conversation, person)
        evidence = tuple(p.passage for p in record.passages)
        answer = Answer(record.sentences, evidence, tuple(() for _ in record.sentences))
        sample = replace(
            item,
            kind="sample",
            reasons=(SAMPLED,),
            answer=answer,
            draft_wanted=False,
            priority=-1,
            needed=1,
        )
        return self._queue.submit(sample)

    def chosen(self, record_id: str) -> bool:
        """Whether that record is one of the share; the same for the same id."""
        place = int.from_bytes(hashlib.sha256(record_id.encode()).digest()[:4], "big")
        return place < self._policy.sample_rate * 2**32

    def usual_wait(self, category: str) -> timedelta:
        """How long an answer usually takes: what was measured, else what the policy promises."""
        return self._queue.usual_wait(category) or self._category(category).respond_within

    def _item(self, record: AnswerRecord, conversation: str, person: Person) -> ReviewItem:
        name = record.screening.category if record.screening else ""
        category, now = self._category(name), self._clock()
        collections = person.collections
        return ReviewItem(
            id=record.id,
            record=record.id,
            conversation=conversation,
            owner=person.id,
            account=person.account,
            collections=None if collections is None else tuple(sorted(collections)),
            question=record.question,
            category=name or _UNCHECKED,
            reasons=record.reasons,
            created_at=now,
            due_at=now + category.respond_within,
            priority=category.priority,
            reviewers=category.reviewers,
            leads=category.leads,
            needed=2 if category.two_signatures else 1,
            policy=self._policy.fingerprint,
        )

    def _category(self, name: str) -> Category:
        return self._policy.category(name)
