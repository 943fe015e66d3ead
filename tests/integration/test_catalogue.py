"""The catalogue: all of a change or none of it, and the truth about what there is."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, event, insert, text

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.lexical import LexicalIndex
from chatbot.adapters.schema import index_changes
from chatbot.domain import sha256_of
from chatbot.errors import IndexUnusable, NotFound, StorageFull
from proof.postgres import new_database
from tests.databases import postgres
from tests.strategies import MODEL, keep, stored

__all__ = ["postgres"]

CROWNS = stored("Dental", "Crowns wait 240 days.", "Fillings wait 90 days.")
CARDS = stored("Cards", "A new card comes by post.", collection="open")


on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'catalogue.db'}"
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def catalogue(engine: Engine) -> Catalogue:
    return Catalogue(engine)


def rows(engine: Engine, table: str) -> int:
    with transaction(engine) as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def test_what_goes_in_comes_out(catalogue: Catalogue) -> None:
    dated = replace(
        CROWNS.document, effective=date(2026, 1, 1), expires=date(2026, 12, 31), title="Ärzte"
    )
    one = replace(
        CROWNS,
        document=dated,
        passages=tuple(
            replace(p, passage=replace(p.passage, document=dated)) for p in CROWNS.passages
        ),
    )
    keep(catalogue, one, CARDS)
    assert catalogue.document(dated.id) == dated
    assert catalogue.passages_of(dated.id) == [p.passage for p in one.passages]
    ids = [p.passage.id for p in one.passages]
    assert catalogue.passages([*ids, "gone"]) == {p.passage.id: p.passage for p in one.passages}
    assert [d.title for d in catalogue.documents()] == ["Cards", "Ärzte"]
    assert [d.title for d in catalogue.documents({"open"})] == ["Cards"]
    assert catalogue.documents(set()) == []
    assert catalogue.pipelines("open") == {CARDS.document.uri: (CARDS.document.version, "1 hashed")}
    assert catalogue.count() == 3
    with pytest.raises(NotFound):
        catalogue.document("gone")


def test_vectors_stand_beside_their_passages(catalogue: Catalogue) -> None:
    keep(catalogue, CROWNS, CARDS)
    ids, collections, matrix = catalogue.vectors(None, MODEL)
    assert ids == [p.passage.id for d in (CROWNS, CARDS) for p in d.passages]
    assert collections == ["handbook", "handbook", "open"]
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1.0)
    some, _, _ = catalogue.vectors([ids[2], "gone", ids[0]], MODEL)
    assert sorted(some) == sorted([ids[0], ids[2]])
    assert catalogue.vectors(None, "other")[0] == []
    assert catalogue.vectors([], MODEL)[0] == []


def test_a_text_is_embedded_once(catalogue: Catalogue, engine: Engine) -> None:
    keep(catalogue, CROWNS, stored("Copy", "Crowns wait 240 days."))
    assert rows(engine, "vectors") == 2
    hashes = [sha256_of("Crowns wait 240 days."), sha256_of("New.")]
    assert catalogue.missing_vectors(hashes, MODEL) == {hashes[1]}
    assert catalogue.missing_vectors(hashes, "other") == set(hashes)


def test_a_new_version_takes_the_place_of_the_old(catalogue: Catalogue, engine: Engine) -> None:
    keep(catalogue, CROWNS)
    before = catalogue.version()
    keep(catalogue, stored("Dental", "Crowns wait 365 days.", version="2"))
    assert [p.text for p in catalogue.passages_of(CROWNS.document.id)] == ["Crowns wait 365 days."]
    changes = catalogue.changes_since(before)
    assert sorted(changes.values()) == [False, False, True]
    assert catalogue.changes_since(catalogue.version()) == {}


def test_dropped_is_gone(catalogue: Catalogue, engine: Engine) -> None:
    keep(catalogue, CROWNS, CARDS)
    catalogue.drop([CROWNS.document.id, "gone"])
    assert [d.title for d in catalogue.documents()] == ["Cards"]
    assert rows(engine, "vectors") == 1
    assert rows(engine, "passages") == 1
    assert len(LexicalIndex(engine).search("crowns fillings card", 9)) == 1
    catalogue.drop([])
    assert catalogue.count() == 1


def test_the_version_grows_even_when_all_is_dropped(catalogue: Catalogue) -> None:
    assert catalogue.version() == 0
    seen = [0]
    for _ in range(2):
        keep(catalogue, CROWNS)
        seen.append(catalogue.version())
        catalogue.drop([CROWNS.document.id])
        seen.append(catalogue.version())
    assert seen == sorted(set(seen))


def test_all_of_a_group_or_none(catalogue: Catalogue, engine: Engine) -> None:
    keep(catalogue, CROWNS)
    twice = stored("Cards", "A", "A")
    broken = replace(twice, passages=(twice.passages[0], twice.passages[0]))
    with pytest.raises(Exception, match=r"(?i)unique"):
        catalogue.store([stored("Dental", "Other.", version="2"), broken], {}, MODEL)
    assert [p.text for p in catalogue.passages_of(CROWNS.document.id)] == [
        p.passage.text for p in CROWNS.passages
    ]
    assert len(LexicalIndex(engine).search("wait other", 9)) == 2


@on_sqlite
def test_a_full_disk_changes_nothing(catalogue: Catalogue, engine: Engine) -> None:
    keep(catalogue, CROWNS)
    before = catalogue.version()

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    engine.dispose()
    many = stored("Many", *(f"Number {n} " + "word " * 200 for n in range(200)))
    with pytest.raises(StorageFull, match="full") as caught:
        keep(catalogue, many)
    assert caught.value.remedy
    assert catalogue.version() == before
    assert [d.title for d in catalogue.documents()] == ["Dental"]
    with transaction(engine) as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"


def test_writers_queue(catalogue: Catalogue, url: str) -> None:
    errors: list[Exception] = []

    def write(name: str) -> None:
        engine = open_database(url)
        try:
            for n in range(5):
                keep(Catalogue(engine), stored(f"{name} {n}", f"{name} {n} text"))
        except Exception as error:
            errors.append(error)
        engine.dispose()

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert errors == []
    assert catalogue.count() == 15


def test_a_change_is_there_before_another_is_numbered(catalogue: Catalogue, url: str) -> None:
    def write() -> None:
        engine = open_database(url)
        keep(Catalogue(engine), CARDS)
        engine.dispose()

    writer = threading.Thread(target=write)
    with catalogue._changing() as connection:
        note = {"passage_id": "first", "present": 1}
        connection.execute(insert(index_changes).values(note))
        writer.start()
        writer.join(0.3)
        assert catalogue.version() == 0  # else whoever read on from there would miss "first"
    writer.join()
    assert next(iter(catalogue.changes_since(0))) == "first"


@on_sqlite
def test_the_home_folder_is_its_owners(engine: Engine, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


@on_sqlite
def test_writes_survive_a_power_cut(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_opened_again_it_is_the_same(catalogue: Catalogue, url: str) -> None:
    keep(catalogue, CROWNS)
    again = open_database(url)
    assert Catalogue(again).count() == 2
    again.dispose()


@pytest.mark.parametrize("content", [b"this is no database " * 100, b"SQLite format 3\0garbage"])
def test_what_is_no_database_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(content)
    with pytest.raises(IndexUnusable, match=r"catalogue\.db") as caught:
        open_database(f"sqlite:///{path}")
    assert caught.value.remedy
    assert path.read_bytes() == content


def test_a_newer_releases_catalogue_is_left_alone(engine: Engine, url: str) -> None:
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(IndexUnusable, match="another release"):
        open_database(url)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IndexUnusable, match="file") as caught:
        open_database(f"sqlite:///{tmp_path / 'file' / 'home' / 'catalogue.db'}")
    assert "COUNTERSIGN_HOME" in caught.value.remedy


def test_migrations_and_tables_agree(engine: Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from chatbot.adapters.schema import metadata

    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    # FTS5's tables, and PostgreSQL's columns of words, are no business of SQLAlchemy's.
    own = ("passages_fts", "passages_words", "Column('words'", "Column('length'")
    assert [d for d in found if not any(name in repr(d) for name in own)] == []
