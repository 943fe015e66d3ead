"""Behind the desk: what is wanted is drafted, what is decided is delivered, whatever goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database
from chatbot.adapters.queue import ReviewQueue
from chatbot.domain import Draft
from chatbot.steps import review
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem, State
from chatbot.worker import Worker

ANNA = Reviewer("anna", frozenset({"reviewer"}))
LEASE = timedelta(minutes=5)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class DraftingChain:
    """Drafts a sentence, or fails for the questions that it is told."""

    fails: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def draft(self, item: ReviewItem) -> tuple[Answer, str]:
        self.asked.append(item.question)
        if item.question in self.fails:
            raise RuntimeError("bug")
        return Answer((Draft(f"About {item.question}"),), (), ((),)), "scripted"


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[ReviewQueue]:
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}")
    yield ReviewQueue(engine, AuditLog(engine, tmp_path / "anchor"))
    engine.dispose()


def item(number: int, created: datetime | None = None) -> ReviewItem:
    now = created or datetime.now(UTC)
    return ReviewItem(
        f"{number:032}", f"{number:032}", "talk", "asker", f"question {number}", "health",
        ("health",), now, now + LEASE,
    )  # fmt: skip


def worker(
    queue: ReviewQueue, chain: DraftingChain, send: Callable[[], object] = lambda: None
) -> Worker:
    return Worker(queue, lambda: cast(Any, chain), send, timedelta(days=30))


def test_what_wants_a_draft_gets_one_and_a_fault_keeps_no_other_waiting(queue: ReviewQueue) -> None:
    chain = DraftingChain(fails={"question 1"})
    for number in range(3):
        queue.submit(item(number))
    worker(queue, chain).draft()
    answers = {i.question: i.answer and i.answer.text for i in queue.list()}
    assert answers == {
        "question 0": "About question 0",
        "question 1": None,
        "question 2": "About question 2",
    }
    chain.fails.clear()
    worker(queue, chain).draft()
    assert queue.wanting_draft(9) == []
    worker(queue, chain).draft()
    assert len(chain.asked) == 4


def test_a_question_withdrawn_while_it_is_drafted_stays_withdrawn(queue: ReviewQueue) -> None:
    one = queue.submit(item(1))

    class Withdrawing(DraftingChain):
        def draft(self, item: ReviewItem) -> tuple[Answer, str]:
            queue.apply(one.id, "asker", "withdrawn", review.withdraw)
            return super().draft(item)

    worker(queue, Withdrawing()).draft()
    assert queue.get(one.id).state is State.WITHDRAWN
    assert queue.get(one.id).answer is None


def test_a_decision_is_delivered_once_it_can_no_longer_be_taken_back(
    queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = queue.submit(item(1))
    hand = worker(queue, DraftingChain())
    hand.draft()
    claimed = queue.apply(one.id, "anna", "claim", lambda i, now: review.claim(i, ANNA, now, LEASE))
    assert claimed.answer
    sha256 = claimed.answer.sha256
    monkeypatch.setattr(review, "UNDO", timedelta(seconds=0.4))
    queue.apply(
        one.id,
        "anna",
        "approve",
        lambda i, now: review.approve(i, ANNA, claimed.fence, sha256, now),
    )
    hand.deliver()
    assert queue.get(one.id).state is State.APPROVED
    time.sleep(0.5)
    hand.deliver()
    hand.deliver()
    assert queue.get(one.id).state is State.DELIVERED


def test_what_nobody_decides_is_given_up_never_released(queue: ReviewQueue) -> None:
    old = queue.submit(item(1, created=LONG_AGO))
    new = queue.submit(item(2))
    worker(queue, DraftingChain()).deliver()
    assert queue.get(old.id).state is State.EXPIRED
    assert queue.get(new.id).state is State.PENDING


def test_it_goes_on_after_a_fault_and_ends_when_told(queue: ReviewQueue) -> None:
    sent: list[int] = []

    def send() -> None:
        sent.append(1)
        if len(sent) == 1:
            raise OSError("the network is down")

    queue.submit(item(1))
    hand = worker(queue, DraftingChain(), send)
    hand.start()
    end = time.monotonic() + 20
    while (queue.wanting_draft(1) or not sent) and time.monotonic() < end:
        time.sleep(0.05)
    hand.close()
    assert queue.wanting_draft(1) == []
    assert sent


def test_who_waits_at_a_page_waits_for_no_mail_server(queue: ReviewQueue) -> None:
    stalled = threading.Event()
    old = queue.submit(item(1, created=LONG_AGO))
    hand = worker(queue, DraftingChain(), lambda: stalled.wait(20))
    hand.start()
    end = time.monotonic() + 10
    while queue.get(old.id).state is not State.EXPIRED and time.monotonic() < end:
        time.sleep(0.05)
    stalled.set()
    hand.close()
    assert queue.get(old.id).state is State.EXPIRED
