"""A teacher's answers: what is supported is learned, the rest is counted; a killed run goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from chatbot.adapters.fakes import HashedEmbeddings, ScriptedChat
from chatbot.errors import BadInput, GenerationFailed
from finetune.asking import asked
from finetune.distill import Checker, distilled, pupils
from finetune.rows import REFUSAL, WAITS, Row, Source, Split

CHECKER = Checker(HashedEmbeddings().encode, 0.5)
SOURCES = (
    Source("Fees", "Alder Plus pays 80% of fillings. It pays half of crowns.", "fees", "a" * 64),
    Source("Cards", "The card reaches you within 7 days.", "cards", "b" * 64),
)
FEES = Row("How much does Plus pay for fillings?", SOURCES, "80%", 1, "squad", "CC0", Split.TRAIN)
NONE = replace(FEES, question="Who is mayor?", answer="", marker=0)


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("Alder Plus pays 80% of fillings [1].", "Alder Plus pays 80% of fillings [1]."),
        ("Alder Plus pays 80% of fillings [2].", "Alder Plus pays 80% of fillings [1]."),
        ("Plus pays 80% of fillings [1]. Plus pays half of crowns [1].",
         "Plus pays 80% of fillings [1]. Plus pays half of crowns [1]."),
        ("Alder Plus pays 90% of fillings [1].", None),
        ("Alder Plus pays 80% of fillings [1]. The card is blue and shiny [2].", None),
        (REFUSAL, None),
        ("", None),
    ],
)  # fmt: skip
def test_what_the_passages_support_becomes_right(said: str, target: str | None) -> None:
    rows, outcomes = distilled([FEES], {FEES.id: said}, CHECKER, "a large one")
    assert [r.target for r in rows] == ([target] if target else [])
    assert sum(outcomes.values()) == 1
    assert ("supported" in outcomes) == bool(target)
    if target:
        assert rows[0].accepted == ("80%",)
        assert rows[0].notes == {"teacher": "a large one", "before": "80% [1]."}
        assert rows[0].id == FEES.id


def test_a_refusal_is_kept_where_it_is_right_and_nothing_else_is() -> None:
    refused, outcomes = distilled([NONE], {NONE.id: REFUSAL}, CHECKER, "t")
    assert ([r.target for r in refused], outcomes) == ([REFUSAL], {"refused as is right": 1})
    answered, outcomes = distilled(
        [NONE], {NONE.id: "Plus pays 80% of fillings [1]."}, CHECKER, "t"
    )
    assert (answered, outcomes) == ([], {"answered, has none": 1})


def test_what_is_measured_with_or_said_by_people_is_not_the_teachers() -> None:
    others = [
        replace(FEES, split=Split.TEST), replace(FEES, split=Split.HARD),
        replace(NONE, notes={WAITS: "thumbs down"}), replace(FEES, notes={"outcome": "signed"}),
        replace(FEES, notes={"relabelled_by": "anna"}),
    ]  # fmt: skip
    assert pupils(others) == {}
    assert distilled(others, {}, CHECKER, "t") == (others, {})
    assert pupils([FEES, *others[2:3]]) == {FEES.id: FEES}


WANTED = {key: [HumanMessage(f"What is {key}?")] for key in "abcdefgh"}


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    log = tmp_path / "new" / "log.jsonl"
    first = asked(ScriptedChat(replies=("one",)), WANTED, log, "t", 9)
    assert first == dict.fromkeys(WANTED, "one")
    later = ScriptedChat(replies=("two",))
    assert asked(later, WANTED, log, "t", 9) == first
    assert later.asked == []


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    asked(ScriptedChat(replies=("one",)), {k: WANTED[k] for k in "abc"}, log, "t", 9)
    with log.open("a") as file:
        file.write('["d", "half a li')  # the power went
    model = ScriptedChat(replies=("two",))
    found = asked(model, WANTED, log, "t", 9)
    assert found == dict.fromkeys("abc", "one") | dict.fromkeys("defgh", "two")
    assert len(model.asked) == 5
    assert all(json.loads(line) for line in log.read_text().splitlines())


def test_what_came_before_a_failure_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with pytest.raises(GenerationFailed):
        asked(ScriptedChat(replies=("x" * 50,), fails_after=1), WANTED, log, "t", 9)
    assert len(asked(ScriptedChat(replies=("one",)), WANTED, log, "t", 9)) == 8


def test_another_runs_log_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    asked(ScriptedChat(replies=("one",)), WANTED, log, "a small one", 9)
    with pytest.raises(BadInput, match="a small one"):
        asked(ScriptedChat(replies=("one",)), WANTED, log, "a large one", 9)
    log.write_text("{\n")
    with pytest.raises(BadInput, match="cannot be read"):
        asked(ScriptedChat(replies=("one",)), WANTED, log, "a large one", 9)
