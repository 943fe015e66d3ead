"""`ingest …`: make the index equal a folder, look at it, check it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from chatbot.adapters.audit import AuditLog
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.chroma import ChromaIndex, open_chroma
from chatbot.adapters.database import open_database
from chatbot.adapters.embeddings import embedding_name, open_embeddings
from chatbot.adapters.open_store import forget_outdated
from chatbot.adapters.queue import ReviewQueue
from chatbot.adapters.shape import Part, parts_of
from chatbot.bootstrap import silence_vendors
from chatbot.console import DONE, FAILED, PART, AsJson, guarded, put, put_json, screen
from chatbot.errors import IndexBusy
from chatbot.settings import Settings, load_settings
from ingest import sync as syncing
from ingest.gather import absolute, gather
from ingest.plan import plan
from ingest.sandbox import Sandbox

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=__doc__,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """The `ingest` command."""
    app()


@app.command()
@guarded
def sync(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files to index.")],
    collection: Annotated[str, typer.Option(help="Collection to put them in.")] = "default",
    delete: Annotated[
        bool, typer.Option("--delete", help="Take out documents whose file is gone.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Do nothing when anything is indexed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the index equal the folder: new and changed files go in, the rest is left alone.

    Reads Markdown, plain text, HTML, PDF and DOCX. A file that cannot be read is reported and
    skipped. Exit code: 0 done, 1 failed, 2 wrong usage, 3 done in part.

    Example: ingest sync ./handbook --collection handbook --delete
    """
    settings = _settings()
    catalogue = Catalogue(open_database(settings.database_url))
    if if_empty and catalogue.documents():
        if as_json:
            put_json(syncing.as_json(syncing.Report()))
        return
    report = _sync(settings, catalogue, paths, collection, delete=delete, dry_run=dry_run)
    if as_json:
        put_json(syncing.as_json(report))
    else:
        _say(report)
    raise typer.Exit(PART if report.failed else DONE)


def _sync(
    settings: Settings,
    catalogue: Catalogue,
    paths: list[Path],
    collection: str,
    *,
    delete: bool,
    dry_run: bool,
) -> syncing.Report:
    start = time.perf_counter()
    gathered = gather(paths)
    pipeline = syncing.pipeline_name(embedding_name(settings))
    todo = plan(
        gathered.found,
        catalogue.pipelines(collection),
        pipeline,
        [str(absolute(p)) for p in paths] if delete else [],
        gathered.failed,
    )
    report = syncing.report_of(todo, gathered)
    report.dry_run = dry_run
    if dry_run:
        return report
    encoder = lru_cache(maxsize=1)(lambda: open_embeddings(settings))
    with _progress(len(todo.add) + len(todo.replace)) as progress, _sandbox(settings) as load:
        syncing.Sync(catalogue, load, encoder, collection, progress).apply(todo, gathered, report)
    changed = [syncing.document_id(collection, uri) for uri in (*todo.replace, *todo.delete)]
    _suspend(settings, catalogue, changed)
    _follow(settings, catalogue, embedding_name(settings))
    report.seconds = round(time.perf_counter() - start, 3)
    return report


@contextmanager
def _sandbox(settings: Settings) -> Iterator[syncing.Load]:
    """Starts the sandbox with the first file: a sync that reads nothing costs nothing."""
    opened: list[Sandbox] = []

    def load(files: Sequence[Path]) -> syncing.LoadedFiles:
        sandbox = Sandbox(
            settings.load_workers,
            settings.load_timeout,
            settings.load_memory_mb,
            settings.max_file_mb * 1024 * 1024,
        )
        opened.append(sandbox.__enter__())
        return sandbox.load_all(files)

    try:
        yield load
    finally:
        for sandbox in opened:
            sandbox.__exit__(None, None, None)


def _suspend(settings: Settings, catalogue: Catalogue, changed: list[str]) -> None:
    """Sends answers that wait for a signature or for delivery back, where a source has changed;
    what the answer cache has of it goes, too."""
    if changed:
        forget_outdated(settings, catalogue)
        audit = AuditLog(catalogue.engine, settings.anchor_file, settings.audit_webhook)
        ReviewQueue(catalogue.engine, audit).outdate_sources(changed)


