"""Search by words: whatever is asked, it is words and no query language."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.database import open_database
from chatbot.adapters.lexical import LexicalIndex
from tests.strategies import keep, stored

DENTAL = stored("Dental", "Crowns wait 240 days.", "Fillings wait 90 days; fillings are paid.")
CARDS = stored("Cards", "A new card comes by post.", "Ärzte dürfen warten.", collection="open")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    made = Catalogue(engine)
    keep(made, DENTAL, CARDS)
    yield made
    engine.dispose()


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


def test_an_empty_catalogue_has_nothing(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    assert not LexicalIndex(engine).search("crowns", 9)
    engine.dispose()
