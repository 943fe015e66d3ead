"""The adapters of this installation: immutable revisions, and a pointer to the one that serves.

adapters/<revision>/adapter.gguf, card.json …   a revision is the beginning of the file's SHA-256
adapters/current.json                           replaced in one piece, never written in place
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatbot.adapters.models import hash_file
from chatbot.errors import BadInput, ModelUnusable
from chatbot.files import whole

FILE, CARD, POINTER = "adapter.gguf", "card.json", "current.json"
BASE, SHIPPED = "base", "shipped"
"""In the pointer: no adapter, the model as it comes; or the one that came with Countersign."""


@dataclass(frozen=True, slots=True)
class Current:
    """What serves, and what served before, the latest last.

    Attributes:
        candidate: a revision that answers in a share of the conversations; empty: none does.
        share: that share in per cent.
        shadow: per cent of the other conversations' released questions that it answers, too, for
            nobody to see.
    """

    revision: str
    before: tuple[str, ...] = ()
    by: str = ""
    at: str = ""
    candidate: str = ""
    share: int = 0
    shadow: int = 0


class Revisions:
    """Keeps adapters below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> Current | None:
        """What was promoted last; None: nothing ever was.

        Raises:
            ModelUnusable: the pointer cannot be read.
        """
        try:
            raw = json.loads((self._folder / POINTER).read_text(encoding="utf-8"))
            return Current(**{**raw, "before": tuple(raw["before"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnusable(
                f"The pointer to the adapter cannot be read ({type(error).__name__}).",
                f"Delete {self._folder / POINTER}, and promote an adapter again.",
            ) from error

    def file(self, revision: str) -> Path:
        """The adapter's file, its content checked.

        Raises:
            ModelUnusable: it is gone, or is another than it was.
        """
        path = self._folder / revision / FILE
        try:
            same = hash_file(path).startswith(revision)
        except OSError as error:
            raise ModelUnusable(
                f"The adapter {revision} is gone ({error.strerror}).", "Promote another one."
            ) from error
        if not same:
            raise ModelUnusable(
                f"The adapter {revision} was changed after it was promoted. It was not loaded.",
                "Promote it again from where it was trained.",
            )
        return path

    def card(self, revision: str) -> dict[str, Any]:
        """What is recorded about a revision.

        Raises:
            BadInput: there is none of that name.
        """
        try:
            text = (self._folder / revision / CARD).read_text(encoding="utf-8")
            return dict(json.loads(text))
        except (OSError, ValueError) as error:
            raise BadInput(f"There is no adapter {revision}.", "See `finetune history`.") from error

    def beside(self, revision: str, name: str) -> Path:
        """Where a file stands that was kept with a revision; it may not be there."""
        return self._folder / revision / name

    def add(
        self,
        adapter: Path,
        card: Mapping[str, Any],
        others: Mapping[str, bytes] = MappingProxyType({}),
    ) -> str:
        """Keeps an adapter's file and its card; gives its revision. The same file is kept once.

        Args:
            others: name → content of what else is kept with it.
        """
        revision = hash_file(adapter)[:16]
        folder = self._folder / revision
        if not (folder / CARD).exists():
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / FILE, adapter.read_bytes())
            for name, content in others.items():
                _write(folder / name, content)
            _write(folder / CARD, _json(dict(card)))
        return revision

    def point(self, current: Current) -> None:
        """Has another revision serve, or the one before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(self._folder / POINTER, _json(asdict(current)))

    def all(self) -> list[str]:
        """Every revision that is kept, by name."""
        return sorted(p.parent.name for p in self._folder.glob(f"*/{CARD}"))


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with whole(path) as unfinished:
        unfinished.write_bytes(content)
