"""Rows, splits, lists of passages and scores: what an adapter learns from and is measured on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.errors import BadInput
from chatbot.figures import bootstrap
from chatbot.steps.likeness import exact, f1
from finetune.contexts import Lists, Shelf, answerless, own_rows, shared_rows
from finetune.dataset import make_dataset
from finetune.public import Asked, load_public
from finetune.rows import REFUSAL, WAITS, Row, Source, Split, fingerprint, read_rows, write_rows
from finetune.scores import Answered, difference, scores
from finetune.split import smuggled, split_of, without_twins

WORDS = HashedEmbeddings()


def count(texts: Sequence[str]) -> list[int]:
    return [len(t.split()) for t in texts]


def source(number: int, document: str = "Handbook") -> Source:
    return Source(f"Part {number}", f"Rule {number} says that form {number}0 is due.", document)


def row(number: int = 1, **changed: object) -> Row:
    sources = tuple(source(n) for n in range(1, 4))
    made = Row(f"Which form does rule {number} want?", sources, f"form {number}0", number,
               "own", "CC0-1.0", Split.TRAIN)  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def test_a_dataset_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [
        row(1),
        row(2, split=Split.TEST, accepted=("20",), synthetic=True, notes={"by": "anna"}),
        row(3, answer="", marker=0, split=Split.HARD),
    ]
    about = write_rows(tmp_path, rows, {"seed": 7})
    assert read_rows(tmp_path) == rows
    assert read_rows(tmp_path, Split.TEST, Split.HARD) == rows[1:]
    assert about == json.loads((tmp_path / "about.json").read_text())
    assert about["splits"] == {"hard": 1, "test": 1, "train": 1}
    assert about["without_answer"] == 1
    assert len((tmp_path / "passages.jsonl").read_text().splitlines()) == 3  # each once
    assert about["fingerprints"]["test"] == fingerprint([rows[1]])


def test_a_packed_dataset_is_read_as_it_is(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(1), row(2)], {})
    for file in (tmp_path / "rows.jsonl", tmp_path / "passages.jsonl"):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert read_rows(tmp_path) == [row(1), row(2)]


@pytest.mark.parametrize(
    "line",
    ["{", "[1]", '{"question": "x"}', '{"question":"x","passages":["?"],"answer":"","marker":0,'
     '"origin":"","licence":"","split":"test"}'],
)  # fmt: skip
def test_a_broken_dataset_is_refused_with_a_reason(tmp_path: Path, line: str) -> None:
    write_rows(tmp_path, [row()], {})
    (tmp_path / "rows.jsonl").write_text(line)
    with pytest.raises(BadInput) as error:
        read_rows(tmp_path)
    assert error.value.remedy


def test_an_answer_needs_the_passage_that_holds_it(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(marker=0)], {})
    with pytest.raises(BadInput, match="without its passage"):
        read_rows(tmp_path)


def test_what_the_model_is_to_write() -> None:
    assert row(2).target == "Form 20 [2]."
    assert row(answer="Form 10 is due.").target == "Form 10 is due [1]."
    assert row(answer="", marker=0).target == REFUSAL


def test_a_fingerprint_is_of_content_not_order() -> None:
    assert fingerprint([row(1), row(2)]) == fingerprint([row(2), row(1)])
    assert fingerprint([row(1)]) != fingerprint([row(1, answer="another")])


# --- splits ---------------------------------------------------------------------------------------


def test_documents_keep_their_split_and_few_are_measured_with() -> None:
    found = [split_of(f"document {n}") for n in range(2000)]
    assert 0.05 < found.count(Split.TEST) / 2000 < 0.10
    assert split_of("Normans") is Split.DEV  # a change of this moves frozen test rows


def test_a_test_row_smuggled_into_training_is_found() -> None:
    test = row(1, split=Split.TEST, sources=(source(1, "Other"),))
    assert smuggled([row(2)], [test]) == {}
    same_question = row(1, question="  which form does RULE 1 want")
    assert "asks what the measured row" in smuggled([same_question], [test])[same_question.id]
    same_document = row(3, sources=(source(3, "Other"),))
    assert (
        "rests on a measured document: Other" in smuggled([same_document], [test])[same_document.id]
    )


def test_near_duplicates_of_measured_questions_are_left_out() -> None:
    kept = ["When does the branch in Fenwater open?"]
    asked = ["when does the branch in Fenwater open", "Who signs a claim?"]
    assert without_twins(asked, kept, WORDS.encode) == [1]


# --- lists of passages ----------------------------------------------------------------------------


def shelf() -> Shelf:
    passages = [source(n) for n in range(1, 13)]
    asked = [
        Asked(f"Which form does rule {n} want?", (f"form {n}0",), (passages[n - 1],), "own", "CC0")
        for n in range(1, 13)
    ]
    return Shelf.of(passages, asked, WORDS.encode)


def test_rows_to_learn_from_share_their_lists_and_have_both_kinds() -> None:
    rows = list(shared_rows(shelf(), Lists(seed=3)))
    lists = {tuple(s.id for s in r.sources) for r in rows}
    assert len(rows) > 4 * len(lists)
    assert {bool(r.marker) for r in rows} == {True, False}
    assert all(3 <= len(r.sources) <= 5 for r in rows)
    assert all(not r.marker or r.answer in r.sources[r.marker - 1].text for r in rows)
    assert rows == list(shared_rows(shelf(), Lists(seed=3)))
    assert rows != list(shared_rows(shelf(), Lists(seed=4)))


def test_rows_to_measure_with_have_their_own_lists_with_and_without_the_answer() -> None:
    rows = list(own_rows(shelf(), 3, Split.TEST))
    held = [r for r in rows if r.marker]
    bare = [r for r in rows if not r.marker]
    assert len(held) > 6
    assert len(bare) > 6
    for one in bare:
        number = one.question.split()[4]
        assert f"form {number}0" not in " ".join(s.text for s in one.sources)


def test_a_passage_that_says_the_answer_is_no_passage_without_it() -> None:
    asked = Asked("Which form?", ("Form 10",), (source(1),), "own", "CC0")
    assert answerless(asked, [source(2)])
    assert not answerless(asked, [source(1)])
    assert not answerless(asked, [replace(source(2), text="Send FORM 10, please.")])
    assert answerless(asked, [replace(source(2), text="Send form 100, please.")])


# --- public sets ----------------------------------------------------------------------------------


def squad(folder: Path) -> Path:
    articles = [
        {
            "title": f"Town_{n}",
            "paragraphs": [
                {
                    "context": f"Town {n} was founded in {1200 + n}. Its river is the Alder{n}.",
                    "qas": [
                        {"question": f"When was town {n} founded?", "is_impossible": False,
                         "answers": [{"text": str(1200 + n), "answer_start": 0}]},
                        {"question": f"Who is mayor of town {n}?", "is_impossible": True,
                         "answers": []},
                    ],
                }
            ],
        }
        for n in range(60)
    ]  # fmt: skip
    file = folder / "squad_small.json"
    file.write_text(json.dumps({"data": articles}))
    return file


def test_squad_is_read_with_its_titles_and_answers(tmp_path: Path) -> None:
    found = load_public(squad(tmp_path), count)
    assert len(found.passages) == 60
    first = found.asked[0]
    assert (first.question, first.answers) == ("When was town 0 founded?", ("1200",))
    assert (first.gold[0].where, first.licence) == ("Town 0", "CC BY-SA 4.0")
    assert found.asked[1].answers == ()


def test_medquad_is_answered_with_a_first_sentence(tmp_path: Path) -> None:
    fevers = (
        f"x,information,What is (are) Ague {n} ?,"
        f"Ague {n} is a fever that comes and goes in spring. Rest helps."
        for n in range(30)
    )
    lines = ["source,type,question,answer", *fevers]
    file = tmp_path / "medquad.csv"
    file.write_text("\n".join(lines))
    found = load_public(file, count)
    assert 3 < len(found.asked) < 25  # a part is enough
    one = found.asked[0]
    assert one.question.startswith("What is Ague ")
    assert one.answers[0].endswith("is a fever that comes and goes in spring.")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("squad.json", "{"),
        ("squad.json", '{"data": 3}'),
        ("novel.txt", ""),
        ("medquad.csv", "a,b\n1,2\n"),
    ],
)
def test_what_is_no_set_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput):
        load_public(tmp_path / name, count)


class Encoder:
    encode = staticmethod(WORDS.encode)
    count_tokens = staticmethod(count)


def test_the_splits_of_a_dataset_share_nothing(tmp_path: Path) -> None:
    encoder: Any = Encoder()
    about = make_dataset([squad(tmp_path)], [], tmp_path / "out", encoder, Lists())
    rows = read_rows(tmp_path / "out")
    assert set(about["splits"]) >= {"train", "test"}
    documents = [
        {s.document for r in rows if r.split is split for s in r.sources}
        for split in (Split.TRAIN, Split.DEV, Split.TEST)
    ]
    assert not documents[0] & documents[1]
    assert not documents[0] & documents[2]
    measured = next(r for r in rows if r.split is Split.TEST)
    own = [
        replace(measured, split=Split.TRAIN, origin="desk"),
        row(1, origin="desk", sources=(source(1, "Ours"), source(2, "Ours"))),
    ]
    mixed = make_dataset([squad(tmp_path)], own, tmp_path / "mixed", encoder, Lists())
    assert mixed["rows"] == about["rows"] + 1  # the smuggled one is left out
    bad = replace(measured, split=Split.TRAIN, question="And?", answer="", marker=0)
    waiting = [bad, replace(bad, question="Why?", notes={WAITS: "thumbs down"})]
    kept = make_dataset([squad(tmp_path)], waiting, tmp_path / "kept", encoder, Lists())
    assert (kept["rows"], kept["waiting"]) == (about["rows"] + 1, 1)  # it is not learned from
    again = make_dataset([squad(tmp_path)], [], tmp_path / "again", encoder, Lists())
    assert again["fingerprints"] == about["fingerprints"]


# --- scores ---------------------------------------------------------------------------------------


def test_f1_counts_shared_words() -> None:
    assert f1("The Edict of Nantes", ["edict of nantes"]) == 1.0
    assert f1("in 1598", ["1598"]) == pytest.approx(2 / 3)
    assert f1("nothing of it", ["1598"]) == 0.0
    assert exact("The 1598!", ["in 1598", "1598"])


@given(st.text(max_size=40), st.text(max_size=40))
def test_f1_is_a_share_and_symmetric(one: str, other: str) -> None:
    assert 0.0 <= f1(one, [other]) <= 1.0
    assert f1(one, [other]) == pytest.approx(f1(other, [one]))


def test_scores_tell_refusals_citations_and_answers_apart() -> None:
    held, bare = row(1), row(2, answer="", marker=0)
    found = scores([
        Answered(held, "Form 10 [1]."),
        Answered(held, "Form 10 [2]."),
        Answered(held, REFUSAL),
        Answered(held, ""),
        Answered(bare, REFUSAL),
        Answered(bare, "Form 99 [3]."),
    ])  # fmt: skip
    assert found["n"] == 6
    value = {name: score["value"] for name, score in found.items() if name != "n"}
    assert value["f1"] == 0.5
    assert value["right_citation"] == 0.5
    assert value["citation_recall"] == 0.25
    assert value["wrong_refusals"] == 0.5
    assert value["right_refusals"] == 0.5
    assert value["unsupported"] == pytest.approx(2 / 3, abs=1e-3)  # "Form 10" of [2], "Form 99"


def test_an_interval_holds_the_mean_and_says_when_there_is_nothing() -> None:
    found = bootstrap([0.0, 1.0] * 50)
    assert found["low"] < found["value"] == 0.5 < found["high"]
    assert bootstrap([])["n"] == 0


def test_two_runs_are_compared_row_by_row() -> None:
    rows = [row(n) for n in (1, 2, 3)]
    right = [Answered(r, r.target) for r in rows]
    wrong = [Answered(r, REFUSAL) for r in rows]
    assert difference(right, wrong)["value"] == 1.0
    assert difference(right, right)["value"] == 0.0


def test_vectors_are_of_length_one() -> None:
    assert np.allclose(np.linalg.norm(shelf().passage_vectors, axis=1), 1.0, atol=1e-5)
