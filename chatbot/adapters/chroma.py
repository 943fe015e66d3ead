"""Dense search in Chroma, derived from the catalogue: it can be thrown away and made again.

Chroma is either in this process, over a folder (`chroma_folder`), or a server that replicas share
(`chroma_server`). Whoever has it applies the catalogue's changes, one process at a time, and notes
beside the vectors how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.dense import Hits
from chatbot.errors import IndexBusy
from chatbot.settings import Settings

NAME = "passages"
CONFIGURATION = {"hnsw": {"space": "cosine", "ef_search": 200}}
_BATCH = 500  # Chroma's insert rate levels off here
_LONGER = 4

Note = dict[str, Any]
"""`model`, and `applied`: the catalogue's change up to which its vectors are there."""


class Place(Protocol):
    """Where Chroma keeps the passages' vectors: one collection.

    Each method raises `IndexUnusable` when Chroma cannot be reached.
    """

    def ask(self, method: str, **arguments: Any) -> Any:
        """Calls a method of the collection."""

    def note(self) -> Note:
        """What was noted last; empty: nothing was, or the vectors are no more."""

    def write_note(self, note: Note) -> None:
        """Notes how far the vectors have come."""

    def wipe(self) -> None:
        """Throws the vectors and the note away."""

    def turn(self) -> AbstractContextManager[bool]:
        """Whether this process may change the vectors; the others may not until the end."""

    def close(self) -> None:
        """Lets go of it."""


class ChromaIndex:
    """The passages' vectors in a Chroma collection, without their texts."""

    def __init__(self, place: Place, catalogue: Catalogue, model: str) -> None:
        self.place = place
        self._catalogue = catalogue
        self._model = model
        self._applied = -1

    @property
    def applied(self) -> int:
        """The catalogue's change up to which this index is complete, as it was last seen to be."""
        return self._applied

    def search(
        self,
        vector: Sequence[float],
        k: int,
        collections: Collection[str] | None,
        version: int | None = None,
    ) -> Hits:
        """The k nearest passages as of the last `catch_up`; approximate, as HNSW is."""
        if not k or (collections is not None and not collections):
            return []
        if collections is None:
            return self._query(vector, k, None)[:k]
        # Chroma filters by asking its database for every allowed id: a longer list, filtered here,
        # is 20 times as fast, and enough unless the collections are a small part of the whole.
        found = self._query(vector, _LONGER * k, collections)[:k]
        if len(found) == k:
            return found
        where = {"collection": {"$in": sorted(collections)}}
        return self._query(vector, k, collections, where)

    def cosines(self, vector: Sequence[float], ids: Sequence[str]) -> dict[str, float]:
        """Cosine of each of those passages' vectors, asked of the catalogue."""
        found, matrix = self._catalogue.vectors_of(ids, self._model)
        values = matrix @ np.asarray(vector, np.float32) if found else np.zeros(0)
        return dict(zip(found, values.tolist(), strict=True))

    def _query(
        self,
        vector: Sequence[float],
        n: int,
        collections: Collection[str] | None,
        where: dict[str, Any] | None = None,
    ) -> Hits:
        wanted = ["distances"] if collections is None else ["distances", "metadatas"]
        found = self.place.ask(
            "query",
            query_embeddings=[np.asarray(vector, np.float32)],
            n_results=n,
            where=where,
            include=wanted,
        )
        hits = [(i, 1.0 - d) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]
        if collections is None:
            return hits
        named = zip(hits, found["metadatas"][0], strict=True)
        return [hit for hit, metadata in named if metadata["collection"] in collections]

    def catch_up(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Applies the catalogue's changes since the last time; safe to repeat after a crash.

        What was made for another catalogue, or with another model, is made anew.
        """
        self._applied = self._noted()
        if self._applied == self._catalogue.version():
            return
        with self.place.turn() as mine:
            if mine:
                self._applied = self._noted()  # another process may have been at it until now
                self._follow(on_progress)

    def _follow(self, on_progress: Callable[[int], None]) -> None:
        target = self._catalogue.version()
        if not 0 <= self._applied <= target:
            self._make_anew(on_progress)
        elif self._applied < target:
            changes = self._catalogue.changes_since(self._applied)
            self._delete([i for i, present in changes.items() if not present])
            self._add([i for i, present in changes.items() if present], on_progress)
            self._write_note(target)

    def rebuild(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Makes the index anew from the catalogue, whatever state it is in.

        Raises:
            IndexBusy: another process is changing it.
        """
        with self.place.turn() as mine:
            if not mine:
                raise IndexBusy(
                    "Another process is changing the vectors in Chroma.", "Try again in a moment."
                )
            self._make_anew(on_progress)

    def _make_anew(self, on_progress: Callable[[int], None]) -> None:
        self._applied = -1
        self.place.wipe()
        ids, _, _ = self._catalogue.vectors(None, self._model)
        target = self._catalogue.version()
        self._add(ids, on_progress)
        self._write_note(target)

    def differences(self) -> list[str]:
        """What is wrong, compared with the catalogue: missing, surplus and altered vectors."""
        ids, _, wanted = self._catalogue.vectors(None, self._model)
        have: dict[str, Any] = {}
        for start in range(0, self.place.ask("count"), _BATCH):
            page = self.place.ask("get", limit=_BATCH, offset=start, include=["embeddings"])
            have.update(zip(page["ids"], page["embeddings"], strict=True))
        problems = [f"missing in Chroma: {i}" for i in ids if i not in have]
        problems += [f"in Chroma only: {i}" for i in have.keys() - set(ids)]
        altered = (
            i
            for i, v in zip(ids, wanted, strict=True)
            if i in have and not np.allclose(have[i], v, atol=1e-4)
        )
        return problems + [f"other vector in Chroma: {i}" for i in altered]

    def close(self) -> None:
        """Lets go of it."""
        self.place.close()

    def _delete(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), _BATCH):
            self.place.ask("delete", ids=ids[start : start + _BATCH])

    def _add(self, ids: Sequence[str], on_progress: Callable[[int], None]) -> None:
        for start in range(0, len(ids), _BATCH):
            found, collections, matrix = self._catalogue.vectors(
                ids[start : start + _BATCH], self._model
            )
            if found:
                self.place.ask(
                    "upsert",
                    ids=found,
                    embeddings=matrix,
                    metadatas=[{"collection": c} for c in collections],
                )
            on_progress(len(found))

    def _noted(self) -> int:
        note = self.place.note()
        return int(note["applied"]) if note.get("model") == self._model else -1

    def _write_note(self, applied: int) -> None:
        self.place.write_note({"model": self._model, "applied": applied})
        self._applied = applied


def open_chroma(settings: Settings, catalogue: Catalogue, model: str) -> ChromaIndex:
    """Chroma where the settings have it.

    Raises:
        BadSettings: they name no server that may be used.
        IndexBusy: another process has the folder open.
        IndexUnusable: Chroma cannot open it, even made anew.
    """
    from chatbot.adapters.chroma_folder import Folder
    from chatbot.adapters.chroma_server import Server

    place: Place
    if not settings.chroma_url:
        place = Folder(settings.home.absolute() / "chroma")
    else:
        place = Server(settings.chroma_url, catalogue.engine, settings.chroma_key)
    return ChromaIndex(place, catalogue, model)
