"""Search by words: whatever is asked, it is words and no query language, on both databases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.database import open_database
from chatbot.adapters.lexical import LexicalIndex
from proof.postgres import new_database
from tests.databases import engine, postgres
from tests.strategies import keep, stored

__all__ = ["engine", "postgres"]

DENTAL = stored("Dental", "Crowns wait 240 days.", "Fillings wait 90 days; fillings are paid.")
CARDS = stored("Cards", "A new card comes by post.", "Ärzte dürfen warten.", collection="open")


@pytest.fixture
def catalogue(engine: Engine) -> Catalogue:
    made = Catalogue(engine)
    keep(made, DENTAL, CARDS)
    return made


@pytest.fixture
def index(catalogue: Catalogue) -> LexicalIndex:
    return LexicalIndex(catalogue.engine)


def texts(catalogue: Catalogue, hits: dict[str, float]) -> list[str]:
    found = catalogue.passages(list(hits))
    return [found[i].text for i in hits]


def test_the_best_come_first(index: LexicalIndex, catalogue: Catalogue) -> None:
    hits = index.search("How long do I wait for fillings?", 9)
    assert texts(catalogue, hits) == [
        "Fillings wait 90 days; fillings are paid.",
        "Crowns wait 240 days.",
    ]
    scores = list(hits.values())
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0
    assert len(index.search("wait fillings", 1)) == 1


def test_words_are_found_by_their_stems_and_without_accents(
    index: LexicalIndex, catalogue: Catalogue
) -> None:
    assert texts(catalogue, index.search("waiting crown", 1)) == ["Crowns wait 240 days."]
    assert texts(catalogue, index.search("Arzte", 9)) == ["Ärzte dürfen warten."]


def test_titles_and_headings_are_searched(index: LexicalIndex, catalogue: Catalogue) -> None:
    assert len(index.search("dental", 9)) == 2
    assert len(index.search("chapter", 9)) == 4


def test_only_allowed_collections_are_searched(index: LexicalIndex, catalogue: Catalogue) -> None:
    assert texts(catalogue, index.search("wait post", 9, {"open"})) == ["A new card comes by post."]
    assert not index.search("wait card", 9, set())
    assert not index.search("wait card", 9, {"gone"})


def test_changes_are_there_at_once(index: LexicalIndex, catalogue: Catalogue) -> None:
    index.search("crowns", 9)
    keep(catalogue, stored("Dental", "Crowns wait 365 days.", "No fillings.", version="2"))
    assert texts(catalogue, index.search("crowns", 9)) == ["Crowns wait 365 days."]
    catalogue.drop([DENTAL.document.id])
    assert not index.search("crowns", 9)
    keep(catalogue, DENTAL)
    assert len(index.search("crowns", 9)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "",
        "the of and",
        "?!",
        '"crowns',
        "crowns AND",
        "NOT crowns",
        "crowns NEAR/2 days",
        "title:crowns",
        "crowns*",
        "crowns)",
        "{passages_fts}",
        "'; DROP TABLE passages; --",
        "a" * 5000,
        "word " * 3000,
        "crowns\x00days",
        "你好",
    ],
)
def test_any_question_is_only_words(index: LexicalIndex, query: str) -> None:
    index.search(query, 9)
    assert len(index.search("crowns", 9)) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_no_question_breaks_it(index: LexicalIndex, query: str) -> None:
    assert len(index.search(query, 9)) <= 4


def test_questions_go_on_while_documents_change(index: LexicalIndex, catalogue: Catalogue) -> None:
    done = threading.Event()

    def write() -> None:
        engine = open_database(str(catalogue.engine.url))
        for n in range(60):
            texts = (f"Fillings wait {i} days in version {n}." for i in range(20))
            keep(Catalogue(engine), stored(f"Version {n % 3}", *texts, version=str(n)))
        engine.dispose()
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    asked = 0
    while not done.is_set():
        found = index.search(f"fillings wait {asked % 20}", 9)
        assert 0 < len(found) <= 9
        asked += 1
    writer.join()
    assert asked > 20


def test_an_empty_catalogue_has_nothing(engine: Engine) -> None:
    assert not LexicalIndex(engine).search("crowns", 9)


def test_both_databases_give_the_same_scores(postgres: str, tmp_path: Path) -> None:
    texts = (
        "Crowns wait 240 days; crowns are paid, other crowns are not.",
        "Set max_connections to 100.",
        "The connections apart from a max of 100.",
        "Write to help@example.com, call 0800 12a-34, see /usr/share/doc.",
        "The naïve café, Ärzte und Straße, ΑΘΗΝΑ, 你好 世界.",
        "Waiting, waits, waited: relational, conditionally, generalizations.",
        "chapter chapter chapter days",
    )
    asked = (
        *"crowns days waiting the max_connections chapter help 0800 12a Ärzte straße αθηνα".split(),
        *"你好 relate conditional generalization cafe doc x nothing 34".split(),
    )
    found = []
    for url in (f"sqlite:///{tmp_path / 'words.db'}", new_database(postgres)):
        engine = open_database(url)
        keep(Catalogue(engine), stored("Dental days", *texts), CARDS)
        index = LexicalIndex(engine)
        found.append({word: index.search(word, 99) for word in asked})
        engine.dispose()
    fts5, postgresql = found
    assert (len(fts5["crowns"]), len(fts5["max_connections"])) == (1, 1)
    for word in asked:
        assert postgresql[word] == pytest.approx(fts5[word], rel=1e-4), word
        assert list(postgresql[word]) == list(fts5[word]), word
