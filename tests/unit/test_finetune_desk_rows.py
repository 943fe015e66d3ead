"""What people have signed or found good becomes rows, without anybody's personal data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chatbot.domain import Citation, Draft, Status
from chatbot.steps.personal_data import redacted
from chatbot.steps.review_item import Answer, ReviewItem, Signature, State
from finetune.desk_rows import disliked_rows, liked_rows, rejected_rows, signed_rows
from finetune.relabel import labelled, signed
from finetune.rows import REFUSAL, WAITS, Split
from finetune.split import split_of
from tests.strategies import passage, record

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CARD = passage("The card reaches you within 7 days. Call 030 1234567 if it does not.", "Cards")
FEES = passage("Alder Plus pays 80% of fillings.", "Fees")


def item(text: str, state: State = State.DELIVERED, **changed: Any) -> ReviewItem:
    answer = Answer((Draft(text),), (CARD, FEES), ((),))
    values: dict[str, Any] = {
        "id": "i", "record": "r", "conversation": "c", "owner": "o", "category": "money",
        "question": "I am jane.roe@example.org: what does Plus pay?", "reasons": (),
        "created_at": NOW, "due_at": NOW, "state": state, "answer": answer,
        "signatures": (Signature("anna", "edit", answer.sha256, NOW),),
    }  # fmt: skip
    return ReviewItem(**(values | changed))


def test_a_signed_answer_is_learned_as_it_was_signed() -> None:
    (row,) = signed_rows([item("It pays 80% of fillings [2].")])
    assert row.target == "It pays 80% of fillings [2]."
    assert (row.marker, row.origin, row.notes) == (2, "desk", {"outcome": "edited"})
    assert [s.text for s in row.sources] == [CARD.text, FEES.text]
    assert row.sources[1].version == FEES.document.version
    assert row.question == "I am [an e-mail address]: what does Plus pay?"


def test_what_a_reviewer_put_in_the_place_of_a_draft_is_preferred_to_it() -> None:
    draft = "It pays 100% of fillings [2]; write to jane.roe@example.org."
    (row,) = signed_rows([item("It pays 80% of fillings [2].", draft=draft, model="tuned 1a2b")])
    assert row.rejected == "It pays 100% of fillings [2]; write to [an e-mail address]."
    assert row.notes["model"] == "tuned 1a2b"
    (same,) = signed_rows(
        [item("It pays 80% of fillings [2].", draft="It pays 80% of fillings [2].")]
    )
    assert same.rejected == ""
    assert not list(signed_rows([item("It pays 80% [2].", State.PENDING, draft=draft)]))


def test_a_rejected_draft_is_the_worse_answer_once_the_right_one_is_known() -> None:
    (row,) = rejected_rows([rejected("not-in-documents")])
    assert (row.target, row.rejected) == (REFUSAL, "It pays 80% of fillings [2].")
    (waiting,) = rejected_rows([rejected("wrong")])
    assert waiting.rejected == ""
    known = signed(waiting, labelled(waiting, "It pays half [1].", 1), "anna", "2026-11-22")
    assert (known.target, known.rejected) == ("It pays half [1].", "It pays 80% of fillings [2].")
    (other,) = rejected_rows([rejected("not-in-documents", draft="It pays all [2].")])
    assert other.rejected == "It pays all [2]."  # the model's words, not the first reviewer's


def test_what_nobody_signed_is_not_learned() -> None:
    good = "It pays 80% of fillings [2]."
    assert not list(
        signed_rows([
            item(good, State.PENDING), item(good, State.REJECTED), item(good, kind="sample"),
            item("It pays.", State.SEEN), item("It pays 80% [7].", State.SEEN),
            item(good, answer=None),
        ])
    )  # fmt: skip


def test_what_the_documents_say_themselves_stays() -> None:
    text = "Call 030 1234567 [1], or me at 0171 2345678."
    assert redacted(text, CARD.text) == "Call 030 1234567 [1], or me at [a telephone number]."
    (row,) = signed_rows([item(text)])
    assert "030 1234567" in row.target
    assert "0171" not in row.target


def test_answers_found_good_are_learned_if_the_model_wrote_them() -> None:
    good = record([Draft("It pays 80% of fillings [1].", (Citation(1, FEES, FEES.text),))])
    rows = list(liked_rows([good, replace(good, mode="quotes"), replace(good, status=Status.HELD)]))
    assert len(rows) == 1
    assert rows[0].origin == "feedback"
    assert rows[0].question == good.standalone


def rejected(code: str, state: State = State.DELIVERED, **changed: Any) -> ReviewItem:
    sha = item("It pays 80% of fillings [2].").answer
    assert sha
    signed = (Signature("anna", "reject", sha.sha256, NOW, code),)
    return item("It pays 80% of fillings [2].", state, signatures=signed, reason_code=code,
                note="Call 0171 2345678.", **changed)  # fmt: skip


def test_a_rejected_draft_is_never_learned_as_signed() -> None:
    """Its delivery puts it into the state of an answer that was signed."""
    assert not list(signed_rows([rejected("wrong", state) for state in State]))


def test_what_the_documents_do_not_answer_is_a_refusal_to_learn() -> None:
    (row,) = rejected_rows([rejected("not-in-documents")])
    assert (row.target, row.waits, row.origin) == (REFUSAL, False, "desk")
    assert [s.text for s in row.sources] == [CARD.text, FEES.text]
    assert "jane.roe" not in row.question
    assert row.notes["said"] == "Call [a telephone number]."


def test_what_was_rejected_for_other_reasons_waits_for_a_label() -> None:
    codes = ("wrong", "needs-advice", "not-answered-here", "unclear", "other")
    rows = list(rejected_rows([rejected(code, State.REJECTED) for code in codes]))
    assert [r.notes[WAITS] for r in rows] == [f"rejected at the desk: {c}" for c in codes]
    assert rows[0].notes["draft"] == "It pays 80% of fillings [2]."
    (recalled,) = rejected_rows([item("It pays 80% [2].", State.RECALLED)])
    assert recalled.waits
    (sample,) = rejected_rows([rejected("wrong", State.RECALLED, kind="sample")])
    assert sample.waits


def test_what_nobody_rejected_or_has_no_passages_is_no_such_row() -> None:
    good = "It pays 80% of fillings [2]."
    bare = rejected("not-in-documents", answer=Answer((Draft(good),)))
    none = rejected("not-in-documents", answer=None)
    assert not list(rejected_rows([*(item(good, s) for s in State if s != "recalled"), bare, none]))


def test_a_thumb_down_keeps_the_question_and_waits_for_a_label() -> None:
    bad = record([Draft("It pays 20% [1].", (Citation(1, FEES, FEES.text),))])
    refused = replace(bad, status=Status.REFUSED, sentences=())
    said = [(bad, "wrong", "ask jane.roe@example.org"), (refused, "", ""), (record(), "", "")]
    rows = list(disliked_rows(said))
    assert [r.notes[WAITS] for r in rows] == ["thumbs down: wrong", "thumbs down: no reason"]
    assert rows[0].notes["said"] == "ask [an e-mail address]"
    assert (rows[0].notes["draft"], rows[0].answer) == ("It pays 20% [1].", "")


def titled(split: Split) -> str:
    """A title whose document belongs to that split."""
    titles = (f"t{n}" for n in range(200))
    return next(t for t in titles if split_of(passage("x", t).document.id) is split)


def test_what_rests_on_documents_of_two_splits_is_not_measured_with() -> None:
    """Measured, it would put every training row on the other document out of the dataset."""
    one, two = (passage("It pays.", titled(s)) for s in (Split.TEST, Split.DEV))
    for evidence, split in (((one, two), Split.TRAIN), ((one,), Split.TEST)):
        answer = Answer((Draft("It pays."),), evidence)
        (row,) = rejected_rows([rejected("not-in-documents", answer=answer)])
        assert row.split is split


def test_what_waits_is_never_a_row_of_the_frozen_test() -> None:
    title = next(
        f"t{n}" for n in range(99) if split_of(passage("x", f"t{n}").document.id) == "test"
    )
    about = passage("Plus pays 80%.", title)
    bad = record([Draft("It pays 20% [1].", (Citation(1, about, about.text),))])
    assert [r.split for r in disliked_rows([(bad, "", "")])] == [Split.HARD]
