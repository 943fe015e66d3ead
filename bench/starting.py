"""How long it takes from nothing: a fresh process to passages, to a sentence, to a web page."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench import data
from bench.options import Options
from bench.process import Child, Worker, environment
from bench.sections import SIDES, Figures, Step, need_index, prepare
from bench.timing import median

_PATIENCE = 180.0  # seconds


def measure_start(options: Options, step: Step) -> Figures:
    """Fresh processes of both sides in turn, then the server, warm and with no model prepared."""
    need_index(options, step)
    prepare(options)
    question = data.load_questions(options)[0]["question"]
    passage: dict[str, list[float]] = {side: [] for side in SIDES}
    sentence: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(1, options.repeats + 1):
        step(f"start: fresh processes, round {number} of {options.repeats}")
        for side in SIDES:
            passage[side].append(_first_passage(options, side, question))
            sentence[side].append(_first_sentence(options, side, question))
    step("start: the server")
    warm = [_server(options) for _ in range(options.repeats)]
    step("start: the server, its embedding model not yet prepared")
    empty = options.work / "no-models"
    cold = _server(options, COUNTERSIGN_MODELS=str(_fresh(empty)))
    export = prepare(options, COUNTERSIGN_MODELS=str(_fresh(empty)))
    shutil.rmtree(empty, ignore_errors=True)
    return {
        "first_passage": {side: median(took) for side, took in passage.items()},
        "first_sentence": {side: median(took) for side, took in sentence.items()},
        "server_page": median([one["page"] for one in warm]),
        "server_ready": median([one["ready"] for one in warm]),
        "server_page_cold": cold["page"],
        "server_ready_cold": cold["ready"],
        "export": export,
        "server_peak_mib": max(one["peak_mib"] for one in warm),
    }


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _first_passage(options: Options, side: str, question: str) -> float:
    with Worker(side, options) as worker:
        worker("retrieve", question=question)
        return worker.age


def _first_sentence(options: Options, side: str, question: str) -> float:
    with Worker(side, options) as worker:
        said = worker("answer", question=question)
        after: float = said["whole"] - said["first_sentence"]
        return worker.age - after


def _server(options: Options, **more: str) -> Figures:
    """Seconds from starting `app.py` to its page, and to all parts being ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = environment(options, COUNTERSIGN_PORT=str(port), **more)
    child = Child(["app.py"], env, options.work / "ours.log")
    base = f"http://127.0.0.1:{port}"
    try:
        page = _until(child, lambda: bool(_get(f"{base}/")))
        ready = _until(child, lambda: json.loads(_get(f"{base}/healthz"))["state"] == "ready")
    finally:
        child.process.send_signal(signal.SIGTERM)
        usage = child.wait()
    return {"page": page, "ready": ready, "peak_mib": usage.peak_mib}


def _get(url: str) -> bytes:
    # The socket is bound before the application is there: a request waits for it.
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
        content: bytes = answer.read()
        return content


def _until(child: Child, done: Any) -> float:
    while time.perf_counter() - child.started < _PATIENCE:
        try:
            if done():
                return time.perf_counter() - child.started
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.02)
    raise RuntimeError(f"The server did not come up:\n{child.last_words()}")
