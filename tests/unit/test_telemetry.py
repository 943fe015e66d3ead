"""What is counted of turns, and under which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from chatbot.adapters.telemetry import Reading, Telemetry, step_seconds
from chatbot.domain import Decision, Person, Screening, Status
from chatbot.errors import GenerationFailed
from chatbot.notices import NOT_FOUND
from chatbot.pings import Ping, not_ready, tried
from tests.strategies import TEXTS, draft, record

ME = Person("someone@example.org")


def samples(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    """Name and values of the labels → value."""
    families = text_string_to_metric_families(telemetry.page().decode())
    return {
        (s.name.removeprefix("countersign_"), *s.labels.values()): s.value
        for family in families
        for s in family.samples
    }


def test_a_released_turn_is_counted_with_its_steps_tokens_and_price() -> None:
    telemetry = Telemetry(price=2.0)
    timings = {"screen": 10.0, "retrieve": 30.0, "first_sentence": 150.0, "generate": 230.0}
    timings["total"] = 250.0
    tokens = {"read": 400, "written": 100}
    telemetry.kept(record([draft()], timings=timings, tokens=tokens, cache="exact"), ME)
    found = samples(telemetry)
    assert found["answers_total", "exact", "generated", "released"] == 1
    assert found["tokens_total", "read"] == 400
    assert found["tokens_total", "written"] == 100
    assert found["cost_total",] == pytest.approx(1.0)
    assert found["first_sentence_seconds_sum",] == pytest.approx(0.15)
    assert found["step_seconds_sum", "retrieve"] == pytest.approx(0.02)
    assert found["step_seconds_sum", "generate"] == pytest.approx(0.2)
    assert found["step_seconds_sum", "keep"] == pytest.approx(0.02)
    assert ("step_seconds_sum", "first_sentence") not in found
    assert found["answer_seconds_sum", "exact"] == pytest.approx(0.25)


def test_refusals_by_why_and_holds_by_category() -> None:
    telemetry = Telemetry(["health"])
    for notice in (f"{NOT_FOUND} Searched: a book.", "We do not answer this."):
        telemetry.kept(record(status=Status.REFUSED, notices=(notice,)), ME)
    for category in ("health", "", "anna@example.org"):
        screening = Screening(Decision.HOLD, category)
        telemetry.kept(record(status=Status.HELD, screening=screening), ME)
    telemetry.kept(record(status=Status.HELD), ME)
    found = samples(telemetry)
    assert [found["refusals_total", why] for why in ("documents", "policy")] == [1, 1]
    held = {key[1]: n for key, n in found.items() if key[0] == "held_total"}
    assert held == {"health": 1, "unchecked": 2, "other": 1}


def test_failures_by_their_kind_and_nothing_else_of_them() -> None:
    telemetry = Telemetry()
    telemetry.failed(GenerationFailed("secret words", ""))
    telemetry.failed(KeyError("secret words"))
    found = samples(telemetry)
    assert found["failures_total", "GenerationFailed"] == found["failures_total", "unexpected"] == 1
    assert "secret" not in telemetry.page().decode()


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=3, max_size=8))
def test_what_a_person_or_a_model_says_makes_no_new_series(
    said: list[tuple[str, str, str, str]],
) -> None:
    telemetry = Telemetry(["health"])
    for question, cache, mode, category in said:
        screening = Screening(Decision.HOLD, category)
        turn = record(question=question, cache=cache, mode=mode, screening=screening)
        telemetry.kept(replace(turn, status=Status.HELD), ME)
        telemetry.responded("page", 200)
    answers = [key for key in samples(telemetry) if key[0] in ("answers_total", "held_total")]
    assert len(answers) <= 5 * 4 + 3
    assert ME.id not in telemetry.page().decode()


def test_a_store_that_is_down_takes_no_counter_with_it() -> None:
    def read() -> Iterator[Reading]:
        yield Reading("queue_overdue", 3)
        raise OSError("down")

    telemetry = Telemetry(read=read)
    telemetry.responded("desk", 503)
    found = samples(telemetry)
    assert found["scrape_failed",] == 1
    assert found["queue_overdue",] == 3
    assert found["http_responses_total", "desk", "5xx"] == 1


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e6), max_size=6))
def test_steps_add_up_to_the_last_lap(timings: dict[str, float]) -> None:
    steps = list(step_seconds(timings))
    assert all(seconds >= 0 for _, seconds in steps)
    assert sum(s for _, s in steps) * 1000 == pytest.approx(max(timings.values(), default=0.0))


def test_pings_say_what_failed_and_nothing_of_its_words() -> None:
    def broken() -> None:
        raise OSError("password=secret")

    pings = [tried("database", broken), tried("cache", broken, "degraded"), tried("x", list)]
    assert [p.state for p in pings] == ["failed", "degraded", "ready"]
    assert "secret" not in str(pings)
    assert not_ready([*pings, Ping("model", "loading", "")]) == ["database", "model"]
