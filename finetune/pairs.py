"""Pairs of answers to one question, of which a reviewer preferred one: `pairs.jsonl`.

A pair names its row, whose `target` is what was signed, and holds the draft that was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import BadInput
from finetune.rows import Row, read_lines, write_lines

FILE = "pairs.jsonl"


@dataclass(frozen=True, slots=True)
class Pair:
    """A row, and another answer to it that is worse than its target.

    Attributes:
        model: what wrote the other answer.
    """

    row: Row
    rejected: str
    model: str = ""


def write_pairs(folder: Path, pairs: Iterable[Pair]) -> None:
    """Writes them beside their rows."""
    kept = ({"row": p.row.id, "rejected": p.rejected, "model": p.model} for p in pairs)
    write_lines(folder / FILE, kept)


def read_pairs(folder: Path, rows: Sequence[Row]) -> list[Pair]:
    """The pairs of those rows.

    Raises:
        BadInput: the dataset has no file of pairs, or a line of it cannot be read.
    """
    if not (folder / FILE).exists():
        raise BadInput(
            f"{folder} has no pairs to learn from.",
            "They come from answers that reviewers changed: `finetune dataset --desk`.",
        )
    known = {row.id: row for row in rows}
    try:
        return [
            Pair(known[raw["row"]], str(raw["rejected"]), str(raw.get("model", "")))
            for raw in read_lines(folder / FILE)
            if raw["row"] in known
        ]
    except KeyError as error:
        raise BadInput(
            f"A pair of {folder} lacks {error}.", "finetune/README.md describes the fields."
        ) from error
