"""What an adapter learns from and is measured on: rows and their passages, as JSON lines.

A dataset is a folder: `rows.jsonl`, `passages.jsonl` (each passage once, named by its hash) and
`about.json`; the first two may be packed (`.gz`). README.md in this folder describes every field.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from chatbot.domain import sha256_of
from chatbot.errors import BadInput
from chatbot.files import whole

ROWS = "rows.jsonl"
REFUSAL = "NOT IN THE PASSAGES."
"""What the model writes where no passage holds the answer; the chain tells readers in its words."""
DRAFT = "draft"
"""The note that holds what a model wrote, where a person changed, rejected or disliked it."""
WAITS = "relabel"
"""The note that says why a row waits for somebody to say what is right. Until then it has no
answer, and is neither learned from nor measured with."""


class Split(StrEnum):
    """What a row is for. `HARD` are difficult cases, scored apart and never learned from."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as the model reads it.

    Attributes:
        where: its document's title and headings, as the prompt shows them.
        document: what it is a part of; all of one document is in one split.
        version: SHA-256 of the source that it was taken from.
    """

    where: str
    text: str
    document: str
    version: str = ""

    @property
    def id(self) -> str:
        """Hash of what the model reads of it."""
        return _id_of(self.where, self.text)


@lru_cache(maxsize=1 << 16)
def _id_of(where: str, text: str) -> str:
    return sha256_of(f"{where}\n{text}")[:24]


@dataclass(frozen=True, slots=True)
class Row:
    """A question over numbered passages, and what is right to answer.

    Attributes:
        sources: the passages, in the order in which they are numbered.
        answer: without marker; empty where no passage holds it.
        marker: number of the passage that holds it, from 1; 0 where none does.
        accepted: other answers that are as right.
        written: the answer with its markers, where it has more than one sentence or marker.
        origin: the set, desk or collection that the question comes from.
        synthetic: a program wrote the question.
    """

    question: str
    sources: tuple[Source, ...]
    answer: str
    marker: int
    origin: str
    licence: str
    split: Split
    accepted: tuple[str, ...] = ()
    synthetic: bool = False
    written: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Hash of the question and the passages: the same row has the same id everywhere."""
        return sha256_of("\n".join((self.question, *(s.id for s in self.sources))))[:24]

    @property
    def target(self) -> str:
        """What the model is to write."""
        if self.written:
            return self.written
        said = self.answer.rstrip(".")
        return f"{said[:1].upper()}{said[1:]} [{self.marker}]." if self.marker else REFUSAL

    @property
    def rejected(self) -> str:
        """What a model wrote in the place of which a person put the target; empty: nothing."""
        draft = "" if self.waits else self.notes.get(DRAFT, "").strip()
        return "" if draft == self.target else draft

    @property
    def waits(self) -> bool:
        """Whether nobody has said yet what is right."""
        return WAITS in self.notes


