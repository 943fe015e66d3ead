"""`finetune share`, `import`, `browse`: rows for people and other tools, and what comes back."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from chatbot.cli import listen
from chatbot.clock import utc_now
from chatbot.console import DONE, PART, AsJson, guarded, put, put_json, screen
from chatbot.errors import BadInput
from chatbot.prompts import load_prompt
from finetune.commands.common import Data
from finetune.rows import ROWS, Split, read_about, read_rows, write_rows
from finetune.share import FORMATS, read, taken, written


@guarded
def share(
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write.")],
    form: Annotated[
        str, typer.Option("--as", help="chat (JSON lines) or argilla (Argilla 2's records).")
    ] = "chat",
    split: Annotated[
        list[Split] | None, typer.Option(help="Only this split; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a dataset as one file for other tools; `finetune import` takes it back.

    Rows that wait for a label have no answer in it. Name `--split train` for a file to learn from.

    Example: finetune share var/dataset --as argilla --out records.json
    """
    if form not in FORMATS:
        raise BadInput(f"There is no form {form}.", f"Choose one of {', '.join(FORMATS)}.")
    rows = read_rows(data, *(split or ()), waiting=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(written(rows, form, load_prompt("answer")), encoding="utf-8")
    waiting = sum(row.waits for row in rows)
    if as_json:
        put_json({"rows": len(rows), "waiting": waiting, "file": str(out)})
    else:
        put(f"{len(rows):,} rows, {waiting:,} of which wait for a label: {out}")


@guarded
def take(
    file: Annotated[Path, typer.Argument(help="What `finetune share` wrote, relabelled or not.")],
    into: Annotated[Path, typer.Option(help="Dataset to take the rows into; made if missing.")],
    by: Annotated[str | None, typer.Option(help="Who relabelled; else: who is logged in.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take rows back into a dataset: relabelled ones in their places, new ones added.

    Lines that hold no row, and rows that would change the frozen test or bring it into training,
    are named and left out; the exit code is 3 then.

    Example: finetune import records.json --into var/dataset --by anna
    """
    known = read_rows(into, waiting=True) if (into / ROWS).exists() else []
    coming, faults = read(file)
    found = taken(known, coming, by or getpass.getuser(), utc_now().date().isoformat())
    faults |= found.faults
    if found.added or found.changed:
        write_rows(into, found.rows, read_about(into))
    if as_json:
        listed = [{"line": n, "error": why} for n, why in sorted(faults.items())]
        put_json({"added": found.added, "changed": found.changed, "rows": len(found.rows),
                  "failed": listed})  # fmt: skip
    else:
        for number, why in sorted(faults.items()):
            screen().print(f"{file.name}:{number} is left out: {why}", markup=False)
        put(f"{found.added:,} added, {found.changed:,} changed, {len(faults):,} left out: {into}")
    raise typer.Exit(PART if faults else DONE)


@guarded
def browse(
    data: Data,
    port: Annotated[int, typer.Option(help="Port on this machine; 0: any that is free.")] = 7870,
    by: Annotated[str | None, typer.Option(help="Who relabels; else: who is logged in.")] = None,
) -> None:
    """Look at the rows on a page of this machine's own, sift them, and say what is right.

    Test rows are shown and never changed. Each change is written at once.

    Example: finetune browse var/dataset --port 7870 --by anna
    """
    import uvicorn

    from finetune.browse import Book, build

    book = Book(data, by or getpass.getuser())
    with listen("127.0.0.1", port) as listener:
        put(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        uvicorn.Server(uvicorn.Config(build(book), log_level="warning")).run([listener])
