"""What several commands take and show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from chatbot.adapters.votes import Tally
from chatbot.console import put, screen
from chatbot.figures import line
from finetune.rows import Split

Data = Annotated[Path, typer.Argument(help="Folder that `finetune dataset` wrote.")]
MEASURED = (Split.TEST, Split.DEV, Split.HARD)


@contextmanager
def bar(total: int, what: str) -> Iterator[Any]:
    """A progress bar; what it gives is told how many are done."""
    with Progress(console=screen(), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def put_votes(votes: Tally) -> None:
    """What reviewers said side by side, for people; nothing where nobody voted."""
    for against, found in votes.items():
        n = found["counts"]
        put(f"Votes against {against}: {n['pairs']} pairs, {n['voters']} voters")
        for name in ("wins", "ties", "both_bad", "losses", "preferred"):
            put(f"  {line(name.replace('_', ' '), found[name], width=12)}")
