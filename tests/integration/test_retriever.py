"""What the retriever keeps of the catalogue between questions, on both databases."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from chatbot.adapters import retrieval
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.dense import ExactIndex
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.adapters.lexical import LexicalIndex
from chatbot.adapters.retrieval import HybridRetriever
from tests.databases import engine, postgres
from tests.strategies import MODEL, keep, stored

__all__ = ["engine", "postgres"]

TODAY = date(2026, 6, 1)
QUESTION = "How long do cards and crowns wait?"


def opened(catalogue: Catalogue) -> HybridRetriever:
    return HybridRetriever(
        embeddings=HashedEmbeddings(),
        dense=ExactIndex(catalogue, MODEL),
        lexical=LexicalIndex(catalogue.engine),
        catalogue=catalogue,
        model=MODEL,
        today=lambda: TODAY,
    )


def found(retriever: HybridRetriever) -> set[tuple[str, str]]:
    return {(s.passage.document.title, s.passage.text) for s in retriever.find(QUESTION, 20)}


def _titles(deed: tuple[str, int]) -> str:
    return f"Leaflet {deed[1]}"


def _do(catalogue: Catalogue, deed: tuple[str, int], turn: int) -> None:
    what, title = deed[0], _titles(deed)
    later: dict[str, Any] = {"expires": date(2026, 1, 1)} if what == "expire" else {}
    text = f"Crowns wait {turn} days." if what == "edit" else "Cards wait nine days."
    document = stored(title, text, **later)
    if what == "drop":
        catalogue.drop([document.document.id])
    else:
        keep(catalogue, document)


DEEDS = st.tuples(st.sampled_from(["put", "edit", "expire", "drop"]), st.integers(0, 3))


@pytest.mark.parametrize("most", [0, 8192], ids=["many passages", "few passages"])
@given(deeds=st.lists(DEEDS, min_size=1, max_size=12))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_after_every_change_it_finds_what_a_new_one_finds(
    engine: Engine, most: int, deeds: list[tuple[str, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "_MOST_KNOWN", most)
        catalogue = Catalogue(engine)
        catalogue.drop([document.id for document in catalogue.documents()])
        keep(catalogue, stored("Dental", "Fillings wait 90 days."))
        old = opened(catalogue)
        found(old)
        for turn, deed in enumerate(deeds):
            _do(catalogue, deed, turn)
            assert found(old) == found(opened(catalogue))


def test_what_has_not_changed_is_not_read_again(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    keep(catalogue, stored("Dental", "Crowns wait 240 days."), stored("Cards", "Cards wait."))
    retriever = opened(catalogue)
    found(retriever)
    keep(catalogue, stored("Post", "Cards come by post."))
    asked: list[str] = []

    class Counting(Catalogue):
        def passages(self, ids: Any) -> Any:
            asked.extend(ids)
            return super().passages(ids)

    retriever.catalogue = Counting(engine)
    assert len(found(retriever)) == 3
    assert len(asked) == 1


def test_what_no_longer_counts_decides_nothing_about_the_others(engine: Engine) -> None:
    """Scores are compared among what counts: the best of it has the highest there is."""
    catalogue = Catalogue(engine)
    over = stored("Old leaflet", QUESTION, expires=date(2026, 1, 1))
    keep(catalogue, over, stored("Dental", "Crowns wait 240 days."), stored("Post", "By post."))
    best, *_ = opened(catalogue).find(QUESTION, 2)
    assert best.passage.document.title == "Dental"
    assert best.score == pytest.approx(1.0)
