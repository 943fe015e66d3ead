"""Rows go out to other tools and come back: nothing lost, the test untouched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from finetune.relabel import labelled
from finetune.rows import REFUSAL, WAITS, Row, Source, Split, read_rows, write_rows
from finetune.share import FORMATS, read, taken, written

DAY = "2026-11-22"


def row(number: int = 1, document: str = "Handbook", **changed: Any) -> Row:
    sources = tuple(
        Source(f"{document} › {n}", f"Rule {n} says that\nform {n}0 is due.", document, f"{n}" * 64)
        for n in (1, 2, 3)
    )
    made = Row(f"Which form does rule {number} want?", sources, f"form {number}0", number, "squad",
               "CC BY-SA 4.0", Split.TRAIN)  # fmt: skip
    return replace(made, **changed)


ROWS = [
    row(1, accepted=("10", "the form 10"), notes={"by": "“anna”\n"}),
    row(2, synthetic=True, answer="", marker=0),
    row(3, written="Form 30 [3]. It is due [1].", origin="desk", licence="own"),
    row(4, answer="", marker=0, origin="feedback", notes={WAITS: "thumbs down", "draft": "No."}),
    row(1, "Test guide", split=Split.TEST, question="Who signs?"),
    row(2, "Dev guide", split=Split.DEV, question="Who reads?", answer="", marker=0),
    row(3, "Hard guide", split=Split.HARD, question="Who counts?"),
]


def shared(folder: Path, form: str, rows: list[Row] = ROWS) -> Path:
    file = folder / "shared"
    file.write_text(written(rows, form, load_prompt("answer")), encoding="utf-8")
    return file


def changed(file: Path, number: int, change: Any) -> Path:
    """The file with one line, or record, changed in place."""
    text = file.read_text()
    values = json.loads(text) if text[0] == "[" else [json.loads(v) for v in text.splitlines()]
    change(values[number - 1])
    lines = "\n".join(json.dumps(v) for v in values)
    file.write_text(json.dumps(values) if text[0] == "[" else lines)
    return file


def answer(said: str) -> Any:
    def change(value: Any) -> None:
        value["messages"] = [m for m in value["messages"] if m["role"] != "assistant"]
        value["messages"].append({"role": "assistant", "content": said})

    return change


def response(**said: str) -> Any:
    def change(value: Any) -> None:
        value["responses"] = {k: [{"value": v, "user_id": "u-1"}] for k, v in said.items()}

    return change


@pytest.mark.parametrize("form", FORMATS)
def test_a_round_trip_loses_nothing(tmp_path: Path, form: str) -> None:
    twice = [*ROWS, ROWS[0]]
    coming, faults = read(shared(tmp_path, form, twice))
    found = taken([], coming, "anna", DAY)
    assert faults == found.faults == {}
    assert list(found.rows) == twice
    again = taken(ROWS, coming, "anna", DAY)
    assert (list(again.rows), again.added, again.changed) == (ROWS, 0, 0)


def test_chat_lines_hold_what_the_chain_would_send_and_what_is_right(tmp_path: Path) -> None:
    first = json.loads(shared(tmp_path, "chat").read_text().splitlines()[0])
    assert [m["role"] for m in first["messages"]] == ["system", "user", "assistant"]
    assert "[2] Handbook › 2\nRule 2 says" in first["messages"][1]["content"]
    assert first["messages"][2]["content"] == "Form 10 [1]."


def test_what_waits_goes_out_without_an_answer(tmp_path: Path) -> None:
    lines = shared(tmp_path, "chat").read_text().splitlines()
    assert [m["role"] for m in json.loads(lines[3])["messages"]] == ["system", "user"]
    records = json.loads(shared(tmp_path, "argilla").read_text())
    assert records[3]["suggestions"] == {}
    assert records[3]["metadata"]["waits"] == "thumbs down"
    assert records[0]["suggestions"]["marker"]["value"] == "1"


@pytest.mark.parametrize(
    ("form", "change"),
    [("chat", answer("It is form 20 [2].")),
     ("argilla", response(marker="2", answer="It is form 20."))],
)  # fmt: skip
def test_a_label_that_comes_back_is_taken_over(tmp_path: Path, form: str, change: Any) -> None:
    coming, _ = read(changed(shared(tmp_path, form), 4, change))
    found = taken(ROWS, coming, "anna", DAY)
    assert (found.added, found.changed, found.faults) == (0, 1, {})
    new = found.rows[3]
    assert (new.answer, new.marker, new.target) == ("It is form 20.", 2, "It is form 20 [2].")
    by = "u-1" if form == "argilla" else "anna"
    assert new.notes == {"draft": "No.", "relabelled_by": by, "relabelled": DAY}
    assert not new.waits


def test_a_refusal_that_comes_back_ends_the_waiting_too(tmp_path: Path) -> None:
    coming, _ = read(changed(shared(tmp_path, "chat"), 4, answer(REFUSAL)))
    new = taken(ROWS, coming, "anna", DAY).rows[3]
    assert (new.target, new.waits) == (REFUSAL, False)
    coming, _ = read(changed(shared(tmp_path, "argilla"), 1, response(marker="0")))
    new = taken(ROWS, coming, "anna", DAY).rows[0]
    assert (new.marker, new.accepted, new.notes["before"]) == (0, (), "Form 10 [1].")


def test_text_with_markers_is_an_answer_without_a_choice(tmp_path: Path) -> None:
    change = response(answer="It is form 20 [2].")
    coming, _ = read(changed(shared(tmp_path, "argilla"), 4, change))
    assert taken(ROWS, coming, "anna", DAY).rows[3].target == "It is form 20 [2]."


def test_an_old_file_undoes_nothing_and_the_same_twice_changes_once(tmp_path: Path) -> None:
    coming, _ = read(changed(shared(tmp_path, "chat"), 1, answer("It is form 20 [2].")))
    once = taken(ROWS, coming, "anna", DAY)
    assert once.rows[0].notes["before"] == "Form 10 [1]."
    assert taken(once.rows, coming, "anna", "another day").rows == once.rows
    before, _ = read(shared(tmp_path, "chat"))
    assert taken(once.rows, before, "anna", DAY).rows == once.rows


def test_the_test_stays_what_it_is(tmp_path: Path) -> None:
    coming, _ = read(changed(shared(tmp_path, "chat"), 5, answer("Nobody [2].")))
    found = taken(ROWS, coming, "anna", DAY)
    assert found.rows[4] == ROWS[4]
    assert "frozen" in found.faults[5]

    def to_train(value: Any) -> None:
        value["row"]["split"] = "train"

    coming, _ = read(changed(shared(tmp_path, "chat"), 5, to_train))
    assert list(taken(ROWS, coming, "anna", DAY).rows) == ROWS
    more = [
        row(2, "Test guide", question="Another?"),
        row(1, "New", question="x", split=Split.TEST),
    ]
    coming, _ = read(shared(tmp_path, "chat", more))
    found = taken(ROWS, coming, "anna", DAY)
    assert found.added == 0
    assert "measured document" in found.faults[1]
    assert "frozen" in found.faults[2]


def test_a_row_to_measure_with_is_apart_from_what_is_learned(tmp_path: Path) -> None:
    more = [row(2, "Handbook", question="Another?", split=Split.DEV)]
    coming, _ = read(shared(tmp_path, "chat", more))
    assert "learned from" in taken(ROWS, coming, "anna", DAY).faults[1]


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_no_row_is_named_with_its_line(tmp_path: Path, form: str) -> None:
    file = shared(tmp_path, form)
    bad: Any = answer("No marker.") if form == "chat" else response(marker="9", answer="x")
    changed(file, 1, bad)
    changed(file, 2, dict.clear)
    coming, faults = read(file)
    assert set(faults) == {1, 2}
    assert "names none of the 3 passages" in faults[1]
    assert [one.number for one in coming] == [3, 4, 5, 6, 7]


def test_people_who_disagree_have_labelled_nothing(tmp_path: Path) -> None:
    def two(value: Any) -> None:
        response(marker="2", answer="x")(value)
        value["responses"]["marker"].append({"value": "1", "user_id": "u-2"})

    file = changed(shared(tmp_path, "argilla"), 4, two)
    assert "2 people disagree" in read(file)[1][4]

    def draft(value: Any) -> None:
        value["responses"]["marker"][1]["status"] = "draft"

    assert read(changed(file, 4, draft))[1] == {}


def test_half_a_file_says_where_and_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    file = shared(tmp_path, "chat")
    file.write_text(file.read_text()[:-40] + "\n\n")
    assert list(read(file)[1]) == [7]
    file.write_text("[{")
    with pytest.raises(BadInput):
        read(file)


def test_nobody_learns_from_a_row_without_a_label(tmp_path: Path) -> None:
    about = write_rows(tmp_path, ROWS, {})
    assert [r.id for r in read_rows(tmp_path)] == [r.id for r in ROWS if not r.waits]
    assert read_rows(tmp_path, waiting=True) == ROWS
    assert (about["rows"], about["waiting"], about["without_answer"]) == (7, 1, 2)
    (tmp_path / "without").mkdir()
    without = write_rows(tmp_path / "without", [r for r in ROWS if not r.waits], {})
    assert without["fingerprints"] == about["fingerprints"]


@pytest.mark.parametrize(
    ("said", "marker"), [("It is.", 0), ("It is.", 4), ("It is [7].", 1), ("[1]", 1), ("", 1)]
)
def test_an_answer_rests_on_a_passage(said: str, marker: int) -> None:
    with pytest.raises(ValueError, match=r"passage"):
        labelled(row(), said, marker)
