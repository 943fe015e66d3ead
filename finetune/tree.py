"""Several questions over one list of passages as one sequence: the list is read once.

The passages come first in the prompt, so that questions about the same ones share all tokens up to
the question. In the sequence each question with its answer follows the shared part as a branch;
attention (`finetune.attention`) keeps branches from seeing each other, and positions count from
the shared part's end in each. What a branch's tokens get is what they would get alone, for a
fraction of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

IGNORED = -100
"""Label of a token that nothing is learned from: all but the answers."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Tokens of one prompt with its answer; the first `prompt` of them are the prompt's."""

    tokens: tuple[int, ...]
    prompt: int


@dataclass(frozen=True, slots=True)
class Tree:
    """One sequence.

    Attributes:
        tokens: n token ids, the shared part first.
        positions: place of each token in its own prompt.
        labels: token that follows in the answer, `IGNORED` elsewhere; already shifted.
        lengths: tokens of the shared part, then of each branch.
    """

    tokens: np.ndarray
    positions: np.ndarray
    labels: np.ndarray
    lengths: tuple[int, ...]


def tree_of(branches: Sequence[Branch]) -> Tree:
    """Branches that begin alike, as one sequence.

    Raises:
        ValueError: there is none.
    """
    if not branches:
        raise ValueError("a tree needs a branch")
    shared = _shared(branches)
    root = branches[0].tokens[:shared]
    tokens, positions = [*root], [*range(shared)]
    labels, lengths = [IGNORED] * shared, [shared]
    for one in branches:
        rest = one.tokens[shared:]
        tokens += rest
        positions += range(shared, shared + len(rest))
        following = (*one.tokens[shared + 1 :], IGNORED)
        learned = range(shared + 1, len(one.tokens) + 1)
        labels += [
            t if at >= one.prompt else IGNORED for at, t in zip(learned, following, strict=True)
        ]
        lengths.append(len(rest))
    return Tree(np.array(tokens), np.array(positions), np.array(labels), tuple(lengths))


def _shared(branches: Sequence[Branch]) -> int:
    """Tokens that all begin with; at least one of each prompt is left to its branch, since the
    token before an answer is where the answer's first is learned."""
    most = min(one.prompt - 1 for one in branches)
    first = branches[0].tokens
    for at in range(most):
        if any(one.tokens[at] != first[at] for one in branches):
            return at
    return most
