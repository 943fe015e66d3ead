"""Two model servers side by side: the first to write answers, the other is hung up on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from chatbot.adapters.breaker import Breaker
from chatbot.adapters.fakes import ScriptedChat
from chatbot.adapters.generation import close_connections, open_chat
from chatbot.adapters.hedge import HedgedChat
from chatbot.domain import Status
from chatbot.errors import GenerationFailed, ModelUnusable
from chatbot.lifeline import Lifeline
from chatbot.settings import load_settings
from chatbot.trace import STAND_IN
from tests.model_stub import Handler, Reply, Stub, piece, running
from tests.unit.test_chain import GOOD, Wired, finished

AFTER = 0.15
CHAT = "/v1/chat/completions"


class Two:
    """A server and the one in its place, with what each has heard and how each was left."""

    def __init__(self, great: Stub, small: Stub) -> None:
        self.servers = {"great": great, "small": small}
        self.hung_up: list[str] = []
        self.breaker = Breaker()
        settings = load_settings(generation_timeout=5)
        self.models = {n: open_chat(s.url, None, n, settings) for n, s in self.servers.items()}
        self.chat = HedgedChat(
            first=self.models["great"],
            second=lambda: (self.models["small"], "small"),
            breaker=self.breaker,
            after=AFTER,
        )

    def tell(self, name: str, *events: Any, wait: float = 0.0, status: int = 200) -> None:
        """What that server does: waits (noticing when it is hung up on), then says the events."""

        def reply(handler: Handler) -> None:
            if wait and self._left(handler, wait):
                self.hung_up.append(name)
                return
            if status != 200:
                handler.send(status, b'{"error": "boom"}')
                return
            handler.stream(*events)
            if not events or events[-1] != "[DONE]":
                self.hung_up += [name] * self._left(handler, 5.0)

        self.servers[name].replies[CHAT] = reply

    def _left(self, handler: Handler, seconds: float) -> bool:
        handler.connection.settimeout(seconds)
        try:
            return handler.rfile.read(1) == b""
        except TimeoutError:
            return False

    def asked(self, name: str) -> int:
        return len(self.servers[name].asked)

    def said(self, line: Lifeline | None = None) -> tuple[str, set[Any]]:
        """The whole text, and who is named as having written in the other's place."""
        pieces = list(self.chat._stream([HumanMessage("x")], line=line))
        named = {p.message.response_metadata.get(STAND_IN) for p in pieces if p.message.content}
        return "".join(str(p.message.content) for p in pieces), named

    def until(self, happened: Callable[[], bool]) -> bool:
        end = time.monotonic() + 2.0
        while not happened() and time.monotonic() < end:
            time.sleep(0.01)
        return happened()


def words(*texts: str) -> list[Any]:
    return [piece(""), *(piece(t) for t in texts), piece("", "stop"), "[DONE]"]


@pytest.fixture
def two() -> Iterator[Two]:
    with running() as great, running() as small:
        made = Two(great, small)
        made.tell("great", *words("A great ", "answer."))
        made.tell("small", *words("A small ", "one."))
        yield made
        for model in made.models.values():
            model.close()
        close_connections()


def test_a_quick_server_answers_alone(two: Two) -> None:
    assert two.said() == ("A great answer.", {None})
    assert (two.asked("great"), two.asked("small")) == (1, 0)


def test_a_silent_one_is_overtaken_and_hung_up_on(two: Two) -> None:
    two.tell("great", *words("Too late."), wait=4.0)
    began = time.monotonic()
    assert two.said() == ("A small one.", {"small"})
    assert AFTER <= time.monotonic() - began < 2.0
    assert two.until(lambda: two.hung_up == ["great"])
    assert (two.asked("great"), two.asked("small")) == (1, 1)


def test_an_event_without_a_word_is_no_answer_yet(two: Two) -> None:
    two.tell("great", piece(""))  # opens the stream, then silence
    assert two.said() == ("A small one.", {"small"})
    assert two.until(lambda: two.hung_up == ["great"])


def test_the_first_may_still_be_the_first_to_write(two: Two) -> None:
    two.tell("great", *words("A great ", "answer."), wait=3 * AFTER)
    two.tell("small", *words("Too late."), wait=4.0)
    assert two.said() == ("A great answer.", {None})
    assert two.until(lambda: two.hung_up == ["small"])
    assert two.asked("small") == 1


def test_being_overtaken_is_no_failure_and_closes_no_breaker(two: Two) -> None:
    two.tell("great", wait=4.0)
    for _ in range(4):
        two.breaker.failed()
    for _ in range(3):
        assert two.said()[0] == "A small one."
    assert not two.breaker.open
    two.tell("great", status=500)
    assert two.said()[0] == "A small one."
    assert two.breaker.open  # the four before were not forgotten either


