"""The questions that an adapter was trained on, as vectors in a file: to see how far new ones are.

One `.npz` file: a byte a number and a scale a vector, which keeps cosines to about 0.002 at a
quarter of the size; no question can be read from it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from langchain_core.embeddings import Embeddings

from chatbot.adapters.revisions import Revisions
from chatbot.errors import BadInput

FILE = "questions.npz"
FAR = 0.95
"""Share of held-out questions that are nearer to a known one than what counts as far."""


@dataclass(frozen=True, slots=True)
class KnownQuestions:
    """What a model was trained on.

    Attributes:
        model: name of the embedding model; vectors of others say nothing here.
        source: fingerprint of the rows that they are of.
        vectors: n x d, length 1.
        far: distance (1 - cosine) to the nearest of them beyond which only 1 in 20 held-out
            questions of the same set is.
    """

    model: str
    source: str
    vectors: np.ndarray
    far: float

    def are_far(self, vectors: np.ndarray) -> tuple[bool, ...]:
        """For each vector whether it is far from all known questions."""
        if not len(vectors):
            return ()
        return tuple(bool(d > self.far) for d in distances(vectors, self.vectors))


def vectors_of(questions: Sequence[str], embeddings: Embeddings) -> np.ndarray:
    """Their vectors (n x d, length 1), the way live and known questions are compared."""
    return np.asarray(embeddings.embed_documents(list(questions)), np.float32)


def distances(vectors: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Of each vector to the nearest known one: 1 - cosine."""
    return np.asarray(1.0 - (vectors @ known.T).max(axis=1))


def serving_questions(revisions: Revisions, model: str) -> KnownQuestions | None:
    """What the serving adapter was trained on, where that was kept, by that embedding model.

    Raises:
        BadInput: the file cannot be read.
        ModelUnusable: what serves is not known.
    """
    serving = revisions.current()
    path = revisions.beside(serving.revision, FILE) if serving else None
    found = read_known(path) if path and path.exists() else None
    return found if found and found.model == model else None


def packed(known: KnownQuestions) -> bytes:
    """The file's content; the same for the same questions."""
    scale = np.abs(known.vectors).max(axis=1, keepdims=True) / 127
    about = json.dumps({"model": known.model, "source": known.source, "far": known.far})
    file = io.BytesIO()
    np.savez_compressed(
        file,
        about=np.frombuffer(about.encode(), np.uint8),
        vectors=np.round(known.vectors / scale).astype(np.int8),
    )
    return file.getvalue()


def read_known(path: Path) -> KnownQuestions:
    """What `packed` made.

    Raises:
        BadInput: it is missing, or is no such file.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            vectors = file["vectors"].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return KnownQuestions(about["model"], about["source"], vectors, about["far"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise BadInput(
            f"{path} does not hold known questions ({type(error).__name__}).",
            "Delete it: `finetune drift` makes it anew from its dataset.",
        ) from error
