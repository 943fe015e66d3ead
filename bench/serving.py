"""How fast a model server answers many at once: `python -m bench.serving [URL]`.

Each asker sends questions of one shape, one after the other: the answer prompt over passages drawn
from a list of made-up rules, about 430 tokens of which the first 50 are the same for all. The same
script serves for TGI, vLLM, llama-server and, without a URL, for the embedded engine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from bench.machine import Others, describe
from chatbot.errors import GenerationFailed
from chatbot.prompts import load_prompt
from chatbot.settings import load_settings

_COLOURS = ("red", "green", "blue", "white", "black", "grey", "amber")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: seconds to its first word and to its end, and its tokens."""

    first: float
    whole: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Load:
    """What so many askers at once got.

    Attributes:
        tokens: tokens a second, of all answers together.
        first: seconds to the first word, of the median asker's median question.
        worst: the same of the asker who waited longest, as a multiple of that: 1 is fair.
        slowest: seconds to the first word of the slowest answer.
        failed: questions that were not answered.
    """

    askers: int
    answers: int
    failed: int
    tokens: float
    first: float
    worst: float
    slowest: float
    others: float | None


def messages(number: int) -> list[dict[str, str]]:
    """A question about four passages; another number gives others."""
    draw = random.Random(number)
    rules = [
        f"[{n}] Rules › Part {draw.randrange(900)}\n" + " ".join(
            f"Rule {draw.randrange(9000)} wants a {draw.choice(_COLOURS)} form within "
            f"{draw.randrange(2, 90)} days." for _ in range(5)
        )
        for n in range(1, 5)
    ]  # fmt: skip
    asked = {"passages": "\n\n".join(rules), "question": "How soon is which form due, and why?"}
    roles = {"system": "system", "human": "user"}
    return [
        {"role": roles[m.type], "content": str(m.content)}
        for m in load_prompt("answer").render(asked)
    ]


async def ask(client: httpx.AsyncClient, model: str, number: int, most: int) -> Answer:
    """Sends one question and reads its answer.

    Raises:
        GenerationFailed: the server sent no whole answer.
        httpx.HTTPError: it is not there, or refuses.
    """
    body = {"model": model, "messages": messages(number), "max_tokens": most, "temperature": 0.0,
            "seed": 0, "stream": True}  # fmt: skip
    begun, first, pieces, told = time.perf_counter(), 0.0, 0, 0
    async with client.stream("POST", "/v1/chat/completions", json=body) as reply:
        reply.raise_for_status()
        async for line in reply.aiter_lines():
            if not line.startswith("data:") or line.endswith("[DONE]"):
                continue
            event = json.loads(line[5:])
            told = (event.get("usage") or {}).get("completion_tokens") or told
            if _text(event):
                first = first or time.perf_counter() - begun
                pieces += 1
    if not pieces:
        raise GenerationFailed("The server sent no answer.", "See its log.")
    return Answer(first, time.perf_counter() - begun, told or pieces)


def _text(event: dict[str, Any]) -> str:
    if "choices" not in event:
        raise GenerationFailed(f"The server sent {json.dumps(event)[:200]}.", "See its log.")
    return next((c.get("delta", {}).get("content") or "" for c in event["choices"]), "")


async def measure(client: httpx.AsyncClient, model: str, askers: int, options: Any) -> Load:
    """So many askers at once, each with its own questions, none of them asked before."""
    failures: list[str] = []

    async def asker(number: int) -> list[Answer]:
        got = []
        for turn in range(options.each):
            try:
                key = (askers * 1000 + number) * 1000 + turn + options.seed * 10**9
                got.append(await ask(client, model, key, options.tokens))
            except (GenerationFailed, httpx.HTTPError, ValueError) as error:
                failures.append(str(error) or type(error).__name__)
        return got

    others, begun = Others(), time.perf_counter()
    told = await asyncio.gather(*(asker(n) for n in range(askers)))
    seconds = time.perf_counter() - begun
    if failures:
        print(f"{askers} at once: {failures[0]}", file=sys.stderr)
    return summary(askers, [a for a in told if a], seconds, len(failures), others.share())


def summary(
    askers: int, told: list[list[Answer]], seconds: float, failed: int, others: float | None
) -> Load:
    """The figures of one load; `told` holds the answers of each asker who got any."""
    answers = [a for one in told for a in one]
    if not answers:
        return Load(askers, 0, failed, 0.0, 0.0, 0.0, 0.0, others)
    waits = [statistics.median(a.first for a in one) for one in told]
    return Load(
        askers,
        len(answers),
        failed,
        sum(a.tokens for a in answers) / seconds,
        statistics.median(waits),
        max(waits) / statistics.median(waits),
        max(a.first for a in answers),
        others,
    )


async def _run(url: str, key: str, model: str, options: Any) -> list[Load]:
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=options.timeout, limits=limits
    ) as client:
        await ask(client, model, -1, 2)  # so that nothing is measured that happens once
        return [await measure(client, model, askers, options) for askers in options.at]


def show(loads: list[Load], console: Console) -> None:
    """The table."""
    table = Table("askers", "answers", "failed", "tokens/s", "first word",
                  "slowest", "worst/median", "others")  # fmt: skip
    for load in loads:
        table.add_row(
            str(load.askers), str(load.answers), str(load.failed), f"{load.tokens:,.1f}",
            f"{load.first:.2f} s", f"{load.slowest:.2f} s", f"{load.worst:.2f}×",
            "unknown" if load.others is None else f"{load.others:.0%}",
        )  # fmt: skip
    console.print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.serving",
        description=__doc__,
        epilog="Example: python -m bench.serving http://127.0.0.1:8080 --model cover --at 1 8 32",
    )
    add = parser.add_argument
    add("url", nargs="?", help="base URL of the server, without /v1; none: the embedded engine")
    add("--model", default="tgi", help="the model's or the adapter's name there (tgi)")
    add("--key", default="none", help="API key that the server asks for")
    add("--at", type=int, nargs="+", default=[1, 8, 32, 128], help="askers at once (1 8 32 128)")
    add("--each", type=int, default=4, help="questions of each asker (4)")
    add("--tokens", type=int, default=64, help="tokens of one answer, at most (64)")
    add("--timeout", type=float, default=120.0, help="seconds to wait for the next word (120)")
    add("--seed", type=int, default=0, help="another number asks other questions (0)")
    add("--json", action="store_true", help="one JSON document on standard output")
    return parser.parse_args()


def main() -> None:
    """Measures each load in turn and shows the table."""
    options = _arguments()
    with ExitStack() as stack:
        url, key, model = options.url, options.key, options.model
        name = f"{model} at {url}"
        if url is None:
            from chatbot.adapters.llama import start_llama

            server = start_llama(load_settings())
            stack.callback(server.close)
            url, key, model = server.url, server.key, server.model
            name = f"{model} in this process, adapter {server.adapter or 'none'}"
        loads = asyncio.run(_run(url.rstrip("/").removesuffix("/v1"), key, model, options))
    about = describe()
    if options.json:
        found = {"server": name, "machine": about, "loads": [asdict(load) for load in loads]}
        print(json.dumps(found, indent=2))
        return
    console = Console()
    console.print(
        f"{name}. Asked from: {about['cores']} cores of {about['processor']}, "
        f"{about['memory_gib']} GiB.",
        soft_wrap=True,
        markup=False,
    )
    show(loads, console)


if __name__ == "__main__":
    main()
