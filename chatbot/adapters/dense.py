"""Dense search: which passages are nearest to a question's vector, and how near some others are.

Comparing with every vector in memory is exact and, while there are few, faster than any index:
Chroma needs a millisecond before it begins. So the few are compared with, the many are asked of
Chroma. Another process may have Chroma open; every one is then compared with, however many.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import structlog

from chatbot.adapters.catalogue import Catalogue
from chatbot.errors import IndexBusy, IndexUnusable

log = structlog.get_logger()

FEW = 20_000
"""Passages. At 16,000 of 384 dimensions (25 MB) both take 1.7 ms; docs/adr/0026."""

Hits = list[tuple[str, float]]
"""Passage ids with the cosine of their vector and the question's, best first."""


@runtime_checkable
class DenseIndex(Protocol):
    """Nearest passages to a vector."""

    @property
    def applied(self) -> int:
        """The catalogue's change up to which this index is complete."""

    def search(
        self,
        vector: Sequence[float],
        k: int,
        collections: Collection[str] | None,
        version: int | None = None,
    ) -> Hits:
        """The k nearest passages in those collections (None: all).

        Args:
            version: the catalogue's, where the caller has just read it.
        """

    def cosines(self, vector: Sequence[float], ids: Sequence[str]) -> dict[str, float]:
        """Id → cosine, for those of the passages that have a vector."""

    def catch_up(self, on_progress: Callable[[int], None] = ...) -> None:
        """Takes over what has changed in the catalogue."""

    def close(self) -> None:
        """Lets go of files and locks."""


def open_dense(many: Callable[[], DenseIndex], catalogue: Catalogue, model: str) -> DenseIndex:
    """Chroma with the few in memory beside it, or exact search alone where another process has
    Chroma open.

    Args:
        many: opens Chroma.
    """
    exact = ExactIndex(catalogue, model)
    try:
        return _FewOrMany(many(), exact, catalogue)
    except IndexBusy:
        return exact


class ExactIndex:
    """The catalogue's own vectors in memory; each search sees the catalogue as it is."""

    def __init__(self, catalogue: Catalogue, model: str) -> None:
        self._catalogue = catalogue
        self._model = model
        self._read = _Read(-1, [], np.zeros((0, 0), np.float32), [])

    @property
    def applied(self) -> int:
        """The catalogue's change up to which the vectors were read."""
        return self._read.version

    def search(
        self,
        vector: Sequence[float],
        k: int,
        collections: Collection[str] | None,
        version: int | None = None,
    ) -> Hits:
        """The k nearest passages, by comparing with every one of them."""
        if version is None or version != self._read.version:
            self.catch_up()
        read = self._read  # at once: another thread may take over changes now
        if not read.ids or k < 1:
            return []
        cosines = read.matrix @ np.asarray(vector, np.float32)
        if collections is not None:
            cosines = np.where(np.isin(read.collections, list(collections)), cosines, -np.inf)
        nearest = np.argpartition(-cosines, min(k, len(cosines)) - 1)[:k]
        best = nearest[np.argsort(-cosines[nearest], kind="stable")]
        best = best[np.isfinite(cosines[best])]
        return [
            (read.ids[i], c) for i, c in zip(best.tolist(), cosines[best].tolist(), strict=True)
        ]

    def cosines(self, vector: Sequence[float], ids: Sequence[str]) -> dict[str, float]:
        """Cosine of each of those passages' vectors, as they were last read."""
        read = self._read
        known = [(i, read.places[i]) for i in ids if i in read.places]
        if not known:
            return {}
        values = read.matrix[[place for _, place in known]] @ np.asarray(vector, np.float32)
        return {i: value for (i, _), value in zip(known, values.tolist(), strict=True)}

    def catch_up(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Reads all vectors again when the catalogue has changed."""
        version = self._catalogue.version()
        if version != self._read.version:
            ids, names, matrix = self._catalogue.vectors(None, self._model)
            self._read = _Read(version, ids, matrix, names)
            on_progress(len(ids))

    def close(self) -> None:
        """Nothing is held."""


class _Read:
    """One version of the catalogue's vectors."""

    def __init__(
        self, version: int, ids: list[str], matrix: np.ndarray, collections: list[str]
    ) -> None:
        self.version = version
        self.ids = ids
        self.matrix = matrix
        self.collections = np.array(collections)
        self.places = {passage: place for place, passage in enumerate(ids)}


class _FewOrMany:
    """Exact search while there are few passages, Chroma, which is kept up to date, beyond; exact
    search again while Chroma does not answer."""

    def __init__(self, chroma: DenseIndex, exact: DenseIndex, catalogue: Catalogue) -> None:
        self._chroma = chroma
        self._exact = exact
        self._catalogue = catalogue
        self._in_use = chroma
        self._chosen: tuple[int, bool] | None = None
        self._answers = True

    @property
    def applied(self) -> int:
        """As whichever is in use knows it."""
        return self._in_use.applied

    def search(
        self,
        vector: Sequence[float],
        k: int,
        collections: Collection[str] | None,
        version: int | None = None,
    ) -> Hits:
        """As whichever is in use finds them."""
        try:
            return self._in_use.search(vector, k, collections, version)
        except IndexUnusable as error:
            self._left_alone(error)
            return self._exact.search(vector, k, collections, version)

    def cosines(self, vector: Sequence[float], ids: Sequence[str]) -> dict[str, float]:
        """As whichever is in use knows them."""
        return self._in_use.cosines(vector, ids)

    def catch_up(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Brings Chroma up to date, and chooses between the two: by how many passages there are,
        and by whether Chroma has all of them."""
        try:
            self._chroma.catch_up(on_progress)
            self._answers = True
        except IndexUnusable as error:
            self._left_alone(error)
        version = self._catalogue.version()
        chosen = version, self._answers and self._chroma.applied >= version
        if chosen == self._chosen:
            return
        exact = not chosen[1] or self._catalogue.count() <= FEW
        if exact:
            self._exact.catch_up()
        self._in_use = self._exact if exact else self._chroma
        self._chosen = chosen

    def close(self) -> None:
        """Lets another process open Chroma."""
        self._chroma.close()

    def _left_alone(self, error: IndexUnusable) -> None:
        if self._answers:
            log.error("every vector is compared with, in memory", detail=str(error))
        self._answers, self._chosen = False, None
        self._in_use = self._exact
