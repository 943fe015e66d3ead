"""The load script asks as many at once as it is told to, and says what they got."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.serving import Answer, messages, summary
from tests.model_stub import Handler, piece, running

ROOT = Path(__file__).resolve().parents[2]
USAGE = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}


def test_it_counts_answers_tokens_and_failures() -> None:
    together = threading.Barrier(3)

    def reply(handler: Handler) -> None:
        with lock:
            number = next(numbers)
        if number >= 1:  # the first is not measured
            together.wait(20)  # three at once, or none
        if number == 3:
            handler.send(500, b'{"error": "boom"}')
            return
        handler.stream(piece("Hello"), piece("", "stop") | {"usage": USAGE}, "[DONE]")

    lock, numbers = threading.Lock(), iter(range(9))
    command = [sys.executable, "-m", "bench.serving", "--at", "3", "--each", "1", "--json"]
    with running() as stub:
        stub.replies["/v1/chat/completions"] = reply
        done = subprocess.run(
            [*command, "--model", "cover", "--tokens", "9", "--key", "sesame", f"{stub.url}/v1"],
            cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    (load,) = json.loads(done.stdout)["loads"]
    assert (load["askers"], load["answers"], load["failed"]) == (3, 2, 1)
    assert load["tokens"] > 0
    assert "500" in done.stderr
    asked = [body for _, _, body in stub.asked]
    assert {(b["model"], b["max_tokens"], b["stream"]) for b in asked[1:]} == {("cover", 9, True)}
    assert len({str(b["messages"]) for b in asked}) == 4  # no prompt twice
    assert all(headers["authorization"] == "Bearer sesame" for _, headers, _ in stub.asked)


def test_an_asker_who_starves_is_seen() -> None:
    quick, starved = Answer(0.5, 1.0, 10), Answer(4.0, 5.0, 10)
    load = summary(3, [[quick], [quick], [starved]], 5.0, 0, None)
    assert (load.first, load.worst, load.slowest) == (0.5, 8.0, 4.0)
    assert load.tokens == pytest.approx(6.0)
    assert summary(3, [], 5.0, 3, None).failed == 3


def test_prompts_share_their_beginning_alone() -> None:
    one, other = messages(1), messages(2)
    assert one[0] == other[0]
    assert one[1] != other[1]
    assert messages(1) == one
