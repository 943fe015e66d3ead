"""The desk in a browser, by keyboard alone; and what its server does with forged claims."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import pytest
import uvicorn

from chatbot.steps import review
from chatbot.steps.review_item import Reviewer, ReviewItem, State
from chatbot.web.desk import DeskPage
from chatbot.web.server import build_server
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions, new_person
from tests.e2e.conftest import free_port
from tests.e2e.desk_app import LEASE, PASSWORD, item, money_answer, seed
from tests.e2e.fake_app import FakeApp
from tests.e2e.visit import CUT_OFF, NARROW, WIDE

BERT = Reviewer("bert", frozenset({"reviewer"}))


class Desk(NamedTuple):
    app: Any
    url: str

    def item(self, key: str) -> ReviewItem:
        found: ReviewItem = self.app.queue.get(key)
        return found

    def cookie(self, name: str) -> dict[str, str]:
        return {DESK_COOKIE: self.app.accounts.login(name, PASSWORD, name)}


def made() -> Any:
    app = FakeApp()
    seed(app)
    return app


@contextmanager
def served(app: Any, port: int | None = None) -> Iterator[Desk]:
    """Serves in this process, so that a test can look into the queue."""
    port = port or free_port()
    config = uvicorn.Config(
        build_server(app), host="127.0.0.1", port=port, log_level="error",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield Desk(app, f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(10)
    app.queue.engine.dispose()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk of its own for each test, in a browser."""
    with served(made()) as desk:
        yield desk


@pytest.fixture
def quiet() -> Iterator[Desk]:
    """A desk that is not served: events are handed to it as Gradio would."""
    app = made()
    yield Desk(app, "")
    app.queue.engine.dispose()


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    """One served desk for tests that change no item."""
    with served(made()) as desk:
        yield desk


Visits = Callable[..., Any]


@pytest.fixture
def visit(browser: Any, desk: Desk) -> Iterator[Visits]:
    """Opens the desk for someone, who logs in by keyboard."""
    contexts, complaints = [], []

    def enter(name: str = "anna", size: dict[str, int] = WIDE) -> Any:
        touch = size is NARROW
        context = browser.new_context(viewport=size, has_touch=touch, is_mobile=touch)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"{desk.url}/desk/")
        assert page.url == f"{desk.url}/desk/login"
        page.wait_for_selector("input[name=name]:focus")  # which comes some time after the page
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("html.up", state="attached")
        return page

    yield enter
    for context in contexts:
        context.close()
    # Whoever is logged out leaves the page while it asks for news.
    assert [c for c in complaints if not CUT_OFF.search(c)] == []


def opened(page: Any, key: str) -> None:
    page.wait_for_selector(f'#item .item[data-item="{key}"][data-mine="yes"]')
    page.wait_for_timeout(550)  # keys that decide are deaf just after another answer has appeared


def test_a_day_at_the_desk_by_keyboard_alone(desk: Desk, visit: Visits) -> None:
    page = visit()
    page.keyboard.press("n")
    opened(page, "health-1")
    assert page.evaluate("document.activeElement.id") == "asked"
    shown = page.get_attribute("#item .item", "data-sha")

    page.keyboard.press("a")
    opened(page, "told-1")  # the next one is there at once
    approved = desk.item("health-1")
    assert approved.state is State.APPROVED
    assert [(s.reviewer, s.sha256) for s in approved.signatures] == [("anna", shown)]
    assert re.fullmatch(r"[1-9]\d? s", page.inner_text("#undo .undo-left"))

    page.keyboard.press("z")
    opened(page, "health-1")
    assert desk.item("health-1").state is State.CLAIMED
    assert desk.item("health-1").signatures == ()
    assert desk.item("told-1").state is State.PENDING  # what was open was put back

    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type("Take the dose on the packet [7].")
    assert page.inner_text("#diff ins >> nth=0").startswith("Take")
    assert "painkiller" in page.inner_text("#diff del >> nth=0")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelector('#problem').textContent.includes('[7]')")
    page.keyboard.press("Control+a")
    page.keyboard.type("Take the dose on the packet [1].")
    page.keyboard.press("Control+Enter")
    opened(page, "told-1")
    edited = desk.item("health-1")
    assert edited.state is State.EDITED
    assert edited.answer
    assert edited.answer.text == "Take the dose on the packet [1]."

    page.keyboard.press("r")
    page.keyboard.press("3")
    page.keyboard.press("Tab")
    page.keyboard.type("Please call us.")
    page.keyboard.press("Control+Enter")
    opened(page, "legal-1")
    rejected = desk.item("told-1")
    assert (rejected.state, rejected.reason_code) == (State.REJECTED, "wrong")
    assert rejected.note == "Please call us."


