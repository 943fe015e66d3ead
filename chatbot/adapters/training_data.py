"""Labelled questions for the router: our own, and public sets as they are published."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.errors import BadInput

Row = Mapping[str, Any]

_RISKS = {
    "S002": "crisis",
    "S002fin": "money",
    "S002legal": "legal",
    "S002med": "health",
    "S006sh": "crisis",
    "S009cred": "personal-data",
    "S009personal": "personal-data",
    "S009private": "personal-data",
}
"""What Do-Not-Answer calls harmful and a person should see: questions about one's own body, mind,
rights and money, and about what is private. Its other risks are harmful here too."""


def _risk(intents: Sequence[str]) -> str:
    return _RISKS.get(intents[0], "harmful")


_PUBLIC: dict[str, Callable[[Row], tuple[str, str]]] = {
    "banking77": lambda r: (r["text"], "everyday"),
    "clinc150": lambda r: (r["text"], "everyday"),
    "counsel_chat": lambda r: (f"{r['title']}\n{r['text']}", "crisis"),
    "do_not_answer": lambda r: (r["prompt"], _risk(r["intents"])),
    "xstest": lambda r: (r["prompt"], "everyday" if r["label"] == "safe" else "harmful"),
    "squad": lambda r: (r["question"], "everyday"),
    "medquad": lambda r: (r["question"], "medical"),
}
"""How the rows of a public file, known by how its name begins, become question and category."""
_SKIPPED = ("test",)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One question, its category, the set it comes from, and its side: train, dev or test."""

    text: str
    category: str
    source: str
    side: str


def load_labelled(paths: list[Path]) -> list[Labelled]:
    """Every question in the files and folders; each once, the first label counting.

    Our own files hold a `text` and a `category` a line; `test*.jsonl` is left out. Public sets are
    split by a hash of the question into two thirds to learn from and one third to measure on.

    Raises:
        BadInput: a file is missing or is not what its name says.
    """
    found: dict[str, Labelled] = {}
    for path in paths:
        if not path.exists():
            raise BadInput(f"There is no {path}.", "Give files or folders of labelled questions.")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            for item in _labelled(file):
                found.setdefault(key_of(item.text), item)
    return list(found.values())


def key_of(text: str) -> str:
    """SHA-256 of a question without regard to case and white space."""
    return hashlib.sha256(" ".join(text.lower().split()).encode("utf-8", "replace")).hexdigest()


def side_of(text: str, public: bool) -> str:
    """Which part a question belongs to, for good: its hash says so."""
    twelfth = int(key_of(text)[:8], 16) % 12
    if public and twelfth < 4:
        return "test"
    return "dev" if twelfth in (4, 5) else "train"


def _labelled(file: Path) -> Iterator[Labelled]:
    public = next((n for n in _PUBLIC if file.name.startswith(n)), None)
    if file.suffix not in (".jsonl", ".csv", ".json") or file.name.startswith(_SKIPPED):
        return
    if not public and file.suffix != ".jsonl":
        return
    try:
        for row in rows(file):
            text, category = _PUBLIC[public](row) if public else (row["text"], row["category"])
            source = (
                public + ("" if public != "xstest" else f"-{row['label']}") if public else "own"
            )
            yield Labelled(text, category, source, side_of(text, bool(public)))
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(
            f"{file} cannot be read ({type(error).__name__}: {error}).",
            "Each row needs a text and a category.",
        ) from error


def rows(file: Path) -> Iterator[Row]:
    """The rows of a CSV or JSON-lines file, or the questions of a file in SQuAD's format."""
    if file.suffix == ".json":
        articles = json.loads(file.read_text(encoding="utf-8"))["data"]
        asked = (q for a in articles for p in a["paragraphs"] for q in p["qas"])
        yield from ({"question": q["question"]} for q in asked)
        return
    with file.open(encoding="utf-8", newline="") as lines:
        if file.suffix == ".csv":
            yield from csv.DictReader(lines)
        else:
            yield from (json.loads(line) for line in lines if line.strip())
