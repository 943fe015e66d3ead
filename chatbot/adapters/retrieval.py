"""Hybrid retrieval: dense and lexical candidates, fused, as a LangChain retriever."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.chroma import DenseIndex
from chatbot.adapters.lexical import LexicalIndex
from chatbot.domain import ScoredPassage
from chatbot.steps.rank import Candidate, fuse, rank


def today_utc() -> date:
    """The day that decides which documents count."""
    return datetime.now(UTC).date()


class HybridRetriever(BaseRetriever):
    """Finds passages by meaning and by words.

    Each side names its candidates; each candidate is then scored on both sides, so that the fusion
    never has to guess a score that one side did not report.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    embeddings: Embeddings
    dense: DenseIndex
    lexical: LexicalIndex
    catalogue: Catalogue
    model: str
    candidates: int = 50
    today: Callable[[], date] = today_utc

    def find(
        self, question: str, k: int, collections: Collection[str] | None = None
    ) -> tuple[ScoredPassage, ...]:
        """The k best passages in those collections (None: all), best first."""
        with ThreadPoolExecutor(1) as beside:  # the database answers while the model embeds
            matching = beside.submit(self.lexical.match, question)
            vector = self.embeddings.embed_query(question)
            dense = dict(self.dense.search(vector, self.candidates, collections))
            lexical = matching.result().best(self.candidates, collections, dense)
        dense |= self._cosines([i for i in lexical if i not in dense], vector)
        pool = [Candidate(i, c, lexical.get(i, 0.0)) for i, c in dense.items()]
        return self._best(question, pool, k)

    def _best(self, question: str, pool: list[Candidate], k: int) -> tuple[ScoredPassage, ...]:
        """Reads the best few passages; all of them only where too few of those count today."""
        ids = list(fuse(pool))
        for wanted in (ids[: 3 * k], ids):
            found = rank(question, pool, self.catalogue.passages(wanted), k, self.today())
            if len(found) == min(k, len(ids)):
                break
        return found

    def _cosines(self, ids: list[str], vector: list[float]) -> dict[str, float]:
        found, matrix = self.catalogue.vectors_of(ids, self.model)
        cosines = matrix @ np.asarray(vector, np.float32) if found else np.zeros(0)
        return dict(zip(found, cosines.tolist(), strict=True))

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int = 4,
        collections: Collection[str] | None = None,
    ) -> list[LangChainDocument]:
        return [as_document(scored) for scored in self.find(query, k, collections)]


def as_document(scored: ScoredPassage) -> LangChainDocument:
    """A passage as LangChain's retrievers return it; `metadata["scored"]` is the passage itself."""
    passage = scored.passage
    metadata = {"title": passage.document.title, "score": scored.score, "scored": scored}
    return LangChainDocument(page_content=passage.text, id=passage.id, metadata=metadata)
