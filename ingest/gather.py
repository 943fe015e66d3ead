"""Finds the files under a path and takes their fingerprints."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.adapters.models import hash_file
from chatbot.errors import BadInput
from ingest.loaders import SUFFIXES


@dataclass
class Gathered:
    """What lies under the paths: path → SHA-256, path → why it cannot be read, and what is not
    of a kind that can be indexed."""

    found: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def gather(paths: Sequence[Path]) -> Gathered:
    """Walks the paths; hidden files and folders are left out, links are not followed.

    Raises:
        BadInput: one of the paths is not there; nothing was read.
    """
    for path in paths:
        if not path.exists():
            raise BadInput(f"There is no file or folder {path}.", "Check the path.")
    gathered = Gathered()
    for path in map(absolute, paths):
        for file in _files(path):
            _look(file, gathered, named=file == path)
    return gathered


def absolute(path: Path) -> Path:
    """The path from the root, without `..`: one file has one name, wherever the command is run."""
    return Path(os.path.normpath(path.absolute()))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def _look(file: Path, gathered: Gathered, *, named: bool) -> None:
    uri = os.fsencode(file).decode("utf-8", "replace")
    if file.suffix.lower() not in SUFFIXES and not named:
        gathered.ignored.append(uri)
    elif uri != str(file):
        gathered.failed[uri] = "Its name is not valid UTF-8. Rename it."
    elif file.is_symlink() and not named:
        gathered.failed[uri] = "It is a link. Put the file itself into the folder."
    elif not file.is_file():
        gathered.ignored.append(uri)
    else:
        try:
            gathered.found[uri] = hash_file(file)
        except OSError as error:
            gathered.failed[uri] = f"It cannot be read ({error.strerror}). Check its permissions."
