"""The vectors of a dataset's questions, kept beside it for as long as it stays what it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from chatbot.adapters.known_questions import (
    FAR,
    FILE,
    KnownQuestions,
    distances,
    packed,
    read_known,
    vectors_of,
)
from finetune.rows import Row, Split, fingerprint, read_rows
from finetune.split import key_of

MOST = 5000
"""Questions that stand for all, drawn by a hash: 2 MB, and seconds to embed."""


def known_questions(data: Path, embeddings: Embeddings, model: str) -> KnownQuestions | None:
    """The vectors of a dataset's training questions, made where they were not, or not of these rows
    by this model; None: near cannot be told from far without both training and held-out questions.

    Args:
        model: name of the embedding model.

    Raises:
        BadInput: the folder holds no dataset.
    """
    rows = read_rows(data)
    source, path = fingerprint(rows), data / FILE
    if path.exists():
        found = read_known(path)
        if (found.source, found.model) == (source, model):
            return found
    train = _drawn(r for r in rows if r.split is Split.TRAIN)
    held = _drawn(r for r in rows if r.split is not Split.TRAIN)
    if not train or not held:
        return None
    vectors = vectors_of(train, embeddings)
    far = np.quantile(distances(vectors_of(held, embeddings), vectors), FAR)
    path.write_bytes(packed(KnownQuestions(model, source, vectors, float(far))))
    return read_known(path)


def _drawn(rows: Iterable[Row]) -> list[str]:
    """Each question once; of many, those whose row's id, a hash, comes first."""
    once = {key_of(r.question): r for r in rows}
    return [r.question for r in sorted(once.values(), key=lambda r: r.id)[:MOST]]
