"""How fast an answer comes out of the cache, through the whole chain and the gate, and beside
GPTCache with the same embedding model: `python -m bench.cache_speed --entries 1000000`.

Stored is the first wording of each question in `policies/same`, asked are the first and the second.
What fills the cache up beside them are made-up entries with random vectors, in the same partition.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.options import HANDBOOK, ROOT
from bench.timing import quantile
from chatbot.adapters.answer_cache import AnswerCache, key_of
from chatbot.adapters.answer_store import answer_key
from chatbot.adapters.cards import Card
from chatbot.adapters.question_index import packed, signs
from chatbot.bootstrap import App, bootstrap
from chatbot.domain import Finished, Person
from chatbot.settings import load_settings
from chatbot.steps.entry import Entry
from chatbot.trace import Trace

_ME = Person("bench")
_REAL = "How do I order a replacement card?"
_AT_ONCE = 5000
_DAY = 86_400.0


def main() -> int:
    """Measures, and prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=0, help="made-up entries beside")
    parser.add_argument("--asked", type=int, default=300, help="questions of each kind")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        home = Path(folder)
        settings = load_settings(home=home, cache_mb=1_000_000, cache_checked=0.0)
        ingest = [sys.executable, "-m", "ingest.cli", "sync", str(HANDBOOK)]
        env = {"COUNTERSIGN_HOME": str(home), "COUNTERSIGN_MODELS": str(settings.models_folder)}
        subprocess.run(ingest, check=True, capture_output=True, env=_environment(env))
        with bootstrap(settings) as app:
            found: dict[str, Any] = {"entries": asked.entries + asked.asked}
            pairs = list(_pairs())[: asked.asked]
            _seed(app, pairs, asked.entries)
            found["exact"] = _asked(app, [one for one, _ in pairs], "exact")
            found["semantic"] = _asked(app, [two for _, two in pairs], "semantic")
            found |= _looked_up(app, pairs)
            found["gptcache"] = _gptcache(app, pairs)
    print(json.dumps(found, indent=2))
    return 0


def _environment(more: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **more}


