"""Words, stems and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.steps.words import (
    complete_sentences,
    content_stems,
    coverage,
    sentence_spans,
    sentence_stream,
    sentences,
    stem,
)
from tests.strategies import PROSE

ANY = PROSE | st.text(st.sampled_from("aB1.!? \n\t[]()“”,。-*"), max_size=40) | st.text(max_size=80)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        (" \n ", []),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        (
            "We pay 3.5% e.g. for fillings. Not more.",
            ["We pay 3.5% e.g. for fillings.", "Not more."],
        ),
        ("Ask Dr. Smith. He knows.", ["Ask Dr. Smith.", "He knows."]),
        ("It costs EUR 5. 10 are more.", ["It costs EUR 5.", "10 are more."]),
        ("It is so [1]. It is not [2].", ["It is so [1].", "It is not [2]."]),
        ("It is so. [1] It is not. [2][3]", ["It is so. [1]", "It is not. [2][3]"]),
        ("He said “no.” She said (yes.) So.", ["He said “no.”", "She said (yes.)", "So."]),
        ("- one\n- two", ["- one", "- two"]),
        ("First line\nsecond line", ["First line", "second line"]),
        ("这是。那是。", ["这是。", "那是。"]),
        ("In the U.S. Senate it is. Yes.", ["In the U.S. Senate it is.", "Yes."]),
        ("it ends. then goes on", ["it ends. then goes on"]),
    ],
)
def test_sentences(text: str, wanted: list[str]) -> None:
    assert sentences(text) == wanted


@given(ANY)
def test_spans_hold_every_word_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join("".join(text[a:b] for a, b in spans).split()) == "".join(text.split())
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)
    assert spans == sorted(spans)


@given(ANY, st.lists(st.integers(0, 80), max_size=12))
def test_a_stream_gives_the_same_sentences_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(c for c in cuts if c < len(text)), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert list(sentence_stream(iter(pieces))) == sentences(text)
    assert list(sentence_stream(iter(text))) == sentences(text)


def test_a_sentence_comes_as_soon_as_the_next_begins() -> None:
    read = []

    def pieces() -> Iterator[str]:
        for piece in ["It is ", "so [1].", " Then", " more [2].", " End."]:
            read.append(piece)
            yield piece

    stream = sentence_stream(pieces())
    assert next(stream) == "It is so [1]."
    assert len(read) == 3


def test_the_last_sentence_of_a_growing_text_is_not_complete() -> None:
    assert complete_sentences("It costs 3.") == ([], "It costs 3.")
    assert complete_sentences("So. It is") == (["So."], "It is")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("claims", "Claim", True),
        ("payments", "payment", True),
        ("covered", "covers", True),
        ("pays", "paid", False),
        ("bus", "bus", True),
        ("nation", "national", True),
        ("house", "mouse", False),
    ],
)
def test_stems(one: str, other: str, same: bool) -> None:
    assert (stem(one) == stem(other)) is same


@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_case_is_no_part_of_a_stem(text: str) -> None:
    assert content_stems(text.upper()) == content_stems(text)


def test_coverage() -> None:
    assert coverage("How long is the waiting period?", "A waiting period of 90 days") == (
        pytest.approx(2 / 3)
    )
    assert coverage("the of and", "anything") == 0.0
    assert coverage("", "") == 0.0


@given(PROSE, PROSE)
def test_coverage_is_a_share(question: str, text: str) -> None:
    assert 0.0 <= coverage(question, text) <= 1.0
    assert coverage(question, question) in (0.0, 1.0)
    assert coverage(question, f"{text} {question}") in (0.0, 1.0)
