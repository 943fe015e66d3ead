"""The list of websites that may hold the widget, and what counts as being on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from chatbot.errors import BadSettings
from chatbot.origins import normal_origin, normal_origins
from chatbot.settings import load_settings
from chatbot.web.cross_origin import PATHS, SCRIPT, added, refusal
from chatbot.web.hosts import Hosts

HOST = "docs.example.org"
LISTED = frozenset({"https://shop.example", "http://127.0.0.1:8080"})
JOIN = "/widget/gradio_api/queue/join"


def refused(method: str, path: str, origin: str | None) -> Response | None:
    own = origin is not None and Hosts("127.0.0.1", f"https://{HOST}").own(origin, HOST)
    return refusal(method, path, origin, LISTED, own=own)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://Shop.Example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://shop.example:0443", "https://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(written: str, normal: str) -> None:
    assert normal_origin(written) == normal


@pytest.mark.parametrize(
    "text",
    [
        "*", "null", "shop.example", "//shop.example", "https://", "https://*.shop.example",
        "https://shop.example/", "https://shop.example/path", "https://shop.example?x",
        "https://user@shop.example", "ftp://shop.example", "file:///etc", "https://shop.example:",
        "https://shop.example:99999", "https://shöp.example", "https://shop.example#x", "https://.",
        "https://shop.example\\@evil.example", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(BadSettings, match="origin"):
        load_settings(widget_origins=f"https://shop.example {text}")


def test_the_setting_is_a_list_between_blanks_or_commas() -> None:
    found = load_settings(widget_origins=" https://b.example:443,\n https://A.example ")
    assert found.widget_origins == "https://a.example https://b.example"
    assert load_settings().widget_origins is None
    assert normal_origins("") is None


@pytest.mark.parametrize("path", sorted(PATHS - {SCRIPT}))
@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "https://evil.example", "http://shop.example", "https://shop.example:8443",
        "https://shop.example.evil.example", "https://evilshop.example", "https://SHOP.example",
        "https://shop.example/", "https://shop.example ", "https://a.shop.example", "*",
        "http://127.0.0.1", "http://127.0.0.1:80801", "file://", "ftp://docs.example.org",
        "https://docs.example.org:8443", "https://docs.example.org@evil.example",
    ],
)  # fmt: skip
def test_no_other_origin_is_let_in_or_answered(path: str, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = refused(method, path, origin)
        assert answer is not None
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert added(path, origin, LISTED) == {"Vary": "Origin, Accept-Encoding"}


@pytest.mark.parametrize("origin", sorted(LISTED))
def test_a_listed_origin_is_let_in_without_cookies(origin: str) -> None:
    assert refused("POST", JOIN, origin) is None
    asked = refused("OPTIONS", JOIN, origin)
    assert asked is not None
    assert asked.status_code == 204
    answered = {**asked.headers, **added(JOIN, origin, LISTED)}
    assert answered["Access-Control-Allow-Origin"] == origin
    assert "access-control-allow-credentials" not in {name.lower() for name in answered}


def test_a_post_without_an_origin_comes_from_no_browser() -> None:
    assert refused("POST", JOIN, None) is not None
    assert refused("GET", "/widget/config", None) is None


def test_the_own_pages_are_let_in_and_need_no_permission_to_read() -> None:
    own = f"https://{HOST}"
    assert refused("POST", JOIN, own) is None
    assert refused("POST", JOIN, f"http://{HOST}") is not None
    assert "Access-Control-Allow-Origin" not in added(JOIN, own, LISTED)


@given(st.text(alphabet="htps:/.-shoexampl*ndoc@[]:0123456789", max_size=40))
def test_only_the_lists_own_words_are_sent_back(origin: str) -> None:
    found = added(JOIN, origin, LISTED)
    assert found.get("Access-Control-Allow-Origin", origin) == origin
    assert ("Access-Control-Allow-Origin" in found) == (origin in LISTED)
