"""How far a measured share can be from the true one."""

from __future__ import annotations

from collections.abc import Sequence

_Z = 1.959964


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share; it holds near 0 and 1, and for small counts."""
    if not count:
        return 0.0, 1.0
    share, z2 = hits / count, _Z * _Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    spread = _Z / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - spread), min(1.0, middle + spread)


def share(hits: Sequence[bool]) -> dict[str, float]:
    """How many of how many as `n`, `value`, `low` and `high`, the way reports print it."""
    low, high = wilson(sum(hits), len(hits))
    value = sum(hits) / len(hits) if hits else 0.0
    return {"n": len(hits), "value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}
