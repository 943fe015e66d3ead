"""Repeated questions: counted by people, never joined across a number or a name, never of few."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.faq_proposals import apart
from chatbot.steps.clusters import Cluster, Said, clusters


def found(*said: Said, least: int = 1) -> list[Cluster]:
    vectors = np.asarray(HashedEmbeddings().embed_documents([s.text for s in said]), np.float32)
    return clusters(said, vectors, apart, least)


def said(text: str, *people: str, times: int = 0) -> Said:
    return Said(text, frozenset(people), times or len(people))


def test_wordings_of_one_question_count_together_and_the_most_asked_leads() -> None:
    (one,) = found(
        said("how much does a paper invoice cost", "a"),
        said("How much does a paper invoice cost?", "a", "b", times=5),
        least=2,
    )
    assert [w.text for w in one.wordings] == [
        "How much does a paper invoice cost?", "how much does a paper invoice cost",
    ]  # fmt: skip
    assert (one.people, one.times) == (2, 6)


def test_a_question_of_few_people_is_left_out_however_often_they_ask() -> None:
    often = said("How much does a paper invoice cost?", "a", "b", times=500)
    assert found(often, least=3) == []
    assert len(found(often, least=2)) == 1


def test_what_cannot_mean_the_same_stays_apart() -> None:
    pairs = (
        ("What do you pay for 2 crowns in a year?", "What do you pay for 3 crowns in a year?"),
        ("Is a crown covered by Alder Basic for me?", "Is a crown covered by Alder Plus for me?"),
        ("Is a root canal covered in my plan?", "Is a root canal not covered in my plan?"),
    )
    for one, other in pairs:
        assert len(found(said(one, "a"), said(other, "b"))) == 2, one
    vectors = np.ones((2, 1), np.float32)
    assert len(clusters([said("One", "a"), said("Two", "b")], vectors, lambda *_: True, 1)) == 2
    assert len(clusters([said("One", "a"), said("Two", "b")], vectors, lambda *_: False, 1)) == 1


WORDINGS = st.lists(
    st.builds(
        Said,
        text=st.lists(st.sampled_from("what do you pay for a crown 2 3".split()), min_size=1).map(
            " ".join
        ),
        people=st.sets(st.sampled_from("abcde"), min_size=1).map(frozenset),
        times=st.integers(1, 9),
    ),
    min_size=1,
    max_size=8,
)


@given(WORDINGS, st.integers(1, 4))
def test_nothing_is_counted_twice_and_nobody_is_below_the_least(
    wordings: list[Said], least: int
) -> None:
    made = found(*wordings, least=1)
    assert sorted(w.text for c in made for w in c.wordings) == sorted(w.text for w in wordings)
    assert sum(c.times for c in made) == sum(w.times for w in wordings)
    enough = found(*wordings, least=least)
    assert enough == [c for c in made if c.people >= least]
    assert [c.people for c in made] == sorted((c.people for c in made), reverse=True)
