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
    from scipy.stats import fisher_exact  # type: ignore[import-untyped]

    table = [[hits, count - hits], [later_hits, later_count - later_hits]]
    p = float(fisher_exact(table).pvalue)
    h = 2 * math.asin(math.sqrt(later_hits / later_count)) - 2 * math.asin(math.sqrt(hits / count))
    return Difference(h, p)


def ranks(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Two samples of numbers: the Mann-Whitney test, both sides, corrected for ties. The size is
    Cliff's delta: how much more often a value of the second is the greater one, -1 to 1."""
    from scipy.stats import mannwhitneyu

    if len({*first, *second}) == 1:
        return Difference(0.0, 1.0)
    found = mannwhitneyu(second, first, method="asymptotic")
    size = 2 * float(found.statistic) / (len(first) * len(second)) - 1
    return Difference(size, float(found.pvalue))


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
