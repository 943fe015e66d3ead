"""Embedding models: unit vectors, in order, the same each time, whatever the text is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pytest

from chatbot.adapters.embeddings import open_embeddings
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.settings import load_settings

TEXTS = [
    "Crowns have a waiting period of 240 days.",
    "The replacement card comes by post.",
    "w" * 3000,
    "long text " * 2000,
    "",
    " \n ",
    "你好，世界",
    "a\ud800b",
    "🙂🙂🙂",
    "\x00\x01",
    "Crowns have a waiting period of 240 days.",
]


class Model(Protocol):
    name: str
    max_tokens: int

    def encode(self, texts: Sequence[str]) -> np.ndarray: ...
    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...
    def embed_documents(self, texts: list[str]) -> list[list[float]]: ...
    def embed_query(self, text: str) -> list[float]: ...


@pytest.fixture(scope="module", params=["fake", "real"])
def model(request: pytest.FixtureRequest) -> Model:
    return HashedEmbeddings() if request.param == "fake" else open_embeddings(load_settings())


class TestEmbeddings:
    def test_unit_vectors_in_order(self, model: Model) -> None:
        vectors = model.encode(TEXTS)
        assert vectors.shape[0] == len(TEXTS)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
        for text, vector in zip(TEXTS, vectors, strict=True):
            # Not equal: in int8 a text's vector depends a little on what shares its batch.
            assert float(model.encode([text])[0] @ vector) > 0.95

    def test_the_same_text_has_the_same_vector(self, model: Model) -> None:
        vectors = model.encode(TEXTS)
        assert np.allclose(vectors[0], vectors[-1], atol=0.02)
        assert np.allclose(model.encode(TEXTS), vectors, atol=0.02)

    def test_both_doors_of_langchain(self, model: Model) -> None:
        documents = model.embed_documents(TEXTS[:2])
        assert np.allclose(documents, model.encode(TEXTS[:2]), atol=0.02)
        assert np.allclose(model.embed_query(TEXTS[0]), documents[0], atol=0.02)
        assert isinstance(documents[0][0], float)

    def test_no_texts_no_vectors(self, model: Model) -> None:
        assert len(model.encode([])) == 0
        assert model.embed_documents([]) == []
        assert model.count_tokens([]) == []

    def test_near_texts_are_nearer(self, model: Model) -> None:
        crowns, near, far = model.encode(
            [TEXTS[0], "What is the waiting period for crowns?", TEXTS[1]]
        )
        assert float(crowns @ near) > float(crowns @ far) + 0.2

    def test_tokens_are_counted_to_the_end(self, model: Model) -> None:
        few, many = model.count_tokens(["one two three", "one two three " * 1000])
        assert 3 <= few < 10
        assert many >= 3000

    def test_it_has_a_name(self, model: Model) -> None:
        assert model.name
        assert model.max_tokens >= 128