def _follow(settings: Settings, catalogue: Catalogue, model: str) -> None:
    try:
        index = open_chroma(settings, catalogue, model)
    except IndexBusy:
        screen().print("The index is open in a running server, which takes the changes over.")
        return
    try:
        index.catch_up()
    finally:
        index.close()


@contextmanager
def _progress(files: int) -> Iterator[syncing.Progress]:
    columns = (
        TextColumn("Indexing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files,"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=screen(), disable=not (files and screen().is_terminal), transient=True
    ) as bar:
        task = bar.add_task("files", total=files, rate="")
        done = 0

        def embedded(count: int) -> None:
            nonlocal done
            done += count
            seconds = bar.tasks[0].elapsed or 1.0
            bar.update(task, rate=f"{done:,} passages, {done / seconds:.0f}/s,")

        yield syncing.Progress(lambda _: bar.advance(task), embedded)


def _say(report: syncing.Report) -> None:
    would = "Would have: " if report.dry_run else ""
    put(
        f"{would}{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.deleted} deleted, {len(report.failed)} failed, {report.ignored} of other kinds; "
        f"{report.chunks} passages in {report.seconds:.1f} s."
    )
    for failure in report.failed:
        screen().print(f"{failure['path']}: {failure['error']}", markup=False, soft_wrap=True)


@app.command()
@guarded
def status(as_json: AsJson = False) -> None:
    """Show what is indexed: each document, its collection, its dates; and what it is kept in.

    Example: ingest status --json
    """
    settings = _settings()
    catalogue = Catalogue(open_database(settings.database_url))
    documents, parts = catalogue.documents(), parts_of(settings, catalogue.engine)
    if as_json:
        put_json(
            {
                "documents": [
                    {
                        "id": d.id,
                        "title": d.title,
                        "collection": d.collection,
                        "path": d.uri,
                        "version": d.version,
                        "effective": d.effective,
                        "expires": d.expires,
                    }
                    for d in documents
                ],
                "chunks": catalogue.count(),
                "index_version": catalogue.version(),
                "parts": [asdict(part) for part in parts],
            }
        )
        return
    _say_parts(parts)
    if not documents:
        put("Nothing is indexed yet. Start with: ingest sync FOLDER")
        return
    table = Table("Title", "Collection", "Counts until", "File")
    for d in documents:
        table.add_row(d.title, d.collection, str(d.expires or ""), d.uri)
    screen().print(table)
    put(f"{len(documents)} documents, {catalogue.count()} passages.")


@app.command()
@guarded
def verify(as_json: AsJson = False) -> None:
    """Check Chroma against the catalogue, by ids and by vectors. Exit code 1: they differ.

    Example: ingest verify
    """
    settings, catalogue, index = _open_index()
    try:
        index.catch_up()
        problems = index.differences()
    finally:
        index.close()
    if as_json:
        told = [asdict(part) for part in parts_of(settings, catalogue.engine)]
        put_json({"passages": catalogue.count(), "problems": problems, "parts": told})
        raise typer.Exit(FAILED if problems else DONE)
    _say_parts(parts_of(settings, catalogue.engine))
    if problems:
        put(f"{len(problems)} problems. Mend them with: ingest repair")
        for problem in problems[:20]:
            screen().print(problem, markup=False)
    else:
        put(f"{catalogue.count()} passages, all in order.")
    raise typer.Exit(FAILED if problems else DONE)


@app.command()
@guarded
def repair(as_json: AsJson = False) -> None:
    """Make Chroma anew from the catalogue; no document is read, nothing is embedded again.

    Example: ingest repair
    """
    _, catalogue, index = _open_index()
    try:
        index.rebuild()
    finally:
        index.close()
    if as_json:
        put_json({"passages": catalogue.count()})
    else:
        put(f"Chroma was made anew from the catalogue: {catalogue.count()} passages.")


def _say_parts(parts: Sequence[Part]) -> None:
    for part in parts:
        put(f"{part.name:<15} {part.state:<8} {part.detail}")


def _open_index() -> tuple[Settings, Catalogue, ChromaIndex]:
    settings = _settings()
    catalogue = Catalogue(open_database(settings.database_url))
    return settings, catalogue, open_chroma(settings, catalogue, embedding_name(settings))


def _settings() -> Settings:
    silence_vendors()
    return load_settings()


if __name__ == "__main__":
    main()
