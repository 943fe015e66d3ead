"""A second, simpler account of what may become of an item, to hold the state machine against.

`World` does something at random to one item through the rules that it is given, keeps its own books
of who holds the item and who has signed what, and raises `Violation` where the rules let something
happen that must not happen, or refuse what they have to allow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chatbot.domain import Citation, Document, Draft, Locator, Passage
from chatbot.errors import NotAllowed
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem, State

LEASE, UNDO, LIFE = timedelta(seconds=60), timedelta(seconds=10), timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = (
    Reviewer("ann", frozenset({"reviewer"})),
    Reviewer("bob", frozenset({"reviewer"})),
    Reviewer("lea", frozenset({"lead", "reviewer"})),
    Reviewer("asker", frozenset({"reviewer", "lead"})),
    Reviewer("max", frozenset({"manager"})),
)
WAYS: dict[str, set[tuple[str, str]]] = {
    "claim": {("pending", "claimed"), ("escalated", "claimed"), ("claimed", "claimed")},
    "reassign": {("pending", "claimed"), ("escalated", "claimed"), ("claimed", "claimed")},
    "renew": {("claimed", "claimed")},
    "put_back": {("claimed", "pending")},
    "approve": {("claimed", "approved"), ("claimed", "edited"), ("claimed", "pending")},
    "missed": {("claimed", "approved"), ("claimed", "edited"), ("claimed", "pending")},
    "edit": {("claimed", "edited"), ("claimed", "pending")},
    "reject": {("claimed", "rejected"), ("claimed", "recalled")},
    "ask": {("claimed", "needs_info")},
    "inform": {("needs_info", "pending")},
    "escalate": {("claimed", "escalated")},
    "undo": {("approved", "claimed"), ("edited", "claimed"), ("rejected", "claimed")},
    "redraft": {("claimed", "claimed")},
    "drafted": {(s, s) for s in ("pending", "claimed", "needs_info", "escalated")},
    "outdate": {(s, s) for s in ("pending", "claimed", "needs_info", "escalated")}
    | {("approved", "pending"), ("edited", "pending")},
    "deliver": {(s, "delivered") for s in ("approved", "edited", "rejected")},
    "see": {("delivered", "seen")},
    "withdraw": {
        (s, "withdrawn")
        for s in ("pending", "claimed", "needs_info", "escalated", "approved", "edited", "rejected")
    },
    "expire": {(s, "expired") for s in ("pending", "claimed", "needs_info", "escalated")},
    "recall": {("delivered", "recalled"), ("seen", "recalled")},
}
SAMPLE_RECALLS = {
    (s, "recalled") for s in ("pending", "claimed", "escalated", "approved", "edited")
}


class Violation(AssertionError):
    """The rules did what they must not do."""


@dataclass
class Hold:
    """Who holds the item, by the model's own books."""

    person: str
    until: datetime
    fence: int


