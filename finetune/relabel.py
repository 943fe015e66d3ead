"""Another answer for a row, and which changes of a dataset are refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chatbot.steps.verify import split_markers
from finetune.rows import REFUSAL, WAITS, Row, Split
from finetune.split import smuggled

_REFUSED = REFUSAL.rstrip(".").casefold()
FROZEN = "the test is frozen: its rows stay as they are, and no other comes to them"
_SHARES = "it shares its question or a document with rows that are learned from"


def labelled(row: Row, answer: str, marker: int, accepted: Sequence[str] = ()) -> Row:
    """The row with that answer.

    Args:
        answer: with markers of its own, or without; nothing, or a refusal in the model's words,
            where no passage holds it.
        marker: number of the passage that holds it, where the answer names none itself.

    Raises:
        ValueError: the answer rests on no passage, or a passage is named and no answer given.
    """
    answer = answer.strip()
    claim, cited = split_markers(answer)
    if not answer or _REFUSED in answer.casefold():
        if marker:
            raise ValueError("a passage is named and no answer is given")
        return replace(row, answer="", marker=0, written="", accepted=())
    numbers = cited or (marker,)
    if not claim or any(not 1 <= n <= len(row.sources) for n in numbers):
        raise ValueError(f"the answer names none of the {len(row.sources)} passages")
    said = tuple(a for a in map(str.strip, accepted) if a)
    written = answer if cited else ""
    return replace(row, answer=claim, marker=numbers[0], written=written, accepted=said)


def signed(before: Row, after: Row, by: str, day: str) -> Row:
    """The changed row with who changed it and when; it waits no longer."""
    kept = {name: said for name, said in before.notes.items() if name != WAITS}
    was = {} if before.waits else {"before": before.target}
    return replace(after, notes=kept | was | {"relabelled_by": by, "relabelled": day})


def objections(before: Sequence[Row], after: Mapping[str, Row]) -> dict[str, str]:
    """Ids of rows that may not become what they are to become, and why.

    Args:
        before: the dataset as it is; a new one is empty, and takes test rows.
        after: the rows that change or are new, by their ids.
    """
    old = {row.id: row for row in before}
    faults, moved = {}, []
    for key, row in after.items():
        was = old.get(key)
        if before and Split.TEST in (row.split, was and was.split):
            faults[key] = FROZEN
        elif not row.waits and (was is None or was.waits or was.split is not row.split):
            moved.append(row)
    stay = [r for r in before if not r.waits and (r.id not in after or r.id in faults)]
    train, measured = _parted(moved)
    old_train, old_measured = _parted(stay)
    shared = smuggled(train, [*measured, *old_measured])
    faults |= {key: f"it {why}" for key, why in shared.items()}
    return faults | dict.fromkeys(smuggled(measured, old_train), _SHARES)


def _parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    train = [row for row in rows if row.split is Split.TRAIN]
    return train, [row for row in rows if row.split is not Split.TRAIN]
