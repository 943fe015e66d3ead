"""A few words from a passage are read in the light of the question, or they say nothing."""

from __future__ import annotations

import pytest

from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.domain import Decision, Draft, Passage, Verdict
from chatbot.steps.evidence import evidence_of, quotable
from chatbot.steps.verify import Asked, check, split_markers
from tests.strategies import passage

WORDS = HashedEmbeddings()
LEAST = 0.3

WAITING = passage("Fillings have a waiting period of 90 days. Crowns have one of 240 days.")
FEES = passage(
    "Treatment\tAlder Basic\tAlder Plus\n"
    "Fillings\t50%\t80%\n"
    "Crowns\t20%\t60%",
    kind="table",
)  # fmt: skip
BRANCH = passage("The branch in Fenwater is open on Friday. Claims go to Anna Bell in Kilnmoor.")


def decided(sentence: str, question: str, *passages: Passage) -> tuple[Draft, Verdict]:
    evidence = [
        evidence_of(n, one, WORDS.encode(quotable(one))) for n, one in enumerate(passages, 1)
    ]
    claim, _ = split_markers(sentence)
    vectors = WORDS.encode([claim, f"{question} {claim}"])
    return check(
        sentence, vectors[0], evidence, LEAST, asked=Asked(question, vectors[1])
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "question", "source"),
    [
        ("90 days [1].", "What is the waiting period for fillings?", WAITING),
        ("240 days [1].", "How many days do crowns have?", WAITING),
        ("Anna Bell [1].", "To whom do claims go in Kilnmoor?", BRANCH),
        ("Friday [1].", "When is the branch in Fenwater open?", BRANCH),
        ("80% [1].", "How much of fillings does Alder Plus pay?", FEES),
        ("50% [1].", "How much of fillings does Alder Basic pay?", FEES),
    ],
)
def test_what_is_said_of_what_was_asked_is_released(
    sentence: str, question: str, source: Passage
) -> None:
    draft, verdict = decided(sentence, question, source)
    assert verdict.decision is Decision.RELEASE, verdict.reasons
    assert draft.text == sentence
    assert draft.citations[0].quote in source.text


@pytest.mark.parametrize(
    ("sentence", "question", "source", "reason"),
    [
        ("90 days [1].", "What is the waiting period of crowns?", WAITING, "another sentence"),
        ("240 days [1].", "What is the waiting period of fillings?", WAITING, "another sentence"),
        ("50% [1].", "How much of fillings does Alder Plus pay?", FEES, "another column"),
        ("Friday [1].", "Who pays the dentist's bill after an accident abroad?", BRANCH, "far"),
        ("30 days [1].", "What is the waiting period for fillings?", WAITING, "number 30"),
    ],
)
def test_what_is_said_of_something_else_is_not(
    sentence: str, question: str, source: Passage, reason: str
) -> None:
    _, verdict = decided(sentence, question, source)
    assert verdict.decision is not Decision.RELEASE
    assert reason in "; ".join(verdict.reasons)


def test_a_wrong_marker_is_mended() -> None:
    draft, verdict = decided(
        "Anna Bell [1].", "Anna Bell: to whom do claims go in Kilnmoor?", WAITING, BRANCH
    )
    assert verdict.decision is Decision.RELEASE
    assert draft.text == "Anna Bell [2]."


def test_the_same_words_are_not_said_twice() -> None:
    evidence = [evidence_of(1, BRANCH, WORDS.encode(quotable(BRANCH)))]
    question = "To whom do claims go?"
    vectors = WORDS.encode(["Anna Bell", f"{question} Anna Bell"])
    said = frozenset({"anna", "bell"})
    _, verdict = check(
        "Anna Bell [1].", vectors[0], evidence, LEAST, said, Asked(question, vectors[1])
    )
    assert verdict.decision is not Decision.RELEASE
