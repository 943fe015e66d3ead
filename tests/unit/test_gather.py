"""Files under a path: found, failed or of no use, each once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatbot.adapters.models import hash_file
from chatbot.errors import BadInput
from ingest.gather import gather


def test_what_lies_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("b.md", "A.PDF", "deep/er/c.txt", "logo.png", ".hidden.md", ".git/x.md", "noext"):
        (folder / name).write_text(name)
    gathered = gather([folder])
    found = {str(Path(uri).relative_to(folder)): digest for uri, digest in gathered.found.items()}
    assert set(found) == {"b.md", "A.PDF", "deep/er/c.txt"}
    assert found["b.md"] == hash_file(folder / "b.md")
    assert [Path(uri).name for uri in gathered.ignored] == ["logo.png", "noext"]
    assert not gathered.failed


def test_order_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("c.md", "a.md", "b.md"):
        (tmp_path / name).write_text(name)
    assert [Path(uri).name for uri in gather([tmp_path]).found] == ["a.md", "b.md", "c.md"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "gone.md").symlink_to(tmp_path / "gone.md")
    (folder / "tree").symlink_to(tmp_path, target_is_directory=True)
    gathered = gather([folder])
    assert not gathered.found
    assert {Path(uri).name: why for uri, why in gathered.failed.items()} == {
        "link.md": "It is a link. Put the file itself into the folder.",
        "gone.md": "It is a link. Put the file itself into the folder.",
    }
    assert list(gather([folder / "link.md"]).found) == [str(folder / "link.md")]


def test_a_name_that_is_no_text_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("good")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.md")).write_text("bad")
    gathered = gather([tmp_path])
    assert [Path(uri).name for uri in gathered.found] == ["good.md"]
    assert list(gathered.failed.values()) == ["Its name is not valid UTF-8. Rename it."]
    assert all(uri.encode() for uri in gathered.failed)


def test_a_file_that_cannot_be_opened_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "b.md").write_text("b")

    def refuse(path: Path) -> str:
        if path.name == "a.md":
            raise PermissionError(13, "Permission denied")
        return hash_file(path)

    monkeypatch.setattr("ingest.gather.hash_file", refuse)
    gathered = gather([tmp_path])
    assert [Path(uri).name for uri in gathered.found] == ["b.md"]
    assert "Permission denied" in next(iter(gathered.failed.values()))


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert gather([tmp_path]).ignored == [str(tmp_path / "pipe.md")]


def test_paths_are_absolute_and_each_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("a")
    monkeypatch.chdir(tmp_path)
    gathered = gather([Path("a.md"), Path(), tmp_path / "a.md"])
    assert list(gathered.found) == [str(tmp_path / "a.md")]


def test_a_detour_is_no_other_path(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("a")
    found = gather([tmp_path / "docs" / ".." / "docs"]).found
    assert list(found) == [str(tmp_path / "docs" / "a.md")]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file or folder"):
        gather([tmp_path, tmp_path / "gone"])
