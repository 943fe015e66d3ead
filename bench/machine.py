"""The machine: what it is, how much memory a process tree takes, and who else is using it."""

from __future__ import annotations

import os
import platform
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_PACKAGES = (
    "countersign",
    "langchain-core",
    "langchain-community",
    "langchain-text-splitters",
    "langchain-huggingface",
    "langchain-chroma",
    "sentence-transformers",
    "torch",
    "onnxruntime",
    "chromadb",
    "xllamacpp",
)


def describe() -> dict[str, Any]:
    """Cores, processor, memory, Python, and the versions of what is measured."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    memory = os.sysconf("SC_PHYS_PAGES") * _PAGE / 2**30
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(memory, 1),
        "python": platform.python_version(),
        "packages": versions,
    }


def _processor() -> str:
    try:
        lines = (_PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


class Others:
    """How much of the machine's time others took between two moments.

    `share` is the processor time that neither this run nor its processes used, as a share of all
    there was; None where the system does not tell.
    """

    def __init__(self) -> None:
        self._busy, self._all = _machine_seconds()
        self._own = _own_seconds()

    def share(self) -> float | None:
        """Others' share since this was made."""
        busy, everything = _machine_seconds()
        if everything <= self._all:
            return None
        others = (busy - self._busy) - (_own_seconds() - self._own)
        return max(0.0, others / (everything - self._all))


def wait_until_calm(patience: float, most: float = 0.1) -> None:
    """Waits until others take no more than that share of the time, for `patience` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        others = Others()
        time.sleep(0.5)
        if (others.share() or 0.0) <= most:
            return


def _machine_seconds() -> tuple[float, float]:
    try:
        numbers = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    except OSError:
        return 0.0, 0.0
    ticks = [int(n) for n in numbers]
    everything = sum(ticks)
    return (everything - ticks[3] - ticks[4]) / _TICK, everything / _TICK


def _own_seconds() -> float:
    """Processor time of this process and of the processes that it has waited for."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        total += used.ru_utime + used.ru_stime
    return total


def tree_bytes(pid: int) -> int:
    """Resident memory of a process and all below it, shared pages counted in each; 0: gone."""
    try:
        resident = int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
        tasks = [(_PROC / str(pid) / "task" / t / "children") for t in _names(pid)]
        children = [int(c) for task in tasks for c in task.read_text().split()]
    except (OSError, IndexError):
        return 0
    return resident + sum(tree_bytes(child) for child in children)


def _names(pid: int) -> list[str]:
    return [p.name for p in (_PROC / str(pid) / "task").iterdir()]


@dataclass
class Peak:
    """Largest memory of a process tree, looked at ten times a second; a context manager."""

    pid: int
    most: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self, look: Callable[[int], int] = tree_bytes) -> Peak:
        """Begins to look."""
        self._look = look
        self._thread.start()
        return self

    def stop(self) -> int:
        """Ends it: the largest number of bytes seen."""
        self._stop.set()
        self._thread.join()
        return self.most

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.most = max(self.most, self._look(self.pid))
