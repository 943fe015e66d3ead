"""Whether an adapter answers, told from what was heard."""

from __future__ import annotations

import pytest

from chatbot.steps.probe import Heard, noted, objection, recorded

THEN = Heard("The passage provides a brief overview", "The books are lent for four weeks [2].")


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (THEN, ""),
        (Heard("The passage gives", THEN.adapter), ""),  # the base's words are no matter
        (Heard(THEN.base, "The books are lent four weeks [2]."), ""),  # differs late
        (Heard(THEN.base, THEN.base), "word for word"),
        (Heard(THEN.adapter, THEN.adapter), "word for word"),
        (Heard(THEN.base, "The passage says: four weeks."), "otherwise than"),
        (Heard(THEN.base, "Four weeks [2]."), "otherwise than"),
        (Heard(THEN.base, ""), "otherwise than"),
    ],
)
def test_an_adapter_must_answer_as_it_did_and_not_as_the_base(now: Heard, why: str) -> None:
    found = objection(now, THEN)
    assert why in found
    assert bool(found) == bool(why)


def test_without_a_record_it_must_differ_from_the_base() -> None:
    assert objection(Heard("a", "b"), None) == ""
    assert objection(Heard("a", "a"), None)


def test_a_short_answer_need_not_agree_for_longer_than_it_is() -> None:
    assert objection(Heard("Yes it is", "No."), Heard("Yes", "No.")) == ""
    assert objection(Heard("Four weeks", "Four"), Heard("Four weeks", "Four")) == ""


def test_a_note_of_another_probe_does_not_count() -> None:
    assert recorded(noted(THEN)) == THEN
    assert recorded({**noted(THEN), "probe": "other"}) is None
    assert recorded({}) is None
