"""Dense search in Chroma, derived from the catalogue: it can be thrown away and made again.

Chroma's local client is safe in one process only, so the folder is locked while it is open. The
process that has it applies the catalogue's changes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.dense import Hits
from chatbot.errors import IndexBusy, IndexUnusable

_BATCH = 500  # Chroma's insert rate levels off here
_NAME = "passages"
_LONGER = 4


class ChromaIndex:
    """The passages' vectors in a Chroma collection, without their texts.

    Raises:
        IndexBusy: another process has the folder open.
        IndexUnusable: Chroma cannot open it, even made anew.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, model: str) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._model = model
        self._client: Any = None
        self._collection: Any = None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = FileLock(folder.with_suffix(".lock"), thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise IndexBusy(
                f"Another process has the index at {folder} open.",
                "Stop it, or let it take the changes over: a running server does so by itself.",
            ) from error
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise

    @property
    def applied(self) -> int:
        """The catalogue's change up to which this index is complete."""
        state = self._state()
        return int(state["applied"]) if state.get("model") == self._model else -1

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
        found = self._collection.query(
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
        """Applies the catalogue's changes since the last time; safe to repeat after a crash."""
        target, applied = self._catalogue.version(), self.applied
        if applied == target:
            return
        changes = self._catalogue.changes_since(max(applied, 0))
        gone = [i for i, present in changes.items() if not present]
        for start in range(0, len(gone), _BATCH):
            self._collection.delete(ids=gone[start : start + _BATCH])
        self._add([i for i, present in changes.items() if present], on_progress)
        self._write_state(target)

    def rebuild(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Makes the index anew from the catalogue, whatever state it is in."""
        self._let_go()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)
        self._connect()
        ids, _, _ = self._catalogue.vectors(None, self._model)
        target = self._catalogue.version()
        self._add(ids, on_progress)
        self._write_state(target)

    def differences(self) -> list[str]:
        """What is wrong, compared with the catalogue: missing, surplus and altered vectors."""
        ids, _, wanted = self._catalogue.vectors(None, self._model)
        have: dict[str, Any] = {}
        for start in range(0, self._collection.count(), _BATCH):
            page = self._collection.get(limit=_BATCH, offset=start, include=["embeddings"])
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
        """Lets another process open the folder."""
        self._let_go()
        self._lock.release()

    def _open(self) -> None:
        try:
            self._connect()
            if self.applied > self._catalogue.version() or self.applied < 0:
                self.rebuild()  # made for another catalogue, or with another model
        except IndexUnusable:
            raise
        except Exception:  # Chroma raises its Rust side's errors as plain exceptions
            self.rebuild()

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        try:
            self._client = chromadb.PersistentClient(
                str(self._folder), Settings(anonymized_telemetry=False, allow_reset=False)
            )
            self._collection = self._client.get_or_create_collection(
                _NAME,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
            )
            self._collection.count()
        except OSError as error:
            raise IndexUnusable(f"Chroma cannot open {self._folder} ({error}).") from error

    def _let_go(self) -> None:
        from chromadb.api.shared_system_client import SharedSystemClient

        self._client = self._collection = None
        SharedSystemClient.clear_system_cache()

    def _add(self, ids: Sequence[str], on_progress: Callable[[int], None]) -> None:
        for start in range(0, len(ids), _BATCH):
            found, collections, matrix = self._catalogue.vectors(
                ids[start : start + _BATCH], self._model
            )
            if found:
                self._collection.upsert(
                    ids=found,
                    embeddings=matrix,
                    metadatas=[{"collection": c} for c in collections],
                )
            on_progress(len(found))

    def _state(self) -> dict[str, Any]:
        path = self._folder / "applied.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _write_state(self, applied: int) -> None:
        part = self._folder / "applied.json.part"
        part.write_text(json.dumps({"model": self._model, "applied": applied}))
        part.replace(self._folder / "applied.json")
