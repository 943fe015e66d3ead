"""`ingest sync`: the index equals the folder, whatever lies in it and whenever it is stopped.

Embeddings are hashed words, so that what is measured is the sync; everything else is real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.chroma import ChromaIndex
from chatbot.adapters.chroma_folder import Folder
from chatbot.adapters.database import open_database, transaction
from chatbot.adapters.fakes import HashedEmbeddings
from ingest import cli, sync

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "handbook"
PROGRAM = """
import sys
from chatbot.adapters.fakes import HashedEmbeddings
from ingest import cli, sync
cli.open_embeddings = lambda _: HashedEmbeddings()
cli.embedding_name = lambda _: HashedEmbeddings.name
sync.GROUP = 5
cli.main()
"""


@dataclass
class Index:
    """A home folder, and `ingest` with the embeddings of a test."""

    home: Path

    def run(self, *arguments: object, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)],
            env={**os.environ, "COUNTERSIGN_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert check is None or done.returncode == check, done.stderr
        return done

    def sync(self, *arguments: object, check: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.run("sync", *arguments, "--json", check=check).stdout
        )
        return found

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the index says, without what differs from run to run."""
        queries = {
            "documents": "SELECT id, collection, uri, title, version, pipeline FROM documents",
            "passages": "SELECT id, document_id, ordinal, text, heading, embedded FROM passages",
            "vectors": "SELECT v.embedded, model, hex(vector) FROM vectors v "
            "JOIN passages p ON p.embedded = v.embedded",
            "words": "SELECT p.id, f.text FROM passages_fts f JOIN passages p "
            "ON p.number = f.rowid WHERE passages_fts MATCH 'number OR line'",
        }
        engine = open_database(f"sqlite:///{self.home / 'catalogue.db'}")
        try:
            with transaction(engine) as connection:
                return {
                    name: sorted(tuple(row) for row in connection.execute(text(query)))
                    for name, query in queries.items()
                }
        finally:
            engine.dispose()


@pytest.fixture
def index(home: Path) -> Index:
    return Index(home)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for `ingest` in this process."""
    monkeypatch.setattr(cli, "open_embeddings", lambda _: HashedEmbeddings())
    monkeypatch.setattr(cli, "embedding_name", lambda _: HashedEmbeddings.name)


@pytest.fixture
def run(
    inside: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs a command in this process: its exit code and its JSON."""

    def call(*arguments: object, home: Path = home) -> tuple[int, dict[str, Any]]:
        monkeypatch.setenv("COUNTERSIGN_HOME", str(home))
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            cli.app([*map(str, arguments), "--json"], prog_name="ingest")
        return int(caught.value.code or 0), json.loads(capsys.readouterr().out)

    return call


Run = Callable[..., tuple[int, dict[str, Any]]]


def fill(folder: Path, count: int = 6) -> Path:
    folder.mkdir()
    for n in range(count):
        lines = "\n\n".join(f"Line {i} of number {n} says {i * n}." for i in range(8))
        (folder / f"{n:03}.md").write_text(f"# Title {n}\n\n{lines}\n")
    return folder


def counts(report: dict[str, Any]) -> tuple[int, int, int, int, int]:
    return (
        report["added"],
        report["updated"],
        report["unchanged"],
        report["deleted"],
        len(report["failed"]),
    )


def test_good_and_bad_files(tmp_path: Path, run: Run) -> None:
    folder = fill(tmp_path / "docs")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing that is a PDF")
    (folder / "cut.pdf").write_bytes((SAMPLES / "travel-cover.pdf").read_bytes()[:2000])
    (folder / "empty.md").write_bytes(b"")
    (folder / "blank.txt").write_text(" \n\n ")
    (folder / "lies.docx").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    (folder / "lies.html").write_bytes((SAMPLES / "travel-cover.pdf").read_bytes())
    (folder / "link.md").symlink_to(folder / "000.md")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.md")).write_text("words")
    (folder / "picture.png").write_bytes(b"png")
    (folder / "odd \n name ✓.md").write_text("# Odd\n\nA line with an odd name.")
    code, report = run("sync", folder)
    assert code == 3
    assert counts(report) == (7, 0, 0, 0, 8)
    failed = {Path(f["path"]).name: f["error"] for f in report["failed"]}
    assert set(failed) == {
        "broken.pdf",
        "cut.pdf",
        "empty.md",
        "blank.txt",
        "lies.docx",
        "lies.html",
        "link.md",
        "bad\ufffd.md",
    }
    assert all(error.endswith(".") and len(error) > 20 for error in failed.values())
    assert report["ignored"] == 1
    assert report["chunks"] == report["embedded"] > 0
    assert {"added", "updated", "unchanged", "deleted", "failed", "chunks", "seconds"} <= set(
        report
    )
    code, again = run("sync", folder)
    assert code == 3
    assert counts(again) == (0, 0, 7, 0, 8)
    assert (again["chunks"], again["embedded"]) == (0, 0)


