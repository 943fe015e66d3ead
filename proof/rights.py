"""Nobody gets in where they may not: `python -m proof.rights`.

Two searches. Every address of the application, found by listing it, by every role and by people
without one: each answers those whom the table below says, and nobody else. Then `Host` and `Origin`
headers as other websites, proxies and attackers send them: none gets past, none is reflected.
With `--open` the guard lets everything through: then both must find something.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Mount, Route

from chatbot.adapters.accounts import Accounts
from chatbot.logs import configure_logs
from chatbot.steps.rights import ROLES, Check, served
from chatbot.web import guard
from chatbot.web.hosts import Hosts
from chatbot.web.session import DESK_COOKIE
from proof.report import Report

BASE = "http://127.0.0.1:7860"
_HERE_FROM = {"Origin": BASE}
DESK = frozenset({"reviewer", "lead", "admin", "auditor", "clinician"})
DECIDERS = DESK - {"auditor"}
ALL = frozenset({*ROLES, "clinician", "anonymous"})
"""`clinician`: a role that only the policy names. `nobody`: where anonymous people may not ask."""
EXPECTED: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/"): ALL,
    ("GET", "/documents/{document_id:path}"): ALL,
    ("GET", "/desk/"): DESK,
    ("GET", "/desk/insights"): DESK,
    ("GET", "/desk/usage"): DESK,
    ("GET", "/desk/cache"): DESK,
    ("GET", "/desk/widget"): DESK,
    ("GET", "/metrics"): frozenset(),  # for a token or a port of its own, whatever the role
    ("GET", "/desk/faq"): DESK,
    ("POST", "/desk/faq"): frozenset({"reviewer", "lead", "admin"}),
    ("GET", "/desk/votes"): DESK,
    ("POST", "/desk/votes"): DECIDERS,
    ("GET", "/desk/people"): frozenset({"admin"}),
    ("POST", "/desk/people"): frozenset({"admin"}),
    ("GET", "/desk/groups"): frozenset({"admin"}),
    ("POST", "/desk/groups"): frozenset({"admin"}),
    ("GET", "/desk/read"): frozenset({"admin", "auditor"}),
    ("POST", "/desk/read"): frozenset({"admin", "auditor"}),
}
"""Who gets past the guard, written out once more and not taken from `rights.ROUTES`."""
FOR_ANYONE = frozenset(
    {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/widget.js"),
     ("GET", "/api/openapi.json"), ("GET", "/favicon.ico"), ("GET", "/login"), ("POST", "/login"),
     ("POST", "/logout"), ("GET", "/login/provider"), ("GET", "/login/callback"), ("GET", "/desk"),
     ("GET", "/desk/login"), ("POST", "/desk/login"), ("POST", "/desk/logout"),
     ("GET", "/desk/welcome"), ("POST", "/desk/welcome"), ("POST", "/desk/leave"),
     ("GET", "/ui/{path:path}")}
)  # fmt: skip
_KEYED = ("/api/", "/v1/")
"""Below these somebody is who their API key says; a cookie is worth nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """An address of the application."""

    method: str
    path: str
    gradio: bool

    @property
    def url(self) -> str:
        """An address that fits."""
        return re.sub(r"\{[^}]+\}", "x", self.path)


def routes(server: Any) -> Iterator[Found]:
    """Every address of the application, those of Gradio's pages included."""
    yield from _under(server.routes, "", gradio=False)


def _under(found: Sequence[BaseRoute], at: str, *, gradio: bool) -> Iterator[Found]:
    for one in iter_route_contexts(found):
        route = one.original_route
        if isinstance(route, Mount):
            inner = getattr(route.app, "routes", None)
            if inner is None:
                yield Found("GET", f"{at}{route.path}/{{path:path}}", gradio)
            else:
                yield from _under(inner, f"{at}{route.path}", gradio=True)
        elif isinstance(route, Route):
            for method in sorted((one.methods or set()) - {"HEAD"}):
                yield Found(method, f"{at}{one.path}", gradio)
        else:
            yield Found("GET", f"{at}{one.path}", gradio)


def passes(answer: Any) -> bool:
    """Whether the request got to the application: it was not refused."""
    said = "is not for your role", "There is no such page.", "This is not done here."
    return not any(words in answer.text for words in said)


def sent_to_log_in(answer: Any) -> bool:
    """Whether the request was answered with the way to the login."""
    return answer.headers.get("location") in ("/login", "/desk/login")


def matrix(
    server: Any, closed: Any, accounts: Accounts, who: Sequence[str] = (*sorted(ALL), "nobody")
) -> Iterator[tuple[str, str]]:
    """What was tried, and what is wrong with it (empty: nothing).

    Args:
        closed: the same application, where anonymous people may not ask.
        who: by whom.
    """
    listed = list(routes(server))
    for name in who:
        side = closed if name == "nobody" else server
        client = TestClient(side, base_url=BASE, headers=_HERE_FROM, follow_redirects=False)
        for found in listed:
            if found.gradio and found.path not in ("/", "/desk/"):
                continue
            if name not in ("anonymous", "nobody") and DESK_COOKIE not in client.cookies:
                client.cookies.update(_cookie(accounts, name))  # at first, and after logging out
            yield f"{name} {found.method} {found.path}", _wrong(client, name, found)
            if found.path.endswith("logout"):
                client.cookies.clear()


