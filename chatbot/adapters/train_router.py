"""Trains the router's classifier from labelled questions; see docs/experiments/router.md."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.adapters.classifier import base_model, word_features
from chatbot.adapters.training_data import Labelled
from chatbot.steps.spelling import WORDS

FEATURES = 2**14
WEIGHTS = {
    "own": 6.0,
    "counsel_chat": 2.0,
    "do_not_answer": 2.0,
    "xstest-safe": 5.0,
    "xstest-unsafe": 5.0,
}


def train(
    data: Sequence[Labelled],
    encode: Callable[[Sequence[str]], np.ndarray],
    name: str,
    vocabulary: Sequence[str],
) -> bytes:
    """The trained classifier as the bytes of its file."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    learn = [d for d in data if d.side == "train"]
    vectors = encode([d.text for d in learn])
    features = hstack([csr_matrix(vectors), _word_matrix(learn)]).tocsr()
    model = LogisticRegression(C=8, max_iter=500, random_state=0)
    model.fit(
        features,
        [d.category for d in learn],
        sample_weight=[WEIGHTS.get(d.source, 1.0) for d in learn],
    )
    coefficients = model.coef_.T.astype(np.float32)
    words = coefficients[vectors.shape[1] :]
    scale = np.abs(words).max() / 127.0
    classes = [str(c) for c in model.classes_]
    about = {
        "embedding_model": base_model(name),
        "classes": classes,
        "limits": {"": 0.2},
        "answer_limits": {"": 0.97},
        "data": dict(Counter(f"{d.source} {d.side}" for d in data)),
    }
    everyday = np.array([i for i, d in enumerate(learn) if d.category == "everyday"])
    chosen = np.random.default_rng(0).choice(everyday, min(1000, len(everyday)), replace=False)
    arrays = {
        "dense": coefficients[: vectors.shape[1]].astype(np.float16),
        "words": np.round(words / scale).astype(np.int8),
        "scale": np.float32(scale),
        "bias": model.intercept_.astype(np.float32),
        "everyday": np.round(vectors[chosen] * 127).astype(np.int8),
        "lexicon": np.frombuffer("\n".join(lexicon(data, vocabulary)).encode(), np.uint8),
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def _word_matrix(data: Sequence[Labelled]) -> Any:
    from scipy.sparse import csr_matrix

    rows, columns, values = [], [], []
    for row, item in enumerate(data):
        for column, value in word_features(item.text, FEATURES).items():
            rows.append(row)
            columns.append(column)
            values.append(value)
    return csr_matrix((values, (rows, columns)), (len(data), FEATURES), np.float32)


def lexicon(data: Sequence[Labelled], vocabulary: Sequence[str]) -> list[str]:
    """Words from the most frequent: the embedding model's vocabulary, then those of the data."""
    known = [
        w for w in vocabulary if len(w) > 2 and WORDS.fullmatch(w) and (set(w) & set("aeiouy"))
    ]
    seen = Counter(
        w.replace("'", "") for d in data if d.side != "test" for w in WORDS.findall(d.text.lower())
    )
    more = [w for w, n in seen.most_common() if n > 2 and len(w) > 2]
    return list(dict.fromkeys([*known, *more]))
