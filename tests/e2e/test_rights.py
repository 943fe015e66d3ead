"""Role × address × owner: who gets where, found by listing the application. And who reads what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple, cast
from unittest.mock import patch

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from chatbot.adapters.conversations import ConversationStore
from chatbot.domain import Person
from chatbot.errors import NotFound
from chatbot.steps.rights import ROLES, Check
from chatbot.web import guard
from chatbot.web.chat import ChatPage
from chatbot.web.desk import DeskPage
from chatbot.web.hosts import Hosts
from chatbot.web.identity import Identity, person_of
from chatbot.web.server import build_server
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions
from proof.rights import BASE, gradio, headers_tried, matrix
from tests.e2e.desk_app import PASSWORD, item, money_answer
from tests.e2e.fake_app import FakeApp
from tests.strategies import draft, record

ME, OTHER = "a" * 32, "b" * 32


class Site(NamedTuple):
    app: Any
    server: Any
    closed: Any


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    app = FakeApp(pause=0)
    shut = FakeApp(pause=0, settings=app.settings.model_copy(update={"anonymous": "no"}))
    yield Site(app, build_server(cast(Any, app)), build_server(cast(Any, shut)))
    app.queue.engine.dispose()
    shut.queue.engine.dispose()


def test_every_address_answers_those_who_may_have_it_and_nobody_else(site: Site) -> None:
    tried = list(matrix(site.server, site.closed, site.app.accounts))
    assert len(tried) > 200
    assert [t for t in tried if t[1]] == []
    with patch.object(guard, "need_of", lambda *_: Check.NOBODY):
        assert [t for t in matrix(site.server, site.closed, site.app.accounts, ["asker"]) if t[1]]


def test_what_the_table_does_not_name_is_not_served(site: Site) -> None:
    tried = list(gradio(site.server, site.app.accounts))
    assert len(tried) > 100
    assert [t for t in tried if t[1]] == []
    new = build_server(cast(Any, site.app))
    new.get("/new")(lambda: None)
    new.router.routes.insert(0, new.router.routes.pop())
    tried = list(matrix(new, new, site.app.accounts, ["admin"]))
    wrong = {what for what, why in tried if "in no table" in why}
    assert "admin GET /new" in wrong


def test_no_foreign_host_or_origin_gets_past(site: Site) -> None:
    tried = list(headers_tried(site.server))
    assert len(tried) >= 200
    assert [t for t in tried if t[1]] == []
    with patch.object(Hosts, "own", lambda *_: True):
        assert any("sent" in why for _, why in headers_tried(site.server))


def test_a_websocket_is_closed(site: Site) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        TestClient(site.server, base_url=BASE).websocket_connect("/"),
    ):
        pass
    assert closed.value.code == 1008


class Door:
    """The chat page's events, by somebody."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.identity = Identity(app, Sessions(app.secret))
        self._page = ChatPage(app, self.identity)

    def cookie(self, who: str) -> dict[str, str]:
        if who in (ME, OTHER):
            return {COOKIE: self.identity.sessions.write(Person(who))}
        if who not in {a.name for a in self.app.accounts.list()}:
            self.app.accounts.add(who, [who if who in ROLES else "asker"], PASSWORD)
        return {DESK_COOKIE: self.app.accounts.login(who, PASSWORD, who)}

    def event(self, name: str, cookies: dict[str, str], **data: object) -> str:
        request = SimpleNamespace(cookies=cookies, headers={}, client=None, session_hash="s")
        result = getattr(self._page, name)(SimpleNamespace(_data=data), request)
        return str(list(result) if name in ("ask", "again") else result)

    def who(self, cookies: dict[str, str]) -> Person | None:
        return self.identity.who(SimpleNamespace(cookies=cookies))


EVENTS = (
    "open", "ask", "again", "stop", "rename", "remove", "rate", "check", "withdraw", "reply",
    "contact", "person",
)  # fmt: skip
CLAIMS: dict[str, Any] = {
    "text": "x", "title": "x", "value": 1, "reason": "", "contact": "eve@example.org", "turn": 0,
    "keep": 0, "run": "r",
}  # fmt: skip