def write_rows(folder: Path, rows: Sequence[Row], about: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a dataset; gives what stands in its `about.json`.

    Each file is replaced as a whole. Passages go first, so that rows which were only added to or
    changed can be read whenever the writing is cut short.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = {s.id: s for row in rows for s in row.sources}
    _write_lines(folder / "passages.jsonl", ({"id": i, **asdict(s)} for i, s in sources.items()))
    _write_lines(folder / ROWS, (plain_row(row) for row in rows))
    known = [row for row in rows if not row.waits]
    described = {
        **about,
        "rows": len(rows),
        "passages": len(sources),
        "splits": dict(sorted(Counter(r.split.value for r in rows).items())),
        "origins": dict(sorted(Counter(f"{r.origin} ({r.licence})" for r in rows).items())),
        "without_answer": sum(not r.marker for r in known),
        "waiting": len(rows) - len(known),
        "pairs": sum(bool(r.rejected) for r in known if r.split is Split.TRAIN),
        "fingerprints": {s.value: fingerprint(r for r in known if r.split is s) for s in Split},
    }
    text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    _replace(folder / "about.json", [text])
    return described


def read_rows(folder: Path, *splits: Split, waiting: bool = False) -> list[Row]:
    """The rows of a dataset; of those splits alone, where any is named.

    Args:
        waiting: with those that nobody has labelled yet.

    Raises:
        BadInput: the folder holds no dataset, or a line of it cannot be read.
    """
    sources = _sources(folder)
    lines = _read_lines(folder / ROWS)
    rows = [_row(folder, r, sources) for r in lines if not splits or r.get("split") in splits]
    return [row for row in rows if waiting or not row.waits]


def read_about(folder: Path) -> dict[str, Any]:
    """What stands in a dataset's `about.json`; nothing where there is none."""
    path = folder / "about.json"
    return _read_lines(path, whole=True)[0] if path.exists() else {}


def stored(path: Path) -> Path:
    """A dataset's file as it lies there, packed or not."""
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.exists() and not path.exists() else path


def fingerprint(rows: Iterable[Row]) -> str:
    """SHA-256 of what is asked and what is right, in whatever order."""
    return sha256_of("\n".join(sorted(f"{row.id} {row.target}" for row in rows)))


def plain_row(row: Row) -> dict[str, Any]:
    """A row as it stands in `rows.jsonl`, its passages by their ids."""
    plain = {
        "id": row.id,
        "question": row.question,
        "passages": [s.id for s in row.sources],
        "answer": row.answer,
        "marker": row.marker,
        "accepted": list(row.accepted),
        "origin": row.origin,
        "licence": row.licence,
        "split": row.split.value,
    }
    if row.synthetic:
        plain["synthetic"] = True
    if row.written:
        plain["written"] = row.written
    if row.notes:
        plain["notes"] = dict(row.notes)
    return plain


def _row(folder: Path, raw: dict[str, Any], sources: Mapping[str, Source]) -> Row:
    try:
        return row_from(raw, sources)
    except ValueError as error:
        raise BadInput(
            f"A row of {folder} cannot be read ({error}).",
            "finetune/README.md describes the fields.",
        ) from error


def row_from(raw: Mapping[str, Any], sources: Mapping[Any, Source]) -> Row:
    """The row that `plain_row` took apart.

    Raises:
        ValueError: it is none.
    """
    try:
        row = Row(
            question=str(raw["question"]),
            sources=tuple(sources[i] for i in raw["passages"]),
            answer=str(raw["answer"]),
            marker=int(raw["marker"]),
            origin=str(raw["origin"]),
            licence=str(raw["licence"]),
            split=Split(raw["split"]),
            accepted=tuple(map(str, raw.get("accepted", ()))),
            synthetic=bool(raw.get("synthetic", False)),
            written=str(raw.get("written", "")),
            notes=dict(raw.get("notes", {})),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not 0 <= row.marker <= len(row.sources) or bool(row.marker) != bool(row.answer):
        raise ValueError(f"row {row.id} has an answer without its passage, or the reverse")
    return row


def _sources(folder: Path) -> dict[str, Source]:
    try:
        found = [Source(**{k: v for k, v in raw.items() if k != "id"})
                 for raw in _read_lines(folder / "passages.jsonl")]  # fmt: skip
    except TypeError as error:
        raise BadInput(
            f"A passage of {folder} cannot be read ({error}).",
            "finetune/README.md describes the fields.",
        ) from error
    return {source.id: source for source in found}


def _write_lines(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    _replace(path, (json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def _replace(path: Path, lines: Iterable[str]) -> None:
    with whole(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.writelines(lines)


def _read_lines(path: Path, *, whole: bool = False) -> list[dict[str, Any]]:
    path = stored(path)
    try:
        with (gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz"
              else path.open(encoding="utf-8")) as file:  # fmt: skip
            lines = [file.read()] if whole else file
            found = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read ({error}).", "Make the dataset with `finetune dataset`."
        ) from error
    if not all(isinstance(value, dict) for value in found):
        raise BadInput(f"{path} holds lines that are no objects.", "Give one JSON object a line.")
    return found