class World:
    """One item, a few people, two documents, and a clock.

    Args:
        rules: the module `chatbot.steps.review`, or one with a fault in it.
        needed: signatures that a release takes.
        kind: `answer` or `sample`.
    """

    def __init__(self, rules: Any, needed: int = 1, kind: str = "answer") -> None:
        self.rules = rules
        self.now = START
        self.docs = {"d1": 1, "d2": 1}
        self.drafts = 0
        self.hold: Hold | None = None
        self.signed: list[tuple[str, str]] = []
        self.decided: datetime | None = None
        self.level = 0
        self.fences: dict[str, int] = {}
        self.visited: set[State] = {State.PENDING}
        answer = self._answer() if kind == "sample" else None
        self.item = ReviewItem(
            "i",
            "r",
            "c",
            "someone",
            "What dose?",
            "health",
            ("sensitive",),
            START,
            START + LIFE,
            kind=kind,
            needed=needed,
            account="asker",
            answer=answer,
            draft_wanted=answer is None,
        )

    def pass_time(self, seconds: int) -> None:
        """Lets time go by; nothing may come of that alone."""
        self.now += timedelta(seconds=seconds)

    def change_document(self, which: int) -> None:
        """A document gets another version; the item is not told yet."""
        self.docs[("d1", "d2")[which % 2]] += 1

    def claim(self, who: int) -> None:
        person = PEOPLE[who]
        done = self._do("claim", lambda i: self.rules.claim(i, person, self.now, LEASE))
        holder = self._holder()
        may = self._may_decide(person)
        if done:
            self._require(may, "claimed by someone who may not decide on it")
            self._require(holder in (None, person.id), "claimed from under its holder")
            self._took(person)
        elif may and holder is None and self.item.state in ("pending", "escalated", "claimed"):
            raise Violation("a free item could not be claimed")

    def reassign(self, who: int, to: int) -> None:
        by, other = PEOPLE[who], PEOPLE[to]
        done = self._do("reassign", lambda i: self.rules.reassign(i, by, other, self.now, LEASE))
        if done:
            self._require(self._may_decide(other), "reassigned to someone who may not decide")
            self._require("lead" in by.roles or self._holder() == by.id, "reassigned by anyone")
            self._took(other)

    def renew(self, who: int, stale: bool) -> None:
        person = PEOPLE[who]
        done = self._do(
            "renew", lambda i: self.rules.renew(i, person, self._fence(who, stale), self.now, LEASE)
        )
        if done and self._held_well(person, stale) and self.hold:
            self.hold.until = self.now + LEASE

    def put_back(self, who: int, stale: bool) -> None:
        person, fence = PEOPLE[who], self._fence(who, stale)
        if self._do("put_back", lambda i: self.rules.put_back(i, person, fence, self.now)):
            self._held_well(person, stale)
            self.hold = None

    def approve(self, who: int, stale: bool, old_text: bool, act: str = "approve") -> None:
        person, fence, before = PEOPLE[who], self._fence(who, stale), self.item
        sha = before.answer.sha256 if before.answer else ""
        given = "0" * 64 if old_text else sha
        rule, held = getattr(self.rules, act), self.item.kind == "answer"
        done = self._do(act, lambda i: rule(i, person, fence, given, self.now))
        if done:
            self._require(act == "approve" or not held, "what was held was called a miss")
            self._held_well(person, stale)
            self._require(not old_text, "signed another text than the one that was shown")
            self._require(not before.outdated, "signed though a source had changed")
            self._sign(person, sha)
        elif act == "missed" and held:
            return
        elif self._could(person, stale) and before.answer and not (old_text or before.outdated):
            raise Violation("the holder could not approve the draft")

    def edit(self, who: int, stale: bool, text: str) -> None:
        person, fence, before = PEOPLE[who], self._fence(who, stale), self.item
        if self._do("edit", lambda i: self.rules.edit(i, person, fence, text, self.now)):
            self._held_well(person, stale)
            self._require(not before.outdated, "edited though a source had changed")
            answer = self.item.answer
            self._require(answer is not None and answer.text == text, "another text was kept")
            self._sign(person, answer.sha256 if answer else "")

    def reject(self, who: int, stale: bool) -> None:
        person, fence = PEOPLE[who], self._fence(who, stale)
        if self._do("reject", lambda i: self.rules.reject(i, person, fence, "no", "", self.now)):
            self._held_well(person, stale)
            self.hold, self.decided = None, self.now
            self.signed.append((person.id, "reject"))

    def ask(self, who: int, stale: bool) -> None:
        person, fence = PEOPLE[who], self._fence(who, stale)
        if self._do("ask", lambda i: self.rules.ask(i, person, fence, "How old?", self.now)):
            self._held_well(person, stale)
            self.hold = None

    def inform(self) -> None:
        if self._do("inform", lambda i: self.rules.inform(i, "Forty.", self.now)):
            self.signed.clear()

    def escalate(self, who: int, stale: bool) -> None:
        person, fence = PEOPLE[who], self._fence(who, stale)
        if self._do("escalate", lambda i: self.rules.escalate(i, person, fence, "?", self.now)):
            self._held_well(person, stale)
            self.hold, self.level = None, self.level + 1

    def undo(self, who: int) -> None:
        person = PEOPLE[who]
        mine = bool(self.signed) and self.signed[-1][0] == person.id
        in_time = self.decided is not None and self.now < self.decided + UNDO
        in_time = in_time and self.item.kind == "answer"
        waits = self.item.state in ("approved", "edited", "rejected")
        done = self._do("undo", lambda i: self.rules.undo(i, person, self.now, LEASE))
        if done:
            self._require(mine, "another person's decision was taken back")
            self._require(in_time, "a decision was taken back too late")
            self.signed.pop()
            self.decided = None
            self._took(person)
        elif mine and in_time and waits:
            raise Violation("a decision could not be taken back in time")

    def redraft(self, who: int, stale: bool) -> None:
        person, fence = PEOPLE[who], self._fence(who, stale)
        if self._do("redraft", lambda i: self.rules.redraft(i, person, fence, self.now)):
            self._held_well(person, stale)
            self.signed.clear()

    def drafted(self) -> None:
        wanted, sample = self.item.draft_wanted, self.item.kind == "sample"
        answer = self._answer()
        if self._do("drafted", lambda i: self.rules.drafted(i, answer, self.now)):
            self._require(wanted and not sample, "a draft came that nobody wanted")
            self.signed.clear()

    def outdate(self) -> None:
        if self._do("outdate", lambda i: self.rules.outdate(i, self.now)):
            self._require(self.item.kind == "answer", "a released answer lost its text")
            self.signed.clear()
            self.decided = None

    def deliver(self) -> None:
        before, sources = self.item, {d: str(v) for d, v in self.docs.items()}
        ready = self.decided is not None and self.now >= self.decided + UNDO
        done = self._do("deliver", lambda i: self.rules.deliver(i, sources, self.now))
        fresh = self._fresh(before, sources)
        signed = self._signed_enough(before)
        rejected = before.state is State.REJECTED
        if done:
            self._require(before.kind == "answer", "a sample was delivered")
            self._require(not before.delivered, "delivered twice")
            self._require(ready, "delivered while it could be taken back")
            self._require(rejected or signed, "delivered without its signatures")
            self._require(rejected or fresh, "delivered with a stale source")
        elif before.state in ("approved", "edited") and ready and signed and fresh:
            self._require(before.kind == "sample", "a signed answer could not be delivered")

    def see(self) -> None:
        self._do("see", lambda i: self.rules.see(i, self.now))

    def withdraw(self) -> None:
        if self._do("withdraw", lambda i: self.rules.withdraw(i, self.now)):
            self._require(self.item.kind == "answer", "a sample was withdrawn")
            self.hold = self.decided = None

    def expire(self) -> None:
        held = self._holder()
        if self._do("expire", lambda i: self.rules.expire(i, self.now, LIFE)):
            self._require(self.now >= START + LIFE, "given up too early")
            self._require(held is None, "given up under someone's hands")
            self.hold = None

    def recall(self, who: int) -> None:
        person = PEOPLE[who]
        if self._do("recall", lambda i: self.rules.recall(i, person, "wrong", self.now)):
            self._require(bool(person.roles & {"reviewer", "lead"}), "recalled by anyone")

    def check(self) -> None:
        """What has to hold at every moment."""
        item = self.item
        if item.state in ("approved", "edited"):
            self._require(self._signed_enough(item), "approved without signatures")
            self._require(self.decided is not None, "approved without a decision")
        if item.state is State.CLAIMED and item.held_by(self.now):
            self._require(item.held_by(self.now) == self._holder(), "held by someone else")
        if item.state in ("delivered", "seen"):
            self._require(bool(item.delivered), "delivered, but nothing is noted as delivered")

    def _do(self, action: str, change: Callable[[ReviewItem], ReviewItem]) -> bool:
        before = self.item
        copy = replace(before)
        try:
            after = change(before)
        except NotAllowed as refused:
            self._require(bool(refused.remedy), "a refusal without a remedy")
            return False
        self._require(before == copy, "an item was changed in place")
        ways = WAYS[action]
        if action == "recall" and before.kind == "sample":
            ways = ways | SAMPLE_RECALLS
        way = (before.state.value, after.state.value)
        self._require(way in ways, f"{action} led from {way[0]} to {way[1]}")
        self._require(after.version == before.version + 1, f"{action} did not count up")
        grows = action in ("claim", "reassign", "undo")
        self._require(after.fence == before.fence + grows, f"{action} left the fence wrong")
        self.item = after
        self.visited.add(after.state)
        return True

    def _answer(self) -> Answer:
        self.drafts += 1
        passages = [_passage(d, v) for d, v in self.docs.items()]
        cited = Draft(f"Draft {self.drafts} [1].", (Citation(1, passages[0], "Take"),))
        return Answer((cited,), tuple(passages), ((),))

    def _took(self, person: Reviewer) -> None:
        self.hold = Hold(person.id, self.now + LEASE, self.item.fence)
        self.fences[person.id] = self.item.fence

    def _sign(self, person: Reviewer, sha: str) -> None:
        self.hold = None
        self.signed = [*(s for s in self.signed if s[1] == sha), (person.id, sha)]
        self.decided = self.now if self._signed_enough(self.item) else None
        decided = self.item.state in ("approved", "edited")
        self._require(decided == (self.decided is not None), "a wrong number of signatures counted")

    def _signed_enough(self, item: ReviewItem) -> bool:
        sha = item.answer.sha256 if item.answer else "none"
        people = {person for person, signed in self.signed if signed == sha}
        return len(people - {"asker", "someone"}) >= item.needed

    def _fresh(self, item: ReviewItem, sources: dict[str, str]) -> bool:
        answer = item.answer
        if answer is None or item.outdated:
            return False
        passages = [*answer.evidence, *(c.passage for c in answer.citations)]
        return all(sources[p.document.id] == p.document.version for p in passages)

    def _may_decide(self, person: Reviewer) -> bool:
        wanted = {"lead"} if self.level else {"reviewer", "lead"}
        again = person.id in {p for p, _ in self.signed}
        return person.id != "asker" and bool(person.roles & wanted) and not again

    def _holder(self) -> str | None:
        return self.hold.person if self.hold and self.now < self.hold.until else None

    def _could(self, person: Reviewer, stale: bool) -> bool:
        return not stale and self.item.state == "claimed" and self._holder() == person.id

    def _held_well(self, person: Reviewer, stale: bool) -> bool:
        self._require(self._holder() == person.id, "a write from someone who does not hold it")
        self._require(not stale, "a write with an old fence")
        return True

    def _fence(self, who: int, stale: bool) -> int:
        known = self.fences.get(PEOPLE[who].id, 0)
        if not stale and self._holder() == PEOPLE[who].id:
            return known
        return self.item.fence - 1 if stale else known

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            raise Violation(what)


def _passage(document: str, version: int) -> Passage:
    about = Document(document, "c", f"/{document}", document, str(version), "text/plain")
    return Passage(f"{document}-{version}", about, 0, "Take two.", Locator())
