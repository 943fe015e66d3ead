"""The life of a held answer: nothing approved by time, nothing delivered without its signatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chatbot.domain import Citation, Draft
from chatbot.errors import NotAllowed
from chatbot.steps import review
from chatbot.steps.edited import edited
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem, State
from proof.desk_machine import DeskMachine, over
from proof.desk_model import WAYS
from proof.machine import FAULTS, faulty, violation_of
from proof.unguarded import CASES, without
from tests.conftest import ROOT
from tests.strategies import passage

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LEASE = timedelta(minutes=5)
ANN = Reviewer("ann", frozenset({"reviewer"}))
BOB = Reviewer("bob", frozenset({"reviewer"}))
LEA = Reviewer("lea", frozenset({"lead"}))
SOURCE = passage("We pay 80%. Ask first.")
ANSWER = Answer(
    (Draft("We pay 80% [1].", (Citation(1, SOURCE, "We pay 80%."),)),), (SOURCE,), ((),)
)
CURRENT = {SOURCE.document.id: SOURCE.document.version}
LATER = NOW + review.UNDO

TestDeskMachine: Any = DeskMachine.TestCase  # pytest collects it by this name


def item(**changed: Any) -> ReviewItem:
    values: dict[str, Any] = {
        "id": "i1",
        "record": "r1",
        "conversation": "c1",
        "owner": "asker-1",
        "question": "What do you pay?",
        "category": "money",
        "reasons": ("money",),
        "created_at": NOW,
        "due_at": NOW + timedelta(hours=4),
        "answer": ANSWER,
        "draft_wanted": False,
    }
    return ReviewItem(**(values | changed))


def claimed(by: Reviewer = ANN, **changed: Any) -> ReviewItem:
    return review.claim(item(**changed), by, NOW, LEASE)


def approved(**changed: Any) -> ReviewItem:
    one = claimed(**changed)
    return review.approve(one, ANN, one.fence, ANSWER.sha256, NOW)


@pytest.mark.parametrize("name", ["any text may be signed", "old fences count", "anyone may sign"])
def test_the_machine_finds_faults(name: str) -> None:
    assert violation_of(over(faulty(name)), 1500)


def test_every_fault_fits_and_every_state_has_a_way_in() -> None:
    for name in FAULTS:
        faulty(name)
    reached = {after for ways in WAYS.values() for _, after in ways} | {"pending"}
    assert reached == {s.value for s in State}


def test_every_guard_stands_where_it_is_taken_from() -> None:
    for case in CASES:
        for name, guard, instead in case.changes:
            assert without((ROOT / name).read_text("utf-8"), guard, instead)


def test_the_machine_does_not_excuse_rules_that_refuse_everything() -> None:
    def refuse(*_: Any) -> None:
        raise NotAllowed("No.", "Never.")

    refusing = SimpleNamespace(**{**vars(review), "claim": refuse})
    assert violation_of(over(refusing), 50) == "a free item could not be claimed"


class TestSigning:
    def test_a_signature_is_for_the_text_that_was_shown(self) -> None:
        one = claimed()
        with pytest.raises(NotAllowed, match="changed since it was shown"):
            review.approve(one, ANN, one.fence, "0" * 64, NOW)
        done = review.approve(one, ANN, one.fence, ANSWER.sha256, NOW)
        assert done.state is State.APPROVED
        assert review.signed_by_all(done)
        other = replace(ANSWER, sentences=(Draft("We pay 90% [1]."),))
        assert not review.signed_by_all(replace(done, answer=other))

    def test_nothing_to_sign(self) -> None:
        one = claimed(answer=None)
        with pytest.raises(NotAllowed, match="no draft"):
            review.approve(one, ANN, one.fence, "", NOW)

    def test_two_signatures_are_two_peoples(self) -> None:
        first = approved(needed=2)
        assert first.state is State.PENDING
        with pytest.raises(NotAllowed, match="another person"):
            review.claim(first, ANN, NOW, LEASE)
        second = review.claim(first, BOB, NOW, LEASE)
        done = review.approve(second, BOB, second.fence, ANSWER.sha256, NOW)
        assert done.state is State.APPROVED

    def test_another_text_voids_the_first_signature(self) -> None:
        second = review.claim(approved(needed=2), BOB, NOW, LEASE)
        changed = review.edit(second, BOB, second.fence, "We pay half [1].", NOW)
        assert changed.state is State.PENDING
        assert [s.reviewer for s in changed.signatures] == ["bob"]

    @pytest.mark.parametrize("who", ["owner", "account"])
    def test_no_one_signs_their_own(self, who: str) -> None:
        with pytest.raises(NotAllowed, match="own question"):
            claimed(ANN, **{who: "ann"})

    def test_an_item_that_needs_no_signature_still_needs_one(self) -> None:
        assert not review.signed_by_all(item(needed=0))

    def test_a_rejection_outweighs_other_signatures(self) -> None:
        second = review.claim(approved(needed=2), BOB, NOW, LEASE)
        no = review.reject(second, BOB, second.fence, "wrong", "", NOW)
        assert not review.signed_by_all(replace(no, needed=1))


class TestDraft:
    def test_the_models_words_stay_with_what_a_reviewer_put_in_their_place(self) -> None:
        one = claimed(needed=2)
        first = review.edit(one, ANN, one.fence, "We pay half [1].", NOW)
        assert first.draft == ANSWER.text
        second = review.claim(first, BOB, NOW, LEASE)
        again = review.edit(second, BOB, second.fence, "We pay a third [1].", NOW)
        assert again.draft == ANSWER.text  # not what the first reviewer had put
        undone = review.undo(
            replace(again, state=State.EDITED, deliver_after=LATER), BOB, NOW, LEASE
        )
        assert undone.draft == ANSWER.text

    def test_what_was_approved_as_it_is_has_no_other_draft(self) -> None:
        assert approved().draft == ""

    def test_another_draft_takes_its_place(self) -> None:
        one = claimed(needed=2)
        first = review.edit(one, ANN, one.fence, "We pay half [1].", NOW)
        anew = review.drafted(replace(first, draft_wanted=True), ANSWER, NOW, "other")
        assert (anew.draft, anew.answer) == ("", ANSWER)


class TestDelivery:
    def test_not_while_it_can_be_undone(self) -> None:
        done = approved()
        with pytest.raises(NotAllowed, match="taken back"):
            review.deliver(done, CURRENT, LATER - timedelta(microseconds=1))
        assert review.undo(done, ANN, LATER - timedelta(seconds=1), LEASE).signatures == ()
        delivered = review.deliver(done, CURRENT, LATER)
        assert (delivered.state, delivered.delivered) == (State.DELIVERED, ANSWER.sha256)
        with pytest.raises(NotAllowed):
            review.undo(done, ANN, LATER, LEASE)

    @pytest.mark.parametrize("sources", [{}, {SOURCE.document.id: "other"}])
    def test_not_when_a_source_has_changed(self, sources: dict[str, str]) -> None:
        with pytest.raises(NotAllowed, match="source has changed"):
            review.deliver(approved(), sources, LATER)
        back = review.outdate(approved(), NOW)
        assert (back.state, back.signatures, back.draft_wanted) == (State.PENDING, (), True)

    def test_two_versions_of_one_document_are_never_current(self) -> None:
        stale = replace(SOURCE, document=replace(SOURCE.document, version="old"))
        mixed = replace(ANSWER, evidence=(stale, SOURCE))
        assert not review.is_current(item(answer=mixed), CURRENT)
        assert review.is_current(item(), CURRENT)

    def test_a_rejection_is_delivered_without_an_answer(self) -> None:
        one = claimed()
        no = review.reject(one, ANN, one.fence, "not-ours", "Ask your doctor.", NOW)
        assert review.deliver(no, {}, LATER).state is State.DELIVERED

    def test_once(self) -> None:
        delivered = review.deliver(approved(), CURRENT, LATER)
        again = replace(delivered, state=State.APPROVED)
        with pytest.raises(NotAllowed, match="used already"):
            review.deliver(again, CURRENT, LATER)


class TestSamples:
    def test_their_text_was_released_and_stays(self) -> None:
        one = claimed(kind="sample")
        deeds: list[Callable[[], ReviewItem]] = [
            lambda: review.redraft(one, ANN, one.fence, NOW),
            lambda: review.outdate(one, NOW),
            lambda: review.drafted(replace(one, draft_wanted=True), ANSWER, NOW),
            lambda: review.ask(one, ANN, one.fence, "How old?", NOW),
            lambda: review.withdraw(one, NOW),
        ]
        for deed in deeds:
            with pytest.raises(NotAllowed, match="sample"):
                deed()

    def test_approved_ones_go_nowhere_and_rejected_ones_are_recalled(self) -> None:
        done = approved(kind="sample")
        with pytest.raises(NotAllowed):
            review.deliver(done, CURRENT, LATER + timedelta(days=9))
        one = claimed(kind="sample")
        missed = review.missed(one, ANN, one.fence, ANSWER.sha256, NOW)
        assert (missed.state, missed.deliver_after) == (State.APPROVED, None)
        assert missed.signatures[-1].decision == "missed"
        held = claimed()
        with pytest.raises(NotAllowed, match="it was held"):
            review.missed(held, ANN, held.fence, ANSWER.sha256, NOW)
        no = review.reject(one, ANN, one.fence, "unsafe", "It is wrong.", NOW)
        assert (no.state, no.note) == (State.RECALLED, "It is wrong.")


class TestHolds:
    def test_an_old_fence_writes_nothing(self) -> None:
        first = claimed()
        again = review.claim(first, ANN, NOW, LEASE)
        with pytest.raises(NotAllowed, match="claimed again"):
            review.approve(again, ANN, first.fence, ANSWER.sha256, NOW)

    def test_a_lease_that_has_run_out_writes_nothing(self) -> None:
        one = claimed()
        with pytest.raises(NotAllowed, match="run out"):
            review.approve(one, ANN, one.fence, ANSWER.sha256, NOW + LEASE)

    def test_each_deed_counts_up(self) -> None:
        one = claimed()
        assert review.put_back(one, ANN, one.fence, NOW).version == one.version + 1

    def test_escalated_ones_are_for_leads(self) -> None:
        one = claimed()
        up = review.escalate(one, ANN, one.fence, "unsure", NOW)
        with pytest.raises(NotAllowed, match="lead"):
            review.claim(up, BOB, NOW, LEASE)
        held = review.claim(up, LEA, NOW, LEASE)
        back = review.put_back(held, LEA, held.fence, NOW)
        with pytest.raises(NotAllowed, match="lead"):
            review.claim(back, BOB, NOW, LEASE)

    def test_time_approves_nothing(self) -> None:
        gone = review.expire(claimed(), NOW + timedelta(days=31), timedelta(days=30))
        assert (gone.state, gone.signatures) == (State.EXPIRED, ())


class TestEditing:
    def test_markers_keep_their_quotes_or_get_one(self) -> None:
        one = edited("Half is ours [1]. Ask us.", ANSWER)
        assert [c.quote for c in one.citations] == ["We pay 80%."]
        fresh = edited("Half [1].", replace(ANSWER, sentences=()))
        assert [c.quote for c in fresh.citations] == ["We pay 80%."]

    @pytest.mark.parametrize("text", ["", " \x00 ", "Half [2].", "x" * 20_001])
    def test_what_cannot_be_signed_is_refused(self, text: str) -> None:
        with pytest.raises(NotAllowed):
            edited(text, ANSWER)