def test_a_failure_is_counted_and_needs_no_waiting(two: Two) -> None:
    two.chat.after = 9.0
    two.tell("great", status=500)
    began = time.monotonic()
    for _ in range(7):
        assert two.said() == ("A small one.", {"small"})
    assert time.monotonic() - began < 5.0
    assert two.breaker.open
    assert (two.asked("great"), two.asked("small")) == (5, 7)
    two.breaker.succeeded()
    two.tell("great", *words("Back."))
    assert two.said() == ("Back.", {None})


def test_a_failure_beside_the_other_is_counted_once(two: Two) -> None:
    two.breaker = two.chat.breaker = Breaker(failures=2)
    two.tell("great", status=500, wait=2 * AFTER)
    two.tell("small", *words("A small one."), wait=4 * AFTER)
    assert two.said() == ("A small one.", {"small"})
    assert not two.breaker.open
    assert two.said() == ("A small one.", {"small"})
    assert two.breaker.open
    assert two.asked("small") == 2


def test_where_the_other_fails_the_first_is_waited_for(two: Two) -> None:
    two.tell("great", *words("A great answer."), wait=4 * AFTER)
    two.tell("small", status=500)
    assert two.said() == ("A great answer.", {None})

    def gone() -> tuple[BaseChatModel, str]:
        raise ModelUnusable("no file")

    two.chat.second = gone
    assert two.said() == ("A great answer.", {None})


@pytest.mark.parametrize("late", ["great", "small"])
def test_where_both_fail_that_is_told(two: Two, late: str) -> None:
    two.tell("great", status=500, wait=2 * AFTER if late == "small" else 5 * AFTER)
    two.tell("small", status=500, wait=4 * AFTER)
    with pytest.raises(GenerationFailed):
        two.said()


def test_half_an_answer_is_not_finished_by_the_other(two: Two) -> None:
    def breaks_off(handler: Handler) -> None:
        handler.stream(piece("Half an "))

    reply: Reply = breaks_off
    two.servers["great"].replies[CHAT] = reply
    with pytest.raises(GenerationFailed):
        two.said()
    assert two.asked("small") == 0
    two.tell("great", wait=4.0)
    two.servers["small"].replies[CHAT] = reply
    with pytest.raises(GenerationFailed):
        two.said()
    assert two.asked("great") == 2


def test_a_reader_who_leaves_leaves_both(two: Two) -> None:
    two.tell("great", wait=4.0)
    two.tell("small", wait=4.0)
    line, two.chat.breaker = Lifeline(), Breaker(failures=1)
    threading.Timer(3 * AFTER, line.cut).start()
    with pytest.raises(GenerationFailed):
        two.said(line)
    assert two.until(lambda: sorted(two.hung_up) == ["great", "small"])
    assert not two.chat.breaker.open
    assert line._held == []


def test_a_stream_that_is_closed_leaves_nothing_running(two: Two) -> None:
    two.tell("great", wait=4.0)
    two.tell("small", piece("A small "))  # and then nothing
    pieces: Any = two.chat._stream([HumanMessage("x")])
    assert next(p for p in pieces if p.message.content).message.content == "A small "
    pieces.close()
    assert two.until(lambda: sorted(two.hung_up) == ["great", "small"])
    assert two.until(lambda: not [t for t in threading.enumerate() if t.name == "hedge"])


def test_the_record_says_who_wrote(two: Two) -> None:
    two.tell("great", wait=4.0)
    two.tell("small", *words(GOOD))
    record = finished(Wired((), chat=two.chat).ask())
    assert (record.status, record.model, record.adapter) == (Status.RELEASED, "small", None)
    two.tell("great", *words(GOOD))
    assert finished(Wired((), chat=two.chat).ask()).model != "small"


PACES = st.sampled_from([0.0, 0.004, 0.012])
FAILS = st.none() | st.integers(0, 3)


@given(PACES, PACES, FAILS, FAILS)
def test_whatever_happens_one_of_them_is_heard_whole_or_neither(
    great: float, small: float, great_fails: int | None, small_fails: int | None
) -> None:
    breaker = Breaker(failures=1)
    other = ScriptedChat(replies=("xyz",), size=1, pause=small, fails_after=small_fails)
    chat = HedgedChat(
        first=ScriptedChat(replies=("abc",), size=1, pause=great, fails_after=great_fails),
        second=lambda: (other, "small"), breaker=breaker, after=0.008,
    )  # fmt: skip
    heard, failed = "", False
    try:
        for chunk in chat._stream([HumanMessage("x")]):
            heard += str(chunk.message.content)
    except GenerationFailed:
        failed = True
    assert heard in ("abc", "xyz") or (failed and heard in ("", "a", "ab", "xy", "x", "abc", "xyz"))
    if great_fails is None:
        assert not breaker.open
        assert not failed or heard.startswith("x")
    if failed:
        assert small_fails is not None or great_fails in (1, 2, 3)
    if heard == "abc" and not failed:
        assert not breaker.open
