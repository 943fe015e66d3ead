"""Hypothesis drives the model of the desk: any deed by anyone at any time."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatbot.steps import review
from chatbot.steps.review_item import State
from proof.desk_model import PEOPLE, World

_WHO = st.integers(0, 9)  # 5 and more: whoever holds the item; most deeds are theirs
_ANYONE = st.integers(0, 4)
_RARELY = st.integers(0, 5).map(lambda n: n == 0)
_TEXTS = st.sampled_from(["Take one.", "Take two [1].", "Draft 1 [1]."])
_SECONDS = st.sampled_from([1, 5, 10, 11, 61, 4000])
_HOLDERS = ("renew", "put_back", "reject", "ask", "escalate", "redraft")
_OTHERS = ("inform", "drafted", "outdate", "see", "withdraw", "expire")


class DeskMachine(RuleBasedStateMachine):
    """Any deed, by anyone, at any time; `over` gives one for other rules than the real ones."""

    held_to: Any = review
    visited: ClassVar[set[State]] = set()
    world: World

    @initialize(needed=st.integers(1, 2), sample=st.integers(0, 3))
    def begin(self, needed: int, sample: int) -> None:
        self.world = World(self.held_to, needed, "answer" if sample else "sample")

    @rule(seconds=_SECONDS)
    def time(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @rule(which=st.integers(0, 1))
    def document(self, which: int) -> None:
        self.world.change_document(which)

    @rule(who=_ANYONE)
    def claim(self, who: int) -> None:
        self.world.claim(who)

    @rule(who=_WHO, to=_ANYONE)
    def reassign(self, who: int, to: int) -> None:
        self.world.reassign(self._who(who), to)

    @rule(who=_WHO, stale=_RARELY, old=_RARELY, missed=_RARELY)
    def approve(self, who: int, stale: bool, old: bool, missed: bool) -> None:
        self.world.approve(self._who(who), stale, old, "missed" if missed else "approve")

    @rule(who=_WHO, stale=_RARELY, text=_TEXTS)
    def edit(self, who: int, stale: bool, text: str) -> None:
        self.world.edit(self._who(who), stale, text)

    @rule(who=_WHO, stale=_RARELY, what=st.sampled_from(_HOLDERS))
    def holder(self, who: int, stale: bool, what: str) -> None:
        getattr(self.world, what)(self._who(who), stale)

    @rule(who=_ANYONE, what=st.sampled_from(["undo", "recall"]))
    def person(self, who: int, what: str) -> None:
        getattr(self.world, what)(who)

    @rule(what=st.sampled_from(_OTHERS))
    def other(self, what: str) -> None:
        getattr(self.world, what)()

    @rule(seconds=_SECONDS)
    def deliver(self, seconds: int) -> None:
        self.world.pass_time(seconds)
        self.world.deliver()

    @rule(
        who=st.integers(0, 2),
        first=st.sampled_from(["drafted", "outdate", "check"]),
        seconds=st.sampled_from([0, 5, 11]),
    )
    def sign(self, who: int, first: str, seconds: int) -> None:
        """What usually happens, in a row; by chance alone, few runs would get that far."""
        getattr(self.world, first)()
        self.world.claim(who)
        self.world.approve(who, stale=False, old_text=False)
        if seconds:
            self.world.pass_time(seconds)
            self.world.deliver()

    @invariant()
    def holds(self) -> None:
        self.world.check()
        self.visited.add(self.world.item.state)

    def _who(self, who: int) -> int:
        names = [p.id for p in PEOPLE]
        holder = self.world.item.reviewer
        return who if who < len(names) else names.index(holder) if holder else 0


def over(rules: Any) -> type[DeskMachine]:
    """The machine over other rules, such as ones with a fault in them."""
    return type("Over", (DeskMachine,), {"held_to": rules, "visited": set()})
