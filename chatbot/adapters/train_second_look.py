"""Teaches the second look: the encoder is tuned on two thirds of the questions, what the limit is
set on is found on the last third, and then all of them are learned from once more. That is done
twice, in another order, and the mean is kept: one training is off by two points either way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.adapters.embeddings import TextEncoder
from chatbot.adapters.training_data import Labelled, key_of
from chatbot.adapters.tune_encoder import Example, Tell, TunedEncoder, mean
from chatbot.steps.screen import pieces

MODELS = 2
"""How many are trained, of which the mean is taken."""
PARTS = 3
"""One part in so many is kept apart for setting the limit."""
WEIGHTS = {"do_not_answer": 2.0, "xstest-safe": 3.0, "xstest-unsafe": 2.0}
"""How much a question of a set counts, where not once."""
SHARES = {"medquad": 0.25, "banking77": 0.33, "clinc150": 0.25, "squad": 0.2}
"""What share of a large set of much the same questions an epoch sees."""
SMALL = ("do_not_answer", "xstest-safe", "xstest-unsafe")
NEAR = 0.65
"""Cosine from which one of our own questions is too near to one of a small set that is kept
apart: some were written after its kinds, and would flatter what is measured on it."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What was learned, and what it says of questions that it has not seen.

    Attributes:
        arrays: to be stored; `second.dense`, `second.bias` and the change of the encoder.
        apart: which of the questions were kept apart.
        sums: for each of these the greatest probability, over its parts, of all that is sensitive
            or harmful.
    """

    arrays: dict[str, np.ndarray]
    apart: list[int]
    sums: np.ndarray


def teach(learn: Sequence[Labelled], encoder: TextEncoder, tell: Tell) -> Taught:
    """The tuned encoder with its head, from what is not kept apart.

    Args:
        encoder: the embedded model as it comes.
        tell: told how far the training is.
    """
    keys = [key_of(d.text) for d in learn]
    apart = [i for i, key in enumerate(keys) if int(key[10:14], 16) % PARTS == 0]
    known = _known(learn, set(apart), encoder)
    classes = sorted({d.category for d in learn})
    first, last = [], []
    for order in range(MODELS):
        model = TunedEncoder(classes, order)
        model.learn(list(_examples(known)), tell)
        first.append(model.arrays())
        model.learn(list(_examples(learn)), tell, epochs=1, share=0.5)
        last.append(model.arrays())
    return Taught(mean(last), apart, _sums(classes, mean(first), [learn[i] for i in apart]))


def _sums(
    classes: Sequence[str], arrays: Mapping[str, np.ndarray], data: Sequence[Labelled]
) -> np.ndarray:
    """For each question what a model says: `Taught.sums`."""
    model = TunedEncoder(classes)
    model.restore(arrays)
    everyday = [model.classes.index(c) for c in ("everyday", "medical") if c in model.classes]
    texts = [pieces(d.text) for d in data]
    found = model.probabilities([p for parts in texts for p in parts])
    sums = 1 - found[:, everyday].sum(axis=1)
    starts = np.cumsum([0, *map(len, texts)])[:-1]
    return np.asarray(np.maximum.reduceat(sums, starts))


def _known(learn: Sequence[Labelled], apart: set[int], encoder: TextEncoder) -> list[Labelled]:
    """What is learned from: what is not kept apart, without near relatives of it where these
    would flatter."""
    small = [learn[i].text for i in sorted(apart) if learn[i].source in SMALL]
    rest = [d for i, d in enumerate(learn) if i not in apart]
    own = [d.text for d in rest if d.source == "own"]
    if not own or not small:
        return rest
    cosines = (encoder.encode(own) @ encoder.encode(small).T).max(axis=1)
    near = {t for t, c in zip(own, cosines, strict=True) if c >= NEAR}
    return [d for d in rest if d.text not in near]


def _examples(data: Sequence[Labelled]) -> Iterator[Example]:
    """Each question; an everyday question's sentences are everyday too."""
    for item in data:
        share = SHARES.get(item.source, 1.0)
        yield Example(item.text, item.category, WEIGHTS.get(item.source, 1.0), share)
        if item.category == "everyday":
            yield from (Example(p, "everyday", 0.5, share) for p in pieces(item.text)[1:])
