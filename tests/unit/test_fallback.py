"""A model that fails is stood in for, left alone when it fails too often, and tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel

from chatbot.adapters.breaker import Breaker
from chatbot.adapters.fakes import ScriptedChat
from chatbot.adapters.fallback import FallbackChat
from chatbot.domain import Notice, Status
from chatbot.errors import GenerationFailed, ModelUnusable
from chatbot.lifeline import Lifeline
from chatbot.notices import NO_MODEL, STANDS_IN
from tests.unit.test_chain import GOOD, Wired, finished


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def pair(first: BaseChatModel, second: Any, breaker: Breaker | None = None) -> FallbackChat:
    return FallbackChat(
        first=first,
        second=second if callable(second) else lambda: (second, "small"),
        breaker=breaker or Breaker(),
    )


def said(chat: BaseChatModel, **more: Any) -> str:
    return "".join(str(p.content) for p in chat.stream("x", **more))


# --- the breaker ----------------------------------------------------------------------------------


def test_it_opens_within_five_failures_and_closes_after_one_success() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(5):
        assert breaker.allows()
        breaker.failed()
    assert breaker.open
    assert not breaker.allows()
    clock.now = 10.1
    assert breaker.allows()  # one attempt
    assert not breaker.allows()  # and no other beside it
    breaker.failed()
    assert not breaker.allows()
    clock.now = 20.3
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(9))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 12)), max_size=60))
def test_it_is_never_shut_for_good_and_never_lets_a_crowd_through(
    steps: list[tuple[bool, float]],
) -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    in_a_row = 0
    for works, passed in steps:
        clock.now += passed
        allowed = breaker.allows()
        assert allowed or in_a_row >= 5
        if allowed and works:
            breaker.succeeded()
            in_a_row = 0
        elif allowed:
            breaker.failed()
            in_a_row += 1
    clock.now += 10.0
    assert breaker.allows()


# --- the model in the other's place ---------------------------------------------------------------


def test_the_first_answers_while_it_can() -> None:
    second = ScriptedChat(replies=("small",))
    assert said(pair(ScriptedChat(replies=("great",)), second)) == "great"
    assert second.asked == []


def test_the_second_answers_where_the_first_says_nothing() -> None:
    pieces = list(pair(ScriptedChat(replies=("x",), fails_after=0),
                       ScriptedChat(replies=("small",))).stream("x"))  # fmt: skip
    assert "".join(str(p.content) for p in pieces) == "small"
    assert {p.response_metadata.get("stand_in") for p in pieces if p.content} == {"small"}


def test_half_an_answer_is_not_finished_by_another() -> None:
    chat = pair(
        ScriptedChat(replies=("a long answer",), fails_after=1), ScriptedChat(replies=("s",))
    )
    with pytest.raises(GenerationFailed):
        said(chat)


def test_what_fails_too_often_is_left_alone() -> None:
    first = ScriptedChat(replies=("x",), fails_after=0)
    chat = pair(first, ScriptedChat(replies=("small",)))
    for _ in range(9):
        assert said(chat) == "small"
    assert len(first.asked) == 5


def test_without_a_second_the_first_failure_is_told() -> None:
    def gone() -> tuple[BaseChatModel, str]:
        raise ModelUnusable("no file")

    with pytest.raises(GenerationFailed, match="told to fail"):
        said(pair(ScriptedChat(replies=("x",), fails_after=0), gone))


def test_a_reader_who_left_is_no_failure_of_the_server_and_is_not_answered() -> None:
    line, breaker = Lifeline(), Breaker(failures=1)
    line.cut()
    second = ScriptedChat(replies=("small",))
    with pytest.raises(GenerationFailed):
        said(pair(ScriptedChat(replies=("x",), fails_after=0), second, breaker), line=line)
    assert not breaker.open
    assert second.asked == []


def test_the_reader_is_told_who_answered() -> None:
    chat = pair(ScriptedChat(replies=("x",), fails_after=0), ScriptedChat(replies=(GOOD,)))
    events = Wired((), chat=chat).ask()
    assert Notice(STANDS_IN) in events
    record = finished(events)
    assert (record.status, record.model, record.adapter) == (Status.RELEASED, "small", None)
    assert STANDS_IN in record.notices


def test_where_both_fail_there_are_quotes() -> None:
    broken = ScriptedChat(replies=("x",), fails_after=0)
    events = Wired((), chat=pair(broken, ScriptedChat(replies=("x",), fails_after=0))).ask()
    assert Notice(NO_MODEL) in events
    assert finished(events).mode == "quotes"
