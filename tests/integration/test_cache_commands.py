"""`chatbot ask --fresh` and `chatbot cache …`, as people and scripts run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.test_cli import QUESTION, chatbot, copy, model_url

__all__ = ["copy", "model_url"]

OTHERWISE = "How long does it take a replacement card to reach me by post?"


def test_an_answer_is_given_again_until_asked_afresh(copy: Path, model_url: str) -> None:
    def ask(question: str, *more: str) -> tuple[str, str, str]:
        found, _ = chatbot(copy, "ask", question, "--json", *more, GENERATION_URL=model_url)
        return found["cache"], found["repeats"], found["record"]

    def cache(*arguments: str) -> dict[str, object]:
        found, _ = chatbot(copy, "cache", *arguments, "--json", GENERATION_URL=model_url)
        assert isinstance(found, dict)
        return found

    assert "nothing like it" in str(cache("why", QUESTION)["answer"])
    first = ask(QUESTION)
    again = ask(QUESTION.lower())
    assert (first[:2], again[:2]) == (("miss", ""), ("exact", first[2]))
    assert cache("why", QUESTION)["answer"] == "given again"
    fresh = ask(QUESTION, "--fresh")
    assert fresh[0] == "miss"
    assert ask(QUESTION)[:2] == ("exact", fresh[2])
    assert cache("why", "Is the office open today?")["dated"] is True
    status = cache("status")
    assert (status["entries"], status["suspended"]) == (1, 0)
    assert status["hits"]["exact"]["count"] == 2  # type: ignore[index]
    assert cache("clear") == {"cleared": 1}
    assert cache("warm", "-n", "5") == {"questions": 1, "answered": 1, "there_before": 0}
    assert cache("warm", "-n", "5")["there_before"] == 1
    assert ask(QUESTION)[0] == "exact"


def test_without_a_cache_each_question_is_answered(copy: Path, model_url: str) -> None:
    def none(*arguments: str) -> dict[str, str]:
        done, _ = chatbot(
            copy, *arguments, "--json", GENERATION_URL=model_url, COUNTERSIGN_CACHE="none"
        )
        assert isinstance(done, dict)
        return done

    assert [none("ask", QUESTION)["cache"] for _ in range(2)] == ["miss", "miss"]
    why = none("cache", "why", QUESTION)
    assert "COUNTERSIGN_CACHE" in why["answer"]


@pytest.mark.parametrize("place", ["nowhere", "redis:/x"])
def test_a_place_that_is_none_is_wrong_usage(copy: Path, place: str) -> None:
    said, errors = chatbot(copy, "cache", "clear", check=2, COUNTERSIGN_CACHE=place)
    assert not said
    assert "COUNTERSIGN_CACHE" in errors
