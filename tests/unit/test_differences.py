"""What tells two questions apart: named differences, single words, and what was observed nearby."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.near_misses import filled_frames
from chatbot.steps.alignment import Lexicon, align, sketch
from chatbot.steps.differences import differences
from chatbot.steps.neighbourhood import Observation, may_serve, rivals

NEAR_MISSES = [
    ("Which orders can be returned?", "Which orders cannot be returned?", "negated"),
    ("Is the room supported?", "Is the room unsupported?", "negated"),
    ("Can I return shoes within 14 days?", "Can I return shoes within 30 days?", "number"),
    ("Is the gym open on Monday?", "Is the gym open on Tuesday?", "number"),
    ("What changes on 1 January?", "What changes on 1 July?", "date"),
    ("Are there classes at 7 am?", "Are there classes at 7 pm?", "measure"),
    ("What does parking cost per hour?", "What does parking cost per day?", "unit"),
    ("How do I fly to Peru?", "How do I fly to Cuba?", "name"),
    ("How do I block a debit card?", "How do I block a credit card?", "thing"),
    ("How do I turn roaming on?", "How do I turn roaming off?", "thing"),
    ("How do I go from part-time to full-time?", "How do I go from full-time to part-time?",
     "direction"),
    ("Is there a flight to Oslo?", "Is there a flight from Oslo?", "direction"),
    ("What was the price?", "What is the price?", "time"),
    ("Who used to run the gym?", "Who runs the gym?", "time"),
    ("When does it open?", "When will it open?", "time"),
    ("Can students use the gym?", "Can visitors use the gym?", "audience"),
    ("How much is the rent?", "Why is the rent due?", "kind"),
]  # fmt: skip
SAME = [
    ("How do I turn on 2FA?", "How do I switch on two-factor authentication?"),
    ("When will my order arrive?", "How long does delivery take?"),
    ("What is the treatment for influenza?", "How is the flu treated?"),
    ("Can a patient with COVID-19 leave?", "May corona patients leave?"),
    ("I am abroad, does my card work?", "Does my card work when a person is abroad?"),
]
LEXICON = Lexicon(
    frozenset("how do i buy purchase report printer broken landlord sue illness".split()),
    {"buy": frozenset({1}), "purchase": frozenset({1}), "sell": frozenset({2})},
)


@pytest.mark.parametrize(("one", "two", "reason"), NEAR_MISSES)
def test_what_differs_is_named_whichever_was_asked(one: str, two: str, reason: str) -> None:
    found = differences(one, two)
    assert any(reason in f for f in found)
    assert differences(two, one) == found


@pytest.mark.parametrize(("one", "two"), SAME)
def test_another_wording_is_no_difference(one: str, two: str) -> None:
    assert differences(one, two) == ()


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_can_be_compared_either_way(one: str, two: str) -> None:
    assert differences(one, one) == ()
    assert differences(one, two) == differences(two, one)
    a, b = sketch(one, LEXICON), sketch(two, LEXICON)
    found, back = align(a, b), align(b, a)
    assert (found.shared, found.exchanged) == (back.shared, back.exchanged)


@pytest.mark.parametrize(
    ("one", "two", "exchanged"),
    [
        ("How do I buy a printer?", "How do I purchase a printer?", False),
        ("How do I buy a printer?", "How do I sell a printer?", True),
        ("How do I report a printer?", "How do I report a broken printer?", True),
        ("How is the printer connected?", "What is the connection of the printer?", False),
        ("Is the illness broken?", "Is the illnes broken?", False),
        ("Can my landlord sue me?", "Can I sue my landlord?", True),
        ("printer ink report", "landlord illness window garden", False),
    ],
)
def test_one_word_makes_another_question_unless_it_means_the_same(
    one: str, two: str, exchanged: bool
) -> None:
    assert align(sketch(one, LEXICON), sketch(two, LEXICON)).exchanged is exchanged


def test_without_observations_the_likeness_alone_decides() -> None:
    assert may_serve(0.999, (), 0.002)
    assert not may_serve(0.997, (), 0.002)
    assert not may_serve(0.0, (), 1.0)


def test_one_wrong_answer_nearby_stops_hits_and_many_right_ones_bring_them_back() -> None:
    wrong = Observation(0.999, same=False)
    right = [Observation(0.998, same=True)] * 600
    assert not may_serve(0.999, [wrong], 0.002)
    assert may_serve(0.999, [wrong, *right], 0.002)
    assert not may_serve(0.997, [], 0.002)
    assert may_serve(0.997, [Observation(0.99, same=True)] * 60, 0.002)
    assert not may_serve(0.997, [Observation(0.9999, same=True)] * 60, 0.002)  # nearer: no proof


observations = st.lists(
    st.builds(Observation, st.floats(0, 1, exclude_min=True), st.booleans()), max_size=20
)


@given(st.floats(0.01, 1), st.floats(0.01, 1), observations, st.floats(0, 1))
def test_nearer_is_never_less_safe_and_a_wrong_answer_never_makes_it_safer(
    one: float, two: float, observed: list[Observation], bound: float
) -> None:
    further, nearer = sorted((one, two))
    if may_serve(further, observed, bound):
        assert may_serve(nearer, observed, bound)
    if not may_serve(further, observed, bound):
        assert not may_serve(further, [*observed, Observation(further, same=False)], bound)


def test_rivals_are_about_as_near_and_never_the_one_itself() -> None:
    assert rivals([0.95, 0.9, 0.86, 0.84], 0) == [1, 2]
    assert rivals([0.95, 0.9, 0.5], 1) == [0]
    assert rivals([0.9] * 20, 3) == [0, 1, 2, 4, 5, 6, 7]
    assert rivals([0.9], 0) == []


def test_frames_are_filled_in() -> None:
    lines = ["# about", "@a = x; y", "number: Is {a} [1|2]?", "date: In {a}?|On {a}? "]
    pairs = [(p["question_1"], p["question_2"], p["kind"]) for p in filled_frames(lines)]
    assert pairs == [
        ("Is x 1?", "Is x 2?", "number"),
        ("Is y 1?", "Is y 2?", "number"),
        ("In x?", "On x?", "date"),
        ("In y?", "On y?", "date"),
    ]