def test_the_other_deeds_by_keyboard(desk: Desk, visit: Visits) -> None:
    page = visit("lena")
    page.keyboard.press("n")
    opened(page, "health-1")
    page.keyboard.press("q")
    page.keyboard.type("Which wrist?")
    page.keyboard.press("Control+Enter")
    opened(page, "told-1")
    assert desk.item("health-1").state is State.NEEDS_INFO
    assert desk.item("health-1").thread[-1].text == "Which wrist?"

    page.keyboard.press("h")
    page.keyboard.press("b")  # jumps to bert in the list of names
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#item .item[data-item=""]')
    assert desk.item("told-1").reviewer == "bert"

    page.keyboard.press("n")
    opened(page, "legal-1")
    page.keyboard.press("d")
    page.wait_for_selector("#item .drafting")
    assert desk.item("legal-1").draft_wanted
    page.keyboard.press("x")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#item .item[data-item=""]')
    assert desk.item("legal-1").state is State.ESCALATED

    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("fillings")
    page.wait_for_function("document.querySelectorAll('#queue .row').length === 1")
    page.keyboard.press("Escape")
    page.wait_for_function("document.querySelectorAll('#queue .row').length > 3")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_selector('#item .item[data-mine="yes"]')
    taken = page.get_attribute("#item .item", "data-item")
    page.keyboard.press("u")
    page.wait_for_selector('#item .item[data-item=""]')
    assert desk.item(taken).held_by(desk.app.queue.clock()) is None