def test_edits_and_deletions(tmp_path: Path, run: Run, home: Path) -> None:
    folder = fill(tmp_path / "docs")
    assert counts(run("sync", folder, "--collection", "a")[1]) == (6, 0, 0, 0, 0)
    (folder / "001.md").write_text("# Title 1\n\nA line that was edited.\n")
    (folder / "002.md").unlink()
    (folder / "new.md").write_text("# New\n\nA new line.\n")
    code, report = run("sync", folder, "--collection", "a")
    assert (code, counts(report)) == (0, (1, 1, 4, 0, 0))
    assert report["embedded"] == report["chunks"] == 2
    assert counts(run("sync", folder / "000.md", "--collection", "a", "--delete")[1]) == (
        0, 0, 1, 0, 0,
    )  # fmt: skip
    assert counts(run("sync", folder, "--collection", "b", "--delete")[1])[0] == 6
    assert counts(run("sync", folder, "--collection", "a", "--delete")[1]) == (0, 0, 6, 1, 0)
    code, status = run("status")
    names = [(d["collection"], Path(d["path"]).name) for d in status["documents"]]
    assert ("a", "002.md") not in names
    assert len(names) == 12
    assert run("verify")[1]["problems"] == []


def test_a_file_that_became_unreadable_keeps_its_document(tmp_path: Path, run: Run) -> None:
    folder = fill(tmp_path / "docs")
    run("sync", folder)
    (folder / "000.md").write_bytes(b"")
    code, report = run("sync", folder, "--delete")
    assert (code, counts(report)) == (3, (0, 0, 5, 0, 1))
    assert len(run("status")[1]["documents"]) == 6


def test_a_copy_costs_no_embedding(tmp_path: Path, run: Run) -> None:
    folder = fill(tmp_path / "docs")
    run("sync", folder)
    (folder / "copy.md").write_bytes((folder / "000.md").read_bytes())
    report = run("sync", folder)[1]
    assert (report["added"], report["embedded"]) == (1, 0)
    assert report["chunks"] > 0


def test_from_anywhere_a_file_has_one_name(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "docs")
    run("sync", folder)
    monkeypatch.chdir(folder)
    assert counts(run("sync", ".", "--delete")[1]) == (0, 0, 6, 0, 0)
    assert counts(run("sync", "../docs", "--delete")[1]) == (0, 0, 6, 0, 0)


def test_a_dry_run_changes_nothing(tmp_path: Path, run: Run, home: Path) -> None:
    folder = fill(tmp_path / "docs")
    run("sync", folder)
    before = Index(home).content()
    (folder / "000.md").unlink()
    (folder / "001.md").write_text("Edited.")
    (folder / "new.md").write_text("New.")
    code, report = run("sync", folder, "--delete", "--dry-run")
    assert (code, counts(report)) == (0, (1, 1, 4, 1, 0))
    assert report["dry_run"] is True
    assert Index(home).content() == before


def test_a_missing_folder_is_wrong_usage(tmp_path: Path, index: Index) -> None:
    done = index.run("sync", fill(tmp_path / "docs"), tmp_path / "gone", "--json", check=2)
    assert json.loads(done.stdout)["error"].startswith("There is no file or folder")
    assert "Traceback" not in done.stderr
    assert index.sync(tmp_path / "docs")["added"] == 6


def test_wrong_options_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["sync", "--nonsense"], ["sync"], ["nonsense"]):
        with pytest.raises(SystemExit) as caught:
            cli.app(arguments, prog_name="ingest")
        assert caught.value.code == 2
        assert capsys.readouterr().out == ""


