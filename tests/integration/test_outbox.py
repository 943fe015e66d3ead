"""The outbox: each asker is told once, in words that the gate lets out, whatever fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, select, update

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import transaction
from chatbot.adapters.outbox import ATTEMPTS, LEASE, Outbox, senders_of
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.schema_review import outbox, review_bodies
from chatbot.adapters.senders import MailSender, OutMessage, Sender, WebhookSender
from chatbot.domain import Citation, Draft, Status
from chatbot.errors import BadSettings, DeliveryFailed
from chatbot.settings import load_settings
from chatbot.steps import review
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem, State
from tests.databases import engine, postgres
from tests.strategies import passage, record

__all__ = ["engine", "postgres"]

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANN = Reviewer("ann", frozenset({"reviewer"}))
SECRET = b"of the webhook"


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Recorder:
    """A way out that remembers, and fails as often as it is told to."""

    failures: int = 0
    sent: list[OutMessage] = field(default_factory=list)

    def send(self, message: OutMessage) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryFailed("The webhook did not take a message.", "Later.")
        self.sent.append(message)


class Desk:
    """A queue with a record behind each item, and its outbox."""

    def __init__(self, engine: Engine, folder: Path, senders: dict[str, Sender]) -> None:
        self.clock = Clock()
        self.senders = senders
        audit = AuditLog(engine, folder / "audit.anchor", clock=self.clock)
        self.queue = ReviewQueue(engine, audit, self.clock, tuple(senders))
        self.conversations = ConversationStore(engine, self.queue.of_conversation)
        self.outbox = Outbox(self.queue, senders, self.clock)

    def answered(self, **changed: Any) -> ReviewItem:
        """An item whose answer was signed and delivered."""
        talk = self.conversations.create("asker").id
        turn = record(id="r1", status=Status.HELD)
        self.conversations.append(talk, "asker", turn)
        answer = Answer((Draft("Ask your dentist."),))
        values: dict[str, Any] = {"category": "health", "reasons": (), "draft_wanted": False}
        values |= {"created_at": NOW, "due_at": NOW, "answer": answer, **changed}
        one = ReviewItem("i1", "r1", talk, "asker", "How much?", **values)
        self.queue.submit(one)
        return self.delivered()

    def delivered(self) -> ReviewItem:
        one = self.queue.claim_next(ANN, timedelta(minutes=5))
        assert one is not None
        assert one.answer is not None
        sha256, fence = one.answer.sha256, one.fence
        self.queue.apply(
            "i1", "ann", "approve", lambda i, t: review.approve(i, ANN, fence, sha256, t)
        )
        self.later(10)
        return self.queue.deliver("i1")

    def later(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)

    def rows(self) -> list[Any]:
        with transaction(self.queue.engine) as connection:
            return list(connection.execute(select(outbox).order_by(outbox.c.seq)))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def desk(engine: Engine, tmp_path: Path, recorder: Recorder) -> Desk:
    return Desk(engine, tmp_path, {"webhook": recorder})


class TestOnce:
    def test_what_was_signed_goes_out_once(self, desk: Desk, recorder: Recorder) -> None:
        desk.answered()
        assert desk.outbox.send() == 1
        assert desk.outbox.send() == 0
        assert [(m.event, m.text, m.record) for m in recorder.sent] == [
            ("delivered", "Ask your dentist.", "r1")
        ]

    def test_of_a_sample_its_asker_hears_only_when_it_is_recalled(
        self, desk: Desk, recorder: Recorder
    ) -> None:
        values: dict[str, Any] = {"category": "money", "reasons": (), "kind": "sample"}
        for n in (1, 2):
            one = ReviewItem(
                f"s{n}", f"r{n}", "talk", "asker", "Q?", created_at=NOW, due_at=NOW, **values
            )
            desk.queue.submit(one)
        desk.queue.apply("s1", "ann", "recall", lambda i, t: review.recall(i, ANN, "No.", t))
        desk.later(40 * 86_400)
        assert desk.queue.expire_old(timedelta(days=30)) == ["s2"]
        assert {(row.item_id, row.event) for row in desk.rows()} == {("s1", "recalled")}

    @pytest.mark.parametrize("recalled", ["r1", "again-0"])
    def test_everybody_who_was_given_an_answer_hears_that_it_is_taken_back(
        self, desk: Desk, recorder: Recorder, recalled: str
    ) -> None:
        first = desk.answered()
        talks = {}
        for n, repeats in enumerate(["r1", "r1", "another", ""]):
            owner = f"reader-{n}"
            talks[owner] = desk.conversations.create(owner).id
            cache = "exact" if repeats else "miss"
            turn = record(id=f"again-{n}", question="How much?", cache=cache, repeats=repeats)
            desk.conversations.append(talks[owner], owner, turn)
        if recalled != first.record:
            values: dict[str, Any] = {"created_at": NOW, "due_at": NOW, "kind": "sample"}
            hit_item = ReviewItem(
                recalled, recalled, talks["reader-0"], "reader-0", "Q?", "health", (), **values
            )
            desk.queue.submit(hit_item)
        one = desk.queue.of_record(recalled)
        assert one
        desk.queue.apply(
            one.id, "ann", "recall", lambda i, t: review.recall(i, ANN, "It was wrong.", t)
        )
        told = {row.owner for row in desk.rows() if row.event == "recalled"}
        assert told == {"asker", "reader-0", "reader-1"}
        (other,) = desk.queue.of_conversation(talks["reader-1"], "reader-1").values()
        assert (other.state, other.note) == (State.RECALLED, "It was wrong.")
        assert desk.queue.versions(talks["reader-1"], "reader-1") == {"again-1": other.version}
        assert desk.queue.versions(talks["reader-2"], "reader-2") == {}

    def test_who_may_not_read_it_any_more_is_not_sent_it(
        self, desk: Desk, recorder: Recorder
    ) -> None:
        cited = Draft("We pay 80% [1].", (Citation(1, passage("We pay 80%."), "We pay 80%."),))
        may: dict[str | None, frozenset[str]] = {"anna": frozenset({"handbook"})}
        desk.outbox = Outbox(desk.queue, desk.senders, desk.clock, lambda who: may[who])
        desk.answered(answer=Answer((cited,)), account="anna")
        may["anna"] = frozenset()
        assert desk.outbox.send() == 0
        assert recorder.sent == []

    def test_several_senders_at_once(self, desk: Desk, recorder: Recorder) -> None:
        desk.answered()
        threads = [threading.Thread(target=desk.outbox.send) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(recorder.sent) == 1

    def test_a_failure_is_tried_again_later_and_later(self, desk: Desk, recorder: Recorder) -> None:
        recorder.failures = 3
        desk.answered()
        for pause in (5, 10, 20):
            assert desk.outbox.send() == 0
            desk.later(pause - 1)
            assert desk.outbox.send() == 0
            desk.later(1)
        assert desk.outbox.send() == 1
        assert len({m.key for m in recorder.sent}) == 1

    def test_it_is_given_up_at_last(self, desk: Desk, recorder: Recorder) -> None:
        recorder.failures = 10**6
        desk.answered()
        for _ in range(ATTEMPTS + 3):
            desk.outbox.send()
            desk.later(3600)
        assert recorder.failures == 10**6 - ATTEMPTS
        assert [r.state for r in desk.rows() if r.channel == "webhook"] == ["failed"]

    def test_a_sender_that_dies_is_followed_by_another(
        self, desk: Desk, recorder: Recorder
    ) -> None:
        desk.answered()
        assert desk.outbox._claim() is not None
        assert desk.outbox.send() == 0
        desk.later(LEASE.total_seconds())
        assert desk.outbox.send() == 1

    def test_a_sender_that_was_overtaken_writes_nothing(self, desk: Desk) -> None:
        desk.answered()
        old = desk.outbox._claim()
        desk.later(LEASE.total_seconds())
        new = desk.outbox._claim()
        assert old is not None
        assert new is not None
        desk.outbox._close(*old, state="sent")
        assert [r.state for r in desk.rows()] == ["waiting", "waiting"]
        desk.outbox._close(*new, state="sent")
        assert [r.state for r in desk.rows()] == ["waiting", "sent"]


class TestTruth:
    def test_what_is_no_longer_so_is_not_said(self, desk: Desk, recorder: Recorder) -> None:
        desk.answered()
        lead = Reviewer("lea", frozenset({"lead"}))
        desk.queue.apply("i1", "lea", "recall", lambda i, t: review.recall(i, lead, "wrong", t))
        desk.outbox.send()
        assert [(m.event, m.text) for m in recorder.sent] == [("recalled", "")]
        assert "wrong" in recorder.sent[0].message

    def test_words_that_nobody_signed_do_not_go_out(
        self, desk: Desk, recorder: Recorder, engine: Engine
    ) -> None:
        desk.answered()
        with transaction(engine) as connection:
            body = connection.scalar(select(review_bodies.c.body))
            assert body
            forged = body.replace("Ask your dentist.", "CANARY")
            connection.execute(update(review_bodies).values(body=forged))
        desk.outbox.send()
        assert recorder.sent == []

    def test_a_conversation_that_was_deleted_is_not_written_to(
        self, desk: Desk, recorder: Recorder
    ) -> None:
        one = desk.answered()
        desk.conversations.delete(one.conversation, "asker")
        desk.outbox.send()
        assert recorder.sent == []

    @pytest.mark.parametrize("withdrawn", [False, True])
    def test_a_question_back_carries_its_words(
        self, desk: Desk, recorder: Recorder, withdrawn: bool
    ) -> None:
        talk = desk.conversations.create("asker").id
        desk.conversations.append(talk, "asker", record(id="r1", status=Status.HELD))
        answer = Answer((Draft("Ask your dentist."),))
        one = ReviewItem("i1", "r1", talk, "asker", "How?", "health", (), NOW, NOW, answer=answer)
        desk.queue.submit(one)
        held = desk.queue.claim_next(ANN, timedelta(minutes=5))
        assert held is not None
        desk.queue.apply(
            "i1", "ann", "ask", lambda i, t: review.ask(i, ANN, held.fence, "How old?", t)
        )
        if withdrawn:
            desk.queue.apply("i1", "asker", "withdraw", review.withdraw)
        desk.outbox.send()
        wanted = [] if withdrawn else [("needs_info", "", "How old?")]
        assert [(m.event, m.text, m.message) for m in recorder.sent] == wanted


class TestPage:
    def test_each_note_is_shown_once_to_its_owner(self, desk: Desk) -> None:
        one = desk.answered()
        assert desk.outbox.notes(one.conversation, "other") == []
        notes = desk.outbox.notes(one.conversation, "asker")
        assert [n.event for n in notes] == ["delivered"]
        keys = [n.key for n in notes]
        assert desk.outbox.acknowledge("other", keys) == 0
        assert desk.outbox.acknowledge("asker", keys) == 1
        assert desk.outbox.acknowledge("asker", keys) == 0
        assert desk.outbox.notes(one.conversation, "asker") == []


@dataclass
class Received:
    """What a web server was sent, and what it answers."""

    url: str = ""
    status: int = 204
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Received]:
    got = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(got.status)
            self.send_header("location", got.url)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    got.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield got
    server.shutdown()
    server.server_close()


MESSAGE = OutMessage(
    "i1:3:webhook", "delivered", "r1", "c1", "me@example.org", "Käse.", "", ((1, "T", "q"),)
)


class TestWebhook:
    def test_the_receiver_can_check_who_wrote(self, receiver: Received) -> None:
        WebhookSender(receiver.url, SECRET, Clock()).send(MESSAGE)
        headers, body = receiver.requests[0]
        assert json.loads(body) == {
            "type": "answer.delivered",
            "record": "r1",
            "conversation": "c1",
            "text": "Käse.",
            "message": "",
            "sources": [{"marker": 1, "title": "T", "quote": "q"}],
        }
        assert headers["idempotency-key"] == headers["webhook-id"] == MESSAGE.key
        signed = f"{MESSAGE.key}.{headers['webhook-timestamp']}.".encode() + body
        wanted = hmac.new(SECRET, signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(wanted).decode()}"

    @pytest.mark.parametrize("status", [301, 404, 500])
    def test_anything_but_success_is_a_failure(self, receiver: Received, status: int) -> None:
        receiver.status = status
        with pytest.raises(DeliveryFailed, match=f"HTTP {status}") as caught:
            WebhookSender(receiver.url, SECRET).send(MESSAGE)
        assert caught.value.remedy
        assert len(receiver.requests) == 1

    def test_nobody_listens(self) -> None:
        with pytest.raises(DeliveryFailed, match="ConnectError"):
            WebhookSender("http://127.0.0.1:9/", SECRET).send(MESSAGE)


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[str, Mailbox]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}", box
    controller.stop()


class TestMail:
    def test_a_mail_arrives(self, mailbox: tuple[str, Mailbox]) -> None:
        url, box = mailbox
        sender = MailSender(url, "desk@example.org")
        sender.send(MESSAGE)
        sender.send(MESSAGE)
        assert box.mails[0].rcpt_tos == ["me@example.org"]
        first, again = (message_from_bytes(m.content) for m in box.mails)
        assert first["Subject"] == "Your question has been answered"
        assert first["Message-ID"] == again["Message-ID"]
        text = first.get_payload(decode=True)
        assert isinstance(text, bytes)
        assert "Käse." in text.decode()
        assert "[1] T: “q”" in text.decode()

    @pytest.mark.parametrize("contact", ["a@b\nBcc: x@y", ""])
    def test_an_address_that_is_none(self, mailbox: tuple[str, Mailbox], contact: str) -> None:
        url, box = mailbox
        with pytest.raises(DeliveryFailed):
            MailSender(url, "desk@example.org").send(replace(MESSAGE, contact=contact))
        assert box.mails == []

    def test_a_password_never_goes_in_clear(self, mailbox: tuple[str, Mailbox]) -> None:
        url, box = mailbox
        port = url.rpartition(":")[2]
        for there in (f"smtp://me:secret@127.0.0.1:{port}", "smtp://127.0.0.1:9"):
            with pytest.raises(DeliveryFailed):
                MailSender(there, "desk@example.org").send(MESSAGE)
        assert box.mails == []


class TestSettings:
    def test_nothing_is_sent_unless_it_is_named(self) -> None:
        assert senders_of(load_settings()) == {}

    def test_both(self) -> None:
        settings = load_settings(
            webhook_url="http://h/", webhook_secret="s", smtp_url="smtp://m", mail_from="a@b"
        )
        assert set(senders_of(settings)) == {"webhook", "email"}

    @pytest.mark.parametrize(
        "wrong", [{"webhook_url": "http://h/"}, {"smtp_url": "http://m"}, {"smtp_url": "smtp://"}]
    )
    def test_what_is_half_set(self, wrong: dict[str, str]) -> None:
        with pytest.raises(BadSettings):
            senders_of(load_settings(**wrong))
