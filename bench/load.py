"""Many askers at once, beside a stock `gr.ChatInterface` over one stub: `python -m bench.load`.

Twice, over a model that takes no time and over one that writes 25 pieces a second: questions that
were answered before, one after the other, by some askers; all askers streaming over the REST door,
again and freshly answered; and all of them streaming from the stock page over its own protocol, as
it comes (one answer at a time) and with 64 at once. Measured at the asker, for as long as said:
answers a second, first byte, whole answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from bench.machine import Others

_ROOT = Path(__file__).resolve().parent.parent
_QUESTIONS = (
    "How long does a replacement card take?", "How do I order a replacement card?",
    "How do I change my address?", "What is a waiting period?", "How do I cancel my cover?",
    "What does Alder Basic pay for check-ups?", "Where do I send original invoices?",
)  # fmt: skip
_COME = 5.0  # seconds within which the askers come
_PAGES = {"gr.ChatInterface": "stock", "gr.ChatInterface, 64 at once": "raised"}
Asked = Callable[[httpx.AsyncClient, int], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Load:
    """What so many askers got. Times in milliseconds at the 50th and 95th of a hundred."""

    what: str
    askers: int
    answers: int
    failed: int
    a_second: float
    first_p50: float
    first_p95: float
    whole_p95: float


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--askers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each load")
    asked = parser.parse_args()
    others = Others()
    for model in ("stub", "paced"):
        for load in _over(model, asked.askers, asked.seconds):
            print(json.dumps({"model": model, **asdict(load)}), flush=True)
    print(json.dumps({"others": others.share()}))


def _over(model: str, askers: int, seconds: float) -> list[Load]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = stack.enter_context(server(["-m", "bench.load_servers", model], "/"))
        pages = {
            what: stack.enter_context(server(["-m", "bench.load_servers", kind], "/", url))
            for what, kind in _PAGES.items()
        }
        ours = stack.enter_context(countersign(Path(folder), url))
        return asyncio.run(_loads(ours, pages, askers, seconds))


async def _loads(ours: Started, pages: dict[str, str], askers: int, seconds: float) -> list[Load]:
    headers = {"authorization": f"Bearer {ours.key}"}
    found = []
    async with _client(ours.url, headers) as client:
        for number in range(len(_QUESTIONS)):  # the first time fills the cache
            await _rest(client, number)
        found.append(await _load("cached, at once", client, _whole, min(askers, 16), seconds))
        found.append(await _load("cached, streaming", client, _rest, askers, seconds))
        found.append(await _load("fresh, streaming", client, _fresh, askers, seconds))
    for what, url in pages.items():
        async with _client(url, {}) as client:
            found.append(await _load(what, client, _stock, askers, seconds))
    return found


def _client(url: str, headers: dict[str, str]) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=500, max_keepalive_connections=500)
    return httpx.AsyncClient(
        base_url=url, headers=headers, timeout=120, trust_env=False, limits=limits
    )


async def _load(
    what: str, client: httpx.AsyncClient, ask: Asked, askers: int, seconds: float
) -> Load:
    firsts: list[float] = []
    wholes: list[float] = []
    failed, numbers = 0, count()

    async def asker(after: float) -> None:
        nonlocal failed
        await asyncio.sleep(after)
        while True:
            start = time.perf_counter()
            try:
                firsts.append((await ask(client, next(numbers))) - start)
                wholes.append(time.perf_counter() - start)
            except (httpx.HTTPError, AssertionError):
                failed += 1

    asking = [asyncio.create_task(asker(_COME * n / askers)) for n in range(askers)]
    ended, _ = await asyncio.wait(asking, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in ended:
        task.result()
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    first, whole = _hundredths(firsts), _hundredths(wholes)
    return Load(
        what, askers, len(wholes), failed, round(len(wholes) / seconds, 1), first[49], first[94],
        whole[94],
    )  # fmt: skip


def _hundredths(seconds: list[float]) -> list[float]:
    if len(seconds) < 2:
        return [0.0] * 99
    return [round(1000 * s, 1) for s in statistics.quantiles(seconds, n=100)]


async def _whole(client: httpx.AsyncClient, number: int) -> float:
    question = _QUESTIONS[number % len(_QUESTIONS)]
    answer = await client.post("/api/ask", json={"question": question})
    assert answer.status_code == 200, answer.text
    return time.perf_counter()


async def _rest(client: httpx.AsyncClient, number: int, *, fresh: bool = False) -> float:
    question = _QUESTIONS[number % len(_QUESTIONS)]
    body = {"question": question, "stream": True, "fresh": fresh}
    first, last = 0.0, ""
    async with client.stream("POST", "/api/ask", json=body) as stream:
        async for line in stream.aiter_lines():
            first, last = first or time.perf_counter(), line or last
    assert '"record"' in last, last
    return first


async def _fresh(client: httpx.AsyncClient, number: int) -> float:
    return await _rest(client, number, fresh=True)


async def _stock(client: httpx.AsyncClient, number: int) -> float:
    """One message over the protocol that Gradio's own page speaks."""
    session = f"s{number}"
    config = getattr(client, "_config", None) or (await client.get("/config")).json()
    client._config = config  # type: ignore[attr-defined]
    event = next(d for d in config["dependencies"] if d["api_name"] == "chat")
    body = {"data": ["Hello", []][: len(event["inputs"])], "fn_index": event["id"]}
    joined = await client.post("/gradio_api/queue/join", json={**body, "session_hash": session})
    assert joined.status_code == 200, joined.text
    first = 0.0
    async with client.stream(
        "GET", "/gradio_api/queue/data", params={"session_hash": session}
    ) as s:
        async for line in s.aiter_lines():
            if '"process_generating"' in line:
                first = first or time.perf_counter()
            if '"process_completed"' in line:
                assert '"success":true' in line, line
                return first
    raise AssertionError("the stream ended early")


