"""The insights' second tab: figures from the stores, plots, what the documents do not answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.usage_figures import unanswered, usage
from chatbot.domain import AnswerRecord, Decision, Screening, Status
from chatbot.notices import NOT_FOUND
from chatbot.settings import Settings, load_settings
from chatbot.steps.usage import Turn, money, pieces
from chatbot.web.desk_usage import usage_page
from tests.databases import engine, postgres
from tests.strategies import draft, record

__all__ = ["engine", "postgres"]

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WEEK = NOW - timedelta(days=7)
EVERYDAY = Screening(Decision.RELEASE)
HOSTILE = "<img src=x onerror=hacked()>"


class Asked:
    """Answers of several people, kept as the chain keeps them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = ConversationStore(engine)
        self.ids = iter(f"{n:032d}" for n in range(10_000))

    def turn(self, who: str, talk: str, question: str, **changed: Any) -> AnswerRecord:
        at = changed.pop("asked_at", NOW - timedelta(days=1))
        given = [draft()] if changed.get("status") in (None, Status.RELEASED) else []
        made = record(given, id=next(self.ids), question=question, standalone=question,
                      screening=EVERYDAY, asked_at=at, **changed)  # fmt: skip
        self.store.append(talk, who, made)
        return made

    def missing(self, who: str, question: str, **changed: Any) -> None:
        talk = self.store.create(who).id
        self.turn(who, talk, question, status=Status.REFUSED, notices=(f"{NOT_FOUND} Searched.",),
                  **changed)  # fmt: skip


@pytest.fixture
def asked(engine: Engine) -> Asked:
    return Asked(engine)


def page(asked: Asked, settings: Settings, days: int = 7) -> str:
    found = usage(asked.engine, NOW - timedelta(days=days), NOW)
    topics = unanswered(asked.engine, HashedEmbeddings(), WEEK, 2)
    return usage_page(settings, found, topics, days, NOW)


def test_figures_are_those_of_the_stores(asked: Asked) -> None:
    talk = asked.store.create("ann").id
    tokens = {"read": 900, "written": 100}
    first = asked.turn("ann", talk, "What do you pay?", tokens=tokens, timings={"total": 2000.0})
    asked.store.truncate(talk, "ann", 0)
    second = asked.turn("ann", talk, "What do you pay?", tokens=tokens, timings={"total": 4000.0})
    asked.turn("ann", talk, "And again?", cache="exact", timings={"total": 5.0})
    asked.turn("ann", talk, "Old?", asked_at=NOW - timedelta(days=20))
    asked.missing("bob", "Where can I park?")
    asked.store.rate(second.id, "ann", 1)
    found = usage(asked.engine, WEEK, NOW + timedelta(days=400))  # thumbs are given now
    assert (found.questions, found.given, found.again) == (4, 1, 1)
    assert first.asked_at == found.first
    total = sum(p.tokens for p in found.pieces)
    assert total == 2000
    assert [p.counts for p in found.pieces if p.counts] == [{"released": 3, "not found": 1}]
    assert [p.middle for p in found.pieces if p.middle] == [3.0]
    assert sum(p.up for p in found.pieces) == 1


def test_topics_are_of_several_people_and_hold_nothing_personal(asked: Asked) -> None:
    for who in ("ann", "bob", "cat"):
        asked.missing(who, "Where can I park my car?")
        asked.missing(who, "Is there parking for anna@example.org?")
    asked.missing("bob", "Where may I park a car?")
    asked.missing("ann", "Do you have a canteen?")
    talk = asked.store.create("ann").id
    for _ in range(3):
        asked.turn("ann", talk, "May I bring a weapon?", status=Status.REFUSED, notices=("No.",))
    (topic,) = unanswered(asked.engine, HashedEmbeddings(), WEEK, 2)
    assert topic.wordings[0].text == "Where can I park my car?"
    assert topic.people == 3


def test_the_page_shows_them_and_escapes_what_people_wrote(asked: Asked) -> None:
    for who in ("ann", "bob"):
        asked.missing(who, f"Where is {HOSTILE}?")
    settings = load_settings(price_tokens=3.0, price_hour=0.5)
    html = page(asked, settings)
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html
    assert html.count("<svg") == 1  # questions alone: nobody rated, nothing was written
    assert "12.00" in html  # a day at 0.50 an hour
    assert "aria-current=page>Usage" in html
    assert " style=" not in html


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_nothing_yet(asked: Asked, days: int) -> None:
    html = page(asked, load_settings(), days)
    assert html.count("Nothing in this time.") == 6
    assert "Set COUNTERSIGN_PRICE_TOKENS" in html
    assert "at least 3 people" in html
    assert "<svg" not in html
    loading = usage_page(load_settings(), usage(asked.engine, WEEK, NOW), None, days, NOW)
    assert "The index is not ready" in loading


def test_time_is_cut_into_hours_or_days() -> None:
    turns = [Turn(NOW - timedelta(hours=n), "released") for n in range(48)]
    assert [len(pieces(turns, (), (), NOW - timedelta(days=d), NOW)) for d in (1, 7)] == [24, 7]
    week = pieces(turns, (), (), WEEK, NOW)
    assert sum(p.counts.get("released", 0) for p in week) == 48
    assert money(2000, 3.0, 1.5, 0.5) == 4.5


def test_a_turn_at_either_edge_falls_into_a_piece() -> None:
    edge = [Turn(WEEK, "held"), Turn(NOW, "held"), replace(Turn(NOW, "held"), at=NOW)]
    found = pieces(edge, [(NOW, -1)], [(WEEK, timedelta(hours=2))], WEEK, NOW)
    assert (found[0].counts, found[-1].counts) == ({"held": 1}, {"held": 2})
    assert (found[-1].down, found[0].wait, found[0].late) == (1, 2.0, None)
