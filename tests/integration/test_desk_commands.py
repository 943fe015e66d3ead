"""`chatbot user` and `chatbot review` as scripts run them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database
from chatbot.adapters.queue import ReviewQueue
from chatbot.cli import app
from chatbot.domain import Citation, Draft, Status
from chatbot.settings import load_settings
from chatbot.steps.review_item import Answer, ReviewItem
from tests.strategies import passage, record

PASSWORD = "correct horse battery staple"
NOW = datetime.now(UTC)


@pytest.fixture
def queue(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewQueue]:
    monkeypatch.setenv("COUNTERSIGN_REVIEWER_PASSWORD", PASSWORD)
    settings = load_settings()
    engine = open_database(settings.database_url)
    queue = ReviewQueue(engine, AuditLog(engine, settings.anchor_file))
    source = passage("We pay 80%. Always.")
    answer = Answer((Draft("We pay 80% [1].", (Citation(1, source, "We pay 80%."),)),), (source,))
    for n in (1, 2):
        queue.submit(
            ReviewItem(
                f"item-{n}", f"record-{n}", "c", "asker", f"What do you pay for {n}?", "money",
                ("it is about money",), NOW, NOW + timedelta(hours=n), answer=answer,
                draft_wanted=False,
            )
        )  # fmt: skip
    yield queue
    engine.dispose()


def run(*arguments: str, code: int = 0, stdin: str | None = None) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"], input=stdin)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def people() -> None:
    for name, role in (("anna", "reviewer"), ("bert", "reviewer"), ("lena", "lead")):
        run("user", "add", name, "--role", role, "--password-stdin", stdin=f"{PASSWORD}\n")


def test_users_are_added_listed_and_disabled(queue: ReviewQueue) -> None:
    made = run("user", "add", "Anna", "--role", "reviewer", "--role", "clinician")
    assert made["name"] == "anna"
    assert "/desk/welcome?t=" in made["link"]
    assert run("user", "list")["users"][0]["active"] is False
    assert "already" in run("user", "add", "anna", "--role", "lead", code=2)["error"]
    assert "king" in run("user", "add", "bert", "--role", "king", code=2)["error"]
    short = run("user", "add", "bert", "--role", "lead", "--password-stdin", code=2, stdin="x\n")
    assert "12 to 1,024" in short["error"]
    assert run("user", "link", "anna")["link"] != made["link"]
    run("user", "disable", "anna")
    assert "no active account" in run("user", "link", "anna", code=1)["error"]
    assert "no account" in run("user", "disable", "nobody", code=1)["error"]


def test_an_answer_is_claimed_read_and_signed(queue: ReviewQueue) -> None:
    people()
    listed = run("review", "list", "--category", "money")["items"]
    assert [i["id"] for i in listed] == ["item-1", "item-2"]
    assert "80%" not in json.dumps(listed)  # questions, never a draft
    taken = run("review", "claim", "--as", "anna")
    assert (taken["id"], taken["holder"], taken["fence"]) == ("item-1", "anna", 1)
    assert taken["answer"] == "We pay 80% [1]."
    shown = run("review", "show", "item-1", "--as", "anna")
    assert shown["sha256"] == taken["sha256"]

    sign = ("review", "approve", "item-1", "--sha256", taken["sha256"])
    assert "hold on it" in run(*sign, "--as", "bert", code=1)["error"]
    assert "claimed again" in run(*sign, "--as", "anna", "--fence", "0", code=1)["error"]
    wrong = run("review", "approve", "item-1", "--as", "anna", "--sha256", "0" * 64, code=1)
    assert "changed since" in wrong["error"]
    done = run(*sign, "--as", "anna", "--fence", "1")
    assert done["state"] == "approved"
    assert done["signatures"] == [{"reviewer": "anna", "decision": "approve"}]
    assert "answer" not in done


def test_the_other_deeds(queue: ReviewQueue) -> None:
    people()
    deed = ("--as", "anna")
    assert run("review", "edit", "item-1", *deed, "--text", "Most of it [1].")["state"] == "edited"
    back = run("review", "claim", "item-2", *deed)
    assert run("review", "put-back", "item-2", *deed)["state"] == "pending"
    given = run("review", "reassign", "item-2", "--as", "lena", "--to", "bert")
    stolen = run("review", "reassign", "item-2", *deed, "--to", "lena", code=1)
    assert "someone else" in stolen["error"]
    assert given["holder"] == "bert"
    assert given["fence"] > back["fence"]
    assert run("review", "escalate", "item-2", "--as", "bert")["state"] == "escalated"
    refused = run("review", "reject", "item-2", *deed, "--code", "wrong", code=1)
    assert "roles: lead" in refused["error"]
    asked = run("review", "ask", "item-2", "--as", "lena", "--text", "Which plan?")
    assert asked["state"] == "needs_info"
    assert run("review", "recall", "item-2", "--as", "lena", "--text", "no", code=1)
    assert AuditLog(queue.engine, load_settings().anchor_file).verify() == []


def test_any_answer_that_was_given_can_be_recalled_by_its_record(queue: ReviewQueue) -> None:
    people()
    store = ConversationStore(queue.engine)
    talk = store.create("asker").id
    said = (Draft("We pay 80%.", ()),)
    store.append(talk, "asker", record(said, id="f" * 32))
    store.append(talk, "asker", record(id="e" * 32, status=Status.HELD))
    why = ("--as", "anna", "--text", "It was 70%.")
    assert "not given" in run("review", "recall", "e" * 32, *why, code=1)["error"]
    assert "no answer" in run("review", "recall", "nothing", *why, code=1)["error"]
    assert run("review", "recall", "f" * 32, *why)["state"] == "recalled"
    assert queue.of_conversation(talk, "asker")["f" * 32].note == "It was 70%."


def test_a_rejection_needs_a_known_reason(queue: ReviewQueue) -> None:
    people()
    refused = run("review", "reject", "item-1", "--as", "anna", "--code", "because", code=1)
    assert "reason is needed" in refused["error"]
    assert queue.get("item-1").state == "pending"
    done = run("review", "reject", "item-1", "--as", "anna", "--code", "wrong", "--note", "Call us")
    assert done["state"] == "rejected"
    assert queue.get("item-1").note == "Call us"


def test_without_the_password_nothing_is_shown_or_done(
    queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    people()
    run("user", "add", "aud", "--role", "auditor", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert "only reads" in run("review", "claim", "item-1", "--as", "aud", code=1)["error"]
    assert run("review", "show", "item-1", "--as", "aud")["answer"]
    monkeypatch.setenv("COUNTERSIGN_REVIEWER_PASSWORD", "wrong wrong wrong")
    for command in (("show", "item-1"), ("claim", "item-1"), ("escalate", "item-1")):
        told = run("review", *command, "--as", "anna", code=1)
        assert told["error"] == "The name or the password is wrong."
    assert queue.get("item-1").fence == 0