@pytest.mark.parametrize("role", [*ROLES, ME])
def test_nobody_does_anything_to_the_conversation_of_another(role: str) -> None:
    door = Door(FakeApp(pause=0))
    store = door.app.conversations
    for owner in (OTHER, "somebody"):
        theirs = door.cookie(owner)
        door.event("ask", theirs, text="Is my zebra covered? held", run="r")
        (conversation,) = [c for c, kept in store.kept.items() if kept]
        (answer,) = store.kept[conversation]
        before = (dict(store.all), store.kept[conversation][:], door.app.queue.get(answer.id))
        mine = door.cookie(role)
        for name in EVENTS:
            said = {**CLAIMS, "conversation": conversation, "record": answer.id}
            try:
                shown = door.event(name, mine, **said)
            except Exception as error:  # Gradio's own, with our words
                shown = str(error)
            assert "zebra" not in shown, name
        store.ratings_given.clear()  # the fake keeps any; the real store asks for the owner
        after = (dict(store.all), store.kept[conversation], door.app.queue.get(answer.id))
        assert after == before
        assert "zebra" in door.event("open", theirs, conversation=conversation)
        door.event("remove", theirs, conversation=conversation, current="")
    door.app.queue.engine.dispose()


def test_an_account_is_one_person_in_every_browser_and_no_one_else() -> None:
    door = Door(FakeApp(pause=0))
    first, second = door.cookie("anna"), door.cookie("anna")
    assert door.who(first) == door.who(second) == Person("account:anna", None, "anna")
    both = {**first, **door.cookie(ME)}
    assert door.who(both) == door.who(first)
    door.app.accounts.logout(first[DESK_COOKIE])
    assert door.who(both) == Person(ME)
    assert door.who({**first, COOKIE: "forged"}) is None
    door.app.accounts.disable("anna")
    assert door.who(second) is None


def test_where_anonymous_people_may_not_ask_their_cookie_is_worth_nothing() -> None:
    app = FakeApp(pause=0)
    app.settings = app.settings.model_copy(update={"host": "0.0.0.0"})
    door = Door(app)
    assert door.who(door.cookie(ME)) is None
    assert door.who(door.cookie("anna"))
    with pytest.raises(Exception, match="Reload"):
        door.event("ask", door.cookie(ME), text="How much?")
    assert not app.conversations.all
    client = TestClient(build_server(cast(Any, app)), base_url=BASE, follow_redirects=False)
    for path in ("/", "/documents/handbook%2Fdental-cover"):
        assert client.get(path).headers["location"] == "/login"
    client.cookies.update(door.cookie("anna"))
    assert client.get("/documents/handbook%2Fdental-cover").status_code == 200
    app.queue.engine.dispose()