@dataclass(frozen=True, slots=True)
class Started:
    """A running Countersign: its address, a key that may ask, its process."""

    url: str
    key: str
    process: int


@contextmanager
def server(command: list[str], path: str, *more: str) -> Iterator[str]:
    """Runs a program that listens, until the end; gives its address once `path` is answered."""
    with _running(command, path, *more) as (url, _):
        yield url


@contextmanager
def _running(
    command: list[str], path: str, *more: str, **env: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, *command, str(port), *more], cwd=_ROOT, env={**os.environ, **env}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _until_up(url + path)
        yield url, process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def countersign(home: Path, model: str, **more: str) -> Iterator[Started]:
    """Countersign over the handbook, with that model, without limits by person.

    Args:
        more: settings, as environment variables.
    """
    env = {
        "COUNTERSIGN_HOME": str(home), "GENERATION_URL": model, "GENERATION_FALLBACK": "none",
        "COUNTERSIGN_LIMITS": "none", **more,
    }  # fmt: skip
    _run("ingest.cli", "sync", "samples/handbook", "--collection", "handbook", **env)
    words = ("user", "add", "bench", "--role", "admin", "--role", "manager", "--password-stdin")
    _run("chatbot.cli", *words, **env)
    made = _run("chatbot.cli", "key", "add", "bench", "--owner", "bench", "--json", **env)
    command = ["-m", "chatbot.cli", "serve", "--port"]
    with _running(command, "/healthz", **env) as (url, process):
        while httpx.get(f"{url}/healthz", trust_env=False).json()["state"] == "loading":
            time.sleep(0.2)
        yield Started(url, json.loads(made)["key"], process.pid)


def _run(module: str, *words: str, **env: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", module, *words], cwd=_ROOT, env={**os.environ, **env}, check=True,
        text=True, input="correct horse battery staple\n", stdout=subprocess.PIPE,
    ).stdout  # fmt: skip


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_up(url: str) -> Any:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            return httpx.get(url, trust_env=False, timeout=5)
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
