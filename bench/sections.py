"""Indexing, retrieval and answers: both sides in turn, plain figures, ready for JSON."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from bench import data, quality
from bench.options import Options
from bench.process import Usage, Worker, environment, run
from bench.timing import median, quantile

Step = Callable[[str], None]
"""Told what comes next; gives back when the machine is calm enough for it."""

Figures = dict[str, Any]
SIDES = ("baseline", "ours")
_EMBEDDED = 128  # texts of the pure embedding measurement
_WARM = 5
_PREPARE = (
    "from chatbot.adapters.embeddings import open_embeddings as o;"
    "from chatbot.settings import load_settings as s; o(s())"
)


def prepare(options: Options, **more: str) -> float:
    """Opens Countersign's embedding model, exported first if it never was; seconds."""
    start = time.perf_counter()
    run(["-c", _PREPARE], environment(options, **more), options.work / "ours.log")
    return time.perf_counter() - start


def measure_index(options: Options, step: Step) -> Figures:
    """Whole index builds, a second sync, and embedding alone."""
    pages = data.sample_pages(options)
    prepare(options)
    builds: dict[str, list[Figures]] = {side: [] for side in SIDES}
    again = []
    for number in range(1, options.builds + 1):
        step(f"index: {len(pages)} pages, plain LangChain, build {number} of {options.builds}")
        builds["baseline"].append(_build_baseline(options))
        step(f"index: {len(pages)} pages, Countersign, build {number} of {options.builds}")
        shutil.rmtree(options.home("ours"), ignore_errors=True)
        builds["ours"].append(_build_ours(options))
        again.append(_sync(options)[0].seconds)
    return {
        "pages": len(pages),
        **{side: _summary(runs, len(pages)) for side, runs in builds.items()},
        "second_sync_seconds": median(again),
        "embedding": _embedding(options, step),
    }


def _build_baseline(options: Options) -> Figures:
    shutil.rmtree(options.home("baseline"), ignore_errors=True)
    with Worker("baseline", options) as worker:
        figures: Figures = worker("index", folder=str(options.documents))
        return figures | _used(worker.close())


def _build_ours(options: Options) -> Figures:
    usage, report = _sync(options)
    if report["failed"]:
        raise RuntimeError(f"ingest could not read {report['failed']}")
    catalogue = options.home("ours") / "catalogue.db"
    with closing(sqlite3.connect(catalogue)) as connection:
        found = connection.execute("SELECT count(*), sum(length(text)) FROM passages").fetchone()
    return {"passages": found[0], "characters": found[1]} | _used(usage)


def _sync(options: Options) -> tuple[Usage, Figures]:
    command = ["-m", "ingest.cli", "sync", str(options.documents), "--json"]
    usage = run(command, environment(options), options.work / "ours.log")
    return usage, json.loads(usage.stdout)


def _used(usage: Usage) -> Figures:
    return {
        "seconds": usage.seconds,
        "cpu_seconds": usage.cpu_seconds,
        "peak_mib": usage.peak_mib,
        "others": usage.others or 0.0,
    }


def _summary(runs: list[Figures], pages: int) -> Figures:
    """Medians over the builds, and the rates that follow from them."""
    middle = {key: median([run[key] for run in runs]) for key in runs[0]}
    seconds = middle["seconds"]
    return middle | {
        "passages_per_second": middle["passages"] / seconds,
        "characters_per_second": middle["characters"] / seconds,
        "seconds_per_page": seconds / pages,
        "builds": [run["seconds"] for run in runs],
    }


def _embedding(options: Options, step: Step) -> Figures:
    """Texts per second on the same texts: the baseline's chunks, a random few of them."""
    with Worker("baseline", options) as plain, Worker("ours", options) as ours:
        chunks = plain("chunks", folder=str(options.documents))
        texts = random.Random(options.seed).sample(chunks, min(_EMBEDDED, len(chunks)))
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        for worker in (plain, ours):
            worker("embed", texts=texts[:32])
        for number in range(options.repeats):
            step(f"index: embedding alone, round {number + 1} of {options.repeats}")
            for worker in (plain, ours):
                seconds[worker.side].append(worker("embed", texts=texts))
    rates = {side: len(texts) / median(took) for side, took in seconds.items()}
    return {"texts": len(texts), **rates}


