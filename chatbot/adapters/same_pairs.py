"""Labelled pairs of questions: what their likeness is learned from and measured on."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatbot.adapters.training_data import rows
from chatbot.errors import BadInput

_HARD = 40  # pairs of different questions that are drawn from each topic


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions, whether one answer serves both, the kind of pair, its side: train or test."""

    one: str
    two: str
    same: bool
    kind: str
    side: str


def load_pairs(folder: Path) -> list[Pair]:
    """All pairs of a folder such as `policies/same`.

    `groups*.txt`: after `# topic`, a line is one question in several wordings, and other lines of
    the topic are other questions. `near*.jsonl`, `same*.jsonl`: pairs of different, of same ones;
    `*_test.jsonl` is never learned from, nor is a third of the topics, by a hash of their names.

    Raises:
        BadInput: the folder holds no pairs, or a line is not what it should be.
    """
    found: list[Pair] = []
    try:
        for file in sorted(folder.glob("groups*.txt")):
            found += _grouped(file.read_text(encoding="utf-8"))
        for kind, same in (("near", False), ("same", True)):
            for file in sorted(folder.glob(f"{kind}*.jsonl")):
                found += _listed(file, same)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            f"{folder} cannot be read ({error}).", "See policies/same/README.md."
        ) from error
    if not found:
        raise BadInput(f"{folder} holds no pairs of questions.", "See policies/same/README.md.")
    return found


def _grouped(text: str) -> Iterator[Pair]:
    for block in text.split("# ")[1:]:
        topic, *lines = (line.strip() for line in block.strip().splitlines())
        side = "test" if zlib.crc32(topic.encode()) % 3 == 0 else "train"
        groups = [[q.strip() for q in line.split(" | ")] for line in lines if line]
        for group in groups:
            for one, two in itertools.combinations(group, 2):
                yield Pair(one, two, True, "paraphrase", side)
        others = [(a, b) for g, h in itertools.combinations(groups, 2) for a in g for b in h]
        draw = random.Random(topic)  # noqa: S311 - the same draw each time
        for one, two in draw.sample(others, min(len(others), _HARD * len(groups))):
            yield Pair(one, two, False, "topic", side)


def _listed(file: Path, same: bool) -> Iterator[Pair]:
    side = "test" if file.stem.endswith("_test") else "train"
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Pair(row["question_1"], row["question_2"], same, row["kind"], side)


def labelled_pairs(file: Path) -> list[tuple[str, str, bool]]:
    """The pairs of a CSV or JSON-lines file with `question_1`, `question_2`, `similar` (1 or 0).

    Raises:
        BadInput: it cannot be read, or a row lacks a column.
    """
    try:
        found = [(r["question_1"], r["question_2"], _flag(r["similar"])) for r in rows(file)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{file} cannot be read ({type(error).__name__}: {error}).",
            "Give a CSV file with the columns question_1, question_2 and similar (1 or 0).",
        ) from error
    if not found:
        raise BadInput(f"{file} holds no pairs.", "Give one pair a row.")
    return found


def _flag(raw: object) -> bool:
    value = str(raw).strip().lower()
    if value not in ("0", "1", "true", "false"):
        raise ValueError(f"similar is {raw!r}, neither 1 nor 0")
    return value in ("1", "true")
