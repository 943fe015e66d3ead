"""Loading in worker processes: in order, within limits, and no file stops the others."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.errors import LoadFailed
from ingest import sandbox
from ingest.document import Loaded
from ingest.sandbox import Outcome, Sandbox

MEGABYTE = 1024 * 1024


def load(paths: list[Path], **changed: float) -> list[Outcome]:
    limits = {"workers": 2, "timeout": 30, "memory_mb": 1024, "max_bytes": 100 * MEGABYTE}
    with Sandbox(**(limits | changed)) as box:  # type: ignore[arg-type]
        loaded = list(box.load_all(paths))
    assert [path for path, _ in loaded] == paths
    return [outcome for _, outcome in loaded]


def write(folder: Path, *names: str, text: str = "Some words.") -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.write_text(text)
    return paths


def naughty(paths: list[Path], max_bytes: int) -> list[Outcome]:
    """Stands in for the loaders, in the worker."""
    outcomes: list[Outcome] = []
    for path in paths:
        if path.stem == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if path.stem == "slow":
            time.sleep(60)
        if path.stem == "network":
            with socket.socket() as connection:
                connection.connect(("127.0.0.1", 9))
        if path.stem == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        outcomes.append(Loaded(path.stem, "text/plain", ()))
    return outcomes


@pytest.fixture
def naughty_loaders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_load_batch", naughty)


def titles(outcomes: list[Outcome]) -> list[str]:
    return [o.what if isinstance(o, LoadFailed) else o.title for o in outcomes]


def test_files_come_in_order_and_a_bad_one_fails_alone(tmp_path: Path) -> None:
    paths = write(tmp_path, *(f"{n}.txt" for n in range(40)))
    paths[20].write_bytes(b"\x00\x01\x02" * 100)
    paths[30].unlink()
    outcomes = load(paths)
    assert [n for n, o in enumerate(outcomes) if isinstance(o, LoadFailed)] == [20, 30]
    assert all(o.remedy for o in outcomes if isinstance(o, LoadFailed))


def test_no_files_start_no_workers() -> None:
    assert load([]) == []


def test_a_crash_costs_only_its_file(tmp_path: Path, naughty_loaders: None) -> None:
    outcomes = load(write(tmp_path, "a.txt", "crash.txt", "b.txt"))
    assert titles(outcomes) == [
        "a", "crash.txt made the program that reads it crash.", "b"
    ]  # fmt: skip


def test_a_slow_file_is_given_up(tmp_path: Path, naughty_loaders: None) -> None:
    outcomes = load(write(tmp_path, "a.txt", "slow.txt", "b.txt"), timeout=1)
    assert titles(outcomes) == ["a", "slow.txt took longer than 1 seconds to read.", "b"]


def test_memory_is_limited(tmp_path: Path) -> None:
    small, large = write(tmp_path, "small.txt", "large.html")
    large.write_text("<p>word" * 4_000_000)
    outcomes = load([small, large, small], memory_mb=256)
    assert isinstance(outcomes[0], Loaded)
    assert isinstance(outcomes[2], Loaded)
    failure = outcomes[1]
    assert isinstance(failure, LoadFailed)
    assert "256 MB" in failure.what


def test_a_worker_has_no_network(tmp_path: Path, naughty_loaders: None) -> None:
    with pytest.raises(PermissionError, match="no network"):
        load(write(tmp_path, "network.txt"))


def test_an_interrupt_is_the_parents(tmp_path: Path, naughty_loaders: None) -> None:
    assert titles(load(write(tmp_path, "interrupt.txt"))) == ["interrupt"]


def test_a_caller_who_stops_early_leaves_nothing_running(tmp_path: Path) -> None:
    paths = write(tmp_path, *(f"{n}.txt" for n in range(200)))
    with Sandbox(1, timeout=30, memory_mb=1024, max_bytes=MEGABYTE) as box:
        results = box.load_all(paths)
        assert next(results)[0] == paths[0]
        results.close()  # type: ignore[attr-defined]


def test_paths_are_read_only_a_little_ahead(tmp_path: Path) -> None:
    paths = write(tmp_path, *(f"{n}.txt" for n in range(400)))
    taken = 0

    def counted() -> Iterator[Path]:
        nonlocal taken
        for path in paths:
            taken += 1
            yield path

    with Sandbox(1, timeout=30, memory_mb=1024, max_bytes=MEGABYTE) as box:
        next(box.load_all(counted()))
    assert taken < 100


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    (failure,) = load(write(tmp_path, "a.txt", text="word " * 100), max_bytes=99)
    assert isinstance(failure, LoadFailed)
    assert "larger than the limit of 99 bytes" in failure.what
