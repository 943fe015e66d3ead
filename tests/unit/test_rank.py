"""Fusion and choice of passages."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from chatbot.steps.rank import Candidate, fuse, rank, relevance
from tests.strategies import passage

TODAY = date(2026, 6, 1)
SCORES = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))
CANDIDATES = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.tuples(SCORES, SCORES))


def candidates(scores: dict[str, tuple[float, float]]) -> list[Candidate]:
    return [Candidate(name, dense, lexical) for name, (dense, lexical) in scores.items()]


@given(CANDIDATES, st.floats(0, 1))
def test_fused_scores_are_shares_best_first(
    scores: dict[str, tuple[float, float]], weight: float
) -> None:
    fused = fuse(candidates(scores), weight)
    assert fused.keys() == scores.keys()
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in fused.values())
    assert list(fused.values()) == sorted(fused.values(), reverse=True)


@given(CANDIDATES)
def test_who_is_better_on_both_sides_is_never_behind(
    scores: dict[str, tuple[float, float]],
) -> None:
    fused = fuse(candidates(scores))
    for one, (dense, lexical) in scores.items():
        for other, (less_dense, less_lexical) in scores.items():
            if dense >= less_dense and lexical >= less_lexical:
                assert fused[one] >= fused[other] - 1e-9


@given(CANDIDATES)
def test_the_order_of_candidates_does_not_matter(scores: dict[str, tuple[float, float]]) -> None:
    found = candidates(scores)
    assert list(fuse(found).items()) == list(fuse(found[::-1]).items())


def test_a_side_that_cannot_tell_them_apart_does_not_vote() -> None:
    fused = fuse(candidates({"a": (0.9, 0.0), "b": (0.1, 0.0)}))
    assert list(fused) == ["a", "b"]
    assert fuse([]) == {}
    assert fuse(candidates({"a": (0.4, 2.0)})) == {"a": 1.0}
    assert fuse(candidates({"a": (0.4, 0.0)})) == {"a": 0.55}


def test_what_does_not_count_today_or_is_there_twice_is_left_out() -> None:
    pool = {
        p.id: p
        for p in (
            passage("Old.", expires=date(2026, 5, 31)),
            passage("New.", effective=date(2026, 6, 2)),
            passage("Until today.", expires=TODAY),
            passage("From today.", effective=TODAY),
            passage("Twice\n over."),
            passage("Twice over.", "Another title"),
        )
    }
    pieces = [Candidate(i, 0.5, 0.0) for i in [*pool, "gone"]]
    found = rank("q", pieces, fuse(pieces), pool, 10, TODAY)
    texts = [" ".join(s.passage.text.split()) for s in found]
    assert sorted(texts) == ["From today.", "Twice over.", "Until today."]
    assert len(rank("q", pieces, fuse(pieces), pool, 2, TODAY)) == 2


def test_each_passage_says_how_it_was_found() -> None:
    one = passage("Crowns wait.", "Dental", heading=("Waiting periods",))
    alone = [Candidate(one.id, 0.5, 3.0)]
    (found,) = rank("waiting dental", alone, fuse(alone), {one.id: one}, 4, TODAY)
    assert found.scores == {"dense": 0.5, "lexical": 3.0, "coverage": 1.0}
    assert relevance([found]) == 0.75 * 0.5 + 0.25
    assert relevance([]) == 0.0
