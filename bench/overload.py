"""Ten times as many questions as can be answered: `python -m bench.overload`.

A model that takes its time sets what can be answered a second; questions come in at a multiple of
that, whether or not earlier ones were answered. All the while, before too, somebody logs in at the
desk and opens its pages. Measured: the server's memory before anybody comes; at its largest with
that somebody alone (a login takes 64 MiB for its moment), with as many questions as can be answered
and with ten times as many; and after. What the askers were told and when, login and desk, and how
long after the end of it a question is answered as quickly as before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx

from bench.load import countersign, server
from bench.machine import Others

_QUESTION = "How long does a replacement card take?"
_PASSWORD = "correct horse battery staple"
_ALONE = 10.0  # seconds in which nobody asks
_MOST_WAIT = 60.0  # seconds; whoever is told nothing for so long hangs


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=float, default=10.0, help="what can be answered (10)")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long (300)")
    parser.add_argument("--at-once", type=int, default=4, help="answers made at once (4)")
    asked = parser.parse_args()
    others = Others()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(server(["-m", "bench.load_servers", "slow"], "/"))
        room = {"COUNTERSIGN_ANSWERS_AT_ONCE": str(asked.at_once), "COUNTERSIGN_CACHE": "none",
                "COUNTERSIGN_ANSWERS_WAITING": "16"}  # fmt: skip
        started = stack.enter_context(countersign(folder, model, **room))
        figures = asyncio.run(_overload(started.url, started.key, started.process, asked))
    print(json.dumps({**figures, "others": others.share()}))


async def _overload(url: str, key: str, process: int, asked: Any) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=2000, max_keepalive_connections=200)
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=_MOST_WAIT, trust_env=False, limits=limits
    ) as client:
        alone = await _calm(client)
        idle = _resident(process)
        quiet, calm, sizes = list[int](), list[int](), list[int]()
        told: Counter[str] = Counter()
        waits: list[float] = []
        desk: dict[str, list[float]] = {"login": [], "desk": []}
        tasks: set[asyncio.Task[None]] = set()
        working = asyncio.ensure_future(_work(url, desk))
        weighing = asyncio.ensure_future(_weigh(process, quiet))
        await asyncio.sleep(_ALONE)
        weighing.cancel()
        weighing = asyncio.ensure_future(_weigh(process, calm))
        capacity = await _capacity(client, asked.at_once)
        weighing.cancel()
        desk["login"].clear()
        desk["desk"].clear()
        weighing = asyncio.ensure_future(_weigh(process, sizes))
        begun = time.monotonic()
        while (now := time.monotonic() - begun) < asked.seconds:
            while sum(told.values()) + len(tasks) < now * capacity * asked.times:
                task = asyncio.ensure_future(_ask(client, told, waits))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(0.05)
        working.cancel()
        weighing.cancel()
        over = time.monotonic()
        with suppress(asyncio.CancelledError):
            await working
        while await _calm(client) > 2 * alone + 0.1:
            await asyncio.sleep(0.2)
        recovered = time.monotonic() - over
        await asyncio.gather(*tasks)
        after = _resident(process)
    memory = {
        "idle": idle,
        "logins alone": max(quiet),
        "what can be answered": max(calm),
        "overload": max(sizes),
        "after": after,
    }
    return {
        "answers_a_second_at_most": round(capacity, 2),
        "asked": sum(told.values()),
        **dict(told),
        "told_within_ms_p95": _p95(waits),
        "memory_mib": {name: round(size / 2**20) for name, size in memory.items()},
        "memory_growth": {
            name: round(max(sizes) / memory[name] - 1, 3) for name in list(memory)[:3]
        },
        "login_ms_p95": _p95(desk["login"]),
        "desk_ms_p95": _p95(desk["desk"]),
        "logins": len(desk["login"]),
        "recovered_after_s": round(recovered, 1),
    }


async def _calm(client: httpx.AsyncClient) -> float:
    """Seconds that one question takes, busy or not."""
    start = time.monotonic()
    while (await client.post("/api/ask", json={"question": _QUESTION})).status_code != 200:
        await asyncio.sleep(0.2)
    return time.monotonic() - start


async def _capacity(client: httpx.AsyncClient, at_once: int) -> float:
    """Answers a second with as many askers as are answered at once, who never pause."""
    begun, answers = time.monotonic(), 0

    async def asker() -> None:
        nonlocal answers
        while time.monotonic() - begun < 20:
            await _calm(client)
            answers += 1

    await asyncio.gather(*(asker() for _ in range(at_once)))
    return answers / (time.monotonic() - begun)


async def _ask(client: httpx.AsyncClient, told: Counter[str], waits: list[float]) -> None:
    start = time.monotonic()
    try:
        answer = await client.post("/api/ask", json={"question": _QUESTION})
    except httpx.TimeoutException:
        told["hung"] += 1
    except httpx.HTTPError:
        told["broken"] += 1
    else:
        busy = answer.status_code == 503 and "retry-after" in answer.headers
        told["answered" if answer.status_code == 200 else "busy" if busy else "failed"] += 1
        if busy:
            waits.append(time.monotonic() - start)


async def _work(url: str, desk: dict[str, list[float]]) -> None:
    """Logs in, looks at the desk's pages, logs in again."""
    while True:
        async with httpx.AsyncClient(
            base_url=url, timeout=_MOST_WAIT, trust_env=False, headers={"origin": url}
        ) as client:
            start = time.monotonic()
            form = {"name": "bench", "password": _PASSWORD}
            answer = await client.post("/desk/login", data=form)
            assert answer.status_code == 303, answer.text
            desk["login"].append(time.monotonic() - start)
            for page in ("/desk/", "/desk/insights", "/desk/cache"):
                start = time.monotonic()
                assert (await client.get(page)).status_code == 200
                desk["desk"].append(time.monotonic() - start)
                await asyncio.sleep(0.5)


async def _weigh(process: int, sizes: list[int]) -> None:
    while True:
        sizes.append(_resident(process))
        await asyncio.sleep(0.02)


def _resident(process: int) -> int:
    """Bytes of memory that a process has."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _p95(seconds: list[float]) -> float:
    if len(seconds) < 2:
        return 0.0
    return round(1000 * statistics.quantiles(seconds, n=20)[18], 1)


if __name__ == "__main__":
    main()
