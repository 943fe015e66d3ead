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


def main() -> int:
    """Asks, on each store, once undisturbed and once with a murder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=3, metavar=("FOLDER", "STORE", "START"))
    asked = parser.parse_args()
    if asked.worker:
        folder, store, start = asked.worker
        _work(Path(folder), store, float(start))
        return 0
    once = Report(f"answers made more than once for {PROCESSES * EACH} simultaneous questions")
    after = Report("people without an answer in time after its maker was killed")
    with server() as url:
        for store in ("disk", url):
            _once(store, once)
            _murder(store, after)
    return once.end(2) | after.end(2 * (PROCESSES - 1) * EACH)


def _once(store: str, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as folder:
        told = [_told(p) for p in _start(Path(folder), store)]
        makers = (Path(folder) / "makers").read_text().split()
    answered = sum(t["right"] for t in told)
    print(f"{_name(store)}: {answered} answered, {len(makers)} made, {_slowest(told):.1f} s")
    good = len(makers) == 1 and answered == PROCESSES * EACH
    report.count("" if good else f"{_name(store)}: {len(makers)} made, {answered} answered")


def _murder(store: str, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="countersign-proof-") as folder:
        makers = Path(folder) / "makers"
        processes = _start(Path(folder), store)
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
        for number in range(EACH):
            right = number < one["right"] and made == 2 and seconds < DEADLINE
            report.count("" if right else f"{_name(store)}: {one}, {made} begun")


def _slowest(told: list[dict[str, Any]]) -> float:
    return max(float(t["slowest"]) for t in told)


def _name(store: str) -> str:
    return "disk" if store == "disk" else "Redis"


def _start(folder: Path, store: str) -> list[subprocess.Popen[str]]:
    world = World(folder, _open(store, folder))
    world.put("Dental", "The waiting period of crowns is 240 days.")
    world.store.clear()
    world.close()
    start = time.time() + 12.0  # until all of them are up
    command = [sys.executable, "-m", "proof.flight", "--worker", str(folder), store, str(start)]
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]


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


def _work(folder: Path, store: str, start: float) -> None:
    """One process: asks at the appointed time, and tells how many were answered."""
    world = World(folder, _open(store, folder))
    world.chat = Telling(size=400, pause=_WRITING, makers=folder / "makers")
    world.cache.partition(Person("0"))
    seconds: list[float] = []

    def ask(number: int) -> None:
        time.sleep(max(0.0, start - time.time()))
        before = time.monotonic()
        record = world.ask(_QUESTION, Person(f"{os.getpid()}-{number}"))
        if record.status is Status.RELEASED and "240 days" in record.answer:
            seconds.append(time.monotonic() - before)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(EACH)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"right": len(seconds), "slowest": max(seconds, default=0.0)}))
    world.close()


if __name__ == "__main__":
    sys.exit(main())