def _pairs() -> Iterator[tuple[str, str]]:
    """Two wordings of each question."""
    for file in sorted((ROOT / "policies" / "same").glob("groups*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            wordings = [w.strip() for w in line.split(" | ")]
            if len(wordings) > 1 and not line.startswith("#"):
                yield wordings[0], wordings[1]


def _cache(app: App) -> AnswerCache:
    cache = app.cache
    if cache is None or cache._nearby is None:
        raise RuntimeError("the settings have no answer cache")
    return cache


def _seed(app: App, pairs: list[tuple[str, str]], more: int) -> None:
    """Puts one real answer into the cache under each question, as if it had been given there."""
    talk = app.conversations.create(_ME.id)
    *_, last = app.chain.answer(_REAL, talk.id, _ME)
    assert isinstance(last, Finished)
    cache = _cache(app)
    nearby, partition = cache._nearby, cache.partition(_ME)
    assert nearby is not None
    entry = cache.entry(key_of(partition, _REAL))
    if entry is None:
        raise RuntimeError(f"the first answer was not kept: {last.record.reasons}")
    for one, _ in pairs:
        app.chain.steps._router.screen(one, ())  # as when it was answered
        key, text = key_of(partition, one), replace(entry, question=one).to_json()
        vector, signed = nearby.kept(nearby.vector(one))
        cache.cards.add(
            Card(
                key, partition, entry.record, one, entry.made_at, entry.seconds, len(text),
                entry.documents, vector, signed,
            )
        )  # fmt: skip
        cache._store.put(answer_key(key), text, _DAY)
    _fill(app, entry, partition, more)
    nearby.catch_up()


def _fill(app: App, entry: Entry, partition: str, count: int) -> None:
    """Made-up entries, written straight into both databases."""
    chance, home = np.random.default_rng(0), app.settings.home
    store, made = _cache(app)._store, entry.made_at.replace(tzinfo=None).isoformat(" ")
    text, end = entry.to_json(), time.time() + _DAY
    card = (
        'INSERT INTO cached_answers (key, "partition", record, question, made_at, used_at, hits, '
        "seconds, bytes, signs) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)"
    )
    body = "INSERT INTO Cache (key, raw, store_time, expire_time, mode, value) VALUES (?,1,0,?,1,?)"
    with (
        closing(sqlite3.connect(home / "catalogue.db")) as cards,
        closing(sqlite3.connect(home / "cache" / "cache.db")) as bodies,
    ):
        for start in range(0, count, _AT_ONCE):
            vectors = chance.standard_normal((_AT_ONCE, 384))
            rows = [(f"{n:032x}", v) for n, v in enumerate(vectors, start)]
            cards.executemany(
                card,
                [
                    (k, partition, entry.record, k, made, made, 1.0, len(text), signs(v))
                    for k, v in rows
                ],
            )
            cards.executemany(
                "INSERT INTO cached_vectors VALUES (?, ?)", [(k, packed(v)) for k, v in rows]
            )
            sealed = (
                (answer_key(k), f"{store._seal(answer_key(k), text)}\n{text}")  # type: ignore[attr-defined]
                for k, _ in rows
            )
            packs = [(_packed(key), end, _packed(value)) for key, value in sealed]
            bodies.executemany(body, packs)
            cards.commit()
            bodies.commit()


def _packed(text: str) -> bytes:
    return zlib.compress(json.dumps(text).encode(), 1)


def _asked(app: App, questions: list[str], kind: str) -> dict[str, Any]:
    """Milliseconds from the question to its last event, where it came from the cache."""
    times = []
    for question in questions:
        if _kind(app, question) != kind:
            continue  # it is not what is timed, and a model would have to write
        talk = app.conversations.create(_ME.id)
        clock = _Clock()
        *_, last = app.chain.answer(question, talk.id, _ME)
        seconds = clock.read()
        if isinstance(last, Finished) and last.record.cache == kind:
            times.append(seconds)
    return _summary(times)


def _kind(app: App, question: str) -> str:
    """How it would be answered: looked up beforehand, without its screening."""
    found = _cache(app).find(Trace(question, _ME, ()))
    return found.kind if found else "miss"


def _looked_up(app: App, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The cache alone, sources checked: no chain, no screening, no record."""
    cache, times = _cache(app), {"exact": [], "semantic": []}  # type: ignore[var-annotated]
    for question in (q for pair in pairs for q in pair):
        clock = _Clock()
        found = cache.find(Trace(question, _ME, ()))
        seconds = clock.read()
        if found is not None and found.kind in times:
            times[found.kind].append(seconds)
    return {f"{kind}_lookup": _summary(found) for kind, found in times.items()}


def _gptcache(app: App, pairs: list[tuple[str, str]]) -> dict[str, Any] | str:
    """GPTCache with SQLite and FAISS and these embeddings, as its documentation sets it up."""
    try:
        from gptcache import Cache
        from gptcache.adapter.api import get, put
        from gptcache.manager import CacheBase, VectorBase, get_data_manager
        from gptcache.processor.pre import get_prompt
        from gptcache.similarity_evaluation.distance import SearchDistanceEvaluation
    except ImportError as error:
        return f"not measured ({error})"
    encoder: Any = app.retriever.embeddings
    with tempfile.TemporaryDirectory(prefix="countersign-gptcache-") as folder:
        cache = Cache()
        base = CacheBase("sqlite", sql_url=f"sqlite:///{folder}/cache.db")
        vectors = VectorBase("faiss", dimension=384, index_path=f"{folder}/faiss.index")
        cache.init(
            pre_embedding_func=get_prompt,
            embedding_func=lambda text, **_: encoder.encode([text])[0],
            data_manager=get_data_manager(base, vectors),
            similarity_evaluation=SearchDistanceEvaluation(),
        )
        for one, _ in pairs:
            put(one, "an answer", cache_obj=cache)
        ask: Callable[[str], Any] = lambda question: get(question, cache_obj=cache)  # noqa: E731
        return {
            "entries": len(pairs),
            "exact": _timed(ask, [one for one, _ in pairs]),
            "semantic": _timed(ask, [two for _, two in pairs]),
        }


def _timed(ask: Callable[[str], Any], questions: list[str]) -> dict[str, Any]:
    times = []
    for question in questions:
        clock = _Clock()
        answer = ask(question)
        seconds = clock.read()
        if answer is not None:
            times.append(seconds)
    return _summary(times)


class _Clock:
    """Milliseconds on the wall, and of this process's cores."""

    def __init__(self) -> None:
        self._wall, self._cores = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Since it was made."""
        wall, cores = time.perf_counter(), time.process_time()
        return (wall - self._wall) * 1000, (cores - self._cores) * 1000


def _summary(times: list[tuple[float, float]]) -> dict[str, Any]:
    """On a machine that does other work too, the cores' time says more than the wall's."""
    if not times:
        return {"n": 0}
    wall, cores = [t for t, _ in times], [c for _, c in times]
    shares = {"p50": 0.5, "p95": 0.95}
    found = {f"{name}_ms": round(quantile(wall, share), 2) for name, share in shares.items()}
    return {"n": len(times), **found, "cores_p50_ms": round(quantile(cores, 0.5), 2)}


if __name__ == "__main__":
    sys.exit(main())
