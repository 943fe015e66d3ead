"""Conversations in the database: kept, rated, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database, transaction
from chatbot.domain import Draft
from chatbot.errors import NotFound
from tests.strategies import draft, record


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield engine
    engine.dispose()


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
