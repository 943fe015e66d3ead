"""Two hundred people ask the same question at the same moment, of four processes: it is answered
once. Where the process that makes the answer is killed, another one takes over."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.adapters.answer_store import Store
from chatbot.adapters.answer_store_disk import DiskStore
from chatbot.adapters.answer_store_redis import RedisStore
from chatbot.domain import Person, Status
from proof.redis import server
from proof.report import Report
from proof.world import Quoting, World

PROCESSES, EACH = 4, 50
DEADLINE = 60.0
_WRITING = 3.0
_QUESTION = "What is the waiting period of crowns?"


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many processes, and so many people at each."""

    processes: int
    each: int

    @property
    def people(self) -> int:
        """All of them."""
        return self.processes * self.each


def main() -> int:
    """Asks, on each store, once undisturbed and once with a murder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("FOLDER", "STORE"))
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--each", type=int, default=EACH, help="people at each process")
    asked = parser.parse_args()
    crowd = Crowd(asked.processes, asked.each)
    if asked.worker:
        _work(Path(asked.worker[0]), asked.worker[1], crowd)
        return 0
    once = Report(f"answers made more than once for {crowd.people} simultaneous questions")
    after = Report("people without an answer in time after its maker was killed")
    with server() as url:
        for store in ("disk", url):
            _once(store, crowd, once)
            _murder(store, crowd, after)
    return once.end(2) | after.end(2 * (crowd.processes - 1) * crowd.each)


def _once(store: str, crowd: Crowd, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as folder:
        told = [_told(p) for p in _start(Path(folder), store, crowd)]
        makers = (Path(folder) / "makers").read_text().split()
    answered = sum(t["right"] for t in told)
    print(f"{_name(store)}: {answered} answered, {len(makers)} made, {_slowest(told):.1f} s")
    good = len(makers) == 1 and answered == crowd.people
    report.count("" if good else f"{_name(store)}: {len(makers)} made, {answered} answered")


def _murder(store: str, crowd: Crowd, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as folder:
        makers = Path(folder) / "makers"
        processes = _start(Path(folder), store, crowd)
        while not (makers.exists() and makers.read_text().split()):
            time.sleep(0.05)
        victim = int(makers.read_text().split()[0])
        time.sleep(_WRITING / 3)
        os.kill(victim, signal.SIGKILL)
        told = [_told(p) for p in processes if p.pid != victim]
        next(p for p in processes if p.pid == victim).communicate()
        made = len(makers.read_text().split())
    seconds = _slowest(told)
    print(
        f"{_name(store)}, its maker killed: {made} begun, the last was answered in {seconds:.1f} s"
    )
    for one in told:
        for number in range(crowd.each):
            right = number < one["right"] and made == 2 and seconds < DEADLINE
            report.count("" if right else f"{_name(store)}: {one}, {made} begun")


def _slowest(told: list[dict[str, Any]]) -> float:
    return max(float(t["slowest"]) for t in told)


def _name(store: str) -> str:
    return "disk" if store == "disk" else "Redis"


def _start(folder: Path, store: str, crowd: Crowd) -> list[subprocess.Popen[str]]:
    world = World(folder, _open(store, folder))
    world.put("Dental", "The waiting period of crowns is 240 days.")
    world.store.clear()
    world.close()
    command = [sys.executable, "-m", "proof.flight", "--worker", str(folder), store]
    command += ["--each", str(crowd.each)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    found = [subprocess.Popen(command, **pipes) for _ in range(crowd.processes)]
    for process in found:  # all of them are up before the first one asks
        assert process.stdout is not None
        process.stdout.readline()
    for process in found:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return found


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(process.communicate()[0])
    return found


def _open(store: str, folder: Path) -> Store:
    return DiskStore(folder / "cache") if store == "disk" else RedisStore(store)


class Telling(Quoting):
    """Says which process makes an answer."""

    makers: Path = Path()

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        with self.makers.open("a") as file:
            file.write(f"{os.getpid()}\n")
        yield from super()._stream(*args, **kwargs)


def _work(folder: Path, store: str, crowd: Crowd) -> None:
    """One process: asks when it is told to, and tells how many were answered."""
    world = World(folder, _open(store, folder))
    world.chat = Telling(size=400, pause=_WRITING, makers=folder / "makers")
    world.cache.partition(Person("0"))
    seconds: list[float] = []

    def ask(number: int) -> None:
        before = time.monotonic()
        record = world.ask(_QUESTION, Person(f"{os.getpid()}-{number}"))
        if record.status is Status.RELEASED and "240 days" in record.answer:
            seconds.append(time.monotonic() - before)

    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(crowd.each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"right": len(seconds), "slowest": max(seconds, default=0.0)}))
    world.close()


if __name__ == "__main__":
    sys.exit(main())
