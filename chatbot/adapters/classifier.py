"""The trained classifier of questions: one small file of numbers, without pickle."""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from chatbot.adapters.low_rank import PREFIX
from chatbot.errors import ModelUnusable
from chatbot.policy import FOLDER
from chatbot.steps.screen import Limits
from chatbot.steps.spelling import Lexicon

SHIPPED = FOLDER / "router.npz"
HASHED_LENGTH = 1.5
"""Length of the vector of hashed words beside the embedding's length of 1."""
_TOKEN = re.compile(r"[^\W_]+(?:'[a-z]+)?")


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Probabilities of the same classes from a text's vector by the encoder that the file tunes.

    Attributes:
        limit: the least sum of the probabilities of all that the policy does not release.
    """

    dense: np.ndarray
    bias: np.ndarray
    limit: float

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Probability of each class for each vector (n x classes)."""
        return _shares(vectors @ self.dense + self.bias)


@dataclass(frozen=True, slots=True)
class Classifier:
    """Probabilities of categories from a text's embedding and its words.

    Attributes:
        embedding_model: the embedding model that it was trained on; no other one fits.
        classes: names of the columns; `everyday` is one.
        dense: embedding x classes.
        hashed: words, pairs of words and parts of words, hashed, x classes.
        limits, answer_limits: what has to be reached by a question, by a sentence of an answer.
        everyday: unit vectors of everyday questions, which examples of a policy are held against.
        second: judges what these numbers would let through, over a tuned encoder's vectors.
        about: how it was trained and what it scored.
    """

    embedding_model: str
    classes: tuple[str, ...]
    dense: np.ndarray
    hashed: np.ndarray
    bias: np.ndarray
    limits: Limits
    answer_limits: Limits
    everyday: np.ndarray
    lexicon: Lexicon
    second: SecondLook
    about: Mapping[str, Any]

    def probabilities(self, texts: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """Probability of each class for each text (n x classes)."""
        logits = vectors @ self.dense + self.bias
        for row, text in enumerate(texts):
            at = word_features(text, len(self.hashed))
            if at:
                logits[row] += self.hashed[at].sum(axis=0) * (HASHED_LENGTH / len(at) ** 0.5)
        return _shares(logits)


def _shares(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def word_features(text: str, size: int) -> list[int]:
    """Where a text's words, pairs of neighbours and four-letter parts of words are hashed to."""
    tokens = _TOKEN.findall(text.lower())
    keys = {*tokens, *(f"{a} {b}" for a, b in pairwise(tokens))}
    for token in tokens:
        whole = f"<{token}>"
        keys |= {f"#{whole[i : i + 4]}" for i in range(len(whole) - 3)}
    return sorted({zlib.crc32(key.encode()) % size for key in keys})


def open_classifier(path: Path, encoder_name: str) -> Classifier:
    """The classifier in that file.

    Raises:
        ModelUnusable: it is missing or damaged, or was trained on another embedding model.
    """
    remedy = "Restore policies/router.npz, or train one: chatbot policy train --help."
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"]))
            stored[f"{PREFIX}0.output.dense.a"]  # an encoder of its own, which is opened elsewhere
            words = bytes(stored["lexicon"]).decode().split("\n")
            found = Classifier(
                embedding_model=about["embedding_model"],
                classes=tuple(about["classes"]),
                dense=stored["dense"].astype(np.float32),
                hashed=stored["hashed"].astype(np.float32) * stored["scale"].astype(np.float32),
                bias=stored["bias"].astype(np.float32),
                limits=_limits(about["limits"]),
                answer_limits=_limits(about["answer_limits"]),
                everyday=stored["everyday"].astype(np.float32) / 127.0,
                lexicon=Lexicon({w: i for i, w in enumerate(words)}),
                second=SecondLook(
                    stored["second.dense"].astype(np.float32),
                    stored["second.bias"].astype(np.float32),
                    float(about["second_limit"]),
                ),
                about=about,
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ModelUnusable(f"The classifier {path} cannot be read ({error}).", remedy) from error
    if found.embedding_model != base_model(encoder_name):
        raise ModelUnusable(
            f"The classifier {path.name} was trained on {found.embedding_model}, and the embedding "
            f"model is {base_model(encoder_name)}.",
            "Set COUNTERSIGN_EMBEDDING_MODEL back, or train one: chatbot policy train --help.",
        )
    return found


def _limits(raw: Mapping[str, Any]) -> Limits:
    return Limits(
        single={name: float(limit) for name, limit in raw["single"].items()},
        sums=tuple((frozenset(names), float(limit)) for names, limit in raw["sums"]),
    )


def base_model(encoder_name: str) -> str:
    """The embedding model without its engine: its vectors are nearly the same on each."""
    return encoder_name.split(" (")[0]
