"""Dense indexes: what Chroma finds, in this process or as a server, is what comparing with every
passage finds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from chatbot.adapters import dense
from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.chroma import ChromaIndex
from chatbot.adapters.chroma_folder import Folder
from chatbot.adapters.chroma_server import Server, address_of
from chatbot.adapters.database import open_database
from chatbot.adapters.dense import DenseIndex, ExactIndex, open_dense
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.errors import BadSettings, IndexBusy, IndexUnusable
from proof.chroma import free_port, server
from tests.strategies import MODEL, keep, stored

Make = Callable[[Catalogue], DenseIndex]
WORDS = HashedEmbeddings()
CROWNS = stored("Dental", "Crowns wait 240 days.", "Fillings wait 90 days.", "We pay the dentist.")
CARDS = stored("Cards", "A new card comes by post.", "The card is free.", collection="open")
MANY = [stored(f"Numbers {n}", *(f"Number {n} {i} word{i}" for i in range(40))) for n in range(5)]


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield Catalogue(engine)
    engine.dispose()


@pytest.fixture
def chroma(tmp_path: Path) -> Path:
    return tmp_path / "chroma"


@pytest.fixture(scope="module")
def chroma_url() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture(params=["exact", "chroma", "few", "many", "server", "many on a server"])
def make(
    request: pytest.FixtureRequest, chroma: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    """Opens the index; opened again, it is closed first."""
    opened: list[DenseIndex] = []
    url = request.getfixturevalue("chroma_url") if "server" in request.param else ""
    if url:
        emptied(url)

    def chroma_index(catalogue: Catalogue) -> ChromaIndex:
        place = Server(url, catalogue.engine) if url else Folder(chroma)
        return ChromaIndex(place, catalogue, MODEL)

    def build(catalogue: Catalogue) -> DenseIndex:
        while opened:
            opened.pop().close()
        index: DenseIndex
        if request.param == "exact":
            index = ExactIndex(catalogue, MODEL)
        elif request.param.startswith(("few", "many")):
            monkeypatch.setattr(dense, "FEW", 300 if request.param == "few" else 3)
            index = open_dense(lambda: chroma_index(catalogue), catalogue, MODEL)
        else:
            index = chroma_index(catalogue)
        opened.append(index)
        return index

    yield build
    while opened:
        opened.pop().close()


def emptied(url: str) -> None:
    """The server, as if nobody had used it."""
    server = Server(url, create_engine("sqlite://"))
    server.wipe()
    server.close()


def search(
    index: DenseIndex, text: str, k: int = 3, collections: set[str] | None = None
) -> list[tuple[str, float]]:
    return index.search(WORDS.embed_query(text), k, collections)


def texts(catalogue: Catalogue, hits: list[tuple[str, float]]) -> list[str]:
    found = catalogue.passages([i for i, _ in hits])
    return [found[i].text for i, _ in hits]


class TestDenseIndex:
    def test_an_empty_catalogue_has_nothing(self, catalogue: Catalogue, make: Make) -> None:
        index = make(catalogue)
        assert isinstance(index, DenseIndex)
        assert search(index, "crowns") == []
        index.catch_up()
        assert search(index, "crowns", collections=set()) == []
        assert index.cosines(WORDS.embed_query("crowns"), ["no such passage"]) == {}

    def test_the_nearest_come_first_with_their_cosines(
        self, catalogue: Catalogue, make: Make
    ) -> None:
        keep(catalogue, CROWNS, CARDS)
        index = make(catalogue)
        index.catch_up()
        hits = search(index, "Crowns wait 240 days.")
        assert texts(catalogue, hits)[:2] == ["Crowns wait 240 days.", "Fillings wait 90 days."]
        assert hits[0][1] == pytest.approx(1.0, abs=1e-3)
        assert [score for _, score in hits] == sorted((s for _, s in hits), reverse=True)
        assert len(search(index, "crowns", k=99)) == 5
        assert search(index, "crowns", k=0) == []

    def test_both_find_the_same(self, catalogue: Catalogue, make: Make) -> None:
        keep(catalogue, *MANY)
        index, reference = make(catalogue), ExactIndex(catalogue, MODEL)
        index.catch_up()
        reference.catch_up()
        for n in range(20):
            found = search(index, f"number {n % 5} word{n}", k=5)
            wanted = search(reference, f"number {n % 5} word{n}", k=5)
            assert [s for _, s in found] == pytest.approx([s for _, s in wanted], abs=1e-3)
            assert found[0][0] == wanted[0][0]

    def test_cosines_are_those_of_the_search(self, catalogue: Catalogue, make: Make) -> None:
        keep(catalogue, *MANY)
        index = make(catalogue)
        index.catch_up()
        vector = WORDS.embed_query("number 3 word7")
        hits = dict(index.search(vector, 10, None))
        told = index.cosines(vector, [*hits, "no such passage"])
        assert told == pytest.approx(hits, abs=1e-3)
        assert index.cosines(vector, []) == {}

    def test_what_was_dropped_is_not_found(self, catalogue: Catalogue, make: Make) -> None:
        keep(catalogue, CROWNS, CARDS)
        index = make(catalogue)
        index.catch_up()
        catalogue.drop([CROWNS.document.id])
        index.catch_up()
        assert set(texts(catalogue, search(index, "crowns wait", k=9))) == {
            "A new card comes by post.",
            "The card is free.",
        }

    def test_only_allowed_collections_are_searched(self, catalogue: Catalogue, make: Make) -> None:
        keep(catalogue, CROWNS, CARDS, *MANY)
        index = make(catalogue)
        index.catch_up()
        hits = search(index, "crowns wait", k=10, collections={"open"})
        assert sorted(texts(catalogue, hits)) == ["A new card comes by post.", "The card is free."]
        assert len(search(index, "crowns wait", k=10, collections={"open", "handbook"})) == 10
        assert search(index, "crowns", collections=set()) == []
        assert search(index, "crowns", collections={"gone"}) == []

    def test_changes_are_taken_over(self, catalogue: Catalogue, make: Make) -> None:
        keep(catalogue, CROWNS)
        index = make(catalogue)
        index.catch_up()
        keep(catalogue, CARDS, stored("Dental", "Crowns wait 365 days.", version="2"))
        index.catch_up()
        assert sorted(texts(catalogue, search(index, "card crowns wait", k=9))) == [
            "A new card comes by post.",
            "Crowns wait 365 days.",
            "The card is free.",
        ]
        catalogue.drop([CARDS.document.id])
        index.catch_up()
        assert texts(catalogue, search(index, "card", k=9)) == ["Crowns wait 365 days."]
        catalogue.drop([CROWNS.document.id])
        index.catch_up()
        assert search(index, "card", k=9) == []

    def test_what_was_dropped_and_came_back_is_there(
        self, catalogue: Catalogue, make: Make
    ) -> None:
        keep(catalogue, CROWNS)
        index = make(catalogue)
        index.catch_up()
        catalogue.drop([CROWNS.document.id])
        keep(catalogue, CROWNS)
        index.catch_up()
        assert len(search(index, "crowns", k=9)) == 3

    def test_opened_again_it_is_the_same(self, catalogue: Catalogue, make: Make) -> None:
        keep(catalogue, CROWNS, CARDS)
        make(catalogue).catch_up()
        again = make(catalogue)
        again.catch_up()
        assert len(search(again, "crowns", k=9)) == 5

    def test_progress_is_told(self, catalogue: Catalogue, make: Make) -> None:
        keep(catalogue, *MANY)
        told: list[int] = []
        make(catalogue).catch_up(told.append)
        assert sum(told) in (0, 200)  # 0: it was read while opening

    def test_searches_go_on_while_changes_are_taken_over(
        self, catalogue: Catalogue, make: Make
    ) -> None:
        keep(catalogue, *MANY)
        index = make(catalogue)
        index.catch_up()
        errors: list[Exception] = []

        def ask() -> None:
            try:
                for n in range(15):
                    search(index, f"word{n}", collections={"handbook"})
            except Exception as error:
                errors.append(error)

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        for n in range(10):
            keep(catalogue, stored(f"More {n}", f"word{n} more"))
            index.catch_up()
        for asker in askers:
            asker.join()
        assert errors == []


# What only Chroma has to hold: it can be thrown away, broken, or open elsewhere.


def opened(folder: Path, catalogue: Catalogue, model: str = MODEL) -> ChromaIndex:
    return ChromaIndex(Folder(folder), catalogue, model)


def is_whole(folder: Path, catalogue: Catalogue) -> bool:
    index = opened(folder, catalogue)
    try:
        index.catch_up()
        return index.differences() == [] and index.applied == catalogue.version()
    finally:
        index.close()


def test_a_crash_before_the_note_is_made_up_for(catalogue: Catalogue, chroma: Path) -> None:
    keep(catalogue, CROWNS, CARDS)
    assert is_whole(chroma, catalogue)
    (chroma / "applied.json").unlink()
    catalogue.drop([CARDS.document.id])
    assert is_whole(chroma, catalogue)


def test_changes_are_applied_twice_without_harm(catalogue: Catalogue, chroma: Path) -> None:
    keep(catalogue, CROWNS)
    assert is_whole(chroma, catalogue)
    note = (chroma / "applied.json").read_text()
    keep(catalogue, CARDS)
    catalogue.drop([CROWNS.document.id])
    assert is_whole(chroma, catalogue)
    (chroma / "applied.json").write_text(note)
    assert is_whole(chroma, catalogue)


@pytest.mark.parametrize("damage", ["note", "database", "folder", "vectors", "everything"])
def test_a_broken_index_is_made_anew(catalogue: Catalogue, chroma: Path, damage: str) -> None:
    keep(catalogue, CROWNS, *MANY)
    assert is_whole(chroma, catalogue)
    if damage == "note":
        (chroma / "applied.json").write_text("{not json")
    if damage == "database":
        (chroma / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    if damage == "folder":
        shutil.rmtree(chroma)
    if damage == "vectors":
        for segment in [p for p in chroma.iterdir() if p.is_dir()]:
            shutil.rmtree(segment)
    if damage == "everything":
        for file in chroma.rglob("*"):
            if file.is_file():
                file.write_bytes(os.urandom(500))
    index = opened(chroma, catalogue)
    try:
        index.catch_up()
        if index.differences():
            index.rebuild()  # what `ingest repair` does
        assert index.differences() == []
        assert len(search(index, "crowns", k=9)) == 9
    finally:
        index.close()


def test_another_models_or_another_catalogues_index_is_made_anew(
    catalogue: Catalogue, chroma: Path, tmp_path: Path
) -> None:
    keep(catalogue, CROWNS, CARDS)
    keep(catalogue, CROWNS, CARDS, model="other")
    index = opened(chroma, catalogue, "other")
    index.close()
    assert is_whole(chroma, catalogue)
    engine = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    assert is_whole(chroma, Catalogue(engine))
    engine.dispose()


def test_differences_are_named(catalogue: Catalogue, chroma: Path) -> None:
    keep(catalogue, CROWNS)
    index = opened(chroma, catalogue)
    try:
        index.catch_up()
        one, two, _ = (p.passage.id for p in CROWNS.passages)
        index.place.ask("delete", ids=[one])
        index.place.ask("upsert", ids=["surplus"], embeddings=[WORDS.embed_query("x")])
        index.place.ask("update", ids=[two], embeddings=[WORDS.embed_query("x")])
        assert sorted(index.differences()) == [
            "in Chroma only: surplus",
            f"missing in Chroma: {one}",
            f"other vector in Chroma: {two}",
        ]
        index.rebuild()
        assert index.differences() == []
    finally:
        index.close()


def test_chroma_holds_no_words(catalogue: Catalogue, chroma: Path) -> None:
    keep(catalogue, stored("Secret", "Xylophone rhubarb."))
    assert is_whole(chroma, catalogue)
    assert not any(b"Xylophone" in f.read_bytes() for f in chroma.rglob("*") if f.is_file())


def test_a_second_opener_is_told_and_can_search_all_the_same(
    catalogue: Catalogue, chroma: Path
) -> None:
    keep(catalogue, CROWNS)
    first = open_dense(lambda: opened(chroma, catalogue), catalogue, MODEL)
    with pytest.raises(IndexBusy) as caught:
        opened(chroma, catalogue)
    assert caught.value.remedy
    second = open_dense(lambda: opened(chroma, catalogue), catalogue, MODEL)
    assert isinstance(second, ExactIndex)
    second.catch_up()
    assert len(search(second, "crowns")) == 3
    first.close()
    third = open_dense(lambda: opened(chroma, catalogue), catalogue, MODEL)
    assert not isinstance(third, ExactIndex)
    third.close()


def test_a_lock_of_a_process_that_died_is_free(
    catalogue: Catalogue, chroma: Path, tmp_path: Path
) -> None:
    code = (
        "import os, sys; from filelock import FileLock;FileLock(sys.argv[1]).acquire(); os._exit(9)"
    )
    lock = str(chroma.with_suffix(".lock"))
    subprocess.run([sys.executable, "-c", code, lock], check=False, timeout=30)
    assert Path(lock).exists()
    assert is_whole(chroma, catalogue)


# What only a server has to hold: it is shared, can be away, and is nobody else's.


def test_a_server_is_filled_by_one_and_searched_by_all(
    catalogue: Catalogue, chroma_url: str, tmp_path: Path
) -> None:
    emptied(chroma_url)
    keep(catalogue, CROWNS)
    one, other = (ChromaIndex(Server(chroma_url, catalogue.engine), catalogue, MODEL) for _ in "ab")
    one.catch_up()
    with one.place.turn() as mine, other.place.turn() as at_once:
        assert mine
        assert not at_once
        keep(catalogue, CARDS)
        other.catch_up()  # leaves it to whoever is at it
        assert other.applied < catalogue.version()
        with pytest.raises(IndexBusy):
            other.rebuild()
    other.catch_up()
    one.rebuild()  # another collection from here on
    other.catch_up()
    assert other.differences() == []
    assert len(search(other, "crowns", k=9)) == 5
    engine = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    keep(Catalogue(engine), CARDS)
    foreign = ChromaIndex(Server(chroma_url, engine), Catalogue(engine), MODEL)
    foreign.catch_up()
    assert foreign.differences() == []
    for index in (one, other, foreign):
        index.close()
    engine.dispose()


def test_while_a_server_is_away_every_vector_is_compared_with(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "FEW", 1)
    keep(catalogue, CROWNS, CARDS)
    port = free_port()
    many = ChromaIndex(Server(f"http://127.0.0.1:{port}", catalogue.engine), catalogue, MODEL)
    with pytest.raises(IndexUnusable) as caught:
        many.catch_up()
    assert "COUNTERSIGN_CHROMA_URL" in caught.value.remedy
    index: Any = open_dense(lambda: many, catalogue, MODEL)
    index.catch_up()
    assert len(search(index, "crowns", k=9)) == 5
    with server(port):
        index.catch_up()
        assert index._in_use is many
        assert len(search(index, "crowns", k=9)) == 5
    assert len(search(index, "crowns", k=9)) == 5
    assert index._in_use is not many
    index.close()


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [
        ("http://chroma:8000", "8.8.8.8"),
        ("http://203.0.113.9:8000", "8.8.4.4"),
        ("http://[2606:4700::1]:8000", "2606:4700::1"),
        ("redis://127.0.0.1", "127.0.0.1"),
        ("http://127.0.0.1:x", "127.0.0.1"),
        ("http://me:secret@127.0.0.1", "127.0.0.1"),
        ("chroma:8000", "10.0.0.1"),
        ("http://127.0.0.1/api", "127.0.0.1"),
    ],
)
def test_a_server_that_anybody_could_reach_is_refused(url: str, leads_to: str) -> None:
    with pytest.raises(BadSettings):
        address_of(url, lambda *_: [(0, 0, 0, "", (leads_to, 0))])


def test_private_servers_are_taken() -> None:
    for url, leads_to, port in (
        ("http://chroma", "172.18.0.3", 8000),
        ("http://[::1]:81", "::1", 81),
        ("https://chroma.example.com", "8.8.8.8", 443),
    ):
        assert address_of(url, lambda *_, to=leads_to: [(0, 0, 0, "", (to, 0))])[2] == port
