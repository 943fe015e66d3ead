"""Conversations: each owner's own, in order, through the gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatbot.adapters.conversations import ConversationStore
from chatbot.adapters.database import open_database
from chatbot.adapters.fakes import MemoryConversations
from chatbot.domain import AnswerRecord, Draft, Status
from chatbot.errors import NotFound
from proof.postgres import new_database
from tests.strategies import draft, record

Store = ConversationStore | MemoryConversations


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryConversations()
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    else:
        url = new_database(request.getfixturevalue("postgres"))
    engine = open_database(url)
    yield ConversationStore(engine)
    engine.dispose()


def turn(number: int, question: str = "What do you pay?") -> AnswerRecord:
    day = datetime(2026, 1, 1 + number, tzinfo=UTC)
    return record([draft()], id=f"{number:032}", question=question, asked_at=day)


class TestConversations:
    def test_turns_come_back_in_order(self, store: Store) -> None:
        talk = store.create("me")
        assert list(store.turns(talk.id, "me")) == []
        for number in range(3):
            store.append(talk.id, "me", turn(number, f"Question {number}?"))
        assert [t.question for t in store.turns(talk.id, "me")] == [
            "Question 0?",
            "Question 1?",
            "Question 2?",
        ]
        assert {t.answer for t in store.turns(talk.id, "me")} == {"We pay 80% [1]."}
        assert list(store.records(talk.id, "me")) == [turn(n, f"Question {n}?") for n in range(3)]

    def test_it_may_be_named_before_it_is_kept(self, store: Store) -> None:
        assert store.create("me", "c0ffee").id == "c0ffee"
        assert list(store.turns("c0ffee", "me")) == []

    def test_only_released_words_are_history(self, store: Store) -> None:
        talk = store.create("me")
        held = replace(turn(1), status=Status.HELD)
        tampered = replace(turn(2), sentences=(Draft("SECRET"),))
        refused = replace(turn(3), status=Status.REFUSED)
        for one in (held, tampered, refused):
            store.append(talk.id, "me", one)
        answers = [t.answer for t in store.turns(talk.id, "me")]
        assert answers == ["", "", ""]

    def test_nobody_sees_anothers(self, store: Store) -> None:
        talk = store.create("me")
        store.append(talk.id, "me", turn(1))
        for name in (talk.id, "gone", ""):
            owner = "you" if name == talk.id else "me"
            with pytest.raises(NotFound):
                store.turns(name, owner)
            with pytest.raises(NotFound):
                store.records(name, owner)
            with pytest.raises(NotFound):
                store.append(name, owner, turn(2))
            with pytest.raises(NotFound):
                store.truncate(name, owner, 0)
            with pytest.raises(NotFound):
                store.rename(name, owner, "Mine")
            with pytest.raises(NotFound):
                store.delete(name, owner)
        assert store.list("you") == []
        assert len(store.turns(talk.id, "me")) == 1

    def test_the_list_is_newest_first_and_leaves_empty_ones_out(self, store: Store) -> None:
        first, second, _ = store.create("me"), store.create("me"), store.create("me")
        store.append(first.id, "me", turn(1, "Older\n  question?" + "x" * 100))
        store.append(second.id, "me", turn(2, "Newer question?"))
        assert [c.title for c in store.list("me")] == [
            "Newer question?",
            "Older question?" + "x" * 65,
        ]
        store.append(first.id, "me", turn(3, "Again?"))
        assert [c.id for c in store.list("me")] == [first.id, second.id]

    def test_a_conversation_can_be_cut_and_goes_on(self, store: Store) -> None:
        talk = store.create("me")
        for number in range(3):
            store.append(talk.id, "me", turn(number, f"Question {number}?"))
        store.truncate(talk.id, "me", 1)
        assert [t.question for t in store.turns(talk.id, "me")] == ["Question 0?"]
        store.append(talk.id, "me", turn(9, "Question 9?"))
        assert [t.question for t in store.turns(talk.id, "me")] == ["Question 0?", "Question 9?"]
        store.truncate(talk.id, "me", 0)
        assert list(store.turns(talk.id, "me")) == []
        assert store.list("me") == []
        store.append(talk.id, "me", turn(10, "A new subject?"))
        assert store.list("me")[0].title == "A new subject?"

    def test_titles_can_be_changed(self, store: Store) -> None:
        talk = store.create("me")
        store.append(talk.id, "me", turn(1))
        store.rename(talk.id, "me", "  My \n own " + "x" * 100)
        assert store.list("me")[0].title == ("My own " + "x" * 100)[:80]
        store.rename(talk.id, "me", "  ")
        assert store.list("me")[0].title.startswith("My own")

    def test_deleted_is_gone(self, store: Store) -> None:
        talk = store.create("me")
        store.append(talk.id, "me", turn(1))
        store.delete(talk.id, "me")
        assert store.list("me") == []
        with pytest.raises(NotFound):
            store.turns(talk.id, "me")
