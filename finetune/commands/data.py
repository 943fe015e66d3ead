"""`finetune dataset`: rows to learn from and to measure with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatbot.adapters.conversations import ConversationStore
from chatbot.commands.routing import open_encoder
from chatbot.commands.stores import open_stores
from chatbot.console import AsJson, guarded, put, put_json
from chatbot.settings import load_settings
from chatbot.steps.review_item import SIGNED, State
from finetune import dataset as making
from finetune.contexts import Lists
from finetune.desk_rows import disliked_rows, liked_rows, rejected_rows, signed_rows
from finetune.rows import Row

_ALL = 1_000_000
_DECIDED = SIGNED | {State.REJECTED, State.RECALLED}


@guarded
def dataset(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="squad*.json, xquad*.json, medquad*.csv, question files (*.jsonl)."),
    ] = None,
    desk: Annotated[
        bool, typer.Option("--desk", help="Add what the desk and askers judged.")
    ] = False,
    rounds: Annotated[
        int, typer.Option(min=1, help="Lists of passages around each passage asked about.")
    ] = 1,
    absent: Annotated[
        int, typer.Option(min=0, help="Questions beside each list that it does not answer.")
    ] = 6,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make rows to learn from and to measure with: questions over passages as retrieval gives them.

    Whole documents go to one split, by a hash of their name; near-duplicates of measured questions
    are left out of training. With --desk come answers that were signed or found good; questions
    whose answers were rejected or found bad wait in it until somebody says what is right.

    Example: finetune dataset squad_v2.json medquad.csv --out var/dataset
    """
    own = _own_rows() if desk else []
    lists = Lists(rounds, absent, seed)
    about = making.make_dataset(files or [], own, out, open_encoder(), lists)
    if as_json:
        put_json(about)
        return
    put(f"{about['rows']:,} rows over {about['passages']:,} passages in {out}")
    put("\n".join(f"{n:>8,}  {name}" for name, n in about["splits"].items()))
    if about["pairs"]:
        put(f"{about['pairs']:,} of them with a draft that a person changed: train with dpo")
    if about["waiting"]:
        put(f"{about['waiting']:,} of them wait for a label: finetune browse {out}")


def _own_rows() -> list[Row]:
    with open_stores(load_settings()) as (queue, _):
        items = queue.list(states=_DECIDED, limit=_ALL)
        said = ConversationStore(queue.engine)
        # Of rows on the same question and passages the last one counts: a reviewer's word.
        return [*disliked_rows(said.disliked()), *liked_rows(said.liked()),
                *rejected_rows(items), *signed_rows(items)]  # fmt: skip
