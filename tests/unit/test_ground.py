"""The prompt fits the model, and says word for word what the passages say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.domain import Passage, ScoredPassage
from chatbot.errors import BadQuestion
from chatbot.prompts import load_prompt
from chatbot.steps.ground import Grounded, ground
from tests.strategies import PROSE, passage

PROMPT = load_prompt("answer")


def count(text: str) -> int:
    return len(text.split())


def grounded(question: str, *passages: Passage, budget: int = 2000) -> Grounded:
    found = [ScoredPassage(p, 0.5, {}) for p in passages]
    return ground(question, found, PROMPT, count, budget)


def user(result: Grounded) -> str:
    return str(result.messages[-1].content)


def test_passages_are_numbered_best_first() -> None:
    one, two = passage("First text."), passage("Second text.", "Cards", heading=("Cards", "New"))
    result = grounded("What?", one, two)
    assert [m.type for m in result.messages] == ["system", "human"]
    assert user(result) == (
        "[1] Dental cover\nFirst text.\n\n[2] Cards › New\nSecond text.\n\nQuestion: What?"
    )
    assert [s.passage for s in result.passages] == [one, two]


def test_what_questions_share_comes_first() -> None:
    """A server keeps what it has read, up to where two prompts differ: system, passages, question;
    and of a conversation, its history before its newest question."""
    passages = passage("First text."), passage("Second text.", "Cards")
    condense = load_prompt("condense")
    prompts: dict[str, list[list[str]]] = {"answer": [], "condense": []}
    for question in ("What?", "Why not?"):
        again = condense.render({"history": "Asked: A.", "question": question})
        for name, messages in (
            ("answer", grounded(question, *passages).messages),
            ("condense", tuple(again)),
        ):
            *before, last = [str(m.content) for m in messages]
            prompts[name].append([*before, last.removesuffix(question)])
    for name, (one, other) in prompts.items():
        assert one == other, name


def test_braces_stay_what_they_are() -> None:
    text = "Use {{question}} and {0} and %s and {passages} and {{{nested}}}."
    result = grounded("What is {{passages}} or {x!r}?", passage(text))
    assert text in user(result)
    assert "Question: What is {{passages}} or {x!r}?" in user(result)


def test_what_does_not_fit_is_cut_at_a_sentences_end() -> None:
    long = passage(" ".join(f"Sentence {n} says a little more than nothing." for n in range(40)))
    result = grounded("What?", passage("Short."), long, passage("Never read."), budget=220)
    assert len(result.passages) == 2
    assert user(result).split("\n\nQuestion")[0].endswith("more than nothing.")
    assert "Never read" not in user(result)


def test_a_question_that_fills_the_model_is_refused() -> None:
    with pytest.raises(BadQuestion, match="2,000 tokens"):
        grounded("word " * 2000, passage("Text."))


@given(st.lists(PROSE.filter(str.strip), max_size=6), st.integers(150, 400))
def test_the_messages_keep_within_the_budget(texts: list[str], budget: int) -> None:
    result = grounded(
        "What?", *(passage(t, f"Title {n}") for n, t in enumerate(texts)), budget=budget
    )
    assert sum(count(str(m.content)) for m in result.messages) <= budget
    assert len(result.passages) <= len(texts)
