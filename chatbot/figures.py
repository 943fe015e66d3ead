"""How far a measured mean can be from the true one, by drawing the values anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DRAWS = 2000


def bootstrap(values: Sequence[float], seed: int = 0) -> dict[str, float]:
    """Mean and its 95% interval, the values drawn anew `DRAWS` times."""
    if not values:
        return {"n": 0, "value": 0.0, "low": 0.0, "high": 0.0}
    found = np.asarray(values, np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(found), (DRAWS, len(found)))
    low, high = np.quantile(found[drawn].mean(axis=1), (0.025, 0.975))
    return {
        "n": len(found),
        "value": round(float(found.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }
