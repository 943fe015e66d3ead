"""Signed answers reach their askers, once and never stale: `python -m proof.delivery`.

Half of it signs while the asker's page is closed and opens it afterwards; the other half changes a
source between the question and the delivery.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.catalogue import Catalogue, StoredDocument, StoredPassage
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database
from chatbot.adapters.queue import ReviewQueue
from chatbot.desk import Desk
from chatbot.domain import (
    AnswerRecord,
    Citation,
    Document,
    Draft,
    Locator,
    Passage,
    Person,
    Status,
    sha256_of,
)
from chatbot.errors import NotAllowed
from chatbot.gate import shown
from chatbot.policy import load_policy
from chatbot.steps import review
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem, State
from proof.report import Report

_LEASE = timedelta(minutes=10)
_ANNA = Reviewer("anna", frozenset({"reviewer"}))


class Office:
    """The desk without its page, with a clock that can be moved."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime.now(UTC)
        engine = open_database(f"sqlite:///{folder / 'catalogue.db'}")
        self.catalogue = Catalogue(engine)
        audit = AuditLog(engine, folder / "anchor")
        self.queue = ReviewQueue(engine, audit, clock=lambda: self.now)
        self.store = ConversationStore(engine, self.queue.of_conversation)
        self.desk = Desk(self.queue, load_policy("default"), clock=lambda: self.now)

    def document(self, number: int, text: str) -> Passage:
        """Puts a document in, or changes it."""
        key = sha256_of(text)
        document = Document(f"d{number}", "default", f"/{number}", "Fees", key, "text/plain")
        passage = Passage(f"p{uuid.uuid4().hex[:8]}", document, 0, text, Locator(end=len(text)))
        vector = np.zeros(4, np.float32)
        stored = StoredDocument(document, "proof", (StoredPassage(passage, "", key),))
        self.catalogue.store([stored], {key: vector}, "none")
        return passage

    def held(self, number: int, passage: Passage) -> tuple[ReviewItem, Person]:
        """A held question with a draft on the desk."""
        person = Person(f"asker {number}")
        record = _record(f"What is the fee of plan {number}?")
        talk = self.store.create(person.id).id
        item = self.desk.hold(record, talk, person)
        self.store.append(talk, person.id, record)
        draft = Draft(f"{passage.text} [1]", (Citation(1, passage, passage.text),))
        answer = Answer((draft,), (passage,), ((),))
        drafted = self.queue.apply(
            item.id, "system", "drafted", lambda i, now: review.drafted(i, answer, now)
        )
        return drafted, person

    def sign(self, item: ReviewItem) -> ReviewItem:
        """Claims and approves."""
        claimed = self.queue.apply(
            item.id, "anna", "claim", lambda i, now: review.claim(i, _ANNA, now, _LEASE)
        )
        assert claimed.answer
        sha256 = claimed.answer.sha256
        return self.queue.apply(
            item.id,
            "anna",
            "approve",
            lambda i, now: review.approve(i, _ANNA, claimed.fence, sha256, now),
        )

    def deliver_due(self) -> None:
        """What the worker does, once the decisions can no longer be taken back."""
        self.now += review.UNDO
        for item_id in self.queue.due(self.now, 1000):
            self.queue.deliver(item_id)

    def reads(self, item: ReviewItem, person: Person) -> str:
        """What the asker's page shows of the turn when it is opened."""
        found = self.queue.of_conversation(item.conversation, person.id)
        (record,) = self.store.records(item.conversation, person.id)
        return shown(record, found[record.id]).text


def main() -> int:
    """Both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="approvals with the page closed")
    parser.add_argument("--edits", type=int, default=300, help="sources changed meanwhile")
    parser.add_argument("--trusting", action="store_true", help="believe that no source changes")
    asked = parser.parse_args()
    if asked.trusting:
        review.is_current = lambda *_: True
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        closed = _closed_pages(office, asked.count)
        stale = _changed_sources(office, asked.edits)
    return closed.end(asked.count) | stale.end(asked.edits)


def _closed_pages(office: Office, count: int) -> Report:
    report = Report("signed answers not seen exactly once on return")
    waiting = []
    for number in range(count):
        passage = office.document(number, f"The fee of plan {number} is EUR {number + 10}.")
        item, person = office.held(number, passage)
        if office.reads(item, person):
            report.count(f"question {number} was answered before anyone had signed")
        office.sign(item)
        waiting.append((number, item, person, f"{passage.text} [1]"))
    if any(office.reads(item, person) for _, item, person, _ in waiting):
        report.count("an answer was there while it could still be taken back")
    office.deliver_due()
    office.deliver_due()  # a second worker, or the same after a crash
    for number, item, person, text in waiting:
        read = office.reads(item, person)
        seen = [_see(office, item), _see(office, item)]
        good = read == text and seen == [True, False] and office.reads(item, person) == text
        report.count("" if good else f"question {number}: {read!r}, seen {seen}")
    return report


def _see(office: Office, item: ReviewItem) -> bool:
    try:
        office.queue.apply(item.id, "asker", "seen", review.see)
    except NotAllowed:
        return False
    return True


def _changed_sources(office: Office, count: int) -> Report:
    report = Report("stale texts delivered")
    chance = random.Random(5)
    for number in range(10_000, 10_000 + count):
        old = f"The fee of plan {number} is EUR {number}."
        item, person = office.held(number, office.document(number, old))
        before = chance.random() < 0.5
        if before:
            _change(office, chance, number)
        office.sign(item)
        if not before:
            _change(office, chance, number)
        office.deliver_due()
        state = office.queue.get(item.id).state
        wrong = office.reads(item, person) or state is not State.PENDING
        report.count(f"question {number}: {state}" if wrong else "")
    return report


def _change(office: Office, chance: random.Random, number: int) -> None:
    if chance.random() < 0.2:
        office.catalogue.drop([f"d{number}"])
    else:
        office.document(number, f"The fee of plan {number} is EUR {chance.randint(1, 9)}.")


def _record(question: str) -> AnswerRecord:
    return AnswerRecord(
        uuid.uuid4().hex, question, question, Status.HELD, "none", (), (), (), (), ("sensitive",),
        (), {}, "none", None, "none", 1, "miss", {}, datetime.now(UTC),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
