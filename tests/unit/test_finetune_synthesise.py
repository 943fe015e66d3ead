"""Questions that a model wrote: kept where they can be checked, and rows in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.errors import BadInput
from finetune.contexts import Lists
from finetune.dataset import make_dataset
from finetune.public import load_public
from finetune.rows import Split, read_rows
from finetune.split import split_of
from finetune.synthesise import chosen, line_of, worth_asking
from tests.strategies import passage

WORDS = HashedEmbeddings()
FEES = passage("Alder Plus pays 80% of fillings. It pays half of crowns.", "Fees")
CARD = passage("The card reaches you within 7 days.", "Cards")
ASKED = "Q: What share of fillings does Alder Plus pay?\nA: 80%"


def kept(said: str, finds: Any = lambda *_: True) -> tuple[list[str], dict[str, int]]:
    pairs, outcomes = chosen({FEES.id: said}, [FEES], finds, WORDS.encode)
    return [f"{p.question} {p.answer}" for p in pairs], outcomes


def test_what_can_be_checked_is_kept() -> None:
    assert kept(ASKED) == (["What share of fillings does Alder Plus pay? 80%"], {"kept": 1})
    two = 'Sure!\n**Q1:** How much of crowns is paid?\n**A1:** "half of crowns."\n\n' + ASKED
    assert kept(two)[0][0] == "How much of crowns is paid? half of crowns."
    assert kept(two)[1] == {"kept": 2}


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("What is paid?", "not in the form"),
        (ASKED.replace("80%", "90%"), "not in the passage word for word"),
        (ASKED.replace("80%", "eighty percent"), "not in the passage word for word"),
        (ASKED.replace("pay?", "pay"), "no question"),
        ("Q: Why so?\nA: 80%", "no question"),
        ("Q: Does Alder Plus pay 80% of fillings?\nA: 80%", "says its answer"),
        (f"{ASKED}\n{ASKED}", "asked twice"),
        (f"{ASKED}\n{ASKED.replace('What share', 'Which share')}", "asked twice"),
    ],
)
def test_what_cannot_be_used_is_counted(said: str, outcome: str) -> None:
    pairs, outcomes = kept(said)
    assert outcomes[outcome] == 1
    assert len(pairs) == outcomes["kept"] == (outcome == "asked twice")


def test_what_retrieval_does_not_find_again_is_left_out() -> None:
    assert kept(ASKED, lambda question, of: of is not FEES) == (
        [],
        {"kept": 0, "not found again": 1},
    )


def test_passages_that_say_little_or_the_same_are_not_asked_about() -> None:
    long, table = "The fee is due. " * 9, passage("a\tb " * 40, kind="table")
    twice = [passage(long, "One"), passage(long, "Two"), table, passage("Short.")]
    assert len(worth_asking(twice)) == 1


class Encoder:
    encode = staticmethod(WORDS.encode)
    count_tokens = staticmethod(WORDS.count_tokens)


def test_they_become_rows_that_say_where_they_come_from(tmp_path: Path) -> None:
    about = [
        passage(f"Fee {n} is {n}0 euros for members of group {n}.", f"Fee {n}") for n in range(9)
    ]
    written = {}
    for one in about:
        _, number, _, euros, *_ = one.text.split()
        written[one.id] = f"Q: How much is fee {number} for members?\nA: {euros} euros"
    pairs, _ = chosen(written, about, lambda *_: True, lambda t: WORDS.encode(t) * 0.5)
    file = tmp_path / "mine.jsonl"
    lines = [json.dumps(line_of(pair, "handbook", "a model")) for pair in pairs]
    file.write_text("\n".join(lines) + "\n\n")
    encoder: Any = Encoder()
    made = make_dataset([file], [], tmp_path / "out", encoder, Lists())
    rows = read_rows(tmp_path / "out")
    assert made["origins"] == {"collection handbook (own)": len(rows)}
    assert all(row.synthetic and row.notes == {"written_by": "a model"} for row in rows)
    first = next(r for r in rows if r.marker and r.split is Split.TRAIN)
    source = first.sources[first.marker - 1]
    assert first.answer in source.text
    assert source.version
    assert split_of(source.document) is Split.TRAIN


def test_a_question_file_whose_answer_does_not_stand_there_is_refused(tmp_path: Path) -> None:
    (pair,) = chosen({FEES.id: ASKED}, [FEES], lambda *_: True, WORDS.encode)[0]
    line = line_of(pair, "handbook", "m")
    file = tmp_path / "own.jsonl"
    for wrong in (line | {"answer": "90%"}, {}, line | {"passage": {"text": "80%"}}):
        file.write_text(json.dumps(wrong))
        with pytest.raises(BadInput):
            load_public(file, WORDS.count_tokens)