def need_index(options: Options, step: Step) -> None:
    """Builds both indexes where the index section has not."""
    home = options.home
    if (home("ours") / "catalogue.db").exists() and (home("baseline") / "chroma").exists():
        return
    step("building both indexes")
    data.sample_pages(options)
    prepare(options)
    _build_baseline(options)
    _build_ours(options)


def measure_retrieval(options: Options, step: Step) -> Figures:
    """Ranking scores on XQuAD, then seconds from a question to its passages."""
    need_index(options, step)
    questions = data.many_questions(options, options.queries + _WARM)
    with Worker("baseline", options) as plain, Worker("ours", options) as ours:
        ranking = _ranking(options, plain, ours, step)
        for question in questions[:_WARM]:
            plain("retrieve", question=question)
            ours("retrieve", question=question)
        questions = questions[_WARM:]
        step(f"retrieval: {len(questions)} questions, in turn")
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        for number, question in enumerate(questions):
            for worker in _turns(number, plain, ours):
                seconds[worker.side].append(worker("retrieve", question=question))
    figures = {side: _spread(took) for side, took in seconds.items()}
    return {"queries": len(questions), **figures, "ranking": ranking}


def _turns(number: int, plain: Worker, ours: Worker) -> tuple[Worker, Worker]:
    """Both, the first one first every other time."""
    return (plain, ours) if number % 2 == 0 else (ours, plain)


def _spread(seconds: list[float]) -> Figures:
    return {"median": median(seconds), "p95": quantile(seconds, 0.95)}


def _ranking(options: Options, plain: Worker, ours: Worker, step: Step) -> Figures | None:
    if not options.xquad.is_file():
        step(f"retrieval: no {options.xquad}, so no ranking scores")
        return None
    step("retrieval: nDCG@10 on XQuAD")
    asked = data.load_squad(options.xquad)
    gold = asked.gold
    texts = {"passages": asked.passages, "questions": asked.questions}
    exact = plain("vectors", **texts)
    small = ours("vectors", **texts)
    found = ours("hybrid", **texts, k=quality.K)
    scores = {
        "fp32": quality.ndcg(quality.dense_ranks(exact["passages"], exact["questions"], gold)),
        "dense": quality.ndcg(quality.dense_ranks(small["passages"], small["questions"], gold)),
        "hybrid": quality.ndcg(quality.listed_ranks(found, gold)),
    }
    pairs = {"dense": "fp32", "hybrid": "fp32", "hybrid_to_dense": "dense"}
    differences = {
        name: _difference(scores[name.partition("_")[0]], scores[other])
        for name, other in pairs.items()
    }
    means = {name: float(values.mean()) for name, values in scores.items()}
    return {"questions": len(gold), "ndcg": means, "differences": differences}


def _difference(first: Any, second: Any) -> Figures:
    low, high = quality.interval(first, second)
    return {"mean": float((first - second).mean()), "low": low, "high": high}


def measure_answers(options: Options, step: Step) -> Figures:
    """Seconds to the first sentence and to the whole answer, and memory meanwhile."""
    need_index(options, step)
    loaded = data.load_questions(options)
    asked = random.Random(options.seed).sample(loaded, min(options.asked, len(loaded)))
    answers: dict[str, list[Figures]] = {side: [] for side in SIDES}
    with Worker("baseline", options) as plain, Worker("ours", options) as ours:
        for worker in (plain, ours):
            worker("answer", question="What is this manual about?")
        for number, one in enumerate(asked):
            step(f"answers: question {number + 1} of {len(asked)}")
            for worker in _turns(number, plain, ours):
                said = worker("answer", question=one["question"])
                answers[worker.side].append({"question": one["question"]} | said)
        peaks = {worker.side: worker.close().peak_mib for worker in (plain, ours)}
    return {
        "questions": len(asked),
        **{side: _answer_figures(all_of, peaks[side]) for side, all_of in answers.items()},
    }


def _answer_figures(answers: list[Figures], peak: float) -> Figures:
    modes: dict[str, int] = {}
    for one in answers:
        modes[one["mode"]] = modes.get(one["mode"], 0) + 1
    return {
        "first_sentence": _spread([one["first_sentence"] for one in answers]),
        "whole": _spread([one["whole"] for one in answers]),
        "peak_mib": peak,
        "modes": modes,
        "answers": answers,
    }
