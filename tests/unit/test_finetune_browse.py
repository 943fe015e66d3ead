"""The page of rows: what it lists, what it writes, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chatbot.errors import BadInput
from finetune.browse import Book, sent, shown, stamp
from finetune.browse_page import PAGE, Sift
from finetune.rows import REFUSAL, Row, Split, read_rows, write_rows
from tests.unit.test_finetune_share import ROWS, row

WAITING = next(r for r in ROWS if r.waits)
TEST = next(r for r in ROWS if r.split is Split.TEST)


def book(folder: Path, rows: list[Row] = ROWS) -> Book:
    write_rows(folder / "rows", rows, {"files": ["squad.json"]})
    return Book(folder / "rows", "anna")


def form(one: Row, **said: str) -> dict[str, str]:
    filled = {"row": one.id, "seen": stamp(one), "answer": "Form 20.", "marker": "2",
              "accepted": "", "split": one.split.value}  # fmt: skip
    return filled | said


def test_rows_are_sifted_by_what_they_are() -> None:
    def found(**said: str) -> list[int]:
        return [ROWS.index(r) for r in Sift.of(said).chosen(ROWS)]

    assert found() == list(range(len(ROWS)))
    assert found(kind="waits") == [3]
    assert found(kind="refusal") == [1, 5]
    assert found(kind="answer", split="train") == [0, 2]
    assert found(writer="program") == [1]
    assert found(writer="person", origin="desk") == [2]
    assert found(q="DEV guide") == [5]
    assert found(q="rule which 2") == [0, 1, 2, 3]
    assert found(split="none") == []


def test_an_address_says_what_is_sifted() -> None:
    sift = Sift.of({"q": "a&b=c", "page": "3", "kind": "waits", "else": "x"})
    said = {k: v[0] for k, v in parse_qs(urlsplit(sift.address()).query).items()}
    assert Sift.of(said) == sift == Sift(kind="waits", q="a&b=c", page=3)
    assert [Sift.of({"page": p}).page for p in ("", "-1", "x", "0", "²")] == [1] * 5


def test_a_label_is_written_with_who_and_when(tmp_path: Path) -> None:
    here = book(tmp_path)
    address, page = sent(here, {"kind": "waits"}, form(WAITING))
    assert (page, "done=1" in address, "row=" in address) == ("", True, False)
    assert "Saved." in shown(here, {"done": "1"})
    kept = read_rows(tmp_path / "rows")[3]
    assert (kept.target, kept.waits) == ("Form 20 [2].", False)
    assert kept.notes["relabelled_by"] == "anna"
    about = json.loads((tmp_path / "rows" / "about.json").read_text())
    assert (about["waiting"], about["files"]) == (0, ["squad.json"])
    assert {p.name for p in (tmp_path / "rows").iterdir()} == {
        "about.json", "passages.jsonl", "rows.jsonl",
    }  # fmt: skip


def test_after_a_label_comes_the_next_of_the_list(tmp_path: Path) -> None:
    here = book(tmp_path)
    address, _ = sent(here, {"split": "train"}, form(ROWS[0], marker="1"))
    assert f"row={ROWS[1].id}" in address
    assert "split=train" in address


def test_none_of_the_passages_is_a_refusal_whatever_was_written(tmp_path: Path) -> None:
    here = book(tmp_path)
    sent(here, {}, form(WAITING, marker="0", answer="left over"))
    assert read_rows(tmp_path / "rows")[3].target == REFUSAL


@pytest.mark.parametrize(
    ("one", "said", "why"),
    [
        (TEST, {}, "frozen"),
        (TEST, {"split": "train"}, "frozen"),
        (ROWS[0], {"split": "test"}, "frozen"),
        (ROWS[0], {"split": "dev"}, "learned from"),
        (ROWS[5], {"split": "elsewhere"}, "no label"),
        (WAITING, {"marker": "9"}, "names none of the 3"),
        (WAITING, {"marker": "2", "answer": " "}, "no answer is given"),
        (WAITING, {"seen": "before"}, "Somebody has changed"),
        (replace(WAITING, question="Another?"), {}, "not in the dataset"),
    ],
)
def test_what_may_not_be_is_refused_and_nothing_is_written(
    tmp_path: Path, one: Row, said: dict[str, str], why: str
) -> None:
    here = book(tmp_path)
    before = (tmp_path / "rows" / "rows.jsonl").read_bytes()
    address, page = sent(here, {}, form(one, **said))
    assert address == ""
    assert why in page
    assert (tmp_path / "rows" / "rows.jsonl").read_bytes() == before
    assert here.rows() == ROWS


def test_what_was_typed_is_kept_beside_the_reason(tmp_path: Path) -> None:
    _, page = sent(book(tmp_path), {}, form(WAITING, answer="Half <b>a", marker="7"))
    assert "Half &lt;b&gt;a</textarea>" in page


def test_what_another_program_writes_is_shown(tmp_path: Path) -> None:
    here = book(tmp_path)
    write_rows(tmp_path / "rows", ROWS[:1], {})
    assert len(here.rows()) == 1
    (tmp_path / "rows" / "rows.jsonl").unlink()
    with pytest.raises(BadInput, match="holds no dataset"):
        here.rows()


def test_the_answer_is_marked_where_it_stands_and_nothing_is_markup(tmp_path: Path) -> None:
    evil: Any = replace(ROWS[0], question="<script>x</script>", notes={"<i>": '"><b>'})
    page = shown(book(tmp_path, [evil]), {"row": evil.id, "q": '"><i>'})
    assert "<mark>form 10</mark> is due." in page
    assert "<script>x" not in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_a_test_row_has_no_form(tmp_path: Path) -> None:
    page = shown(book(tmp_path), {"row": TEST.id})
    assert 'id="label"' not in page
    assert "frozen" in page


def test_long_lists_have_pages_and_empty_ones_say_so(tmp_path: Path) -> None:
    many = [row(1, question=f"Question {n}?") for n in range(PAGE + 1)]
    here = book(tmp_path, many)
    assert shown(here, {}).count('class="row"') == PAGE
    last = shown(here, {"page": "2"})
    assert last.count('class="row"') == 1
    assert "Page 2 of 2" in last
    assert shown(here, {"page": "99"}).count('class="row"') == 1
    assert "No row fits" in shown(here, {"q": "nowhere"})
    assert "Every row has a label" in shown(here, {})
    assert "This dataset has no rows" in shown(book(tmp_path, []), {})
    assert "Begin with the first" in shown(book(tmp_path), {})
