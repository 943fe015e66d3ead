"""The cookie: what it says, and what it does not let others say."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie

import pytest
from itsdangerous import URLSafeTimedSerializer

from chatbot.web.session import COOKIE, Sessions, new_person

KEY = b"0123456789abcdef0123456789abcdef"
SALT = "countersign.web.session"


def test_who_came_is_who_comes_back() -> None:
    sessions, person = Sessions(KEY), new_person()
    assert sessions.read(sessions.write(person)) == person
    assert new_person().id != person.id


@pytest.mark.parametrize("cookie", [None, "", "x", "a.b.c", "é", "." * 5000])
def test_absent_or_senseless_is_nobody(cookie: str | None) -> None:
    assert Sessions(KEY).read(cookie) is None


def test_a_forged_cookie_is_nobody() -> None:
    sessions = Sessions(KEY)
    good = sessions.write(new_person())
    payload, rest = good.split(".", 1)
    assert sessions.read(payload[:-1] + ("A" if payload[-1] != "A" else "B") + "." + rest) is None
    assert sessions.read(Sessions(b"another key that is long").write(new_person())) is None
    other_use = URLSafeTimedSerializer(KEY, salt="other").dumps("a" * 32)
    assert sessions.read(str(other_use)) is None


@pytest.mark.parametrize("content", [5, None, ["a" * 32], "short", "a" * 100, "../" * 10])
def test_a_signed_cookie_must_still_hold_an_id(content: object) -> None:
    assert Sessions(KEY).read(str(URLSafeTimedSerializer(KEY, salt=SALT).dumps(content))) is None


def test_an_old_cookie_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(KEY, max_age=60)
    cookie = sessions.write(new_person())
    later = time.time() + 120
    monkeypatch.setattr(time, "time", lambda: later)
    assert sessions.read(cookie) is None


def test_the_header_keeps_scripts_and_other_sites_away() -> None:
    sessions, person = Sessions(KEY), new_person()
    plain, secure = (sessions.header(person, secure=s) for s in (False, True))
    cookie = SimpleCookie(secure)[COOKIE]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert sessions.read(cookie.value) == person
    assert "Secure" not in plain


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        Sessions(b"short")
