"""Rows as other tools read them, and back: chat-format JSON lines, and Argilla 2's records.

Both carry the whole row, so that what comes back is the same but for what a person has changed.
Argilla's file is what `dataset.records.from_json` reads and `to_json` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chatbot.errors import BadInput
from chatbot.prompts import Prompt
from chatbot.steps.ground import numbered
from finetune.prompting import plain_messages
from finetune.relabel import labelled, objections, signed
from finetune.rows import WAITS, Row, Source, plain_row, row_from

FORMATS = ("chat", "argilla")
_UNFINISHED = ("draft", "discarded")


@dataclass(frozen=True, slots=True)
class Shared:
    """A row that has come back.

    Attributes:
        number: of its line, or of its record.
        row: as it was shared.
        answered: as it was labelled anew; None: it was not.
        by: who did that, where the file says so.
    """

    number: int
    row: Row
    answered: Row | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A dataset's rows after others have come.

    Attributes:
        faults: number of a line or record → why it was skipped.
    """

    rows: tuple[Row, ...]
    added: int
    changed: int
    faults: Mapping[int, str]


def written(rows: Sequence[Row], form: str, prompt: Prompt) -> str:
    """The rows as a file's text: `chat` or `argilla`."""
    if form == "argilla":
        return json.dumps([_record(row) for row in rows], ensure_ascii=False, indent=1) + "\n"
    return "".join(json.dumps(_chat(r, prompt), ensure_ascii=False) + "\n" for r in rows)


def read(file: Path) -> tuple[list[Shared], dict[int, str]]:
    """The rows of a file in either form; and what is wrong with which line or record.

    Raises:
        BadInput: the file cannot be read at all.
    """
    found, faults = [], {}
    for number, raw in enumerate(_values(file), 1):
        try:
            if raw != "":
                found.append(_shared(number, json.loads(raw) if isinstance(raw, str) else raw))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            faults[number] = f"it is no row of ours ({type(error).__name__}: {error})"
    return found, faults


def taken(known: Sequence[Row], coming: Sequence[Shared], by: str, day: str) -> Taken:
    """The dataset with the rows that have come: new ones added, relabelled ones in their places.

    Of a row that is there already only an answer that was given since counts: the rest of the file
    may be older than the dataset.

    Args:
        by: who relabelled, where the file names nobody.
        day: noted beside that.
    """
    old = {row.id: row for row in known}
    after, numbers = {}, {}
    for one in coming:
        row = old.get(one.row.id, one.row)
        said = one.answered
        if said and (row.waits or said.target != row.target):
            label = replace(row, answer=said.answer, marker=said.marker, written=said.written,
                            accepted=())  # fmt: skip
            row = signed(row, label, one.by or by, day)
        if row != old.get(row.id):
            after[row.id], numbers[row.id] = row, one.number
    faults = {numbers[key]: why for key, why in objections(known, after).items()}
    good = {key: row for key, row in after.items() if numbers[key] not in faults}
    new = [good[i] for i in (one.row.id for one in coming) if i in good and i not in old]
    rows = (*(good.get(r.id, r) for r in known), *new)
    return Taken(rows, len(new), len(good.keys() & old.keys()), faults)


def _values(file: Path) -> list[Any]:
    """Lines yet to be read, or the records of a JSON list."""
    try:
        text = file.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [line.strip() for line in text.split("\n")]
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{file} cannot be read ({error}).",
            "Give JSON lines in chat format, or Argilla's records as a JSON list.",
        ) from error


def _chat(row: Row, prompt: Prompt) -> dict[str, Any]:
    messages = plain_messages(row, prompt)
    if not row.waits:
        messages.append({"role": "assistant", "content": row.target})
    return {"messages": messages, "row": _whole(row)}


def _record(row: Row) -> dict[str, Any]:
    passages = (numbered(n, s.where, s.text) for n, s in enumerate(row.sources, 1))
    said = {"marker": str(row.marker), "answer": row.written or row.answer}
    return {
        "id": row.id,
        "fields": {"question": row.question, "passages": "\n\n".join(passages)},
        "metadata": {
            "split": row.split.value,
            "origin": row.origin,
            "waits": row.notes.get(WAITS, ""),
            "row": json.dumps(_whole(row), ensure_ascii=False),
        },
        "suggestions": {}
        if row.waits
        else {name: {"value": v, "score": None, "agent": row.origin} for name, v in said.items()},
        "responses": {},
        "vectors": {},
    }


def _whole(row: Row) -> dict[str, Any]:
    return plain_row(row) | {"passages": [asdict(source) for source in row.sources]}


def _shared(number: int, raw: Mapping[str, Any]) -> Shared:
    """A line or a record.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: it is none, or its answer does not hold.
    """
    argilla = "fields" in raw
    kept = json.loads(raw["metadata"]["row"]) if argilla else raw["row"]
    sources = [Source(**passage) for passage in kept["passages"]]
    row = row_from(kept | {"passages": range(len(sources))}, dict(enumerate(sources)))
    answered, by = _response(row, raw) if argilla else (_reply(row, raw), "")
    return Shared(number, row, answered, by)


def _reply(row: Row, raw: Mapping[str, Any]) -> Row | None:
    """What the assistant says, where that is not what the row says."""
    said = [str(m["content"]) for m in raw["messages"] if m["role"] == "assistant"]
    if not said or (said[-1] == row.target and not row.waits):
        return None
    return labelled(row, said[-1], 0)


def _response(row: Row, raw: Mapping[str, Any]) -> tuple[Row | None, str]:
    """What people have answered; those who disagree have answered nothing yet."""
    given: dict[str, set[str]] = {}
    people = set()
    for name in ("marker", "answer"):
        for one in (raw.get("responses") or {}).get(name) or ():
            if one.get("status") not in _UNFINISHED:
                given.setdefault(name, set()).add(str(one["value"] or ""))
                people.add(str(one.get("user_id", "")))
    if not given:
        return None, ""
    if any(len(said) > 1 for said in given.values()):
        raise ValueError(f"{len(people)} people disagree")
    marker = int(*given.get("marker", {str(row.marker)}))
    answer = str(*given.get("answer", {""})) if marker or "marker" not in given else ""
    return labelled(row, answer, marker), ", ".join(sorted(people))
