"""A candidate's trial: kept with the answers, counted, ended by a person or by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.canary import Canary, point
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import transaction
from chatbot.adapters.revisions import SHIPPED, Current, Revisions
from chatbot.adapters.schema import canary_turns, shadow_answers
from chatbot.adapters.schema_review import audit_entries
from chatbot.domain import Status, Trial
from chatbot.errors import NotAllowed
from chatbot.steps.canary import CANDIDATE, INCUMBENT, figures, shadowed
from tests.databases import engine, postgres
from tests.strategies import draft, record

__all__ = ("engine", "postgres")

BEGAN = datetime(2026, 6, 1, tzinfo=UTC)


class Tried:
    """A candidate in 10% of the traffic."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.revisions = Revisions(folder / "adapters")
        (folder / "x.gguf").write_text("candidate")
        self.candidate = self.revisions.add(folder / "x.gguf", {})
        self.audit = AuditLog(engine, folder / "anchor")
        self.canary = Canary(self.revisions, self.audit)
        self.store = ConversationStore(engine)
        self.number = 0
        began = BEGAN.isoformat(timespec="milliseconds")
        self.now = Current(SHIPPED, (), "anna", began, self.candidate, 10)
        point(self.revisions, self.audit, None, self.now, "candidate tried")

    def talk(
        self, side: str, status: Status = Status.RELEASED, turns: int = 1, thumb: bool = False,
        minutes: float = 1.0, dropped: int = 0,
    ) -> str:  # fmt: skip
        talk = self.store.create("me").id
        for _ in range(turns):
            self.number += 1
            made = record([draft()], id=f"{self.number:032}", asked_at=BEGAN)
            made = replace(
                made, status=status, asked_at=BEGAN + timedelta(minutes=minutes),
                trial=Trial(self.candidate, 10, side),
                dropped=(("It may be.", ("unsupported",)),) * dropped,
            )  # fmt: skip
            self.store.append(talk, "me", made)
            if thumb:
                self.store.rate(made.id, "me", -1)
        return talk

    def actions(self) -> list[tuple[str, str]]:
        columns = select(audit_entries.c.actor, audit_entries.c.action)
        with transaction(self.audit.engine) as connection:
            return [(r.actor, r.action) for r in connection.execute(columns)]


@pytest.fixture
def tried(engine: Engine, tmp_path: Path) -> Tried:
    return Tried(engine, tmp_path)


def test_conversations_are_counted_by_side(tried: Tried) -> None:
    tried.talk(CANDIDATE, turns=3)
    tried.talk(CANDIDATE, Status.REFUSED, turns=2, dropped=1)  # "not in the passages" is dropped
    tried.talk(CANDIDATE, thumb=True)
    tried.talk(INCUMBENT, Status.HELD, dropped=2)
    tried.talk(INCUMBENT, minutes=-1.0)  # before the share that it has now
    talks = tried.canary.talks(tried.now)
    one = figures([t for t in talks if t.side == CANDIDATE])
    two = figures([t for t in talks if t.side == INCUMBENT])
    assert sorted(t.turns for t in talks if t.side == CANDIDATE) == [1, 2, 3]
    assert [round(one[m]["value"] * 3) for m in ("thumbs_down", "refused", "dropped", "held")] == [
        1, 1, 0, 0
    ]  # fmt: skip
    assert (two["held"]["n"], two["dropped"]["value"], two["held"]["value"]) == (1, 1.0, 1.0)
    assert tried.canary.talks(replace(tried.now, share=20)) == []


def test_a_record_says_who_answered_and_comes_back(tried: Tried) -> None:
    talk = tried.talk(CANDIDATE)
    found = tried.store.records(talk, "me")[0].trial
    assert found == Trial(tried.candidate, 10, CANDIDATE)


def test_what_is_deleted_is_gone(tried: Tried) -> None:
    talk = tried.talk(INCUMBENT, turns=2)
    ids = [r.id for r in tried.store.records(talk, "me")]
    shadow = record([draft("We pay 70% [1].")])
    tried.canary.keep_shadow(ids[0], tried.candidate, shadow)
    tried.canary.keep_shadow(ids[0], tried.candidate, shadow)  # once
    pairs = tried.canary.shadows(tried.now)
    assert [(a.id, b.answer) for a, b in pairs] == [(ids[0], "We pay 70% [1].")]
    found = shadowed(pairs)
    assert found["released"]["value"] == 1.0
    assert 0.6 < found["alike"]["value"] < 0.9
    tried.store.delete(talk, "me")
    tried.canary.keep_shadow(ids[1], tried.candidate, shadow)  # came too late: it is not kept
    with transaction(tried.audit.engine) as connection:
        for table in (canary_turns, shadow_answers):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_a_candidate_that_is_clearly_worse_withdraws_itself(tried: Tried) -> None:
    for _ in range(20):
        tried.talk(CANDIDATE)
        tried.talk(INCUMBENT)
    assert tried.canary.withdraw_if_worse() == ()
    assert tried.revisions.current() == tried.now
    for _ in range(8):
        tried.talk(CANDIDATE, thumb=True)
    assert tried.canary.withdraw_if_worse() == ("thumbs_down",)
    now = tried.revisions.current()
    assert now
    assert (now.revision, now.candidate, now.share, now.by) == (SHIPPED, "", 0, "system")
    assert tried.actions() == [("anna", "candidate tried"), ("system", "candidate withdrawn")]
    assert tried.canary.withdraw_if_worse() == ()  # once
    assert tried.audit.verify() == []


def test_the_pointer_moves_from_where_it_was_looked_at_only(tried: Tried) -> None:
    other = replace(tried.now, share=20)
    point(tried.revisions, tried.audit, tried.now, other, "candidate tried")
    with pytest.raises(NotAllowed, match="Somebody else"):
        tried.canary.withdraw(tried.now, "bert")
    assert tried.revisions.current() == other
    assert len(tried.actions()) == 2
