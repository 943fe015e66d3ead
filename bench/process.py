"""Processes that are measured from outside: a fresh interpreter each, its time and its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.machine import Others, Peak
from bench.options import ROOT, Options

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took from its start to its end, its children included.

    Attributes:
        others: share of the machine's processor time that other programs took meanwhile.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    others: float | None
    stdout: str = ""


def environment(options: Options, side: str = "ours", **more: str) -> dict[str, str]:
    """The same for both sides: no telemetry; and where Countersign keeps its things."""
    return (
        os.environ
        | {
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "ANONYMIZED_TELEMETRY": "False",
            "LANGSMITH_TRACING": "false",
            "PYTHONWARNINGS": "ignore",
            "COUNTERSIGN_HOME": str(options.home(side)),
            "COUNTERSIGN_CACHE": "none",  # answers are compared, not their being given again
            "COUNTERSIGN_MODELS": str(options.models),
            "PYTHONPATH": str(ROOT),
        }
        | more
    )


class Child:
    """A process with its memory watched, waited for with the system's own account of it."""

    def __init__(self, command: Sequence[str], env: dict[str, str], log: Path, **pipes: Any):
        log.parent.mkdir(parents=True, exist_ok=True)
        self.started = time.perf_counter()
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *command], env=env, cwd=ROOT, stderr=errors, text=True, **pipes
            )
        self._log = log
        self._others = Others()
        self._peak = Peak(self.process.pid).start()

    def wait(self) -> Usage:
        """Waits for its end.

        Raises:
            RuntimeError: it failed; the last of what it said is in the message.
        """
        _, status, used = os.wait4(self.process.pid, 0)
        seconds = time.perf_counter() - self.started
        # ru_maxrss is of the largest single process, in KiB; the tree's peak is never less.
        peak = max(self._peak.stop() / _MIB, used.ru_maxrss / 1024)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode not in (0, -15):
            raise RuntimeError(f"{self.process.args!r} failed:\n{self.last_words()}")
        return Usage(seconds, used.ru_utime + used.ru_stime, peak, self._others.share())

    def last_words(self) -> str:
        """The end of what it wrote on standard error."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def run(command: Sequence[str], env: dict[str, str], log: Path) -> Usage:
    """Runs a Python command to its end."""
    child = Child(command, env, log, stdout=subprocess.PIPE)
    assert child.process.stdout is not None
    text = child.process.stdout.read()
    usage = child.wait()
    return replace(usage, stdout=text)


class Worker:
    """One side in a process that takes orders, so that the sides can work in turn.

    An order is a method of `bench.<side>.Side` with its arguments; see `bench.worker`.
    """

    def __init__(self, side: str, options: Options):
        self.side = side
        self._child = Child(
            ["-m", "bench.worker", side, str(options.home(side))],
            environment(options, side),
            options.work / f"{side}.log",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.usage: Usage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._child.process.kill()
            self._child.process.wait()
        else:
            self.close()

    @property
    def age(self) -> float:
        """Seconds since the process was started."""
        return time.perf_counter() - self._child.started

    def __call__(self, order: str, **arguments: Any) -> Any:
        """Has it do something and gives what came of it."""
        stdin, stdout = self._child.process.stdin, self._child.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([order, arguments]) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"{self.side}: {order} failed:\n{self._child.last_words()}")
        return json.loads(line)

    def close(self) -> Usage:
        """Ends it and gives what it took."""
        if self.usage is None:
            assert self._child.process.stdin is not None
            self._child.process.stdin.close()
            self.usage = self._child.wait()
        return self.usage
