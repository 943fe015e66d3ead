"""Conversations in the database: kept, rated, deleted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.queue import ReviewQueue
from chatbot.desk import Desk
from chatbot.domain import AnswerRecord, Draft, Person, Status
from chatbot.errors import NotFound
from chatbot.policy import load_policy
from tests.databases import engine, postgres
from tests.strategies import draft, record

__all__ = ["engine", "postgres"]


@pytest.fixture
def store(engine: Engine) -> ConversationStore:
    return ConversationStore(engine)


def test_another_process_sees_the_same(store: ConversationStore, engine: Engine) -> None:
    talk = store.create("me")
    store.append(talk.id, "me", record([draft()]))
    other = open_database(str(engine.url))
    assert ConversationStore(other).records(talk.id, "me") == [record([draft()])]
    other.dispose()


def test_words_changed_in_the_database_are_not_shown(
    store: ConversationStore, engine: Engine
) -> None:
    talk = store.create("me")
    store.append(talk.id, "me", record([draft()]))
    with transaction(engine) as connection:
        connection.execute(text("UPDATE answers SET record = replace(record, '80%', '100%')"))
    assert [t.answer for t in store.turns(talk.id, "me")] == [""]


def test_a_rating_is_the_owners_and_can_be_taken_back(store: ConversationStore) -> None:
    talk = store.create("me")
    one = record([draft()])
    store.append(talk.id, "me", one)
    store.rate(one.id, "me", -1, "wrong", "The figure is another one.")
    assert store.ratings(talk.id, "me") == {one.id: -1}
    assert store.disliked() == [(one, "wrong", "The figure is another one.")]
    assert store.liked() == []
    store.rate(one.id, "me", 1)
    assert store.ratings(talk.id, "me") == {one.id: 1}
    assert (store.disliked(), store.liked()) == ([], [one])
    assert store.ratings(talk.id, "you") == {}
    for record_id, owner in ((one.id, "you"), ("gone", "me"), ("", "")):
        with pytest.raises(NotFound):
            store.rate(record_id, owner, 1)
    store.rate(one.id, "me", 0)
    assert store.ratings(talk.id, "me") == {}


def test_deleted_leaves_no_row(store: ConversationStore, engine: Engine) -> None:
    talk = store.create("me")
    one = record([draft(), Draft("More.")])
    store.append(talk.id, "me", one)
    store.rate(one.id, "me", 1)
    store.delete(talk.id, "me")
    with transaction(engine) as connection:
        for table in ("conversations", "answers", "feedback"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_a_cut_turns_record_stays(store: ConversationStore, engine: Engine) -> None:
    talk = store.create("me")
    store.append(talk.id, "me", record([draft()]))
    store.truncate(talk.id, "me", 0)
    with transaction(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM answers")) == 1


@pytest.mark.parametrize("question", ["\x00", "emoji 👩\u200d⚕️", "' OR 1=1 --", "x" * 8000])
def test_odd_questions_are_kept(store: ConversationStore, question: str) -> None:
    talk = store.create("me")
    store.append(talk.id, "me", record([draft()], question=question))
    assert store.turns(talk.id, "me")[0].question == question


def test_a_character_that_postgresql_does_not_keep_makes_nothing_fail(
    store: ConversationStore,
) -> None:
    talk = store.create("me")
    store.append(talk.id, "me", record([draft()]))
    store.rename(talk.id, "me", "My \0 own")
    store.rate(record([draft()]).id, "me", -1, "why\0", "because\0 of this")
    [(_, reason, comment)] = store.disliked()
    assert (reason.rstrip("\0"), comment.replace("\0", "")) == ("why", "because of this")


@pytest.mark.parametrize("dies", [True, False])
def test_a_held_turn_and_its_item_are_there_together(
    store: ConversationStore, engine: Engine, tmp_path: Path, dies: bool
) -> None:
    queue = ReviewQueue(engine, AuditLog(engine, tmp_path / "anchor"))

    def keep(by: Connection, conversation: str, owner: str, turn: AnswerRecord) -> None:
        store.put(by, conversation, owner, turn)
        if dies:
            raise RuntimeError("the process was killed")

    talk, held = store.create("me"), replace(record([draft()]), status=Status.HELD)
    desk = Desk(queue, load_policy("default"), keep=keep)
    if dies:
        with pytest.raises(RuntimeError):
            desk.hold(held, talk.id, Person("me"))
        assert store.records(talk.id, "me") == []
        assert queue.of_record(held.id) is None
    else:
        desk.hold(held, talk.id, Person("me"))
        store.append(talk.id, "me", held)  # as the chain does, for every turn
        assert store.records(talk.id, "me") == [held]
        assert queue.of_record(held.id) is not None
