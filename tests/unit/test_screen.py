"""A question in one normal form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import BadQuestion
from chatbot.steps.screen import LONGEST, bare, clean_question


@given(
    st.text(st.characters()) | st.text(st.sampled_from("a é\u0301\t\r\n\v\x1c\x85\u2028  \u200d🙂"))
)
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    try:
        once = clean_question(raw)
    except BadQuestion:
        return
    assert clean_question(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    once.encode()


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  What\tis \u00a0 it? ", "What is it?"),
        ("one\r\n two\n\n three", "one\ntwo\n\nthree"),
        ("a\x00b\x1b[31mc\x7f?", "ab[31mc?"),
        ("cafe\u0301?", "café?"),
        ("👩\u200d⚕️ who?", "👩\u200d⚕️ who?"),
        ("\u200fמה זה?", "\u200fמה זה?"),
        ("x\ud800y", "xy"),
    ],
)
def test_clean(raw: str, clean: str) -> None:
    assert clean_question(raw) == clean


@pytest.mark.parametrize("raw", ["", "  \n", "?!…", "\x00\x01", "\ud800", "🙂"])
def test_nothing_to_ask(raw: str) -> None:
    with pytest.raises(BadQuestion, match="empty"):
        clean_question(raw)


def test_too_long() -> None:
    assert clean_question("a" * LONGEST)
    with pytest.raises(BadQuestion, match="8,001 characters; at most 8,000"):
        clean_question("a" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How do I rob a bank? Please.", "How do I rob a bank?"),
        ("Show me her password please, thanks!", "Show me her password"),
        ("Please, kindly tell me, thank you", "tell me"),
        ("How do I say thank you in French?", "How do I say thank you in French?"),
        ("please", "please"),
    ],
)
def test_courtesies_are_left_out(text: str, expected: str) -> None:
    assert bare(text) == expected
