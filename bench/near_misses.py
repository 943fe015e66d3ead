"""Near misses and rewordings from frames: `python -m bench.near_misses policies/same`.

The rules were made with `frames_a.txt` and `frames_b.txt` in view; `frames_test.txt` was written
afterwards.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_CHOICE = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_MOST = 12  # pairs of a frame
_OPENINGS = ("", "Hello, ", "Quick question: ", "Please tell me: ", "I would like to know: ")
_FILES = {
    "near_a_dev": "frames_a",
    "near_b_dev": "frames_b",
    "near_test": "frames_test",
    "same_dev": "frames_same",
}


def main(folder: Path) -> None:
    """Writes the pairs of each file of frames beside it."""
    shared = (folder / "frames_a.txt").read_text(encoding="utf-8").splitlines()
    slots = [line for line in shared if line.startswith("@")]
    for name, frames in _FILES.items():
        own = (folder / f"{frames}.txt").read_text(encoding="utf-8").splitlines()
        pairs = filled_frames([*slots, *own])
        lines = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def filled_frames(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """The pair for each way of filling each frame in; `@name = a; b` fills `{name}`."""
    slots = dict(_slot(line) for line in lines if line.startswith("@"))
    for line in lines:
        if not line or line[0] in "@#":
            continue
        kind, frame = (part.strip() for part in line.split(":", 1))
        for number, (one, two) in enumerate(itertools.islice(_filled(frame, slots), _MOST)):
            if number % 3 == 2:
                opening = _OPENINGS[number % len(_OPENINGS)]
                two = opening + two if opening else two.lower().rstrip("?")
            yield {"question_1": one, "question_2": two, "kind": kind}


def _slot(line: str) -> tuple[str, list[str]]:
    name, values = line[1:].split("=", 1)
    return name.strip(), [v.strip() for v in values.split(";")]


def _filled(frame: str, slots: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    names = list(dict.fromkeys(_SLOT.findall(frame)))
    ways = list(itertools.product(*(slots[n] for n in names)))
    for values in ways[:: max(1, len(ways) // _MOST)]:
        filled = frame
        for name, value in zip(names, values, strict=True):
            filled = filled.replace("{" + name + "}", value)
        first, _, second = filled.partition(" ~ " if "[" in filled else "|")
        yield _CHOICE.sub(r"\1", first), _CHOICE.sub(r"\2", second or first)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
