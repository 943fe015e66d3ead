"""The asker's side of the desk: what they see of a held question, and what they can do about it."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatbot.desk import Desk
from chatbot.domain import Person
from chatbot.steps import review
from chatbot.steps.review_item import Reviewer, ReviewItem, State
from chatbot.waiting import Line
from chatbot.web.chat import ChatPage
from chatbot.web.identity import Identity
from chatbot.web.session import COOKIE, Sessions
from tests.e2e.fake_app import FakeApp

ANNA = Reviewer("anna", frozenset({"reviewer", "lead"}))
LEASE = timedelta(minutes=5)
SIGNED = "Ask your doctor before you take it."
ME, STRANGER = Person("a" * 32), Person("b" * 32)


class Page:
    """One asker's page over an application of fakes with a real queue."""

    def __init__(self, app: FakeApp, person: Person = ME) -> None:
        self.app = app
        sessions = Sessions(app.secret)
        self._cookie = sessions.write(person)
        self._page = ChatPage(cast(Any, app), Identity(cast(Any, app), sessions))

    def do(self, name: str, **data: object) -> str:
        event, request = (
            SimpleNamespace(_data=data),
            SimpleNamespace(
                cookies={COOKIE: self._cookie}, headers={}, client=None, session_hash="s"
            ),
        )
        result = getattr(self._page, name)(event, request)
        shown = list(result)[-2:][0] if name in ("ask", "again") else result
        return "".join(part for part in shown or () if isinstance(part, str))


@pytest.fixture
def app() -> FakeApp:
    return FakeApp(pause=0)


@pytest.fixture
def page(app: FakeApp) -> Page:
    return Page(app)


def held(page: Page) -> ReviewItem:
    html = page.do("ask", text="This is held. May I take it?", run="r")
    assert 'data-desk="open"' in html
    assert "It waits for a reviewer." in html
    (item,) = page.app.queue.list()
    return item


