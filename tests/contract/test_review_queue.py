"""The review queue: one decision each, nothing lost, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select

from chatbot.adapters import queue_rows
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.database import transaction
from chatbot.adapters.outbox_rows import CHAT, WAITING
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.queue_figures import Rates
from chatbot.adapters.schema import metadata
from chatbot.adapters.schema_review import outbox, review_sources
from chatbot.domain import Draft
from chatbot.errors import NotAllowed, NotFound
from chatbot.steps import review
from chatbot.steps.review_item import Answer, Message, Reviewer, ReviewItem, State
from tests.strategies import keep, stored

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LEASE = timedelta(minutes=5)
ANN = Reviewer("ann", frozenset({"reviewer"}))
BOB = Reviewer("bob", frozenset({"reviewer"}))
LEA = Reviewer("lea", frozenset({"lead"}))
CROWNS = stored("Dental", "Crowns wait 240 days.")
SOURCE = CROWNS.passages[0].passage
SOURCED = Answer((Draft("They wait 240 days."),), (SOURCE,), ((),))
PLAIN = Answer((Draft("Ask your dentist."),))


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(engine: Engine, clock: Clock, tmp_path: Path) -> ReviewQueue:
    audit = AuditLog(engine, tmp_path / "audit.anchor", clock=clock)
    return ReviewQueue(engine, audit, clock, channels=("webhook", "email"))


def item(number: int = 1, **changed: Any) -> ReviewItem:
    values: dict[str, Any] = {
        "id": f"i{number}",
        "record": f"r{number}",
        "conversation": "c1",
        "owner": "asker",
        "question": f"How long do crowns wait, case {number}?",
        "category": "health",
        "reasons": ("health",),
        "created_at": NOW,
        "due_at": NOW + timedelta(hours=1),
        "answer": PLAIN,
        "draft_wanted": False,
    }
    return ReviewItem(**(values | changed))


def approve(queue: ReviewQueue, one: ReviewItem, by: Reviewer = ANN) -> ReviewItem:
    return queue.apply(
        one.id,
        by.id,
        "approve",
        lambda i, now: review.approve(i, by, one.fence, i.answer.sha256 if i.answer else "", now),
    )


def claim(queue: ReviewQueue, item_id: str, by: Reviewer = ANN) -> ReviewItem:
    return queue.apply(item_id, by.id, "claim", lambda i, now: review.claim(i, by, now, LEASE))


def decided(queue: ReviewQueue, number: int = 1, **changed: Any) -> ReviewItem:
    queue.submit(item(number, **changed))
    return approve(queue, claim(queue, f"i{number}"))


def messages(queue: ReviewQueue) -> list[tuple[str, str, str]]:
    with transaction(queue.engine) as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.seq)).all()
    return [(r.event, r.channel, r.state) for r in rows]


class TestKeeping:
    def test_the_migrations_make_the_tables_of_the_schema(self, engine: Engine) -> None:
        found = inspect(engine)
        for table in metadata.sorted_tables:
            columns = {c["name"] for c in found.get_columns(table.name)}
            if table.name == "passages":
                columns -= {"words", "length"}  # PostgreSQL's, for its search
            assert columns == {c.name for c in table.columns}, table.name
            indexes = {i["name"] for i in found.get_indexes(table.name)}
            assert {i.name for i in table.indexes} <= indexes, table.name

    def test_what_goes_in_comes_out(self, queue: ReviewQueue) -> None:
        hostile = item(
            question="How\x00 \ud800 long? <script> %_'\"",
            answer=SOURCED,
            collections=("a", "b"),
            account="me",
            thread=(Message("asker", "Wörter", NOW),),
        )
        assert queue.submit(hostile) == hostile
        found = queue.get("i1")
        assert found == hostile
        assert found.created_at.tzinfo is not None
        with pytest.raises(NotFound):
            queue.get("gone")
        with pytest.raises(NotFound):
            queue.apply("gone", "ann", "claim", lambda i, now: i)

    def test_the_same_item_again_changes_nothing(self, queue: ReviewQueue) -> None:
        queue.submit(item())
        taken = claim(queue, "i1")
        assert queue.submit(item()) == taken
        assert len(queue.list()) == 1

    @pytest.mark.parametrize(
        "changed", [{"state": State.APPROVED}, {"version": 3}, {"delivered": "x"}]
    )
    def test_nothing_comes_in_half_done(self, queue: ReviewQueue, changed: Any) -> None:
        with pytest.raises(NotAllowed):
            queue.submit(item(**changed))
        assert queue.list() == []

    def test_a_refused_change_leaves_nothing_behind(self, queue: ReviewQueue) -> None:
        queue.submit(item())
        before = len(queue.audit.of("r1"))
        with pytest.raises(NotAllowed):
            queue.apply("i1", "ann", "renew", lambda i, n: review.renew(i, ANN, 1, n, LEASE))
        with pytest.raises(ValueError, match="version"):
            queue.apply("i1", "ann", "claim", lambda i, _: replace(i, fence=9))
        assert queue.get("i1") == item()
        assert len(queue.audit.of("r1")) == before

    def test_a_change_to_what_has_changed_since_is_not_written(self, queue: ReviewQueue) -> None:
        queue.submit(item())
        taken = claim(queue, "i1")
        with transaction(queue.engine) as connection:
            assert not queue_rows.replace(connection, item(), review.claim(item(), BOB, NOW, LEASE))
        assert queue.get("i1") == taken

    def test_a_deed_is_anchored_before_anyone_hears_of_it(
        self, queue: ReviewQueue, tmp_path: Path
    ) -> None:
        decided(queue)
        last = (tmp_path / "audit.anchor").read_text().splitlines()[-1]
        assert last == f"3 {queue.audit.of('r1')[-1].hash}"

    def test_each_deed_is_in_the_audit_log_without_words(self, queue: ReviewQueue) -> None:
        decided(queue)
        entries = queue.audit.of("r1")
        assert [e.action for e in entries] == ["submit", "claim", "approve"]
        assert entries[-1].actor == "ann"
        assert entries[-1].body["answer"] == PLAIN.sha256
        assert (entries[-1].body["from"], entries[-1].body["state"]) == ("claimed", "approved")
        assert queue.audit.verify() == []
        assert not any("dentist" in str(e) or "crowns" in str(e) for e in entries)


class TestNext:
    def test_the_most_urgent_then_the_earliest_due(self, queue: ReviewQueue) -> None:
        queue.submit(item(1, due_at=NOW + timedelta(hours=3)))
        queue.submit(item(2, due_at=NOW + timedelta(hours=2)))
        queue.submit(item(3, due_at=NOW + timedelta(hours=9), priority=2))
        order = [queue.claim_next(ANN, LEASE) for _ in range(4)]
        assert [o and o.id for o in order] == ["i3", "i2", "i1", None]
        assert order[0]
        assert (order[0].reviewer, order[0].fence) == ("ann", 1)

    def test_nobody_gets_what_they_may_not_decide(self, queue: ReviewQueue) -> None:
        queue.submit(item(1, account="ann"))
        queue.submit(item(2, owner="ann"))
        queue.submit(item(3, reviewers=("lead",)))
        queue.submit(item(4, needed=2))
        first = queue.claim_next(ANN, LEASE)
        assert first
        assert first.id == "i4"
        assert approve(queue, first).state is State.PENDING
        assert queue.claim_next(ANN, LEASE) is None
        assert [queue.claim_next(BOB, LEASE) is not None for _ in range(4)] == [True] * 3 + [False]
        assert queue.claim_next(Reviewer("x", frozenset()), LEASE) is None
        last = queue.claim_next(LEA, LEASE)
        assert last
        assert last.id == "i3"

    def test_nobody_gets_what_they_asked_before_they_logged_in(self, queue: ReviewQueue) -> None:
        queue.submit(item(1, owner="browser", priority=9))
        queue.submit(item(2))
        found = queue.claim_next(ANN, LEASE, None, "browser")
        assert found
        assert found.id == "i2"
        assert queue.claim_next(ANN, LEASE, None, "browser") is None
        assert queue.get("i1").state is State.PENDING

    def test_patterns_in_names_match_nothing_else(self, queue: ReviewQueue) -> None:
        queue.submit(item(1, account="ann"))
        assert queue.claim_next(Reviewer("%", frozenset({"%"})), LEASE) is None
        odd = Reviewer("_nn", frozenset({"reviewer"}))
        assert queue.claim_next(odd, LEASE) is not None

    def test_only_the_categories_asked_for(self, queue: ReviewQueue) -> None:
        queue.submit(item(1, category="legal"))
        assert queue.claim_next(ANN, LEASE, {"health"}) is None
        assert queue.claim_next(ANN, LEASE, {"legal"}) is not None

    def test_an_item_comes_free_when_its_lease_ends(self, queue: ReviewQueue, clock: Clock) -> None:
        queue.submit(item())
        mine = queue.claim_next(ANN, LEASE)
        assert mine
        assert queue.claim_next(BOB, LEASE) is None
        clock.on(minutes=5)
        theirs = queue.claim_next(BOB, LEASE)
        assert theirs
        assert theirs.fence == mine.fence + 1
        with pytest.raises(NotAllowed):
            approve(queue, mine)

    def test_at_once_each_item_goes_to_one(self, queue: ReviewQueue) -> None:
        for n in range(12):
            queue.submit(item(n))
        got: list[str] = []
        people = [Reviewer(f"p{n}", frozenset({"reviewer"})) for n in range(6)]

        def work(person: Reviewer) -> None:
            while one := queue.claim_next(person, LEASE):
                approve(queue, one, person)
                got.append(one.id)

        _at_once([partial(work, person) for person in people])
        assert sorted(got) == sorted(f"i{n}" for n in range(12))
        assert queue.audit.verify() == []

    def test_at_once_one_submission_counts(self, queue: ReviewQueue) -> None:
        _at_once([lambda: queue.submit(item())] * 6)
        assert len(queue.list()) == 1
        assert len(queue.audit.of("r1")) == 1


class TestDelivery:
    def test_after_the_time_to_undo(self, queue: ReviewQueue, clock: Clock) -> None:
        decided(queue)
        assert queue.due(clock(), 5) == []
        with pytest.raises(NotAllowed, match="taken back"):
            queue.deliver("i1")
        clock.on(seconds=10)
        assert queue.due(clock(), 5) == ["i1"]
        assert queue.deliver("i1").state is State.DELIVERED
        assert queue.due(clock(), 5) == []
        assert messages(queue) == [("delivered", CHAT, WAITING), ("delivered", "webhook", WAITING)]
        with pytest.raises(NotAllowed):
            queue.deliver("i1")
        queue.apply("i1", "asker", "see", review.see)
        assert messages(queue)[0] == ("delivered", CHAT, "sent")

    def test_a_changed_source_sends_it_back(self, queue: ReviewQueue, clock: Clock) -> None:
        catalogue = Catalogue(queue.engine)
        keep(catalogue, CROWNS)
        for n in (1, 2):
            decided(queue, n, answer=SOURCED)
        clock.on(seconds=10)
        assert queue.deliver("i1").state is State.DELIVERED
        keep(catalogue, stored("Dental", "Crowns wait 365 days.", version="2"))
        back = queue.deliver("i2")
        assert (back.state, back.outdated, back.draft_wanted) == (State.PENDING, True, True)
        assert [m[0] for m in messages(queue)] == ["delivered"] * 2
        assert [i.id for i in queue.wanting_draft(9)] == ["i2"]

    @pytest.mark.parametrize("dates", [{"effective": "tomorrow"}, {"expires": "yesterday"}])
    def test_a_source_that_does_not_count_today(
        self, queue: ReviewQueue, clock: Clock, dates: dict[str, str]
    ) -> None:
        days = {"tomorrow": timedelta(days=1), "yesterday": timedelta(days=-1)}
        about = {k: (NOW + days[v]).date() for k, v in dates.items()}
        keep(Catalogue(queue.engine), stored("Dental", "Crowns wait 240 days.", **about))
        decided(queue, answer=SOURCED)
        clock.on(seconds=10)
        assert queue.deliver("i1").state is State.PENDING

    def test_a_changed_source_suspends_what_waits(self, queue: ReviewQueue, clock: Clock) -> None:
        catalogue = Catalogue(queue.engine)
        keep(catalogue, CROWNS)
        decided(queue, 1, answer=SOURCED)
        queue.submit(item(2, answer=SOURCED))
        queue.submit(item(3))
        queue.submit(item(4, answer=SOURCED, kind="sample"))
        assert queue.outdate_sources([SOURCE.document.id]) == []
        catalogue.drop([SOURCE.document.id])
        assert sorted(queue.outdate_sources([SOURCE.document.id])) == ["i1", "i2"]
        assert queue.outdate_sources([SOURCE.document.id]) == []
        assert [queue.get(f"i{n}").outdated for n in (1, 2, 3, 4)] == [True, True, False, False]
        redrafted = queue.apply("i1", "system", "drafted", lambda i, n: review.drafted(i, PLAIN, n))
        assert not redrafted.outdated
        with transaction(queue.engine) as connection:
            kept = connection.scalars(select(review_sources.c.item_id)).all()
        assert sorted(kept) == ["i2", "i4"]

    def test_everyone_is_told_what_concerns_them(self, queue: ReviewQueue, clock: Clock) -> None:
        queue.submit(item(contact="me@example.org"))
        one = claim(queue, "i1")
        queue.apply("i1", "ann", "ask", lambda i, n: review.ask(i, ANN, one.fence, "Age?", n))
        assert {m[1] for m in messages(queue)} == {CHAT, "webhook", "email"}
        queue.apply("i1", "asker", "inform", lambda i, n: review.inform(i, "40", n))
        assert messages(queue)[0] == ("needs_info", CHAT, "sent")
        queue.apply("i1", "system", "drafted", lambda i, n: review.drafted(i, PLAIN, n))
        one = claim(queue, "i1")
        queue.apply("i1", "ann", "x", lambda i, n: review.reject(i, ANN, one.fence, "no", "", n))
        clock.on(seconds=10)
        queue.deliver("i1")
        queue.apply("i1", "lea", "recall", lambda i, n: review.recall(i, LEA, "wrong", n))
        events = [m[0] for m in messages(queue) if m[1] == CHAT]
        assert events == ["needs_info", "rejected", "recalled"]

    def test_what_is_too_old_is_given_up(self, queue: ReviewQueue, clock: Clock) -> None:
        queue.submit(item(1))
        decided(queue, 2)
        queue.submit(item(3))
        clock.on(days=30)
        claim(queue, "i3")
        assert queue.expire_old(timedelta(days=31)) == []
        assert queue.expire_old(timedelta(days=30)) == ["i1"]
        assert queue.get("i1").state is State.EXPIRED
        assert [m[0] for m in messages(queue)] == ["expired"] * 2


class TestViews:
    def test_lists(self, queue: ReviewQueue) -> None:
        for n in range(5):
            created = NOW + timedelta(seconds=n)
            queue.submit(item(n, created_at=created, due_at=NOW - timedelta(seconds=n)))
        queue.submit(item(5, category="legal", priority=1, question="Can 100%_ be sued? ÄRGER"))
        claim(queue, "i2")
        page = queue.list({State.PENDING}, limit=2)
        assert [i.id for i in page] == ["i5", "i4"]
        after = queue.list({State.PENDING}, limit=9, before=page[-1])
        assert [i.id for i in after] == ["i3", "i1", "i0"]
        newest = queue.list(limit=3)
        assert [i.id for i in newest] == ["i4", "i3", "i2"]
        assert [i.id for i in queue.list(before=newest[-1])] == ["i1", "i5", "i0"]
        assert [i.id for i in queue.list(category="legal")] == ["i5"]
        assert [i.id for i in queue.list(reviewer="ann")] == ["i2"]
        for text, found in [("100%_", 1), ("0_%", 0), ("ärger", 1), ("CROWNS", 5), (" \x00", 6)]:
            assert len(queue.list(text=text)) == found, text

    def test_a_long_question_is_kept_whole(self, queue: ReviewQueue) -> None:
        long = item(question="\U0001f9b7" * 5000 + "end")
        queue.submit(long)
        assert queue.get("i1").question == long.question
        assert len(queue.list(text="\U0001f9b7\U0001f9b7")) == 1

    def test_of_conversation_is_its_owners(self, queue: ReviewQueue) -> None:
        queue.submit(item(1))
        queue.submit(item(2, owner="other"))
        assert {k: v.id for k, v in queue.of_conversation("c1", "asker").items()} == {"r1": "i1"}
        assert queue.of_conversation("c2", "asker") == {}
        found = queue.of_record("r2")
        assert found
        assert found.id == "i2"
        assert queue.of_record("r9") is None

    def test_similar_signed_answers(self, queue: ReviewQueue, clock: Clock) -> None:
        decided(queue, 1)
        decided(queue, 2, question="Are fillings paid?")
        decided(queue, 3, category="legal")
        queue.submit(item(4))
        new = item(9, question="How long must crowns wait?")
        assert [i.id for i in queue.similar_signed(new, 5)] == ["i1"]
        clock.on(seconds=10)
        queue.deliver("i1")
        queue.apply("i1", "lea", "recall", lambda i, n: review.recall(i, LEA, "wrong", n))
        assert queue.similar_signed(new, 5) == []

    def test_figures(self, queue: ReviewQueue, clock: Clock) -> None:
        assert queue.usual_wait("health") is None
        for n in (1, 2, 3):
            queue.submit(item(n))
            clock.on(minutes=n)
            approve(queue, claim(queue, f"i{n}"))
        clock.on(minutes=10)
        for n in (1, 2, 3):
            queue.deliver(f"i{n}")
        queue.submit(item(4, category="legal"))
        one = claim(queue, "i4")
        queue.apply("i4", "a", "edit", lambda i, n: review.edit(i, ANN, one.fence, "Sue.", n))
        queue.submit(item(5, kind="sample", due_at=NOW - LEASE))
        one = claim(queue, "i5")
        queue.apply("i5", "a", "no", lambda i, n: review.reject(i, ANN, one.fence, "bad", "", n))
        queue.submit(item(7, kind="sample"))
        one = claim(queue, "i7")
        sha256 = one.answer.sha256 if one.answer else ""
        queue.apply("i7", "a", "m", lambda i, n: review.missed(i, ANN, one.fence, sha256, n))
        queue.submit(item(6, due_at=NOW))
        assert queue.usual_wait("health") == timedelta(minutes=16)
        counts = queue.counts()
        assert counts.states == {
            State.DELIVERED: 3,
            State.EDITED: 1,
            State.RECALLED: 1,
            State.PENDING: 1,
            State.APPROVED: 1,
        }
        assert (counts.categories, counts.overdue) == ({"health": 1}, 1)
        figures = queue.statistics(NOW)
        assert figures.submitted == {"health": 4, "legal": 1}
        assert figures.decided == (Rates("health", "", 3, 0, 0), Rates("legal", "", 0, 1, 0))
        assert (figures.samples, figures.wrong, figures.misses) == (2, 1, 1)
        assert figures.waits[0].median == timedelta(minutes=3)
        assert queue.statistics(clock() + LEASE).submitted == {}


def _at_once(work: list[Callable[[], Any]]) -> None:
    errors: list[BaseException] = []

    def guarded(one: Callable[[], Any]) -> None:
        try:
            one()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
