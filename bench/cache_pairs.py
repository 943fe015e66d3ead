"""`python -m bench.cache_pairs COVID.csv BANKING77.csv`: wrong hits beside GPTCache's.

Both sides have the same vectors. GPTCache decides by its `SearchDistanceEvaluation`, with the
threshold at which it hits as often as Countersign does. Pairs: the first is stored, the second
asked. Banking77: a tenth of the questions asked against the others; an intent stands for an answer,
and another's is a wrong hit.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.adapters.same_pairs import labelled_pairs
from chatbot.adapters.same_question import SameQuestion, open_same_question
from chatbot.adapters.training_data import key_of
from chatbot.commands.routing import open_encoder
from chatbot.steps.intervals import share
from chatbot.steps.neighbourhood import RIVALS, rivals

_BOUNDS = (0.001, 0.002, 0.003, 0.005, 0.01)


def main() -> None:
    """Prints the figures for several bounds as JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("covid", type=Path)
    asked.add_argument("banking", type=Path)
    paths = asked.parse_args()
    same = open_same_question(open_encoder())
    report = {"covid": on_pairs(same, paths.covid), "banking77": on_intents(same, paths.banking)}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def on_pairs(same: SameQuestion, file: Path) -> list[dict[str, Any]]:
    """Each pair in a cache of its own."""
    pairs = labelled_pairs(file)
    stored = same.vectors([one for one, _, _ in pairs])
    asked = same.vectors([two for _, two, _ in pairs])
    like = [
        same.likeness(two, asked[i], [one], stored[i : i + 1])[0]
        for i, (one, two, _) in enumerate(pairs)
    ]
    return _beside(
        np.array(like),
        _gptcache((stored * asked).sum(axis=1)),
        np.array([right for _, _, right in pairs]),
        np.array([right for _, _, right in pairs]),
    )


def on_intents(same: SameQuestion, file: Path) -> list[dict[str, Any]]:
    """A tenth of the questions, by hash, against all others: the best of the nearest, and for
    GPTCache the nearest."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [(r["text"], r.get("category") or r["label"]) for r in csv.DictReader(lines)]
    tenth = np.array([int(key_of(text)[:8], 16) % 10 == 0 for text, _ in rows])
    vectors = same.vectors([text for text, _ in rows])
    stored, asked = np.flatnonzero(~tenth), np.flatnonzero(tenth)
    cosines = vectors[asked] @ vectors[stored].T
    like, ours, theirs = [], [], []
    for row, at in enumerate(asked):
        order = np.argsort(-cosines[row])[:RIVALS]
        nearest = stored[order]
        found = same.likeness(
            rows[at][0], vectors[at], [rows[n][0] for n in nearest], vectors[nearest]
        )
        best = int(np.argmax(found))
        answers = [rows[n][1] for n in nearest]
        others = rivals(cosines[row, order].tolist(), best)
        contested = any(answers[n] != answers[best] for n in others)
        like.append(0.0 if contested else found[best])
        ours.append(answers[best] == rows[at][1])
        theirs.append(answers[0] == rows[at][1])
    scores = _gptcache(cosines.max(axis=1))
    return _beside(np.array(like), scores, np.array(ours), np.array(theirs))


def _gptcache(cosines: np.ndarray) -> np.ndarray:
    from gptcache.similarity_evaluation.distance import (  # type: ignore[import-untyped]
        SearchDistanceEvaluation,
    )

    judge = SearchDistanceEvaluation()
    distances = np.sqrt(np.maximum(0.0, 2.0 - 2.0 * cosines))
    return np.array([judge.evaluation({}, {"search_result": (float(d), None)}) for d in distances])


def _beside(
    like: np.ndarray, scores: np.ndarray, ours_right: np.ndarray, theirs_right: np.ndarray
) -> list[dict[str, Any]]:
    found = []
    for bound in _BOUNDS:
        hits = 1.0 - like <= bound
        most = np.sort(scores)[::-1][max(0, int(hits.sum()) - 1)] if hits.any() else np.inf
        found.append(
            {
                "bound": bound,
                "hits": int(hits.sum()),
                "countersign_wrong": _share(hits & ~ours_right),
                "gptcache_wrong": _share((scores >= most) & ~theirs_right),
            }
        )
    return found


def _share(wrong: Sequence[bool] | np.ndarray) -> dict[str, float]:
    return {"wrong": int(np.sum(wrong)), **share([bool(w) for w in wrong])}


if __name__ == "__main__":
    main()