def test_a_sample_that_had_to_be_held_is_noted_and_can_be_taken_back(
    desk: Desk, visit: Visits
) -> None:
    page = visit("lena")
    page.click('#queue .row[data-id="sample-1"]')
    opened(page, "sample-1")
    page.keyboard.press("m")
    page.wait_for_selector('#item .item:not([data-item="sample-1"])')
    missed = desk.item("sample-1")
    assert (missed.state, missed.signatures[-1].decision) == (State.APPROVED, "missed")
    page.click('[data-act="view"][data-view="done"]')
    page.click('#queue .row[data-id="sample-1"]')
    page.wait_for_selector('#item .item[data-item="sample-1"]')
    page.wait_for_timeout(550)
    page.keyboard.press("c")
    page.keyboard.type("It had to be held.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#item .item[data-item="sample-1"]:not(:has([data-act="recall"]))')
    assert desk.item("sample-1").state is State.RECALLED


def test_markup_from_a_hostile_document_is_shown_as_text(visit: Visits) -> None:
    page = visit("lena")
    page.click('#queue .row[data-id="hostile-1"]')
    opened(page, "hostile-1")
    assert page.evaluate("window.hacked") is None
    for part in ("#item h1", "#item .why", "#item .sentence", "#evidence .title", "#evidence mark"):
        assert '<img src=x onerror="window.hacked=1">' in page.inner_text(part), part
    assert page.locator("#queue img, #item img, #evidence img, #more img").count() == 0
    assert page.locator('#item a[href^="javascript"], #evidence a[href^="javascript"]').count() == 0
    page.keyboard.press("e")
    assert "<script>" in page.input_value("#text")
    assert page.evaluate("window.hacked") is None


def test_what_others_do_is_seen_without_a_reload(desk: Desk, visit: Visits) -> None:
    page = visit()
    assert "bert" in page.inner_text('#queue .row[data-id="employment-1"]')
    desk.app.queue.apply(
        "money-1", "bert", "claim", lambda i, now: review.claim(i, BERT, now, LEASE)
    )
    page.wait_for_selector('#queue .row[data-id="money-1"] .holder')
    desk.app.queue.submit(item("new-1", "Is this new?", "money", 5, answer=money_answer()))
    page.wait_for_selector('#queue .row[data-id="new-1"]')
    page.click('#queue .row[data-id="money-1"]')
    page.wait_for_selector("#item .banner")
    assert "bert is working on this." in page.inner_text("#item .banner")
    assert page.locator('#item [data-act="approve"]').count() == 0


def test_a_draft_that_becomes_outdated_while_it_is_read_says_so(desk: Desk, visit: Visits) -> None:
    page = visit()
    page.keyboard.press("n")
    opened(page, "health-1")
    desk.app.queue.apply("health-1", "system", "outdate", review.outdate)
    page.wait_for_selector("#item .banner.warn")
    assert page.locator('#item [data-act="approve"]').is_disabled()
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    assert desk.item("health-1").signatures == ()


def test_a_page_that_is_closed_keeps_nothing(desk: Desk, visit: Visits) -> None:
    page = visit()
    page.keyboard.press("n")
    opened(page, "health-1")
    assert desk.item("health-1").reviewer == "anna"
    page.close(run_before_unload=True)
    end = time.monotonic() + 10
    while desk.item("health-1").state is not State.PENDING:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_disabled_account_is_out_at_once(desk: Desk, visit: Visits) -> None:
    page = visit()
    desk.app.accounts.disable("anna")
    page.wait_for_url(f"{desk.url}/desk/login")


def test_on_a_phone_one_thing_at_a_time(visit: Visits) -> None:
    page = visit(size=NARROW)
    page.tap('#queue .row[data-id="money-1"]')
    opened(page, "money-1")
    assert not page.locator("#queue").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    box = page.locator("#item .acts").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW["width"] + 1
    page.tap("#back")
    page.wait_for_selector("#queue .row")


# --- without a browser --------------------------------------------------------------------------


def event(desk: Desk, name: str, cookies: dict[str, str], **data: Any) -> Any:
    """One event as Gradio hands it over; gives the news that comes back, and the other parts."""
    page = DeskPage(desk.app)
    told = SimpleNamespace(_data={"run": "r", "active": True, **data})
    *parts, news = getattr(page, name)(told, SimpleNamespace(cookies=cookies))
    return news, "".join(part for part in parts if isinstance(part, str))


def test_events_without_a_session_do_and_show_nothing(quiet: Desk) -> None:
    asker = {COOKIE: Sessions(quiet.app.secret).write(new_person())}
    forged = {DESK_COOKIE: asker[COOKIE]}
    before = quiet.item("health-1")
    for cookies in ({}, asker, forged, {DESK_COOKIE: "x"}):
        for name in ("look", "open", "next", "undo"):
            news, parts = event(quiet, name, cookies, item="health-1")
            assert 'data-kind="login"' in news
            assert parts == ""
        news, parts = event(quiet, "decide", cookies, item="health-1", act="approve")
        assert 'data-kind="login"' in news
        assert parts == ""
    assert quiet.item("health-1") == before


def test_forged_claims_are_refused(quiet: Desk) -> None:
    anna, bert = quiet.cookie("anna"), quiet.cookie("bert")
    event(quiet, "open", anna, item="money-1")
    held = quiet.item("money-1")
    assert held.answer
    right = {"item": "money-1", "fence": held.fence, "sha256": held.answer.sha256}
    for cookies, wrong in (
        (anna, {"fence": held.fence - 1}),
        (anna, {"fence": str(held.fence)}),
        (anna, {"sha256": "0" * 64}),
        (anna, {"act": "deliver"}),
        (anna, {"act": "reject", "code": "because"}),
        (anna, {"act": "reassign", "to": "nobody"}),
        (bert, {}),
    ):
        news, _ = event(quiet, "decide", cookies, **{"act": "approve", **right, **wrong})
        assert 'data-kind="error"' in news, wrong
        assert quiet.item("money-1") == held
    news, _ = event(quiet, "decide", anna, act="approve", **right)
    assert quiet.item("money-1").state is State.APPROVED
    news, _ = event(quiet, "undo", bert, item="money-1")
    assert 'data-kind="error"' in news
    assert quiet.item("money-1").state is State.APPROVED


def test_an_expired_hold_decides_nothing(quiet: Desk) -> None:
    anna = quiet.cookie("anna")
    event(quiet, "open", anna, item="money-1")
    held = quiet.item("money-1")
    assert held.answer
    clock = quiet.app.queue.clock
    quiet.app.queue.clock = lambda: clock() + timedelta(hours=1)
    news, _ = event(
        quiet, "decide", anna, act="approve", item="money-1", fence=held.fence,
        sha256=held.answer.sha256,
    )  # fmt: skip
    assert "your hold on it has run out" in news


def test_roles_are_looked_up_in_every_event(quiet: Desk) -> None:
    aud = quiet.cookie("aud")
    news, parts = event(quiet, "open", aud, item="money-1")
    assert "You can read this, not decide it: your role only reads." in parts
    assert quiet.item("money-1").state is State.PENDING
    for act in ("approve", "recall", "reassign"):
        news, _ = event(quiet, "decide", aud, act=act, item="money-1", to="bert", text="x")
        assert 'data-kind="error"' in news
    event(quiet, "next", aud)
    assert quiet.item("health-1").state is State.PENDING
    # Not even where the policy names a role that only reads.
    named = item("named-1", "Odd?", "money", 5, answer=money_answer(), reviewers=("auditor",),
                 kind="sample")  # fmt: skip
    quiet.app.queue.submit(named)
    event(quiet, "open", aud, item="named-1")
    news, _ = event(quiet, "decide", aud, act="recall", item="named-1", text="x")
    assert 'data-kind="error"' in news
    assert quiet.item("named-1") == named


def test_nobody_reads_the_draft_to_their_own_question(quiet: Desk) -> None:
    own = item("own-1", "My own question?", "money", 1, answer=money_answer(), account="anna",
               priority=200)  # fmt: skip
    quiet.app.queue.submit(own)
    anna = quiet.cookie("anna")
    for name in ("look", "open"):
        _, parts = event(quiet, name, anna, item="own-1")
        assert "Alder Basic pays" not in parts
        assert "My own question?" not in parts
    event(quiet, "next", anna)
    assert quiet.item("own-1").state is State.PENDING


def test_the_lease_is_renewed_while_someone_is_at_work_and_only_then(quiet: Desk) -> None:
    anna = quiet.cookie("anna")
    event(quiet, "open", anna, item="money-1")

    def shorten(one: ReviewItem, now: Any) -> ReviewItem:
        return review.renew(one, Reviewer("anna", frozenset({"reviewer"})), one.fence, now,
                            timedelta(seconds=20))  # fmt: skip

    short = quiet.app.queue.apply("money-1", "anna", "renew", shorten)
    for wrong in ({"active": False}, {"fence": short.fence - 1}):
        news, _ = event(quiet, "look", anna, **{"item": "money-1", "fence": short.fence, **wrong})
        assert 'data-kind=""' in news
        assert quiet.item("money-1").lease_until == short.lease_until
    event(quiet, "look", anna, item="money-1", fence=short.fence)
    assert quiet.item("money-1").lease_until > short.lease_until


def test_what_the_browser_has_is_not_sent_again(quiet: Desk) -> None:
    anna = quiet.cookie("anna")
    _, parts = event(quiet, "open", anna, item="money-1")
    stamps = re.findall(r'data-stamp="(\w+)"', parts)
    assert len(stamps) == 4
    have = dict(zip(("queue", "item", "more", "evidence"), stamps, strict=True))
    _, again = event(quiet, "look", anna, item="money-1", have=have)
    assert again == ""


def test_nor_what_they_asked_in_the_same_browser_before_they_logged_in(quiet: Desk) -> None:
    asker = new_person()
    own = item("own-1", "My own question?", "money", 1, answer=money_answer(), owner=asker.id,
               priority=200)  # fmt: skip
    quiet.app.queue.submit(own)
    anna = quiet.cookie("anna") | {COOKIE: Sessions(quiet.app.secret).write(asker)}
    for name in ("look", "open"):
        _, parts = event(quiet, name, anna, item="own-1")
        assert "Alder Basic pays" not in parts
    _, parts = event(quiet, "next", anna)
    assert 'data-item="health-1"' in parts  # the most urgent one that is not their own
    assert quiet.item("own-1").state is State.PENDING


def test_who_may_not_read_the_most_urgent_ones_sees_what_follows(
    quiet: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.web.desk_view._LISTED", 1)
    for n in range(3):
        urgent = item(f"far-{n}", "Which?", "money", 1, answer=money_answer(), priority=200 + n)
        quiet.app.queue.submit(replace(urgent, reviewers=("nobody",), leads=("nobody",)))
    _, parts = event(quiet, "look", quiet.cookie("anna"))
    assert 'data-id="far-' not in parts
    assert 'data-id="health-1"' in parts


@pytest.fixture
def web(shared: Desk) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared.url, headers={"Origin": shared.url}) as client:
        yield client


def test_the_desk_is_behind_its_login(shared: Desk, web: httpx.Client) -> None:
    for path in ("/desk/", "/desk/insights"):
        assert web.get(path).headers["location"] == "/desk/login"
        web.cookies.set(COOKIE, Sessions(shared.app.secret).write(new_person()))
        assert web.get(path).headers["location"] == "/desk/login"
    assert web.get("/desk").headers["location"] == "/desk/"
    for path in ("/desk/gradio_api/info", "/desk/config", "/deskx", "/desk/gradio_api/file=/etc"):
        assert web.get(path).status_code == 404, path


def test_logging_in_and_out(shared: Desk, web: httpx.Client) -> None:
    wrong = web.post("/desk/login", data={"name": "anna", "password": "wrong wrong wrong"})
    assert wrong.status_code == 403
    assert "The name or the password is wrong." in wrong.text
    right = web.post("/desk/login", data={"name": "anna", "password": PASSWORD})
    assert (right.status_code, right.headers["location"]) == (303, "/desk/")
    cookie = right.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/"))
    page = web.get("/desk/")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "fillings" not in page.text  # nothing of the queue is in the page itself
    token = web.cookies[DESK_COOKIE]
    web.post("/desk/logout")
    assert shared.app.accounts.session(token) is None


def test_forms_from_other_websites_are_refused(shared: Desk, web: httpx.Client) -> None:
    data = {"name": "anna", "password": PASSWORD}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        assert web.post("/desk/login", data=data, headers={"Origin": origin}).status_code == 403
    del web.headers["Origin"]
    assert web.post("/desk/login", data=data).status_code == 403
    assert not web.cookies
    token = shared.cookie("anna")
    web.cookies.update(token)
    assert web.post("/desk/logout").status_code == 403
    assert shared.app.accounts.session(token[DESK_COOKIE])


def test_only_its_holder_puts_an_item_back(shared: Desk, web: httpx.Client) -> None:
    anna = shared.cookie("anna")
    event(shared, "open", anna, item="money-1")
    held = shared.item("money-1")
    form = {"item": "money-1", "fence": str(held.fence)}
    assert web.post("/desk/leave", data=form).status_code == 204  # nobody
    web.cookies.update(shared.cookie("bert"))
    web.post("/desk/leave", data=form)
    web.cookies.update(anna)
    web.post("/desk/leave", data=form, headers={"Origin": "https://evil.example"})
    web.post("/desk/leave", data={**form, "fence": "0"})
    web.post("/desk/leave", data={**form, "fence": "x"})
    assert shared.item("money-1") == held
    web.post("/desk/leave", data=form)
    assert shared.item("money-1").state is State.PENDING


def test_too_many_attempts_are_told_when_to_come_back(web: httpx.Client) -> None:
    data = {"name": "nobody", "password": "wrong wrong wrong"}
    for _ in range(5):
        assert "wrong" in web.post("/desk/login", data=data).text
    assert "Try again in " in web.post("/desk/login", data=data).text


def test_a_manager_has_no_business_there(shared: Desk, web: httpx.Client) -> None:
    shared.app.accounts.add("mia", ["manager"], PASSWORD)
    answer = web.post("/desk/login", data={"name": "mia", "password": PASSWORD})
    assert answer.status_code == 403
    assert "no business at this desk" in answer.text
    assert not web.cookies


def test_a_link_sets_a_password_once(shared: Desk, web: httpx.Client) -> None:
    token = shared.app.accounts.add("zoe", ["reviewer"])
    assert "zoe" in web.get("/desk/welcome", params={"t": token}).text
    form = {"t": token, "password": PASSWORD, "again": "something else"}
    assert "differ" in web.post("/desk/welcome", data=form).text
    form["again"] = PASSWORD
    assert web.post("/desk/welcome", data=form).headers["location"] == "/desk/"
    assert web.get("/desk/").status_code == 200
    gone = web.get("/desk/welcome", params={"t": token})
    assert gone.status_code == 404
    assert "does not work any more" in gone.text
    assert web.post("/desk/welcome", data=form).status_code == 403


def test_insights_count_what_was_decided(shared: Desk, web: httpx.Client) -> None:
    web.cookies.update(shared.cookie("aud"))
    page = web.get("/desk/insights?days=1").text
    assert "1 of 2 sampled" in page
    assert "smollm2-135m" in page
    assert web.get("/desk/insights?days=999").status_code == 200


def test_a_reviewer_may_open_the_documents(shared: Desk, web: httpx.Client) -> None:
    assert web.get("/documents/handbook/dental-cover").status_code == 404
    web.cookies.update(shared.cookie("anna"))
    assert web.get("/documents/handbook/dental-cover").status_code == 200