def test_if_empty(tmp_path: Path, run: Run) -> None:
    assert run("sync", fill(tmp_path / "docs", 1), "--if-empty")[1]["added"] == 1
    code, report = run("sync", fill(tmp_path / "more"), "--if-empty")
    assert (code, counts(report)) == (0, (0, 0, 0, 0, 0))
    assert len(run("status")[1]["documents"]) == 1


def test_a_group_that_cannot_be_stored_leaves_the_others(
    tmp_path: Path, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up in the middle: what was stored is whole, and the next run goes on."""
    from chatbot.errors import StorageFull

    monkeypatch.setattr(sync, "GROUP", 5)
    folder = fill(tmp_path / "docs", 20)
    store, calls = Catalogue.store, 0

    def full(self: Catalogue, *arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise StorageFull("The disk is full.", "Free some room.")
        store(self, *arguments)

    monkeypatch.setattr(Catalogue, "store", full)
    code, report = run("sync", folder)
    assert (code, report) == (1, {"error": "The disk is full.", "remedy": "Free some room."})
    kept = len(Index(home).content()["documents"])
    assert 0 < kept < 20
    code, report = run("sync", folder)
    assert (code, report["added"], report["unchanged"]) == (0, 20 - kept, kept)
    assert run("verify")[1]["problems"] == []


def test_verify_sees_damage_and_repair_mends_it(tmp_path: Path, run: Run, home: Path) -> None:
    run("sync", fill(tmp_path / "docs"))
    engine = open_database(f"sqlite:///{home / 'catalogue.db'}")
    index = ChromaIndex(Folder(home / "chroma"), Catalogue(engine), HashedEmbeddings.name)
    index.place.ask("delete", ids=index.place.ask("get", limit=2)["ids"])
    index.close()
    engine.dispose()
    code, found = run("verify")
    assert (code, len(found["problems"])) == (1, 2)
    assert run("repair")[0] == 0
    code, found = run("verify")
    assert (code, found["problems"]) == (0, [])


# Imports everything once; each round is a fork that is interrupted at a random moment.
INTERRUPTED = (
    PROGRAM.replace("cli.main()", "")
    + """
import json, os, random, signal, time
from pathlib import Path
# A shell that starts this in the background has it ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
folder, rounds, whole = Path(sys.argv[1]), int(sys.argv[2]), 0.0
chance, codes = random.Random(20261122), []
for round_ in range(-2, 5 * rounds):
    if round_ >= rounds and codes.count(130) >= rounds // 2:
        break  # on a busy machine many rounds end before they can be interrupted
    for n in chance.sample(range(40), 8):
        text = f"# Title {n}\\n\\nLine of number {n}, edited {round_} times.\\n"
        (folder / f"{n:03}.md").write_text(text)
    if round_ % 3 == 2:
        (folder / f"{chance.randrange(40):03}.md").unlink(missing_ok=True)
    start = time.monotonic()
    child = os.fork()
    if not child:
        sys.argv = ["ingest", "sync", str(folder), "--delete"]
        cli.main()
    if round_ < 0:  # the whole index, then what such edits take when nobody interrupts
        os.waitpid(child, 0)
        whole = time.monotonic() - start
        continue
    time.sleep(chance.uniform(0.0, 0.9) * whole)
    os.kill(child, signal.SIGINT)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""
)
ROUNDS = 12


def test_stopped_at_any_moment_it_goes_on(tmp_path: Path, run: Run, home: Path) -> None:
    """Interrupted at random, each time over fresh edits: the index ends like one made at once."""
    folder, clean = fill(tmp_path / "docs", 40), tmp_path / "clean"
    run("sync", folder, home=clean)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(folder), str(ROUNDS)],
        env={**os.environ, "COUNTERSIGN_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    codes = json.loads(done.stdout.splitlines()[-1])
    # -2: the work was done, and Python on its way out no longer catches the signal.
    assert set(codes) <= {0, 130, -2}, done.stderr
    assert codes.count(130) >= ROUNDS // 2
    assert done.stderr.count("run the command again") == codes.count(130)
    for one in (home, clean):
        run("sync", folder, "--delete", home=one)
        code, found = run("verify", home=one)
        assert (code, found["passages"], found["problems"]) == (0, mine(one), [])
    assert Index(home).content() == Index(clean).content()
    again = run("sync", folder, "--delete", home=home)[1]
    assert again["unchanged"] == len(list(folder.iterdir()))


def mine(home: Path) -> int:
    return len(Index(home).content()["passages"])
