"""How well a question's passage is ranked: nDCG@10, and whether a difference is more than luck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from chatbot.adapters.retrieval import HybridRetriever

K = 10


def ndcg(ranks: np.ndarray) -> np.ndarray:
    """nDCG@10 in per cent of each question, from the rank of its one right passage (0: first)."""
    scores: np.ndarray = 100.0 * np.where(ranks < K, 1.0 / np.log2(ranks + 2.0), 0.0)
    return scores


def dense_ranks(passages: Any, questions: Any, gold: Sequence[int]) -> np.ndarray:
    """Rank of the right passage of each question by cosine, every passage compared."""
    cosines = np.asarray(questions, np.float32) @ np.asarray(passages, np.float32).T
    right = cosines[np.arange(len(gold)), np.asarray(gold)]
    ranks: np.ndarray = (cosines > right[:, None]).sum(axis=1)
    return ranks


def listed_ranks(found: Sequence[Sequence[int]], gold: Sequence[int]) -> np.ndarray:
    """Rank of the right passage in each list; K where it is not in it."""
    pairs = zip(found, gold, strict=True)
    return np.array([one.index(right) if right in one else K for one, right in pairs])


def interval(first: np.ndarray, second: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """Bootstrap 95% interval of the mean of `first - second`, questions drawn in pairs."""
    differences = first - second
    rng = np.random.default_rng(0)
    means = [rng.choice(differences, len(differences)).mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


@contextmanager
def hybrid_retriever(
    home: Path, encoder: Any, passages: Sequence[str]
) -> Iterator[HybridRetriever]:
    """The product's retriever over passages without titles or headings."""
    from chatbot.adapters.catalogue import Catalogue, StoredDocument, StoredPassage
    from chatbot.adapters.chroma import ChromaIndex
    from chatbot.adapters.chroma_folder import Folder
    from chatbot.adapters.database import open_database
    from chatbot.adapters.lexical import LexicalIndex
    from chatbot.adapters.retrieval import HybridRetriever
    from chatbot.domain import Document, Locator, Passage, sha256_of

    catalogue = Catalogue(open_database(f"sqlite:///{home / 'catalogue.db'}"))
    stored, vectors = [], {}
    for number, (text, vector) in enumerate(zip(passages, encoder.encode(passages), strict=True)):
        key = sha256_of(text)
        document = Document(f"d{number}", "default", str(number), "", key, "text/plain")
        passage = Passage(f"p{number}", document, 0, text, Locator(end=len(text)))
        vectors[key] = vector
        stored.append(StoredDocument(document, "bench", (StoredPassage(passage, "", key),)))
    catalogue.store(stored, vectors, encoder.name)
    dense = ChromaIndex(Folder(home / "chroma"), catalogue, encoder.name)
    dense.catch_up()
    try:
        yield HybridRetriever(
            embeddings=encoder,
            dense=dense,
            lexical=LexicalIndex(catalogue.engine),
            catalogue=catalogue,
            model=encoder.name,
        )
    finally:
        dense.close()
