"""How much one may ask: counted here and on Redis alike, and here where Redis fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.adapters.rates import Caller, Rates
from chatbot.errors import BadSettings, TooMany
from proof.redis import program, server

ALLOWED = {"person": "3/minute; 100/day", "key": "", "address": "2/hour", "origin": "4/minute"}


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "memory":
        yield "memory"
        return
    if program() is None:
        pytest.skip("the server program redis-server is not on this machine")
    with server() as url:
        yield url


def taken(rates: Rates, kind: str, who: str, times: int) -> int:
    """How many of so many are let through."""
    through, waits = 0, [1]
    for _ in range(times):
        try:
            rates.hit(kind, who)
            through += 1
        except TooMany as error:
            waits.append(error.seconds)
    assert all(1 <= seconds <= 3600 for seconds in waits)
    return through


def test_each_caller_has_a_share_of_their_own(storage: str) -> None:
    rates = Rates(ALLOWED, storage)
    assert taken(rates, "person", "a", 5) == 3
    assert taken(rates, "person", "b", 5) == 3
    assert taken(rates, "address", "a", 5) == 2
    assert taken(rates, "key", "a", 500) == 500
    assert taken(rates, "person", "", 50) == 50


def test_replicas_on_redis_count_together(storage: str) -> None:
    one, other = Rates(ALLOWED, storage), Rates(ALLOWED, storage)
    through = taken(one, "person", "c", 2) + taken(other, "person", "c", 5)
    assert through == (5 if storage == "memory" else 3)


def test_address_and_website_are_counted_of_each_request() -> None:
    rates = Rates(ALLOWED)
    for n in range(4):
        rates.asks(Caller(f"192.0.2.{n}", "https://a.example"))
    with pytest.raises(TooMany, match="this website"):
        rates.asks(Caller("192.0.2.9", "https://a.example"))


def test_where_redis_fails_it_is_counted_here(capsys: pytest.CaptureFixture[str]) -> None:
    rates = Rates(ALLOWED, "redis://127.0.0.1:1/0")
    assert taken(rates, "person", "secret-name", 5) == 3
    said = "".join(capsys.readouterr())
    assert said.count("Redis fails") == 1
    assert "secret-name" not in said


def test_none_counts_nothing_and_nonsense_is_told() -> None:
    assert taken(Rates(ALLOWED, "none"), "person", "a", 50) == 50
    with pytest.raises(BadSettings, match="limit_person"):
        Rates({"person": "many"})
    with pytest.raises(BadSettings, match="memory"):
        Rates(ALLOWED, "nowhere://x")


def test_nobodys_name_is_kept(tmp_path: Path) -> None:
    rates = Rates(ALLOWED)
    rates.hit("person", "secret-name")
    assert "secret-name" not in str(vars(rates._here.storage))
