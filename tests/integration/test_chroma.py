"""Retrieval over the sample handbook: Chroma finds what exact search finds, and the answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.chroma import ChromaIndex
from chatbot.adapters.chroma_folder import Folder
from chatbot.adapters.database import open_database
from chatbot.adapters.dense import ExactIndex
from chatbot.adapters.embeddings import TextEncoder, open_embeddings
from chatbot.adapters.lexical import LexicalIndex
from chatbot.adapters.retrieval import HybridRetriever
from chatbot.settings import load_settings

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
QUESTIONS = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]
ANSWERABLE = [q for q in QUESTIONS if q["document"]]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return open_embeddings(load_settings())


@pytest.fixture(scope="module")
def copy(handbook_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(handbook_home, tmp_path_factory.mktemp("chroma") / "home"))


@pytest.fixture(scope="module")
def catalogue(copy: Path) -> Iterator[Catalogue]:
    engine = open_database(f"sqlite:///{copy / 'catalogue.db'}")
    yield Catalogue(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def chroma(copy: Path, catalogue: Catalogue, encoder: TextEncoder) -> Iterator[ChromaIndex]:
    index = ChromaIndex(Folder(copy / "chroma"), catalogue, encoder.name)
    index.catch_up()
    yield index
    index.close()


@pytest.fixture(scope="module")
def retriever(catalogue: Catalogue, chroma: ChromaIndex, encoder: TextEncoder) -> HybridRetriever:
    return HybridRetriever(
        embeddings=encoder,
        dense=chroma,
        lexical=LexicalIndex(catalogue.engine),
        catalogue=catalogue,
        model=encoder.name,
        today=lambda: date(2026, 6, 1),
    )


def test_the_handbook_is_whole(chroma: ChromaIndex, catalogue: Catalogue) -> None:
    assert chroma.differences() == []
    assert len(catalogue.documents()) == 16


def test_chroma_finds_what_exact_search_finds(
    chroma: ChromaIndex, catalogue: Catalogue, encoder: TextEncoder
) -> None:
    exact = ExactIndex(catalogue, encoder.name)
    exact.catch_up()
    vectors = encoder.encode([q["question"] for q in QUESTIONS])
    found = [{i for i, _ in chroma.search(v.tolist(), 10, None)} for v in vectors]
    wanted = [{i for i, _ in exact.search(v.tolist(), 10, None)} for v in vectors]
    shared = [len(f & w) / 10 for f, w in zip(found, wanted, strict=True)]
    assert np.mean(shared) > 0.99


def test_the_right_document_is_among_the_first(retriever: HybridRetriever) -> None:
    right = [
        any(
            s.passage.document.uri.endswith(q["document"]) for s in retriever.find(q["question"], 4)
        )
        for q in ANSWERABLE
    ]
    assert sum(right) >= 0.9 * len(right)


def test_what_has_expired_is_not_found(retriever: HybridRetriever) -> None:
    found = retriever.find("What were the premiums in 2025?", 20)
    assert not any("2025" in s.passage.document.uri for s in found)
    before = retriever.model_copy(update={"today": lambda: date(2025, 6, 1)})
    assert any(
        "2025" in s.passage.document.uri for s in before.find("What were the premiums in 2025?", 20)
    )


def test_other_collections_are_not_found(retriever: HybridRetriever) -> None:
    assert retriever.find("waiting period for crowns", 5, {"other"}) == ()
    assert retriever.find("waiting period for crowns", 5, set()) == ()
    assert len(retriever.find("waiting period for crowns", 5, {"other", "handbook"})) == 5


def test_every_passage_says_how_it_was_found(retriever: HybridRetriever) -> None:
    found = retriever.find("waiting period for crowns", 10)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)
    assert all(set(s.scores) == {"dense", "lexical", "coverage"} for s in found)
    assert all(-1 <= s.scores["dense"] <= 1.001 for s in found)
    documents = retriever.invoke("waiting period for crowns", k=3)
    assert [d.metadata["scored"] for d in documents] == list(found[:3])
    assert [d.page_content for d in documents] == [s.passage.text for s in found[:3]]
