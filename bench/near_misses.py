"""Near misses from frames: `python -m bench.near_misses FOLDER` writes dev and test pairs.

Half of the frames, by a hash of the frame, make the pairs of `near_test.jsonl`: no frame that the
likeness has learned from is measured on.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

_CHOICE = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_MOST = 12  # pairs of a frame
_OPENINGS = ("", "Hello, ", "Quick question: ", "Please tell me: ", "I would like to know: ")


def main(folder: Path) -> None:
    """Writes `near_dev.jsonl`, `near_test.jsonl` and `same_*.jsonl` beside their frames."""
    lists = (folder / "frames.txt").read_text(encoding="utf-8")
    slots = "\n".join(line for line in lists.splitlines() if line.startswith("@"))
    for name, text in (
        ("near", lists),
        ("same", slots + "\n" + (folder / "frames_same.txt").read_text(encoding="utf-8")),
    ):
        pairs = list(filled_frames(text))
        for side in ("dev", "test"):
            lines = [json.dumps(p, ensure_ascii=False) for s, p in pairs if s == side]
            (folder / f"{name}_{side}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def filled_frames(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The side and the pair for each way of filling each frame in."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    slots = dict(_slot(line) for line in lines if line.startswith("@"))
    for line in lines:
        if line.startswith("@"):
            continue
        kind, frame = (part.strip() for part in line.split(":", 1))
        side = "test" if zlib.crc32(frame.encode()) % 2 else "dev"
        for number, (one, two) in enumerate(itertools.islice(_filled(frame, slots), _MOST)):
            if number % 3 == 2:
                opening = _OPENINGS[number % len(_OPENINGS)]
                one, two = one, opening + two if opening else two.lower().rstrip("?")
            yield side, {"question_1": one, "question_2": two, "kind": kind}


def _slot(line: str) -> tuple[str, list[str]]:
    name, values = line[1:].split("=", 1)
    return name.strip(), [v.strip() for v in values.split(";")]


def _filled(frame: str, slots: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    # A choice may hold slots itself, but "[" stands first there: slots are filled first.
    names = list(dict.fromkeys(_SLOT.findall(frame)))
    ways = list(itertools.product(*(slots[n] for n in names)))
    step = max(1, len(ways) // _MOST)
    for values in ways[::step]:
        filled = frame
        for name, value in zip(names, values, strict=True):
            filled = filled.replace("{" + name + "}", value)
        first, _, second = filled.partition(" ~ ")
        yield _CHOICE.sub(r"\1", first), _CHOICE.sub(r"\2", second or first)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
