"""Hybrid retrieval: dense and lexical candidates, fused, as a LangChain retriever."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, PrivateAttr

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.dense import DenseIndex
from chatbot.adapters.lexical import LexicalIndex, Matches
from chatbot.domain import Passage, ScoredPassage
from chatbot.steps.rank import Candidate, fuse, rank

_BESIDE = 4
_MOST_KNOWN = 8192  # passages that are kept in memory, some 10 MB


@dataclass(frozen=True, slots=True)
class _Known:
    """Passages as they were at one version of the catalogue, or at a later one: then the next
    question knows that version, and these are read again."""

    version: int
    passages: dict[str, Passage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Uncounted:
    """Passages that do not count on a day, by one version of the catalogue."""

    version: int
    day: date
    passages: frozenset[str]


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

    _known: _Known = PrivateAttr(_Known(-1))
    _uncounted: _Uncounted = PrivateAttr(_Uncounted(-1, date.min, frozenset()))
    _beside: ThreadPoolExecutor = PrivateAttr(default_factory=lambda: ThreadPoolExecutor(_BESIDE))

    def find(
        self, question: str, k: int, collections: Collection[str] | None = None
    ) -> tuple[ScoredPassage, ...]:
        """The k best passages in those collections (None: all), best first."""
        # The database answers while the model embeds.
        matching = self._beside.submit(self._words, question, collections)
        vector = self.embeddings.embed_query(question)
        matches, lexical = matching.result()
        dense = dict(self.dense.search(vector, self.candidates, collections, matches.version))
        lexical |= matches.of(dense.keys() - lexical.keys())
        dense |= self.dense.cosines(vector, list(lexical.keys() - dense.keys()))
        out = self._not_counting(matches.version)
        pool = [Candidate(i, c, lexical.get(i, 0.0)) for i, c in dense.items() if i not in out]
        return self._best(question, pool, k, matches.version)

    def _not_counting(self, version: int) -> frozenset[str]:
        """What does not count today. It is left out before scores are compared: an expired document
        must not decide how well the others are found."""
        known, today = self._uncounted, self.today()
        if (known.version, known.day) != (version, today):
            known = _Uncounted(version, today, self.catalogue.not_counting(today))
            self._uncounted = known
        return known.passages

    def _words(
        self, question: str, collections: Collection[str] | None
    ) -> tuple[Matches, dict[str, float]]:
        matches = self.lexical.match(question)
        return matches, matches.best(self.candidates, collections)

    def _best(
        self, question: str, pool: list[Candidate], k: int, version: int
    ) -> tuple[ScoredPassage, ...]:
        """Reads the k best passages; more of them only where some of those do not count today."""
        fused = fuse(pool)
        ids = list(fused)
        for wanted in (ids[:k], ids[: 3 * k], ids):
            found = rank(question, pool, fused, self._passages(wanted, version), k, self.today())
            if len(found) == min(k, len(ids)):
                break
        return found

    def _passages(self, ids: Sequence[str], version: int) -> dict[str, Passage]:
        """The passages, each read once and again when it has changed."""
        known = self._known
        if known.version != version:
            self._known = known = self._known_at(version)
        missing = [i for i in ids if i not in known.passages]
        if missing:
            known.passages.update(self.catalogue.passages(missing))
        return known.passages

    def _known_at(self, version: int) -> _Known:
        """What is still as it was; at first everything, where that is not much."""
        known, catalogue = self._known, self.catalogue
        if known.version < 0 and catalogue.count() <= _MOST_KNOWN:
            return _Known(version, catalogue.every_passage())
        if len(known.passages) > _MOST_KNOWN:
            return _Known(version)
        changed = catalogue.changes_since(min(known.version, version))
        return _Known(version, {i: p for i, p in known.passages.items() if i not in changed})

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
