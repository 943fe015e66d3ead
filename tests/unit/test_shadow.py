"""Shadow answers: afterwards, for nobody's eyes, and never in a reader's way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.adapters.fakes import ScriptedChat
from chatbot.domain import AnswerRecord, Status, Trial
from chatbot.lifeline import Lifeline
from chatbot.shadow import Shadows, Wanted
from chatbot.trace import Voice
from tests.strategies import draft, record
from tests.unit.test_chain import GOOD, ME, QUESTION, WRONG, Wired

CANDIDATE = "c" * 16
SHOWN = record([draft()], standalone=QUESTION, trial=Trial(CANDIDATE, 10, "incumbent"))


class Shadowed:
    """A chain, and a candidate in its shadow."""

    def __init__(self, reply: str = GOOD, share: int = 100) -> None:
        self.wired = Wired((GOOD,))
        self.chat = ScriptedChat(replies=(reply,))
        voice = Voice(self.chat, "m", "candidate (c)")
        self.wanted: Wanted | None = Wanted(voice, CANDIDATE, share)
        self.kept: list[tuple[str, str, AnswerRecord]] = []
        self.shadows = Shadows(
            lambda: self.wired.chain, lambda: self.wanted, lambda *kept: self.kept.append(kept)
        )


def test_the_candidate_answers_through_the_same_checks_and_is_kept_beside_it() -> None:
    made = Shadowed()
    made.shadows.offer(SHOWN, ME)
    assert not made.chat.asked  # the turn itself waits for nothing
    made.shadows.work()
    [(answer, candidate, shadow)] = made.kept
    assert (answer, candidate) == (SHOWN.id, CANDIDATE)
    assert (shadow.status, shadow.answer, shadow.adapter) == (
        Status.RELEASED, GOOD, "candidate (c)"
    )  # fmt: skip
    assert made.wired.store.records(made.wired.talk.id, ME.id) == ()
    assert not made.wired.desk.held
    assert not made.wired.desk.sampled
    assert not made.wired.chat.asked
    wrong = Shadowed(WRONG)
    wrong.shadows.offer(SHOWN, ME)
    wrong.shadows.work()
    assert wrong.kept[0][2].answer != WRONG


@pytest.mark.parametrize(
    "changed",
    [
        {"status": Status.HELD},
        {"status": Status.REFUSED},
        {"trial": None},
        {"trial": Trial(CANDIDATE, 10, "candidate")},
        {"trial": Trial("d" * 16, 10, "incumbent")},
        {"standalone": "What do you pay anna.smith@example.org?"},
    ],
)
def test_some_questions_are_never_asked_again(changed: dict[str, object]) -> None:
    made = Shadowed()
    made.shadows.offer(replace(SHOWN, **changed), ME)  # type: ignore[arg-type]
    made.shadows.work()
    assert made.kept == []
    assert not made.chat.asked


def test_the_share_is_kept_to_and_a_trial_that_has_ended_asks_nothing() -> None:
    made = Shadowed(share=30)
    for number in range(40):
        made.shadows.offer(replace(SHOWN, id=f"{number:032}"), ME)
    made.shadows.work()
    assert 3 <= len(made.kept) <= 22
    ended = Shadowed()
    ended.shadows.offer(SHOWN, ME)
    ended.wanted = None
    ended.shadows.work()
    assert not ended.chat.asked


def test_a_reader_goes_first() -> None:
    made = Shadowed()
    made.shadows.offer(SHOWN, ME)
    turn = made.wired.chain.answer(QUESTION, made.wired.talk.id, ME)
    next(turn)  # somebody waits
    made.shadows.work()
    assert made.kept == []
    assert not made.chat.asked
    list(turn)
    made.shadows.work()
    assert len(made.kept) == 1


def test_a_reader_who_comes_meanwhile_has_the_shadow_given_up_and_tried_again() -> None:
    made = Shadowed()

    class Interrupted(ScriptedChat):
        def _stream(self, *args: object, **kwargs: object):  # type: ignore[no-untyped-def]
            line = kwargs.get("line")
            if not self.asked:
                list(made.wired.chain.answer(QUESTION, made.wired.talk.id, ME))
                assert isinstance(line, Lifeline)
                assert line.is_cut
            yield from super()._stream(*args, **kwargs)  # type: ignore[arg-type]

    assert made.wanted
    chat = Interrupted(replies=(GOOD,))
    made.wanted = replace(made.wanted, voice=Voice(chat, "m", "candidate (c)"))
    made.shadows.offer(SHOWN, ME)
    made.shadows.work()
    assert made.kept == []
    made.shadows.work()
    assert len(made.kept) == 1


def test_what_waits_is_limited() -> None:
    made = Shadowed()
    for number in range(200):
        made.shadows.offer(replace(SHOWN, id=f"{number:032}"), ME)
    made.shadows.work()
    assert len(made.kept) == 50
