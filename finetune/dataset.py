"""From public sets, question files and reviewed answers to one dataset, split for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatbot.adapters.embeddings import TextEncoder
from chatbot.errors import BadInput
from finetune.contexts import Encode, Lists, Shelf, own_rows, shared_rows
from finetune.public import Asked, Collected, load_public
from finetune.rows import Row, Source, Split, write_rows
from finetune.split import key_of, smuggled, split_of, without_twins


def make_dataset(
    files: Sequence[Path],
    own: Sequence[Row],
    out: Path,
    encoder: TextEncoder,
    lists: Lists,
) -> dict[str, Any]:
    """Writes a dataset to a folder; gives what stands in its `about.json`.

    Args:
        files: public sets, known by how their names begin.
        own: rows of one's own: what was judged at the desk, or by askers.
        lists: how lists of passages are drawn around each passage that is asked about.

    Raises:
        BadInput: a file cannot be read, or there is nothing to learn from.
    """
    collected = [load_public(f, encoder.count_tokens) for f in files]
    passages = list(dict.fromkeys(p for part in collected for p in part.passages))
    rows = _rows(passages, _once(collected), encoder.encode, lists)
    rows += {row.id: row for row in own}.values()
    if not any(r.split is Split.TRAIN and not r.waits for r in rows):
        raise BadInput("There is nothing to learn from.", "Give files with answered questions.")
    rows = _apart(rows)
    about = {"files": [f.name for f in files]} | asdict(lists)
    return write_rows(out, rows, about)


def _apart(rows: Sequence[Row]) -> list[Row]:
    """The rows without those to learn from that share something with what is measured with. Those
    that wait for a label are neither."""
    known = [r for r in rows if not r.waits]
    train = [r for r in known if r.split is Split.TRAIN]
    shared = smuggled(train, [r for r in known if r.split is not Split.TRAIN])
    return [r for r in rows if r.split is not Split.TRAIN or r.id not in shared]


def _once(collected: Sequence[Collected]) -> list[Asked]:
    """Each question once; two sets of one article repeat some."""
    found: dict[tuple[str, str], Asked] = {}
    for part in collected:
        for asked in part.asked:
            found.setdefault((asked.gold[0].document, key_of(asked.question)), asked)
    return list(found.values())


def _rows(
    passages: Sequence[Source], asked: Sequence[Asked], encode: Encode, lists: Lists
) -> list[Row]:
    measured = [a for a in asked if split_of(a.gold[0].document) is not Split.TRAIN]
    learn = [a for a in asked if split_of(a.gold[0].document) is Split.TRAIN]
    apart = without_twins([a.question for a in learn], [a.question for a in measured], encode)
    train = Shelf.of(_of(passages, Split.TRAIN), [learn[n] for n in apart], encode)
    rows = list(shared_rows(train, lists))
    for split in (Split.DEV, Split.TEST):
        asked_of = [a for a in measured if split_of(a.gold[0].document) is split]
        if asked_of:
            rows += own_rows(Shelf.of(_of(passages, split), asked_of, encode), lists.seed, split)
    return rows


def _of(passages: Sequence[Source], split: Split) -> list[Source]:
    return [p for p in passages if split_of(p.document) is split]
