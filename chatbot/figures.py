"""A measured mean, how far it can be from the true one, and how both are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def line(name: str, found: Mapping[str, float], style: str = ".3f", width: int = 20) -> str:
    """A score for people: its name, value, interval, and over how many; `style` as in `format`."""
    interval = f"[{found['low']:{style}}, {found['high']:{style}}]"
    return f"{name:<{width}} {format(found['value'], style):>8}  {interval:<18} n = {found['n']}"
