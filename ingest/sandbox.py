"""Loads files in worker processes, so that a hostile or broken one costs only itself.

A worker has limited memory and time, no network, and no core dumps. The parsers are C libraries:
what crashes in one of them ends a worker, never the run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, TimeoutError
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from pebble import ProcessExpired, ProcessPool

from chatbot.errors import LoadFailed
from ingest.document import Loaded

Outcome = Loaded | LoadFailed

SMALL = 256 * 1024  # files up to this size go to a worker several at once
BATCH_BYTES = 512 * 1024
BATCH_FILES = 16
OUT_OF_MEMORY = 77  # exit status of a worker
NICENESS = 2  # the parent's embedding is what the run waits for


class Sandbox:
    """Worker processes that load files; a context manager.

    Args:
        workers: processes at once. They start with the first file.
        timeout: seconds that one file may take.
        memory_mb: address space of one worker, its program code included.
        max_bytes: larger files are refused.
    """

    def __init__(self, workers: int, timeout: float, memory_mb: int, max_bytes: int) -> None:
        self._workers = workers
        self._timeout = timeout
        self._memory_mb = memory_mb
        self._max_bytes = max_bytes
        self._pool: Any = None

    def __enter__(self) -> Self:
        self._pool = ProcessPool(
            max_workers=self._workers,
            # A forked child would inherit the parent's threads' locks, and its model's memory.
            context=multiprocessing.get_context("spawn"),
            initializer=_confine,
            initargs=(self._memory_mb * 1024 * 1024,),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.stop()
        self._pool.join()

    def load_all(self, paths: Iterable[Path]) -> Iterator[tuple[Path, Outcome]]:
        """Each path with its content or the reason why there is none, in order.

        Reads only a little ahead of the caller: memory stays bounded however many files there are.
        """
        batches = _batches(paths)
        pending: deque[tuple[list[Path], Future[list[Outcome]]]] = deque()
        try:
            for batch in batches:
                pending.append((batch, self._schedule(batch)))
                if len(pending) > 2 * self._workers:
                    yield from self._results(*pending.popleft())
            while pending:
                yield from self._results(*pending.popleft())
        finally:
            for _, future in pending:
                future.cancel()

    def _schedule(self, batch: list[Path]) -> Future[list[Outcome]]:
        arguments = (batch, self._max_bytes)
        future: Future[list[Outcome]]
        future = self._pool.schedule(_load_batch, args=arguments, timeout=self._timeout)
        return future

    def _results(
        self, batch: list[Path], future: Future[list[Outcome]]
    ) -> Iterator[tuple[Path, Outcome]]:
        try:
            outcomes = future.result()
        except (TimeoutError, ProcessExpired) as error:
            if len(batch) == 1:
                yield batch[0], self._failure(batch[0], error)
                return
            # One of them is to blame: alone, each has the whole time and memory.
            for path in batch:
                yield from self._results([path], self._schedule([path]))
        else:
            yield from zip(batch, outcomes, strict=True)

    def _failure(self, path: Path, error: BaseException) -> LoadFailed:
        if isinstance(error, TimeoutError):
            return LoadFailed(
                f"{path.name} took longer than {self._timeout:g} seconds to read.",
                "Split it into smaller files, or raise the time limit in the settings.",
            )
        if getattr(error, "exitcode", None) == OUT_OF_MEMORY:
            return LoadFailed(
                f"{path.name} needs more than {self._memory_mb} MB of memory to be read.",
                "Split it into smaller files, or raise the memory limit in the settings.",
            )
        return LoadFailed(
            f"{path.name} made the program that reads it crash.",
            "Open it in the program that made it and export it again.",
        )


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Runs of small files; a large one alone."""
    batch: list[Path] = []
    total = 0
    for path in paths:
        size = _size(path)
        if batch and (total + size > BATCH_BYTES or len(batch) == BATCH_FILES):
            yield batch
            batch, total = [], 0
        batch.append(path)
        # What is large closes its batch, so that no small file waits behind it.
        total += size if size <= SMALL else BATCH_BYTES
    if batch:
        yield batch


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # the loader says what is wrong with it


def _load_batch(paths: list[Path], max_bytes: int) -> list[Outcome]:
    return [_load_one(path, max_bytes) for path in paths]


def _load_one(path: Path, max_bytes: int) -> Outcome:
    from ingest.loaders import load

    try:
        return load(path, max_bytes)
    except LoadFailed as error:
        return error
    except MemoryError:
        # What it took may never come back: the next file gets a new worker.
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        # The edge of a process: whatever a parser throws at one file, the others go on.
        return LoadFailed(
            f"{path.name} cannot be read ({type(error).__name__}: {error}).",
            "Open it in the program that made it and export it again.",
        )


def _confine(memory: int) -> None:
    """Take from this process what reading files does not need."""
    import resource
    import socket

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops us
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        memory = min(memory, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    socket.socket = _NoNetwork  # type: ignore[misc,assignment]
    socket.create_connection = _refuse


class _NoNetwork:
    """Stands in for a socket."""

    def __init__(self, *_: object, **__: object) -> None:
        _refuse()


def _refuse(*_: object, **__: object) -> NoReturn:
    raise PermissionError("Reading a file needs no network.")
