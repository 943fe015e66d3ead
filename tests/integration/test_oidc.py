"""Logging in with an identity provider: a real one, and one that does each wrong thing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from chatbot.adapters.oidc import Provider
from chatbot.errors import BadSettings, NotAllowed, NotFound
from chatbot.settings import Settings
from chatbot.web.login import FLOW_COOKIE
from chatbot.web.server import build_server
from chatbot.web.session import DESK_COOKIE
from tests.e2e.conftest import free_port
from tests.e2e.fake_app import FakeApp
from tests.issuer import CLIENT, SECRET, Issuer, issuer

SITE = "http://127.0.0.1:7860"
BACK = f"{SITE}/login/callback"
NODE = Path(__file__).parents[1] / "oidc"


@pytest.fixture(scope="module")
def made() -> Iterator[Issuer]:
    with issuer() as one:
        yield one


@pytest.fixture
def honest(made: Issuer) -> Iterator[Issuer]:
    """The provider, doing nothing wrong yet."""
    claims = dict(made.claims)
    yield made
    made.wrong, made.claims = "", claims


def settings(url: str, **more: Any) -> Settings:
    given = {"oidc_client": CLIENT, "oidc_secret": SECRET, "oidc_domains": ["example.org"]}
    return Settings(_env_file=None, oidc_issuer=url, **(given | more))  # type: ignore[call-arg]


def left(provider: Provider) -> tuple[dict[str, str], Any]:
    """What stands in the address that a reader is sent to, and what their browser keeps."""
    url, flow = provider.leave()
    return dict(parse_qsl(urlsplit(url).query)), flow


def identify(one: Issuer, **more: Any) -> Any:
    provider = Provider(settings(one.url, **more), BACK)
    leaving, flow = left(provider)
    answer = {"code": one.code(leaving), "state": leaving["state"], "iss": one.url}
    return provider.identify(answer, flow)


def test_whoever_the_provider_vouches_for_is_known_by_issuer_and_subject(honest: Issuer) -> None:
    found = identify(honest)
    assert (found.issuer, found.subject) == (honest.url, "s-1")
    assert (found.name, found.groups) == ("anna@example.org", ("hr", "nowhere"))


def test_what_is_asked_for_is_a_code_with_pkce_state_and_nonce(honest: Issuer) -> None:
    leaving, flow = left(Provider(settings(honest.url), BACK))
    assert (leaving["response_type"], leaving["code_challenge_method"]) == ("code", "S256")
    assert (leaving["state"], leaving["nonce"]) == (flow.state, flow.nonce)
    assert leaving["redirect_uri"] == BACK
    assert flow.verifier not in str(leaving)
    assert (
        len(
            {
                flow.state,
                flow.nonce,
                flow.verifier,
                left(Provider(settings(honest.url), BACK))[1].state,
            }
        )
        == 4
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "issuer", "audience", "audiences without azp", "azp", "nonce", "expired", "of tomorrow",
        "subject empty", "at_hash", "without nonce", "without exp", "without sub", "without iss",
        "without aud", "alg none", "signed with the public key", "signed with the client's secret",
        "signed by another", "changed afterwards", "no token at all", "userinfo of another",
        "discovery names another", "endpoint without https", "sent elsewhere",
    ],
)  # fmt: skip
def test_a_provider_that_does_something_wrong_lets_nobody_in(honest: Issuer, wrong: str) -> None:
    provider = Provider(settings(honest.url), BACK)
    leaving, flow = left(provider)
    honest.wrong = wrong
    answer = {"code": honest.code(leaving), "state": leaving["state"], "iss": honest.url}
    with pytest.raises(NotAllowed, match="You are not logged in"):
        provider.identify(answer, flow)


def test_an_answer_that_is_not_ours_to_use_lets_nobody_in(honest: Issuer) -> None:
    provider = Provider(settings(honest.url), BACK)
    leaving, flow = left(provider)
    code, asked = honest.code(leaving), len(honest.seen)
    right = {"code": code, "state": flow.state, "iss": honest.url}
    for wrong in (
        {**right, "state": "another"},
        {**right, "state": ""},
        {"code": code, "iss": honest.url},
        {**right, "iss": "https://other.example"},  # mix-up: another provider's answer
        {"code": code, "state": flow.state},  # and this provider always says who it is
        {"state": flow.state, "iss": honest.url, "error": "access_denied"},
    ):
        with pytest.raises(NotAllowed):
            provider.identify(wrong, flow)
    assert "/token" not in honest.seen[asked:]  # the code was never sent anywhere
    with pytest.raises(NotAllowed):  # begun in another browser: PKCE
        provider.identify(right, replace(flow, verifier="x" * 43))
    code = honest.code(leaving)
    assert provider.identify({**right, "code": code}, flow).subject == "s-1"
    with pytest.raises(NotAllowed):  # replayed
        provider.identify({**right, "code": code}, flow)


@pytest.mark.parametrize(
    ("more", "claims", "let_in"),
    [
        ({}, {}, True),
        ({}, {"email": "eve@example.org.evil.example"}, False),
        ({}, {"email_verified": False}, False),
        ({}, {"email_verified": "true"}, False),
        ({}, {"email": None}, False),
        ({"oidc_domains": ["*"]}, {"email": None}, True),
        ({"oidc_domains": [], "oidc_claims": {"hd": "example.org"}}, {}, False),
        ({"oidc_domains": [], "oidc_claims": {"hd": "example.org"}}, {"hd": "example.org"}, True),
        ({"oidc_claims": {"groups": "staff"}}, {}, False),
        ({"oidc_claims": {"groups": "staff"}}, {"groups": ["staff"]}, True),
    ],
)
def test_only_those_whom_the_settings_name_are_let_in(
    honest: Issuer, more: dict[str, Any], claims: dict[str, Any], let_in: bool
) -> None:
    honest.claims = honest.claims | claims
    if let_in:
        assert identify(honest, **more).subject == "s-1"
    else:
        with pytest.raises(NotAllowed, match="accounts like yours"):
            identify(honest, **more)


@pytest.mark.parametrize(
    "more",
    [
        {"oidc_domains": []},
        {"oidc_client": ""},
        {"oidc_issuer": "http://login.example.org"},
        {"oidc_issuer": "nonsense"},
    ],
)
def test_settings_that_would_be_unsafe_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        Provider(settings(**({"url": "https://login.example.org"} | _named(more))), BACK)


def _named(more: dict[str, Any]) -> dict[str, Any]:
    return {("url" if k == "oidc_issuer" else k): v for k, v in more.items()}


@pytest.fixture
def site(honest: Issuer) -> Iterator[TestClient]:
    """Our side, in front of that provider."""
    app = FakeApp(settings=settings(honest.url), pause=0)
    app.accounts.groups.add("hr", "test")
    with TestClient(build_server(cast(Any, app)), base_url=SITE) as client:
        client.app_ = app  # type: ignore[attr-defined]
        client.follow_redirects = False
        yield client


def come_back(site: TestClient, one: Issuer, to: str = "") -> Any:
    away = site.get(f"/login/provider{to}")
    assert away.status_code == 303
    leaving = dict(parse_qsl(urlsplit(away.headers["location"]).query))
    answer = {"code": one.code(leaving), "state": leaving["state"], "iss": one.url}
    return site.get("/login/callback", params=answer)


def test_the_way_there_and_back_makes_an_asker(site: TestClient, honest: Issuer) -> None:
    app = cast(Any, site).app_
    assert "Log in with single sign-on" in site.get("/login").text
    back = come_back(site, honest)
    assert (back.status_code, back.headers["location"]) == (303, "/")
    found = app.accounts.session(site.cookies[DESK_COOKIE])
    assert (found.name, found.roles, found.active) == ("anna@example.org", {"asker"}, True)
    assert app.accounts.groups.list()[1].members == ("anna@example.org",)
    assert FLOW_COOKIE not in site.cookies  # used up
    app.accounts.give("anna@example.org", ["asker", "reviewer"])
    honest.claims = honest.claims | {"groups": []}
    site.cookies.clear()
    assert come_back(site, honest, "?to=desk").headers["location"] == "/desk/"
    assert app.accounts.groups.list()[1].members == ()  # taken back by the provider
    assert len(app.accounts.list()) == 1


def test_nobody_gets_another_account_by_its_name(site: TestClient, honest: Issuer) -> None:
    app = cast(Any, site).app_
    app.accounts.add("anna@example.org", ["admin"], "correct horse battery staple")
    back = come_back(site, honest)
    assert (back.status_code, DESK_COOKIE in site.cookies) == (403, False)
    assert "another account" in back.text


@pytest.mark.parametrize("said", ["jane+hr", "o'brien", "auth0|7", "é", "é" * 80, "x" * 99])
def test_a_name_that_cannot_be_one_here_is_made_to_fit(
    site: TestClient, honest: Issuer, said: str
) -> None:
    app = cast(Any, site).app_
    honest.claims = honest.claims | {"email": f"{said}@example.org"}
    assert come_back(site, honest).status_code == 303
    site.cookies.clear()
    assert come_back(site, honest).status_code == 303  # the same person
    (account,) = app.accounts.list()
    honest.claims = honest.claims | {"sub": "another"}
    site.cookies.clear()
    assert come_back(site, honest).status_code == 303
    assert len({account.name, *(a.name for a in app.accounts.list())}) == 2


def test_whoever_is_disabled_stays_out(site: TestClient, honest: Issuer) -> None:
    app = cast(Any, site).app_
    come_back(site, honest)
    token = site.cookies[DESK_COOKIE]
    app.accounts.disable("anna@example.org")
    assert app.accounts.session(token) is None
    with pytest.raises(NotFound):
        app.accounts.get("anna@example.org")
    site.cookies.clear()
    assert come_back(site, honest).status_code == 403


def test_a_login_that_another_browser_began_is_refused(site: TestClient, honest: Issuer) -> None:
    away = site.get("/login/provider")
    leaving = dict(parse_qsl(urlsplit(away.headers["location"]).query))
    kept = site.cookies[FLOW_COOKIE]
    for cookie in ("", "forged", kept[:-2]):
        site.cookies.clear()
        if cookie:
            site.cookies.set(FLOW_COOKIE, cookie)
        answer = {"code": honest.code(leaving), "state": leaving["state"], "iss": honest.url}
        assert site.get("/login/callback", params=answer).status_code == 403
        assert DESK_COOKIE not in site.cookies


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a certified provider (npm's oidc-provider), if it is installed."""
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules").is_dir():
        pytest.skip("no oidc-provider: install it with `make packages`")
    port, log = free_port(), tmp_path_factory.mktemp("provider") / "log"
    with log.open("w") as out:
        served = subprocess.Popen(
            [node, "provider.mjs", str(port), BACK], cwd=NODE, stdout=subprocess.PIPE, stderr=out
        )
        assert served.stdout
        assert served.stdout.readline() == b"ready\n", log.read_text()
        yield f"http://127.0.0.1:{port}"
        served.terminate()
        served.wait(10)
        served.stdout.close()


