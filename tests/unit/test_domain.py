"""The records of the field."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.domain import (
    AnswerRecord,
    Citation,
    Draft,
    Locator,
    join_sentences,
    sha256_of,
)
from tests.strategies import DRAFTS, RECORDS, TEXTS, document, draft, passage, record


@given(RECORDS)
def test_a_record_comes_back_from_json_as_it_was(one: AnswerRecord) -> None:
    again = AnswerRecord.from_json(one.to_json())
    assert again == one
    assert again.answer == one.answer
    assert again.citations == one.citations
    assert [d.sha256 for d in again.sentences] == [d.sha256 for d in one.sentences]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"id": 1}', '{"status": "gone"}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        AnswerRecord.from_json(text)


@given(DRAFTS, TEXTS)
def test_a_drafts_fingerprint_changes_with_its_words(one: Draft, text: str) -> None:
    assert (replace(one, text=text).sha256 == one.sha256) is (text == one.text)


@given(DRAFTS.filter(lambda d: d.citations), TEXTS)
def test_a_drafts_fingerprint_changes_with_its_quotes(one: Draft, quote: str) -> None:
    first, *rest = one.citations
    changed = replace(one, citations=(replace(first, quote=quote), *rest))
    assert (changed.sha256 == one.sha256) is (quote == first.quote)


@given(DRAFTS.filter(lambda d: d.citations), TEXTS)
def test_a_drafts_fingerprint_changes_with_its_sources(one: Draft, version: str) -> None:
    first, *rest = one.citations
    newer = replace(first.passage, document=replace(first.passage.document, version=version))
    changed = replace(one, citations=(replace(first, passage=newer), *rest))
    same = version == first.passage.document.version
    assert (changed.sha256 == one.sha256) is same
    assert replace(one, citations=()).sha256 != one.sha256


def test_words_and_quotes_cannot_change_places() -> None:
    where = passage("x")
    assert (
        Draft("a", (Citation(1, where, "b"),)).sha256
        != Draft("b", (Citation(1, where, "a"),)).sha256
    )
    assert Draft("a\ud800").sha256 != Draft("a").sha256
    assert len(sha256_of("\ud800")) == 64


def test_records_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        draft().text = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
    ],
)
def test_a_document_counts_from_its_first_day_to_its_last(day: date, counts: bool) -> None:
    dated = document(effective=date(2026, 1, 1), expires=date(2026, 6, 30))
    assert dated.counts_on(day) is counts
    assert document().counts_on(day)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (Locator(), "start"),
        (Locator(("A", "B")), "A › B"),
        (Locator(("A",), 3), "page 3, A"),
        (Locator(page=3), "page 3"),
    ],
)
def test_a_locator_reads_like_a_place(where: Locator, words: str) -> None:
    assert str(where) == words


def test_list_items_start_lines() -> None:
    assert join_sentences(["It is so [1].", "1. One.", "- Two.", "Then [2]."]) == (
        "It is so [1].\n1. One.\n- Two. Then [2]."
    )
    assert join_sentences([]) == ""


def test_an_answer_names_each_quote_once() -> None:
    one, two = draft("So [1]."), draft("Again [1].")
    assert record([one, two]).citations == one.citations
    assert record([one, two]).answer == "So [1]. Again [1]."


@given(st.lists(TEXTS, max_size=5))
def test_joining_loses_no_word(sentences: list[str]) -> None:
    assert join_sentences(sentences).split() == " ".join(sentences).split()