def _wrong(client: TestClient, name: str, found: Found) -> str:
    key = (found.method, found.path)
    if found.path.startswith(_KEYED) and key not in FOR_ANYONE:
        code = client.request(found.method, found.url, json={}).status_code
        # A body that does not hold is refused before the key is looked at.
        return "" if code in (400, 401, 422) else f"answers {code} without a key"
    if key not in EXPECTED and key not in FOR_ANYONE:
        return "this address stands in no table"
    answer = client.request(found.method, found.url)
    wanted, got = name in EXPECTED.get(key, {name}), passes(answer)
    if key in EXPECTED:  # logging out leads to the login as well
        got = got and not sent_to_log_in(answer)
    return "" if got is wanted else f"{'let in' if got else 'turned away'}"


def _cookie(accounts: Accounts, role: str) -> dict[str, str]:
    if role not in {a.name for a in accounts.list()}:
        accounts.add(role, [role], "correct horse battery staple")
    return {DESK_COOKIE: accounts.login(role, "correct horse battery staple", role)}


def gradio(server: Any, accounts: Accounts) -> Iterator[tuple[str, str]]:
    """Gradio's own addresses: what the table does not name is not there, even for an admin."""
    admin = TestClient(server, base_url=BASE, headers=_HERE_FROM, follow_redirects=False)
    admin.cookies.update(_cookie(accounts, "admin"))
    for found in routes(server):
        if found.gradio and not served(found.url):
            code = admin.request(found.method, found.url).status_code
            yield f"{found.method} {found.path}", "" if code == 404 else f"answers {code}"


HOSTS = (
    "127.0.0.1:7860", "localhost:7860", "[::1]:7860", "127.0.0.1", "LOCALHOST",
    "evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example",
    "127.0.0.1@evil.example", "evil.example@127.0.0.1", "127.0.0.1:7860@evil.example",
    "evil.example#@127.0.0.1", "127.0.0.1/evil.example", "127.0.0.1:7860.evil.example",
    "localhost.", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "10.0.0.1", "",
)  # fmt: skip
ORIGINS = (
    "http://127.0.0.1:7860", "http://localhost:7860", "https://evil.example", "null",
    "http://127.0.0.1:7860.evil.example", "http://127.0.0.1:7860@evil.example",
    "http://evil.example@127.0.0.1:7860", "http://127.0.0.1:7861", "http://127.0.0.1",
    "file://", "http://127.0.0.1:7860/", "HTTP://127.0.0.1:7860 https://evil.example",
)  # fmt: skip
_HERE = frozenset(HOSTS[:5])


def headers_tried(server: Any) -> Iterator[tuple[str, str]]:
    """Each pair of the two headers, on reading and on writing."""
    client = TestClient(server, base_url=BASE, follow_redirects=False)
    for host, origin in itertools.product(HOSTS, ORIGINS):
        told = {"Host": host, "Origin": origin}
        read = client.get("/healthz", headers=told)
        sent = client.post("/gradio_api/queue/join", json={}, headers=told)
        asked = client.options(
            "/gradio_api/queue/join", headers={**told, "Access-Control-Request-Method": "POST"}
        )
        # A page of this site: the same host, spelt the same way.
        own = host in _HERE and origin.lower() == f"http://{host}".lower()
        wrong = []
        if (read.status_code == 200) is not (host in _HERE):
            wrong.append(f"read: {read.status_code}")
        if (sent.status_code not in (400, 403)) is not own:
            wrong.append(f"sent: {sent.status_code}")
        names = [h for answer in (read, sent, asked) for h in answer.headers]
        if any(h.startswith("access-control-") for h in names):
            wrong.append("reflected")
        yield f"Host {host!r}, Origin {origin!r}", ", ".join(wrong)


def main() -> int:
    """Tries all of it."""
    from chatbot.web.server import build_server
    from tests.e2e.fake_app import FakeApp

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", action="store_true", help="let everything through")
    logging.disable()
    configure_logs(level="error")
    asked = parser.parse_args()
    app = FakeApp(pause=0)
    shut = FakeApp(pause=0, settings=app.settings.model_copy(update={"anonymous": "no"}))
    server, closed = build_server(app), build_server(shut)  # type: ignore[arg-type]
    if asked.open:
        patch.object(guard, "need_of", lambda *_: Check.NOBODY).start()
        patch.object(Hosts, "serves", lambda *_: True).start()
    report = Report("requests that got where they may not, or not where they may")
    accounts = app.accounts
    for tried in (
        matrix(server, closed, accounts),
        gradio(server, accounts),
        headers_tried(server),
    ):
        for what, wrong in tried:
            report.count(f"{what}: {wrong}" if wrong else "")
    return report.end(least=600)


if __name__ == "__main__":
    sys.exit(main())
