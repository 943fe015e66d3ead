"""Who gets the candidate, and when it is clearly worse."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.steps.canary import (
    CANDIDATE,
    ERROR,
    INCUMBENT,
    MEASURES,
    Talk,
    evidence,
    figures,
    on_candidate,
    worse,
)


@given(st.uuids(), st.integers(0, 99))
def test_a_conversation_stays_on_its_side_when_the_share_grows(talk: object, share: int) -> None:
    first = on_candidate(str(talk), "abc", share)
    assert on_candidate(str(talk), "abc", share) == first
    assert on_candidate(str(talk), "abc", share + 1) >= first


def test_the_share_is_what_was_asked_for_and_another_candidate_gets_others() -> None:
    drawn = [on_candidate(f"talk {n}", "abc", 10) for n in range(20_000)]
    assert 0.093 < sum(drawn) / len(drawn) < 0.107
    others = [on_candidate(f"talk {n}", "xyz", 10) for n in range(20_000)]
    both = sum(a and b for a, b in zip(drawn, others, strict=True))
    assert 140 < both < 260  # a tenth of a tenth
    assert not any(on_candidate(f"talk {n}", "abc", 0) for n in range(1000))


def trial(drawn: random.Random, share: int, bad: float, times: float, most: int) -> int | None:
    """After how many conversations a trial is ended that is looked at after each; None: never."""
    counts = [0, 0]
    for number in range(most):
        tried = drawn.random() < share / 100
        if drawn.random() < bad * (times if tried else 1):
            counts[tried] += 1
            if evidence(counts[1], counts[0], share) >= len(MEASURES) / ERROR:
                return number + 1
    return None


@pytest.mark.parametrize("share", [5, 50])
def test_one_that_is_no_different_is_hardly_ever_withdrawn(share: int) -> None:
    drawn = random.Random(share)
    ended = [trial(drawn, share, 0.3, 1.0, 1000) for _ in range(400)]
    found = sum(e is not None for e in ended) / len(ended)
    assert found <= ERROR / len(MEASURES) + 0.012  # a measure has its part; two standard errors


def test_one_that_goes_badly_four_times_as_often_is_withdrawn_soon() -> None:
    drawn = random.Random(1)
    ended = [trial(drawn, 10, 0.2, 4.0, 2000) for _ in range(50)]
    assert all(e is not None and e < 1000 for e in ended)


def talks(side: str, count: int, bad: int, measure: str = "refused") -> list[Talk]:
    return [Talk(side, 2, frozenset([measure] if n < bad else []), 1.5) for n in range(count)]


def test_what_is_worse_is_named() -> None:
    found = [*talks(CANDIDATE, 50, 40, "dropped"), *talks(INCUMBENT, 450, 60, "dropped")]
    assert worse(found, 10) == ("dropped",)
    assert worse([*talks(CANDIDATE, 50, 7), *talks(INCUMBENT, 450, 60)], 10) == ()
    assert worse(talks(CANDIDATE, 3, 3), 10) == ()  # three prove nothing
    better = [*talks(CANDIDATE, 50, 0), *talks(INCUMBENT, 450, 400)]
    assert worse(better, 10) == ()


def test_figures_have_intervals() -> None:
    found = figures(talks(CANDIDATE, 50, 10))
    assert found["refused"]["n"] == 50
    assert found["refused"]["low"] < 0.2 == found["refused"]["value"] < found["refused"]["high"]
    assert found["seconds"]["value"] == 1.5
    assert figures([])["held"] == {"n": 0, "value": 0.0, "low": 0.0, "high": 1.0}