def test_logging_in_makes_a_new_session_and_ends_the_one_that_was_there() -> None:
    app = FakeApp(pause=0)
    door = Door(app)
    client = TestClient(
        build_server(cast(Any, app)),
        base_url=BASE,
        follow_redirects=False,
        headers={"Origin": BASE},
    )
    planted = door.cookie("eve")[DESK_COOKIE]
    client.cookies.set(DESK_COOKIE, planted)
    door.cookie("anna")
    form = {"name": "anna", "password": PASSWORD}
    assert (
        client.post("/login", data=form, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )
    assert client.post("/login", data={**form, "password": "wrong wrong wrong"}).status_code == 403
    answer = client.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    token = re.search(rf"{DESK_COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert token
    assert token[1] != planted
    assert app.accounts.session(planted) is None
    found = app.accounts.session(token[1])
    assert found
    assert found.name == "anna"
    client.cookies.clear()
    client.cookies.set(DESK_COOKIE, token[1])
    assert client.post("/logout", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/logout").status_code == 303
    assert app.accounts.session(token[1]) is None
    app.queue.engine.dispose()


# --- what was taken away is not shown any more ---------------------------------------------------


@pytest.fixture
def divided() -> Iterator[Door]:
    """A handbook that the group `staff` reads; anna is in it."""
    app = FakeApp(pause=0)
    door = Door(app)
    door.cookie("anna")
    groups = app.accounts.groups
    groups.add("staff", "test")
    groups.grant("staff", "handbook", "test")
    groups.join("staff", "anna", "test")
    yield door
    app.queue.engine.dispose()


def test_documents_and_answers_go_with_the_group(divided: Door) -> None:
    app, anna = divided.app, divided.cookie("anna")
    client = TestClient(build_server(cast(Any, app)), base_url=BASE, cookies=anna)
    address = "/documents/handbook%2Fdental-cover"
    divided.event("ask", anna, text="How much?", run="r")
    (conversation,) = [c for c, kept in app.conversations.kept.items() if kept]
    assert "EUR 1,500" in divided.event("open", anna, conversation=conversation)
    assert client.get(address).status_code == 200
    assert "Dental cover" in divided.event("open", anna, conversation="new")

    app.accounts.groups.leave("staff", "anna", "test")
    shown = divided.event("open", anna, conversation=conversation)
    assert "EUR" not in shown
    assert "you can no longer read" in shown
    assert client.get(address).status_code == 404
    assert client.get(address).text == client.get("/documents/none").text
    assert "Dental cover" not in divided.event("open", anna, conversation="new")
    person = divided.who(anna)
    assert person
    assert person.collections == frozenset()
    (turn,) = app.conversations.turns(conversation, person.id, person.collections)
    assert (turn.question, turn.answer) == ("How much?", "")  # the next question sees none of it


def test_an_anonymous_asker_reads_what_everyone_reads(divided: Door) -> None:
    me = divided.cookie(ME)
    assert divided.who(me) == Person(ME, frozenset())
    divided.app.accounts.groups.grant("everyone", "handbook", "test")
    assert divided.who(me) == Person(ME, frozenset({"handbook"}))


def test_the_desk_shows_no_item_that_rests_on_what_its_reader_may_not_read(divided: Door) -> None:
    app = divided.app
    app.queue.submit(item("money-1", "How much?", "money", 60, answer=money_answer()))
    page = DeskPage(app)

    def desk(name: str, who: str, **data: object) -> str:
        request = SimpleNamespace(cookies=divided.cookie(who))
        told: dict[str, Any] = {"run": "r", "have": {}, "view": "open", **data}
        return str(getattr(page, name)(SimpleNamespace(_data=told), request))

    for who in ("reviewer", "lead", "admin"):
        for name in ("look", "open", "next", "undo"):
            assert "EUR 400" not in desk(name, who, item="money-1"), (who, name)
    assert "EUR 400" in desk("open", "auditor", item="money-1")  # reads every collection
    app.accounts.groups.join("staff", "reviewer", "test")
    assert "EUR 400" in desk("next", "reviewer")


def test_history_on_a_real_store_goes_with_the_group(divided: Door) -> None:
    app = divided.app
    store = ConversationStore(app.queue.engine)
    talk = store.create("account:anna")
    store.append(talk.id, "account:anna", record([draft()]))
    assert store.turns(talk.id, "account:anna", frozenset({"handbook"}))[0].answer
    assert not store.turns(talk.id, "account:anna", frozenset({"open"}))[0].answer


# --- reading somebody else's conversation --------------------------------------------------------


@pytest.fixture
def glass() -> Iterator[Door]:
    """Conversations in the database, as the break-glass page needs them."""
    app: Any = FakeApp(pause=0)
    app.conversations = ConversationStore(app.queue.engine, app.queue.of_conversation)
    talk = app.conversations.create("account:anna")
    app.conversations.append(talk.id, "account:anna", record([draft()]))
    app.talk = talk.id
    door = Door(app)
    yield door
    app.queue.engine.dispose()


def client_of(door: Door, who: str) -> TestClient:
    return TestClient(
        build_server(cast(Any, door.app)), base_url=BASE, cookies=door.cookie(who),
        headers={"Origin": BASE}, follow_redirects=False,
    )  # fmt: skip


def test_a_conversation_is_read_for_a_reason_that_is_written_down_first(glass: Door) -> None:
    app, talk = glass.app, glass.app.talk
    question = app.conversations.records(talk, "account:anna")[0].question
    subject = f"conversation:{talk}"
    auditor = client_of(glass, "auditor")
    listed = auditor.get("/desk/read", params={"person": "anna"}).text
    assert talk in listed
    assert question not in listed
    for reason in ("", "short", " " * 40):
        answer = auditor.post("/desk/read", data={"conversation": talk, "reason": reason})
        assert (answer.status_code, question in answer.text) == (409, False)
    assert app.audit.of(subject) == []
    reason = "Complaint 4711 about this very answer"
    with patch.object(app.audit, "append", side_effect=NotFound("the log is away")):
        answer = auditor.post("/desk/read", data={"conversation": talk, "reason": reason})
        assert question not in answer.text  # what cannot be written down is not read
    shown = auditor.post("/desk/read", data={"conversation": talk, "reason": reason})
    assert question in shown.text
    (entry,) = app.audit.of(subject)
    assert (entry.actor, entry.action) == ("auditor", "conversation-read")
    assert reason in auditor.get("/desk/read").text
    assert app.audit.verify() == []

    anna = glass.event("open", glass.cookie("anna"), conversation=talk)
    assert "read by an auditor" in anna
    assert "4711" not in anna


@pytest.mark.parametrize("role", [r for r in ROLES if r not in ("admin", "auditor")])
def test_others_read_nobodys_conversation_whatever_their_reason(glass: Door, role: str) -> None:
    data = {"conversation": glass.app.talk, "reason": "I would really like to know what it says"}
    answer = client_of(glass, role).post("/desk/read", data=data)
    assert answer.status_code == 403
    assert glass.app.readings.latest(9) == []


# --- the page of people --------------------------------------------------------------------------


def test_an_admin_manages_people_and_groups(glass: Door) -> None:
    app, admin = glass.app, client_of(glass, "admin")
    made = admin.post("/desk/people", data={"act": "add", "name": "Zoe", "role": ["asker"]})
    link = re.search(r"http://127\.0\.0\.1:7860(/desk/welcome\?t=[\w-]+)", made.text)
    assert link
    assert "Has not set a password" in admin.get("/desk/people").text
    form = {"t": link[1].split("=")[1], "password": PASSWORD, "again": PASSWORD}
    zoe = TestClient(
        build_server(cast(Any, app)),
        base_url=BASE,
        headers={"Origin": BASE},
        follow_redirects=False,
    )
    assert zoe.post("/desk/welcome", data=form).headers["location"] == "/"
    assert admin.post("/desk/groups", data={"act": "add", "name": "hr"}).status_code == 303
    admin.post("/desk/groups", data={"act": "grant", "name": "hr", "collection": "secrets"})
    admin.post(
        "/desk/people",
        data={"act": "save", "name": "zoe", "role": ["asker", "reviewer"], "group": "hr"},
    )
    found = app.accounts.get("zoe")
    assert found.roles == {"asker", "reviewer"}
    assert person_of(found).collections == frozenset({"secrets"})
    assert zoe.get("/desk/").status_code == 200
    admin.post("/desk/people", data={"act": "disable", "name": "zoe"})
    assert zoe.get("/desk/").headers["location"] == "/desk/login"
    for wrong in (
        {"act": "disable", "name": "admin"},
        {"act": "save", "name": "admin", "role": "asker"},
        {"act": "nonsense", "name": "zoe"},
        {"act": "add", "name": "!", "role": "asker"},
    ):
        assert admin.post("/desk/people", data=wrong).status_code == 409
    foreign = {"Origin": "https://evil.example"}
    assert (
        admin.post(
            "/desk/people", data={"act": "enable", "name": "zoe"}, headers=foreign
        ).status_code
        == 403
    )
    with pytest.raises(NotFound):
        app.accounts.get("zoe")
    assert admin.get("/desk/people").status_code == 200
