"""Opens the SQL database and brings its tables up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from chatbot.errors import IndexUnusable, StorageFull

HEAD = "0008"
"""Newest migration; asking Alembic for it would cost each start half a second."""


def open_database(url: str) -> Engine:
    """The database at that SQLAlchemy URL, made when absent, migrated when old.

    Raises:
        IndexUnusable: it cannot be opened, is no database, or was written by a newer Countersign.
        StorageFull: there is no room to write.
    """
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (ArgumentError, ImportError) as error:
        raise IndexUnusable(
            f"The database URL cannot be used ({type(error).__name__}).",
            "Write sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME with psycopg "
            "installed.",
        ) from error
    if engine.dialect.name == "sqlite":
        _make_folder(Path(str(engine.url.database)).parent)
        event.listen(engine, "connect", _configure_sqlite)
    # As SQLAlchemy writes it, without the password.
    with translated_errors(engine.url.render_as_string()):
        if _revision(engine) != HEAD:
            _migrate(engine)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise IndexUnusable(
            f"The folder {folder} cannot be made ({error.strerror}).",
            "Name another one with COUNTERSIGN_HOME, or make it and let this user write there.",
        ) from error


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # FULL: an acknowledged write survives a power cut. 30 s: writers queue instead of failing.
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return None if found is None else str(found)


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":  # replicas that start at once take turns
                connection.execute(text("SELECT pg_advisory_xact_lock(7261845)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise IndexUnusable(
            f"The catalogue at {engine.url.database} was written by another release ({error}).",
            "Use that release, or name another folder with COUNTERSIGN_HOME.",
        ) from error


@contextmanager
def translated_errors(where: str) -> Iterator[None]:
    """Turns the database's own errors into ours, with what to do about them."""
    try:
        yield
    except DatabaseError as error:
        reason = str(error.orig)
        if "full" in reason:
            raise StorageFull(
                f"The disk that holds {where} is full; nothing of this step was kept.",
                "Free some room and run the command again: it goes on where it stopped.",
            ) from error
        if isinstance(error, OperationalError) or "not a database" in reason:
            raise IndexUnusable(
                f"The catalogue at {where} cannot be used ({reason}).",
                "Check that the folder exists and is yours to write, or restore a copy of it.",
            ) from error
        raise


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction, with errors translated: all of it is kept, or nothing."""
    with translated_errors(str(engine.url.database)), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads, decides and writes.

    SQLite lets one writer in from the start: what was read is still so when it is written.
    PostgreSQL locks the rows that are read `FOR UPDATE`.
    """
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