def decide(app: FakeApp, item: ReviewItem, decision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = app.queue
    monkeypatch.setattr(review, "UNDO", timedelta(0))
    claimed = queue.apply(
        item.id, "anna", "claim", lambda i, now: review.claim(i, ANNA, now, LEASE)
    )
    if decision == "edit":
        queue.apply(
            item.id, "anna", "edit", lambda i, n: review.edit(i, ANNA, claimed.fence, SIGNED, n)
        )
    elif decision == "reject":
        queue.apply(
            item.id,
            "anna",
            "reject",
            lambda i, n: review.reject(i, ANNA, claimed.fence, "advice", "Call us.", n),
        )
    queue.deliver(item.id)


def test_a_signed_answer_comes_to_the_open_page(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = held(page)
    versions = {item.record: item.version}
    assert page.do("check", conversation=item.conversation, versions=versions) == ""
    decide(page.app, item, "edit", monkeypatch)
    html = page.do("check", conversation=item.conversation, versions=versions)
    assert SIGNED in html
    assert "checked and signed" in html
    seen = page.app.queue.get(item.id)
    assert seen.state is State.SEEN
    assert (
        page.do("check", conversation=item.conversation, versions={seen.record: seen.version}) == ""
    )
    assert SIGNED in page.do("open", conversation=item.conversation)


def test_a_rejection_says_what_the_reviewer_wrote(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = held(page)
    decide(page.app, item, "reject", monkeypatch)
    html = page.do("open", conversation=item.conversation)
    assert "Call us." in html
    assert "No answer to this question" in html


def test_a_recalled_answer_is_taken_off_the_page(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = held(page)
    decide(page.app, item, "edit", monkeypatch)
    assert SIGNED in page.do("open", conversation=item.conversation)
    page.app.queue.apply(
        item.id, "anna", "recall", lambda i, now: review.recall(i, ANNA, "The dose is wrong.", now)
    )
    html = page.do("open", conversation=item.conversation)
    assert SIGNED not in html
    assert "taken back" in html
    assert "The dose is wrong." in html


def test_the_asker_can_withdraw_leave_an_address_and_reply(page: Page) -> None:
    item = held(page)
    talk, record = item.conversation, item.record
    html = page.do("contact", conversation=talk, record=record, contact="me@example.com")
    assert "Noted: me@example.com" in html
    with pytest.raises(Exception, match="no e-mail address"):
        page.do("contact", conversation=talk, record=record, contact="<script>")
    claimed = page.app.queue.apply(
        item.id, "anna", "claim", lambda i, now: review.claim(i, ANNA, now, LEASE)
    )
    page.app.queue.apply(
        item.id,
        "anna",
        "ask",
        lambda i, now: review.ask(i, ANNA, claimed.fence, "How <b>old</b> are you?", now),
    )
    html = page.do("open", conversation=talk)
    assert "How &lt;b&gt;old&lt;/b&gt; are you?" in html
    html = page.do("reply", conversation=talk, record=record, text="Forty.")
    assert "It waits for a reviewer." in html
    assert page.app.queue.get(item.id).thread[-1].text == "Forty."
    assert "You withdrew this question." in page.do("withdraw", conversation=talk, record=record)
    with pytest.raises(Exception, match="withdrawn"):
        page.do("withdraw", conversation=talk, record=record)


def test_nobody_touches_anothers_question(page: Page) -> None:
    item = held(page)
    stranger = Page(page.app, STRANGER)
    talk, record = item.conversation, item.record
    for name in ("withdraw", "reply", "contact", "person"):
        with pytest.raises(Exception, match="There is no"):
            stranger.do(name, conversation=talk, record=record, text="x", contact="a@b.c")
    assert stranger.do("check", conversation=talk, versions={}) == ""
    assert page.app.queue.get(item.id) == item


def test_asking_anew_and_deleting_withdraw_what_waits(page: Page) -> None:
    first = held(page)
    page.do("ask", conversation=first.conversation, text="Something else", keep=0, run="r")
    assert page.app.queue.get(first.id).state is State.WITHDRAWN
    page.do("ask", conversation=first.conversation, text="This is held, too.", run="r")
    second = next(i for i in page.app.queue.list() if i.id != first.id)
    page.do("remove", conversation=first.conversation, current=first.conversation)
    assert page.app.queue.get(second.id).state is State.WITHDRAWN


@pytest.mark.parametrize("sampled", [False, True])
def test_a_person_can_be_asked_for_after_an_answer(
    page: Page, monkeypatch: pytest.MonkeyPatch, sampled: bool
) -> None:
    html = page.do("ask", text="How much do you pay?", run="r")
    assert 'data-act="person"' in html
    (talk,) = page.app.conversations.all
    (record,) = page.app.conversations.records(talk, ME.id)
    monkeypatch.setattr(Desk, "chosen", lambda *_: sampled)
    assert bool(page.app.desk.sample(record, talk, ME)) is sampled
    for _ in range(2):  # the second time changes nothing
        page.do("person", conversation=talk, record=record.id)
    html = page.do("person", conversation=talk, record=record.id)
    assert "EUR 1,500" in html
    assert "It waits for a reviewer." in html
    assert 'data-act="person"' not in html
    (item,) = [i for i in page.app.queue.list() if i.kind != "sample"]
    assert item.reasons == ("asked for a person",)
    decide(page.app, item, "edit", monkeypatch)
    html = page.do("open", conversation=talk)
    assert SIGNED in html
    assert "EUR 1,500" not in html


def test_who_finds_the_line_full_is_told_when_to_come_back_and_counted(page: Page) -> None:
    page.app.line = Line(1, 0)
    inside = page.app.line.join()
    html = page.do("ask", text="How much do you pay?", run="r")
    assert re.search(r"Try again in \d+ seconds?", html)
    assert b'countersign_turned_away_total{why="busy"} 1.0' in page.app.telemetry.page()
    inside.leave()
