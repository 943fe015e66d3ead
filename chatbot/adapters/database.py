"""Opens the SQL database and brings its tables up to date."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import IntEnum
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from chatbot.errors import IndexUnusable, StorageFull

HEAD = "0009"
"""Newest migration; asking Alembic for it would cost each start half a second."""

_CONNECT_SECONDS = 10
# As many as there are answers made at once, and people at the desk: opening one takes a
# millisecond. Those asked for last are used again first, and the others soon idle.
_KEPT_OPEN: dict[str, Any] = {"pool_size": 20, "max_overflow": 20, "pool_use_lifo": True}
# Who writes in a SQLite file. It lets others look again and again whether they may, up to a tenth
# of a second apart; those of one process wait for each other here, no longer than they have to.
_writers: WeakKeyDictionary[Engine, threading.RLock] = WeakKeyDictionary()


class Turn(IntEnum):
    """What is done by one process at a time, by the number of PostgreSQL's advisory lock."""

    MIGRATION = 7261845
    CATALOGUE = 7261846
    CARDS = 7261847
    CHROMA = 7261848


def open_database(url: str) -> Engine:
    """The database at that SQLAlchemy URL, made when absent, migrated when old.

    Raises:
        IndexUnusable: it cannot be opened, is no database, or was written by a newer Countersign.
        StorageFull: there is no room to write.
    """
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"), **_KEPT_OPEN)
        if engine.dialect.name == "postgresql":
            event.listen(engine, "do_connect", _connect_postgresql)
            event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    except (ArgumentError, ImportError) as error:
        raise IndexUnusable(
            f"The database URL cannot be used ({type(error).__name__}).",
            "Write sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME with psycopg "
            "installed.",
        ) from error
    if engine.dialect.name == "sqlite":
        _make_folder(Path(str(engine.url.database)).parent)
        event.listen(engine, "connect", _configure_sqlite)
    try:
        # As SQLAlchemy writes it, without the password.
        with translated_errors(engine.url.render_as_string()):
            if _revision(engine) != HEAD:
                _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
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


def _connect_postgresql(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
    # A host that swallows packets would be waited for without end.
    options.setdefault("connect_timeout", _CONNECT_SECONDS)


def _without_nul(
    _connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
) -> tuple[str, Any]:
    # PostgreSQL keeps no such character; what an asker sends must not make it fail.
    def clean(row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        return {k: v.replace("\0", "") if isinstance(v, str) else v for k, v in row.items()}

    return statement, [clean(row) for row in values] if many else clean(values)


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
                connection.execute(select(func.pg_advisory_xact_lock(Turn.MIGRATION)))
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
        if "full" in reason or "No space left" in reason:
            raise StorageFull(
                f"The disk that holds {where} is full; nothing of this step was kept.",
                "Free some room and run the command again: it goes on where it stopped.",
            ) from error
        if isinstance(error, OperationalError) or "not a database" in reason:
            own = isinstance(error.orig, sqlite3.Error)
            raise IndexUnusable(
                f"The catalogue at {where} cannot be used ({reason}).",
                "Check that the folder exists and is yours to write, or restore a copy of it."
                if own
                else "Check that PostgreSQL runs, and that COUNTERSIGN_DATABASE names it.",
            ) from error
        raise


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction, with errors translated: all of it is kept, or nothing."""
    with translated_errors(str(engine.url.database)), engine.begin() as connection:
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads: each statement sees the database as it was at the first one."""
    with translated_errors(str(engine.url.database)), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            if engine.dialect.name == "sqlite":
                # Python's SQLite begins a transaction with the first write, not with a read.
                connection.exec_driver_sql("BEGIN")
            yield connection


@contextmanager
def writing(engine: Engine, turn: Turn | None = None) -> Iterator[Connection]:
    """A transaction that reads, decides and writes.

    SQLite lets one writer in from the start: what was read is still so when it is written.
    PostgreSQL locks the rows that are read `FOR UPDATE`; where there is nothing to lock yet,
    writers of one kind take turns.
    """
    own = engine.dialect.name == "sqlite"
    turns = _writers.setdefault(engine, threading.RLock()) if own else nullcontext()
    with turns, transaction(engine) as connection:
        if own:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif turn is not None:
            connection.execute(select(func.pg_advisory_xact_lock(turn)))
        yield connection


@contextmanager
def alone(engine: Engine, turn: Turn) -> Iterator[bool]:
    """Whether nobody else who shares the database is at this now; nobody else is until the end."""
    if engine.dialect.name == "postgresql":
        with transaction(engine) as connection:
            yield bool(connection.scalar(select(func.pg_try_advisory_xact_lock(turn))))
        return
    lock = FileLock(f"{engine.url.database}.{turn.name.lower()}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
