"""Whether two samples differ, and by how much: shares, ranks, and distances between vectors.

Each test gives a p-value (how often chance alone would look like this) and an effect size (how
large the difference is, however many values there are).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ORDERS = 1999
_ALIKE = 1 + 1e-7  # tables whose chances differ by rounding alone are as likely


@dataclass(frozen=True, slots=True)
class Difference:
    """Of the second sample from the first.

    Attributes:
        size: the effect, above 0 where the second is the greater.
        p: how often there would be one at least so large by chance.
    """

    size: float
    p: float


def shares(hits: int, count: int, later_hits: int, later_count: int) -> Difference:
    """Two shares: Fisher's exact test, both sides. The size is Cohen's h, which takes 1% against
    4% for as much as 50% against 60%."""
    total, all_hits = count + later_count, hits + later_hits
    least, most = max(0, all_hits - count), min(later_count, all_hits)
    whole = _choose(total, all_hits)
    logs = [_choose(later_count, k) + _choose(count, all_hits - k) - whole
            for k in range(least, most + 1)]  # fmt: skip
    chances = np.exp(np.asarray(logs))
    seen = chances[later_hits - least]
    p = float(chances[chances <= seen * _ALIKE].sum())
    h = 2 * math.asin(math.sqrt(later_hits / later_count)) - 2 * math.asin(math.sqrt(hits / count))
    return Difference(h, min(1.0, p))


def ranks(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Two samples of numbers: the Mann-Whitney test, both sides, corrected for ties. The size is
    Cliff's delta: how much more often a value of the second is the greater one, -1 to 1."""
    n, m = len(first), len(second)
    values, place, times = np.unique([*first, *second], return_inverse=True, return_counts=True)
    rank = (np.cumsum(times) - (times - 1) / 2)[place]
    above = float(rank[n:].sum()) - m * (m + 1) / 2
    ties = float((times.astype(np.float64) ** 3 - times).sum())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    far = abs(above - n * m / 2) - 0.5
    p = math.erfc(max(0.0, far) / math.sqrt(2 * variance)) if len(values) > 1 else 1.0
    return Difference(2 * above / (n * m) - 1, p)


def clouds(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Difference:
    """Two samples of vectors of length 1 (n x d, m x d): the energy test.

    Distances across are set against distances within (Székely and Rizzo, Energy statistics,
    Journal of Statistical Planning and Inference 143, 2013); the p-value is from `ORDERS` orders
    in which any vector may belong to either sample. The size is their coefficient of
    inhomogeneity without its bias: about 0 for samples of one kind, 1 at most.
    """
    drawn = np.random.default_rng(seed)
    both = np.concatenate([first, second]).astype(np.float64)
    apart = np.sqrt(np.maximum(0.0, 2.0 - 2.0 * both @ both.T))
    np.fill_diagonal(apart, 0.0)
    n, m = len(first), len(second)
    mine = np.zeros((n + m, ORDERS + 1))
    mine[:n] = 1.0
    mine[:, 1:] = drawn.permuted(mine[:, 1:], axis=0)
    within = np.einsum("ij,ij->j", mine, apart @ mine)
    across = apart.sum(axis=1) @ mine - within
    rest = apart.sum() - 2 * across - within
    energy = 2 * across / (n * m) - within / n**2 - rest / m**2
    p = float((energy >= energy[0] * (1 - 1e-9)).mean())
    fair = 2 * across[0] / (n * m) - within[0] / (n * (n - 1)) - rest[0] / (m * (m - 1))
    return Difference(max(0.0, float(fair / (2 * across[0] / (n * m)))), p)


def holm(values: Sequence[float]) -> list[float]:
    """P-values corrected for looking at all of them at once: the chance that any is below a
    level where nothing differs is no more than that level."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, least = [1.0] * len(values), 0.0
    for done, place in enumerate(order):
        least = max(least, min(1.0, values[place] * (len(values) - done)))
        corrected[place] = least
    return corrected


def _choose(n: int, k: int) -> float:
    """Logarithm of the number of ways to choose k of n."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
