"""Chroma in this process, over a folder.

Its local client is safe in one process only, so the folder is locked while it is open.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from chatbot.adapters.chroma import CONFIGURATION, NAME, Note
from chatbot.errors import IndexBusy, IndexUnusable


class Folder:
    """A folder that holds Chroma's files, opened. One that Chroma cannot read is emptied.

    Raises:
        IndexBusy: another process has the folder open.
        IndexUnusable: Chroma cannot open it, even made anew.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
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

    def ask(self, method: str, **arguments: Any) -> Any:
        """Calls a method of the collection."""
        return getattr(self._collection, method)(**arguments)

    def note(self) -> Note:
        """What was noted last; empty where it cannot be read."""
        try:
            found = json.loads((self._folder / "applied.json").read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_note(self, note: Note) -> None:
        """Notes how far the vectors have come."""
        part = self._folder / "applied.json.part"
        part.write_text(json.dumps(note))
        part.replace(self._folder / "applied.json")

    def wipe(self) -> None:
        """Throws the files away and begins new ones."""
        self._let_go()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)
        self._connect()

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Always: nobody else has it open."""
        yield True

    def close(self) -> None:
        """Lets another process open the folder."""
        self._let_go()
        self._lock.release()

    def _open(self) -> None:
        try:
            self._connect()
        except IndexUnusable:
            raise
        except Exception:  # Chroma raises its Rust side's errors as plain exceptions
            self.wipe()

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        try:
            client = chromadb.PersistentClient(
                str(self._folder), Settings(anonymized_telemetry=False, allow_reset=False)
            )
            self._collection = client.get_or_create_collection(
                NAME, embedding_function=None, configuration=CONFIGURATION
            )
            self._collection.count()
        except OSError as error:
            raise IndexUnusable(f"Chroma cannot open {self._folder} ({error}).") from error

    def _let_go(self) -> None:
        from chromadb.api.shared_system_client import SharedSystemClient

        self._collection = None
        SharedSystemClient.clear_system_cache()
