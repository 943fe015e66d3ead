"""The trained classifier of questions: one small file of numbers, without pickle."""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import ModelUnusable
from chatbot.policy import FOLDER
from chatbot.steps.spelling import Lexicon

SHIPPED = FOLDER / "router.npz"
_TOKEN = re.compile(r"[^\W_]+(?:'[a-z]+)?")


@dataclass(frozen=True, slots=True)
class Classifier:
    """Probabilities of categories from a text's embedding and its words.

    Attributes:
        embedding_model: the embedding model that it was trained on; no other one fits.
        classes: names of the columns; `everyday` is one.
        dense: embedding x classes; `words`: hashed words and pairs of words x classes.
        limits: category → probability from which it counts; `""`: sum of all that are held.
        everyday: unit vectors of everyday questions, which examples of a policy are held against.
        about: how it was trained and what it scored.
    """

    embedding_model: str
    classes: tuple[str, ...]
    dense: np.ndarray
    words: np.ndarray
    bias: np.ndarray
    limits: Mapping[str, float]
    answer_limits: Mapping[str, float]
    everyday: np.ndarray
    lexicon: Lexicon
    about: Mapping[str, Any]

    def probabilities(self, texts: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """Probability of each class for each text (n x classes)."""
        logits = vectors @ self.dense + self.bias
        for row, text in enumerate(texts):
            at = word_features(text, len(self.words))
            if at:
                logits[row] += self.words[list(at)].T @ np.fromiter(
                    at.values(), np.float32, len(at)
                )
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        return odds / odds.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def word_features(text: str, size: int) -> dict[int, float]:
    """Hashed words and pairs of neighbours of a text → weight; the weights have length 1."""
    tokens = _TOKEN.findall(text.lower())
    keys = dict.fromkeys([*tokens, *(f"{a} {b}" for a, b in zip(tokens, tokens[1:], strict=False))])
    found = dict.fromkeys((zlib.crc32(k.encode()) % size for k in keys), 1.0)
    length = len(found) ** 0.5
    return {at: 1.0 / length for at in found}


def open_classifier(path: Path, encoder_name: str) -> Classifier:
    """The classifier in that file.

    Raises:
        ModelUnusable: it is missing or damaged, or was trained on another embedding model.
    """
    remedy = "Restore policies/router.npz, or train one: chatbot policy train --help."
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"]))
            words = bytes(stored["lexicon"]).decode().split("\n")
            found = Classifier(
                embedding_model=about["embedding_model"],
                classes=tuple(about["classes"]),
                dense=stored["dense"].astype(np.float32),
                words=stored["words"].astype(np.float32) * stored["scale"].astype(np.float32),
                bias=stored["bias"].astype(np.float32),
                limits=about["limits"],
                answer_limits=about["answer_limits"],
                everyday=stored["everyday"].astype(np.float32) / 127.0,
                lexicon=Lexicon({w: i for i, w in enumerate(words)}),
                about=about,
            )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ModelUnusable(f"The classifier {path} cannot be read ({error}).", remedy) from error
    if found.embedding_model != base_model(encoder_name):
        raise ModelUnusable(
            f"The classifier {path.name} was trained on {found.embedding_model}, and the embedding "
            f"model is {base_model(encoder_name)}.",
            "Set COUNTERSIGN_EMBEDDING_MODEL back, or train one: chatbot policy train --help.",
        )
    return found


def base_model(encoder_name: str) -> str:
    """The embedding model without its engine: its vectors are nearly the same on each."""
    return encoder_name.split(" (")[0]
