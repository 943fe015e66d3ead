"""Votes on two answers: which pairs are fair, in which order, and what is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.domain import Status
from chatbot.steps.canary import CANDIDATE, INCUMBENT
from chatbot.steps.votes import BAD, LEFT, RIGHT, TIE, Vote, comparable, left_side, side_of, voted
from tests.trials import PASSAGES, SHADOW, SHOWN, answered

OUTCOMES = ("wins", "ties", "both_bad", "losses")
VOTES = st.builds(
    Vote,
    answer=st.sampled_from("abcde"),
    voter=st.sampled_from(["anna", "bert", "lena"]),
    choice=st.sampled_from([CANDIDATE, INCUMBENT, TIE, BAD]),
    left=st.sampled_from([CANDIDATE, INCUMBENT]),
)


def said(*choices: str, answer: str = "a") -> list[Vote]:
    """Each by another voter."""
    return [Vote(answer, f"v{n}", choice, CANDIDATE) for n, choice in enumerate(choices)]


def test_only_fair_pairs_are_compared() -> None:
    shown = answered(SHOWN)
    assert comparable(shown, answered(SHADOW))
    assert comparable(shown, answered(""))  # one of them refuses
    assert not comparable(shown, answered(SHOWN))
    assert not comparable(shown, replace(answered(SHADOW), status=Status.HELD))
    assert not comparable(shown, answered(SHADOW, passages=PASSAGES * 2))


def test_the_order_is_drawn_for_each_pair_and_voter_and_stays() -> None:
    drawn = [left_side(f"{n}", "c", voter) for n in range(500) for voter in ("anna", "bert")]
    assert 0.45 < drawn.count(CANDIDATE) / 1000 < 0.55
    both = [a == b for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    assert 0.4 < sum(both) / 500 < 0.6  # what one sees left says nothing about the other's
    assert left_side("7", "c", "anna") == left_side("7", "c", "anna")


@pytest.mark.parametrize(
    ("choice", "left", "said"),
    [(LEFT, CANDIDATE, CANDIDATE), (LEFT, INCUMBENT, INCUMBENT), (RIGHT, CANDIDATE, INCUMBENT),
     (RIGHT, INCUMBENT, CANDIDATE), (TIE, CANDIDATE, TIE), (BAD, INCUMBENT, BAD)],
)  # fmt: skip
def test_a_choice_is_for_who_stood_there(choice: str, left: str, said: str) -> None:
    assert side_of(choice, left) == said


@pytest.mark.parametrize(
    ("choices", "outcome"),
    [((CANDIDATE,), "wins"), ((INCUMBENT,), "losses"), ((CANDIDATE, INCUMBENT), "ties"),
     ((CANDIDATE, CANDIDATE, INCUMBENT), "wins"), ((BAD, BAD, CANDIDATE), "both_bad"),
     ((BAD, CANDIDATE), "ties"), ((TIE, INCUMBENT, INCUMBENT), "losses")],
)  # fmt: skip
def test_a_pair_is_what_most_say_of_it(choices: tuple[str, ...], outcome: str) -> None:
    found = voted(said(*choices))
    assert {name: found[name]["value"] for name in OUTCOMES} == {
        name: float(name == outcome) for name in OUTCOMES
    }


def test_a_few_votes_leave_much_open_and_many_do_not() -> None:
    few = voted([v for n in range(3) for v in said(CANDIDATE, answer=str(n))])["preferred"]
    many = voted([v for n in range(60) for v in said(CANDIDATE, answer=str(n))])["preferred"]
    assert few["low"] < 0.5 < few["value"] == 1.0  # three of three prove nothing
    assert many["low"] > 0.9


def test_a_voter_who_always_takes_the_left_one_is_found_out() -> None:
    votes = [Vote(str(n), "anna", side, side) for n in range(40) for side in [CANDIDATE]]
    assert voted(votes)["left"]["low"] > 0.9
    assert voted(said(TIE, BAD))["left"]["n"] == 0


@given(st.lists(VOTES, max_size=40))
def test_each_pair_counts_once_and_each_voter_with_the_last_word(votes: list[Vote]) -> None:
    found = voted(votes)
    assert found["counts"]["pairs"] == len({v.answer for v in votes})
    assert all(found[name]["n"] == found["counts"]["pairs"] for name in OUTCOMES)
    if votes:
        assert sum(found[name]["value"] for name in OUTCOMES) == pytest.approx(1.0, abs=1e-3)
    last = list({(v.answer, v.voter): v for v in votes}.values())
    assert voted(last) == found  # what was taken back leaves no trace
