"""The answer cache in the chain: what is given again, to whom, and for how long."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.adapters.answer_store_disk import DiskStore
from chatbot.adapters.cards import Cards
from chatbot.adapters.fakes_cache import MemoryStore
from chatbot.adapters.hit_checks import Hit, HitChecks
from chatbot.adapters.nearby import Nearby
from chatbot.adapters.question_index import QuestionIndex, packed, signs, unpacked
from chatbot.domain import Decision, Person, Screening, Status
from chatbot.gate import shown
from chatbot.notices import NO_MODEL, NOT_FOUND
from chatbot.steps.recall import agree, is_dated, normal_form
from proof.postgres import new_database
from proof.world import TODAY, SameWords, World
from tests.databases import postgres

__all__ = ["postgres"]

ME, SHE = Person("me"), Person("she")
ONLY_OPEN = Person("open", frozenset({"open"}))
CROWNS = "Crowns have a waiting period of 240 days. They are paid at half."
QUESTION = "What is the waiting period of crowns?"
ANSWER = "Crowns have a waiting period of 240 days [1]."


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    on_postgresql = request.param == "postgresql"
    database = new_database(request.getfixturevalue("postgres")) if on_postgresql else ""
    made = World(tmp_path, MemoryStore(), database=database)
    made.put("Dental", CROWNS)
    made.put("Cards", "The replacement card reaches you by post within 7 working days.")
    yield made
    made.close()


def test_the_same_question_is_answered_once(world: World) -> None:
    first, second = world.ask(QUESTION, ME), world.ask(QUESTION, SHE)
    assert (first.cache, first.status, first.answer) == ("miss", Status.RELEASED, ANSWER)
    assert (second.cache, second.status, second.answer) == ("exact", Status.RELEASED, ANSWER)
    assert (second.repeats, second.id != first.id, world.chat.made) == (first.id, True, 1)
    assert second.citations == first.citations
    assert second.passages == first.passages
    day = first.asked_at
    assert second.notices == (f"Answered before, on {day.day} {day:%B %Y}.",)
    assert shown(second).text == ANSWER


def test_another_way_of_writing_it_is_the_same_question(world: World) -> None:
    world.ask(QUESTION, ME)
    assert world.ask("  what is the  waiting period of Crowns ", ME).cache == "exact"
    assert world.ask("What is the waiting period of IT?", ME).cache == "miss"


def test_asked_afresh_it_is_answered_anew_and_that_is_kept(world: World) -> None:
    world.ask(QUESTION, ME)
    second = world.ask(QUESTION, ME, fresh=True)
    assert (second.cache, world.chat.made) == ("miss", 2)
    assert world.ask(QUESTION, ME).repeats == second.id


def test_who_may_read_other_collections_has_other_answers(world: World) -> None:
    world.put("Board", "Crowns have a waiting period of 10 days for the board.", "closed")
    assert world.ask(QUESTION, ME).cache == "miss"
    theirs = world.ask(QUESTION, ONLY_OPEN)
    assert (theirs.cache, theirs.answer) == ("miss", ANSWER)
    assert world.ask(QUESTION, Person("x", frozenset({"open"}))).cache == "exact"
    assert world.ask(QUESTION, Person("x", frozenset({"open", "closed"}))).cache == "miss"


def test_another_model_answers_anew(world: World) -> None:
    world.ask(QUESTION, ME)
    world.model = "another"
    assert world.ask(QUESTION, ME).cache == "miss"
    world.model = "quoting"
    assert world.ask(QUESTION, ME).cache == "exact"


def test_what_changes_while_it_is_answered_is_not_kept(world: World) -> None:
    talk = world.conversations.create(ME.id)
    events = world.chain.answer(QUESTION, talk.id, ME)
    next(events)
    world.put("Dental", CROWNS.replace("240", "90"))
    list(events)
    later = world.ask(QUESTION, ME)
    assert (later.cache, later.answer) == ("miss", ANSWER.replace("240", "90"))


@pytest.mark.parametrize("change", ["edit", "delete", "move", "expire", "not yet"])
def test_an_answer_is_only_as_fresh_as_its_sources(world: World, change: str) -> None:
    world.put("Dental", CROWNS, expires=TODAY + timedelta(days=3))
    assert world.ask(QUESTION, ONLY_OPEN).answer == ANSWER
    assert world.ask(QUESTION, ONLY_OPEN).cache == "exact"
    if change == "edit":
        world.put("Dental", CROWNS.replace("240", "90"))
    elif change == "delete":
        world.drop("Dental")
    elif change == "move":
        world.put("Dental", CROWNS, "closed")
    elif change == "expire":
        world.pass_days(4)
    else:
        world.pass_days(-400)
        world.put("Dental", CROWNS, effective=TODAY)
    again = world.ask(QUESTION, ONLY_OPEN)
    assert again.cache == "miss"
    assert "240" not in again.answer


def test_a_new_document_that_answers_better_is_read(world: World) -> None:
    world.ask(QUESTION, ME)
    world.put("Teeth", "The waiting period of crowns is 30 days. This holds for crowns.")
    again = world.ask(QUESTION, ME)
    assert again.cache == "miss"
    assert "30 days" in again.answer


def test_a_document_that_begins_to_count_is_read(world: World) -> None:
    soon = TODAY + timedelta(days=1)
    world.put("Teeth", "The waiting period of crowns is 30 days.", effective=soon)
    assert world.ask(QUESTION, ME).answer == ANSWER
    world.pass_days(1)
    again = world.ask(QUESTION, ME)
    assert again.cache == "miss"
    assert "30 days" in again.answer


def test_an_unrelated_change_leaves_an_answer_alone(world: World) -> None:
    for name in ("crowns wait", "period of waiting", "waiting for crowns"):
        world.put(name, f"Here is more about the {name}.")
    first = world.ask(QUESTION, ME)
    for number in range(3):
        world.put(f"Other {number}", f"Parking lot {number} is behind the house.")
        assert world.ask(QUESTION, ME).repeats == first.id
    assert world.chat.made == 1
    assert world.ask(QUESTION, ME, fresh=True).answer == first.answer


def test_the_text_is_gone_with_its_source_and_the_change_is_known(world: World) -> None:
    world.ask(QUESTION, ME)
    world.put("Dental", CROWNS.replace("240", "90"))
    world.cache.tend()
    assert world.cache.cards.totals() == {"entries": 0, "bytes": 0, "suspended": 1}
    key = world.cache.partition(ME)
    assert world.cache.entry(key) is None


def test_nothing_of_a_dropped_document_is_left_on_the_disk(tmp_path: Path) -> None:
    world = World(tmp_path, DiskStore(tmp_path / "cache"))
    world.put("Dental", CROWNS)
    world.ask(QUESTION, ME)
    with closing(sqlite3.connect(tmp_path / "cache" / "cache.db")) as connection:
        rows = [bytes(r[0]) for r in connection.execute("SELECT value FROM Cache")]
    pieces = [row[i : i + 24] for row in rows for i in range(40, len(row) - 24, 24)]
    assert len(pieces) > 5
    world.drop("Dental")
    world.cache.tend()
    left = b"".join(f.read_bytes() for f in (tmp_path / "cache").iterdir())
    assert [p for p in pieces if p in left] == []
    world.close()


@pytest.mark.parametrize(
    "question",
    [
        "What is the waiting period of crowns today?",
        "What is the waiting period of crowns this week?",
        "What is the waiting period of crowns for member mia.berger@example.org?",
    ],
)
def test_what_is_for_one_moment_or_one_person_is_not_kept(world: World, question: str) -> None:
    world.ask(question, ME)
    assert world.ask(question, ME).cache == "miss"
    assert world.cache.cards.totals()["entries"] == 0


def test_a_question_that_leans_on_the_conversation_is_not_answered_from_memory(
    world: World,
) -> None:
    world.ask(QUESTION, ME)
    talk = world.conversations.create(ME.id)
    list(world.chain.answer("When does the replacement card reach me by post?", talk.id, ME))
    *_, last = world.chain.answer("And why?", talk.id, ME)
    assert last.record.cache == "miss"  # type: ignore[union-attr]
    assert world.cache.cards.totals()["entries"] == 2


def test_what_is_held_or_needs_more_support_is_neither_kept_nor_recalled(world: World) -> None:
    world.ask(QUESTION, ME)
    world.router.words = {"crowns": Screening(Decision.HOLD, "health")}
    assert world.ask(QUESTION, ME).status is Status.HELD
    world.router.words = {"crowns": Screening(Decision.RELEASE, "health", support=0.9)}
    assert world.ask(QUESTION, ME).cache == "miss"


def test_quotes_in_place_of_a_model_that_is_down_are_not_kept(world: World) -> None:
    world.chat.fails_after = 0
    assert NO_MODEL in world.ask(QUESTION, ME).notices
    world.chat.fails_after = None
    assert world.ask(QUESTION, ME).cache == "miss"


def test_a_stopped_answer_is_not_kept(world: World) -> None:
    talk = world.conversations.create(ME.id)
    events = world.chain.answer(QUESTION, talk.id, ME)
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert world.ask(QUESTION, ME).cache == "miss"


def test_not_in_the_documents_is_kept_until_they_change(world: World) -> None:
    question = "Who painted the ceiling of the Sistine chapel?"
    first, second = world.ask(question, ME), world.ask(question, ME)
    assert (first.cache, second.cache) == ("miss", "exact")
    assert (second.status, second.notices[-1]) == (Status.REFUSED, first.notices[-1])
    assert second.notices[-1].startswith(NOT_FOUND)
    world.put("Art", "Michelangelo painted the ceiling of the Sistine chapel.")
    third = world.ask(question, ME)
    assert (third.cache, third.status) == ("miss", Status.RELEASED)


def test_a_broken_store_is_no_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    world.ask(QUESTION, ME)
    for name in ("get", "put", "add", "drop"):
        monkeypatch.setattr(world.store, name, broken)
    again = world.ask(QUESTION, ME)
    assert (again.cache, again.answer) == ("miss", ANSWER)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"form": 1}', '{"form": 9}', "no json"])
def test_an_entry_that_is_none_is_dropped(world: World, text: str) -> None:
    first = world.ask(QUESTION, ME)
    memory = world.cache
    key = memory.cards.of_records([first.id])[0]
    world.store.put(f"answer:{key}", text, 60.0)
    again = world.ask(QUESTION, ME)
    assert (again.cache, again.answer) == ("miss", ANSWER)


def test_words_that_the_gate_did_not_release_are_not_shown(world: World) -> None:
    first = world.ask(QUESTION, ME)
    key = world.cache.cards.of_records([first.id])[0]
    text = world.store.get(f"answer:{key}")
    assert text is not None
    world.store.put(f"answer:{key}", text.replace("240 days [1]", "2 days [1]"), 60.0)
    again = world.ask(QUESTION, ME)
    assert (again.cache, again.answer) == ("miss", ANSWER)


def test_thumbs_down_takes_an_answer_out_also_where_it_was_given_again(world: World) -> None:
    world.ask(QUESTION, ME)
    again = world.ask(QUESTION, SHE)
    world.cache.tend()
    world.conversations.rate(again.id, SHE.id, -1)
    world.cache.tend()
    assert world.ask(QUESTION, ME).cache == "miss"


def test_what_is_worth_least_goes_when_there_is_no_room(world: World) -> None:
    questions = [f"What is the waiting period of crowns in case {n}?" for n in range(6)]
    for question in questions:
        world.ask(question, ME)
    for _ in range(3):
        world.ask(questions[0], ME)
    world.cache.tend()
    size = world.cache.cards.totals()["bytes"] // 6
    world.cache.upkeep.size = 3 * size
    world.cache.tend()
    totals = world.cache.cards.totals()
    assert 0 < totals["entries"] < 4
    assert totals["bytes"] <= 3 * size
    assert world.ask(questions[0], ME).cache == "exact"


def test_hits_are_counted(world: World) -> None:
    world.ask(QUESTION, ME)
    for _ in range(3):
        world.ask(QUESTION, ME)
    world.cache.tend()
    key = world.cache.cards.of_records([world.ask(QUESTION, ME).repeats])[0]
    assert key
    assert world.cache.cards.figures()["exact"][0] == 3


@pytest.mark.parametrize(
    ("question", "dated"),
    [
        ("Is the office open today?", True),
        ("What changed two weeks ago?", True),
        ("Who is on duty next Tuesday?", True),
        ("Is it paid in 3 days?", True),
        ("What is the current account fee?", False),
        ("How many days within 14 days of notice?", False),
        ("What was decided in 2025?", False),
    ],
)
def test_dated_questions(question: str, dated: bool) -> None:
    assert is_dated(question) is dated


def test_the_normal_form_keeps_acronyms() -> None:
    assert normal_form("Does IT pay?") != normal_form("Does it pay?")
    assert normal_form("  How’s it  done ?! ") == normal_form("how's it done")
    assert normal_form("Is 3.5 right?") == "is 3.5 right"


OTHER_WORDS = "For crowns, what is the waiting period?"


def test_a_question_in_other_words_has_the_same_answer(world: World) -> None:
    first = world.by_words().ask(QUESTION, ME)
    second = world.ask(OTHER_WORDS, SHE)
    assert (second.cache, second.repeats, second.answer) == ("semantic", first.id, ANSWER)
    assert world.ask("Where is the car park?", ME).cache == "miss"
    world.cache.tend()
    assert world.cache.cards.figures()["semantic"][0] == 1


def test_other_words_are_no_way_round_collections_or_changes(world: World) -> None:
    world.by_words().ask(QUESTION, ME)
    assert world.ask(OTHER_WORDS, ONLY_OPEN).cache == "miss"
    world.put("Dental", CROWNS.replace("240", "90"))
    assert "240" not in world.ask(OTHER_WORDS.replace("what", "which"), ME).answer


def test_other_words_that_the_documents_answer_elsewhere_are_answered_anew(world: World) -> None:
    world.put("Parking", "The car park is behind the house.")
    world.put("Address", "Where we are: Kiln Lane 4.")
    world.by_words().ask(QUESTION, ME)
    find = world.cache._find
    elsewhere = find("Where is the car park?", ME)[:2]
    assert "Dental" not in {s.passage.document.title for s in elsewhere}
    world.cache._find = lambda q, person: elsewhere if q == OTHER_WORDS else find(q, person)
    assert world.ask(OTHER_WORDS, ME).cache == "miss"
    world.cache._find = find
    assert world.ask(OTHER_WORDS.replace("what", "which"), ME).cache == "semantic"


def test_a_question_between_two_answers_is_answered_anew(world: World) -> None:
    world.put("Kilnmoor", "Kilnmoor crowns have a waiting period of 30 days.")
    question = "What is the waiting period of new crowns for members under the dental plan?"
    put_otherwise = "Under the dental plan, for members, new crowns have which waiting period?"
    world.by_words().ask(question, ME)
    assert world.ask(put_otherwise, ME).cache == "semantic"
    assert "30 days" in world.ask(question.replace("new", "new Kilnmoor"), ME).answer
    assert world.ask(put_otherwise.replace("which", "what"), ME).cache == "miss"
    why = world.cache.why(put_otherwise.replace("have which", "have a"), ME)
    assert why["answer"] == "other questions as near have other answers"


def test_two_questions_with_one_answer_are_no_rivals(world: World) -> None:
    world.by_words().ask(QUESTION, ME)
    world.ask("How long is the waiting period of crowns?", ME)
    assert world.ask(OTHER_WORDS, ME).cache == "semantic"


def test_likeness_has_to_reach_the_bound(world: World) -> None:
    world.by_words(sure=0.98).ask(QUESTION, ME)
    assert world.ask(OTHER_WORDS, ME).cache == "miss"


def test_a_wrong_answer_closes_its_neighbourhood(world: World) -> None:
    first = world.by_words(sure=0.995).ask(QUESTION, ME)
    assert world.ask(OTHER_WORDS, ME).cache == "semantic"
    key = world.cache.cards.of_records([first.id])[0]
    world.cache.cards.observe(key, 0.995, same=False)
    assert world.cache.cards.checks() == (1, 1)
    assert world.ask(OTHER_WORDS.replace("what", "which"), ME).cache == "miss"


def test_another_process_finds_what_this_one_has_answered(world: World, tmp_path: Path) -> None:
    world.by_words().ask(QUESTION, ME)
    other = Nearby(Cards(world.engine), SameWords(world.encoder), 0.01)
    vector, partition = other.vector(OTHER_WORDS), world.cache.partition(ME)
    assert other.best(OTHER_WORDS, vector, partition) is None
    other.catch_up()
    assert other.best(OTHER_WORDS, vector, partition) is not None
    assert other.best(OTHER_WORDS, vector, "another partition") is None


@given(st.integers(0, 2**32 - 1), st.integers(1, 3000))
def test_the_nearest_question_is_found(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.standard_normal((count, 384))
    index = QuestionIndex()
    for row, vector in enumerate(vectors, 1):
        index.add(row, "p" if row % 2 else "q", signs(vector))
    wanted = int(chance.integers(0, count))
    near = vectors[wanted] + 0.3 * chance.standard_normal(384)
    mine, other = ("p", "q") if wanted % 2 == 0 else ("q", "p")
    assert index.near(mine, signs(near), 5)[0] == wanted + 1
    assert wanted + 1 not in index.near(other, signs(near), 5)
    kept = unpacked([packed(vectors[wanted])])[0]
    assert np.abs(kept - vectors[wanted]).max() < 0.01


def test_a_hit_is_held_against_a_fresh_answer(world: World) -> None:
    first = world.by_words().ask(QUESTION, ME)
    checks = HitChecks(lambda: world.chain, world.cache.cards, 1.0)
    key = world.cache.cards.of_records([first.id])[0]
    checks._waiting.append(Hit(key, 0.999, OTHER_WORDS, ME, first.answer))
    checks._waiting.append(Hit(key, 0.998, OTHER_WORDS, ME, ANSWER.replace("240", "90")))
    checks.work()
    assert world.cache.cards.checks() == (2, 1)
    assert [o.same for o in world.cache.cards.observed(key)] == [True, False]
    checks.close()


def test_answers_that_agree() -> None:
    assert agree("Crowns wait 240 days [1].", "The crowns wait 240 days [2].")
    assert not agree("Crowns wait 240 days [1].", "Crowns wait 90 days [1].")
    assert not agree("Open the app or log in [1].", "Call the office by telephone [1].")
    assert not agree("Crowns wait long [1].", "")


def test_why_says_what_would_happen(world: World) -> None:
    world.by_words()
    assert "nothing like it" in world.cache.why(QUESTION, ME)["answer"]
    world.ask(QUESTION, ME)
    assert world.cache.why(QUESTION, ME)["answer"] == "given again"
    found = world.cache.why(OTHER_WORDS, ME)
    assert (found["answer"], found["nearest"]) == ("given again", QUESTION)
    assert "nothing like it" in world.cache.why(QUESTION, ONLY_OPEN)["answer"]
    world.put("Dental", CROWNS.replace("240", "90"))
    assert "changed" in world.cache.why(QUESTION, ME)["answer"]
    assert world.chat.made == 1