def logged_in_there(browser: httpx.Client, url: str, name: str) -> dict[str, str]:
    """Does what a person does at the provider: name, password, consent."""
    for _ in range(12):
        page = browser.get(url)
        while page.is_redirect:
            url = urljoin(str(page.url), page.headers["location"])
            if url.startswith(BACK):
                return dict(parse_qsl(urlsplit(url).query))
            page = browser.get(url)
        action = re.search(r'action="([^"]+)"', page.text)
        prompt = re.search(r'name="prompt" value="([^"]+)"', page.text)
        assert action, page.text
        assert prompt, page.text
        form = {"prompt": prompt[1], "login": name, "password": "x"}
        sent = browser.post(urljoin(str(page.url), unescape(action[1])), data=form)
        url = urljoin(str(page.url), sent.headers["location"])
    raise AssertionError("the provider did not send anybody back")


def test_a_certified_provider_lets_people_in(real: str) -> None:
    app = FakeApp(settings=settings(real), pause=0)
    app.accounts.groups.add("hr", "test")
    with (
        TestClient(build_server(cast(Any, app)), base_url=SITE, follow_redirects=False) as site,
        httpx.Client() as browser,
    ):
        away = site.get("/login/provider").headers["location"]
        answer = logged_in_there(browser, away, "anna")
        back = site.get("/login/callback", params=answer)
        assert (back.status_code, back.headers["location"]) == (303, "/"), back.text
        found = app.accounts.session(site.cookies[DESK_COOKIE])
        assert found is not None
        assert (found.name, found.roles) == ("anna@example.org", frozenset({"asker"}))
        assert app.accounts.groups.list()[1].members == ("anna@example.org",)
        site.cookies.clear()
        replayed = site.get("/login/callback", params=answer)
        assert (replayed.status_code, DESK_COOKIE in site.cookies) == (403, False)
    with TestClient(build_server(cast(Any, app)), base_url=SITE, follow_redirects=False) as site:
        with httpx.Client() as browser:
            away = site.get("/login/provider").headers["location"]
            answer = logged_in_there(browser, away, "unverified")
        assert site.get("/login/callback", params=answer).status_code == 403
