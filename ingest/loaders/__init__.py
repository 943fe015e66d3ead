"""Reads a file into blocks, by its extension, once its content agrees with that.

Loaders of the formats are imported when a file needs them: each brings a heavy library.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from chatbot.errors import LoadFailed
from ingest.document import Loaded
from ingest.loaders.signatures import HTML, PDF, WORD, ZIP, looks_like

MODULES = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
SUFFIXES = frozenset(MODULES)
WANTED = {"pdf": PDF, "docx": WORD, "html": HTML}


def load(path: Path, max_bytes: int) -> Loaded:
    """The file's title and blocks.

    Args:
        max_bytes: a larger file is refused before it is read.

    Raises:
        LoadFailed: the file cannot be read, is not what its extension says, or has no text.
    """
    module = MODULES.get(path.suffix.lower())
    if module is None:
        raise LoadFailed(
            f"{path.name}: files that end in {path.suffix or 'nothing'} cannot be read.",
            f"Convert it to one of {', '.join(sorted(SUFFIXES))}.",
        )
    data = _read(path, max_bytes)
    _check_type(data, path, module)
    loader: Callable[[bytes, str, str], Loaded]
    loader = import_module(f"ingest.loaders.{module}").load
    loaded = loader(data, path.name, path.stem)
    if not loaded.blocks:
        raise LoadFailed(f"{path.name} has no text.", "Add text to it, or leave it out.")
    return loaded


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        # One byte more than allowed tells a file that is too large, even while it still grows.
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise LoadFailed(
            f"{path.name} cannot be opened: {error.strerror or error}.",
            "Check that it exists and that its permissions allow reading.",
        ) from error
    if len(data) > max_bytes:
        raise LoadFailed(
            f"{path.name} is larger than the limit of {max_bytes:,} bytes.",
            "Split it into smaller files, or raise the limit in the settings.",
        )
    if not data.strip(b" \t\r\n\f\0"):
        raise LoadFailed(f"{path.name} is empty.", "Add text to it, or leave it out.")
    return data


def _check_type(data: bytes, path: Path, module: str) -> None:
    found = looks_like(data)
    wanted = WANTED.get(module)
    if found == wanted or (found is None and module not in ("pdf", "docx")):
        return
    kind = found or "no file of that type"
    remedy = "Give it the extension that fits its content, or export it again."
    if found == ZIP and module == "docx":
        kind = "a ZIP archive without a Word document in it"
    elif found not in (PDF, WORD, HTML) and found is not None:
        remedy = f"Convert it to one of {', '.join(sorted(SUFFIXES))}."
    raise LoadFailed(f"{path.name} looks like {kind}, not what {path.suffix} says.", remedy)
