"""Near misses and rewordings from frames: `python -m bench.near_misses policies/same`.

`frames.txt` was there when the rules were made; `frames_test.txt` was written afterwards.
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
_FILES = {"near_dev": "frames", "near_test": "frames_test", "same_dev": "frames_same"}
_OPENINGS = ("", "Hello, ", "Quick question: ", "Please tell me: ", "I would like to know: ")


def main(folder: Path) -> None:
    """Writes `near_dev`, `near_test` and `same_dev`, all `.jsonl`, beside their frames."""
    for name, frames in (
        ("near_dev", "frames"),
        ("near_test", "frames_test"),
        ("same_dev", "frames_same"),
    ):
        lists = (folder / "frames.txt").read_text(encoding="utf-8")
        slots = [line for line in lists.splitlines() if line.startswith("@")]
        own = (folder / f"{frames}.txt").read_text(encoding="utf-8")
        pairs = filled_frames([*slots, *own.splitlines()])
        lines = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def filled_frames(text: Sequence[str]) -> Iterator[dict[str, str]]:
    """The pair for each way of filling each frame in."""
    lines = [line for line in text if line and not line.startswith("#")]
    slots = dict(_slot(line) for line in lines if line.startswith("@"))
    for line in lines:
        if line.startswith("@"):
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
        first, _, second = filled.partition(" ~ ")
        if "[" not in filled:
            first, second = (f"{half}?" for half in filled.split("|"))
        yield _CHOICE.sub(r"\1", first), _CHOICE.sub(r"\2", second or first)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
