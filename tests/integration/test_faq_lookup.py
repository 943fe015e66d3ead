"""What the FAQ answers: the same question in other words, and never from a source that changed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chatbot.adapters.database import open_database
from chatbot.adapters.embeddings import open_embeddings
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.faq_lookup import FaqLookup, open_lookup
from chatbot.domain import Person
from chatbot.errors import NotAllowed
from chatbot.faq_files import parse_faq
from chatbot.gate import Sentence, release
from chatbot.settings import load_settings
from chatbot.trace import Trace
from tests.faq_world import ANNA, BERT, CROWNS, World
from tests.strategies import keep, stored

ROOT = Path(__file__).resolve().parents[2]
PLANS = """\
collection: handbook
entries:
  - id: plans
    question: How long does it take until you answer a treatment plan from my dentist?
    answer: ["We reply within 7 working days."]
    sources:
      - document: Plans
        quote: We reply to a dental treatment plan within 7 working days.
"""
RUNS, DEEDS = 40, 25


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    engine = open_database(f"sqlite:///{tmp_path / 'faq.db'}")
    yield World(engine, tmp_path)
    engine.dispose()


def found(lookup: FaqLookup, question: str, *collections: str) -> str:
    """Id of the entry that answers."""
    person = Person("p", frozenset(collections) if collections else None)
    answer = lookup.find(Trace(question, person, ()))
    if answer is None:
        return ""
    assert all(isinstance(release(*checked), Sentence) for checked in answer.checked)
    return answer.record


def test_other_words_for_the_same_find_it_and_near_misses_do_not(world: World) -> None:
    world.write()
    lookup = open_lookup(world.store, world.search, open_embeddings(load_settings()), 0.01)
    assert found(lookup, "how long must crowns wait?") == "crowns"
    assert found(lookup, "Can I pay with cash in branches?") == "cash"
    for near_miss in (
        "How long do fillings wait?", "Can I not pay with cash at branches?",
        "How long did crowns wait?", "Can I pay with cheques at branches?",
        "How long do crowns wait in Alder Plus?", "What is the weather?",
    ):  # fmt: skip
        assert found(lookup, near_miss) == "", near_miss
    assert found(lookup, "how long must crowns wait?", "other") == ""


def test_an_entry_whose_source_does_not_answer_the_question_is_not_given(world: World) -> None:
    reply = "We reply to a dental treatment plan within 7 working days."
    keep(world.catalogue, stored("Plans", reply))
    world.write(PLANS)
    lookup = open_lookup(world.store, world.search, open_embeddings(load_settings()), 0.01)
    question = "How long is the waiting period for dental treatment?"
    assert found(lookup, question) == "plans"  # there is nothing nearer
    keep(
        world.catalogue,
        stored("Waiting", "The waiting period for dental treatment is 240 days."),
        stored("Accidents", "No waiting period for dental treatment after an accident."),
    )
    assert found(lookup, question) == ""
    assert found(lookup, "How quickly do you answer a dental treatment plan?") == "plans"


def test_without_weights_for_the_embedding_model_the_wordings_alone_find_it(world: World) -> None:
    world.write()
    lookup = open_lookup(world.store, world.search, HashedEmbeddings(), 0.01)  # type: ignore[arg-type]
    assert found(lookup, "how long do crowns wait") == "crowns"
    assert found(lookup, "How long must crowns wait?") == ""


def test_the_example_in_the_readme_is_an_entry() -> None:
    text = (ROOT / "faq" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (entry,) = parse_faq(example)
    assert entry.id == "change-plan"


@pytest.mark.parametrize("seed", range(RUNS))
def test_whatever_happens_to_the_documents_nothing_stale_is_served(world: World, seed: int) -> None:
    chance = random.Random(seed)
    world.write()
    lookup = FaqLookup(world.store, world.search)
    served = 0
    for _ in range(DEEDS):
        chance.choice((_edit, _expire, _delete, _move, _back, _review, _ask, _ask))(world, chance)
        for question in ("How long do crowns wait?", "Can I pay with cash at branches?"):
            readable = chance.choice((None, frozenset({"handbook"}), frozenset({"secret"})))
            answer = lookup.find(Trace(question, Person("p", readable), ()))
            if answer is None:
                continue
            served += 1
            for passage in (s.passage for s in answer.passages):
                now = world.catalogue.document(passage.document.id)
                assert now.version == passage.document.version
                assert now.counts_on(world.clock.now.date())
                assert readable is None or now.collection in readable
    assert served or seed % 2


def _edit(world: World, chance: random.Random) -> None:
    text = f"{CROWNS} Note {chance.random()}."
    keep(world.catalogue, stored("Dental", text, version=f"{chance.getrandbits(256):064x}"))


def _expire(world: World, chance: random.Random) -> None:
    ended = world.clock.now.date() - timedelta(days=1)
    keep(world.catalogue, stored("Dental", CROWNS, expires=ended))


def _delete(world: World, chance: random.Random) -> None:
    world.catalogue.drop([stored("Dental").document.id])


def _move(world: World, chance: random.Random) -> None:
    _delete(world, chance)
    keep(world.catalogue, stored("Dental", CROWNS, collection="secret"))


def _back(world: World, chance: random.Random) -> None:
    world.catalogue.drop([stored("Dental", collection="secret").document.id])
    world.keep()


def _review(world: World, chance: random.Random) -> None:
    try:
        entry = world.faq.review("crowns", ANNA)
        world.faq.approve("crowns", BERT, entry.sha256)
    except NotAllowed:
        return


def _ask(world: World, chance: random.Random) -> None:
    world.clock.now += timedelta(minutes=1)
