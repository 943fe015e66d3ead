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
from chatbot.steps.review_item import SIGNED
from finetune import dataset as making
from finetune.contexts import Lists
from finetune.desk_rows import liked_rows, signed_rows
from finetune.rows import Row

_ALL = 1_000_000


@guarded
def dataset(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="squad*.json, xquad*.json, medquad*.csv.")
    ] = None,
    desk: Annotated[
        bool, typer.Option("--desk", help="Add what was signed at the desk, or found good.")
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
    are left out of training.

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


def _own_rows() -> list[Row]:
    with open_stores(load_settings()) as (queue, _):
        items = queue.list(states=SIGNED, limit=_ALL)
        liked = ConversationStore(queue.engine).liked()
        return [*signed_rows(items), *liked_rows(liked)]
