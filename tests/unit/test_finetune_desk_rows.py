"""What people have signed or found good becomes rows, without anybody's personal data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chatbot.domain import Citation, Draft, Status
from chatbot.steps.personal_data import redacted
from chatbot.steps.review_item import Answer, ReviewItem, Signature, State
from finetune.desk_rows import liked_rows, signed_rows
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
