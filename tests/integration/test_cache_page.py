"""The desk's page about answers that are given again: figures as counted, one click to review."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from chatbot.adapters.cache_report import cache_report
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import transaction
from chatbot.adapters.schema_cache import cache_checks, cached_answers
from chatbot.domain import Status
from chatbot.web.desk_cache import cache_page
from tests.databases import engine, postgres
from tests.strategies import record

__all__ = ["engine", "postgres"]

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=7)


def asked(engine: Engine, n: int, cache: str, seconds: float, **changed: Any) -> None:
    """That many questions, answered in that way."""
    store = ConversationStore(engine)
    talk = store.create("asker").id
    for number in range(n):
        one = record(
            id=f"{cache}{number}{changed.get('status', '')}", cache=cache, asked_at=NOW,
            **({"status": Status.RELEASED} | changed),
        )  # fmt: skip
        store.append(talk, "asker", replace(one, timings={"total": seconds * 1000}))


def kept(engine: Engine, key: str, **changed: Any) -> None:
    row = {
        "key": key, "partition": "p", "record": f"r{key}", "question": f"Question {key}?",
        "made_at": NOW, "used_at": NOW, "hits": 0, "seconds": 2.0, "bytes": 1_500_000,
    }  # fmt: skip
    with transaction(engine) as connection:
        connection.execute(insert(cached_answers).values(**(row | changed)))


def checked(engine: Engine, n: int, wrong: int) -> None:
    rows = [
        {"key": "k", "likeness": 0.9, "same": int(i >= wrong), "checked_at": NOW} for i in range(n)
    ]
    with transaction(engine) as connection:
        connection.execute(insert(cache_checks), rows)


def page(engine: Engine, **changed: Any) -> str:
    return html.unescape(cache_page("Site", cache_report(engine, SINCE), (), 7, NOW, **changed))


def test_nothing_yet(engine: Engine) -> None:
    shown = page(engine)
    for words in (
        "0 of 0 questions", "Nothing was asked in this time", "No answer was given again yet",
        "No source of an answer has changed", "No hit was held against a fresh answer yet",
    ):  # fmt: skip
        assert words in shown


def test_rates_by_kind_time_and_money(engine: Engine) -> None:
    asked(engine, 5, "miss", 3.0)
    asked(engine, 2, "exact", 0.5)
    asked(engine, 1, "semantic", 0.5)
    asked(engine, 2, "faq", 0.5, repeats="plan", question="How do I change my plan?")
    asked(engine, 4, "miss", 9.0, status=Status.HELD)  # neither answered nor not found
    asked(engine, 1, "miss", 9.0, status=Status.REFUSED)
    found = cache_report(engine, SINCE)
    assert (found.questions, found.hits) == (11, {"faq": 2, "exact": 2, "semantic": 1})
    assert (found.made, found.given) == (3000.0, 500.0)
    assert found.saved == pytest.approx(5 * 2.5)
    shown = page(engine, cost=0.02)
    assert "5 of 11 questions" in shown
    assert "0.10" in shown
    assert "500 ms instead of 3,000 ms" in shown
    assert 'href="/desk/faq?entry=plan"' in shown
    assert cache_report(engine, NOW + timedelta(days=1)).questions == 0


def test_wrong_hits_with_their_interval(engine: Engine) -> None:
    checked(engine, 200, 1)
    shown = page(engine)
    assert "1 of 200 held against a fresh answer · 95% interval 0.1% to 2.8%" in shown


def test_what_is_suspended_with_its_change_and_one_click(engine: Engine) -> None:
    kept(engine, "a", hits=7)
    kept(engine, "b", hits=9, suspended="“Dental” was changed", suspended_at=NOW)
    found = cache_report(engine, SINCE)
    assert [(o.question, o.hits) for o in found.top] == [("Question a?", 7)]
    assert (found.entries, found.bytes) == (1, 1_500_000)
    shown = page(engine, may_edit=True)
    assert "“Dental” was changed" in shown
    assert 'name="record" value="rb"' in shown
    assert "Review again" not in page(engine)
