"""Lines and dots as inline SVG, in the colours of the page around them. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

HEIGHT = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 40
_TICKS = 4
STYLE = """
svg { width: 100%; height: auto; display: block; overflow: visible }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft) }
svg .grid { stroke: var(--line) } svg .l { fill: none; stroke: var(--soft); stroke-width: 1.25;
  opacity: .55 } svg .d { fill: var(--soft) } svg .l.best { stroke: var(--mark); stroke-width: 2.25;
  opacity: 1 } svg .d.best { fill: var(--mark) }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """Points that belong together.

    Attributes:
        look: classes of the line and its dots, for the page's style.
        name: shown where the pointer rests on it.
        dotted: the points are marked, each by `looks` and `names` of its own.
    """

    points: Sequence[tuple[float, float]]
    look: str = ""
    name: str = ""
    looks: Sequence[str] = ()
    names: Sequence[str] = ()


def plot(
    lines: Sequence[Line],
    x_title: str,
    y_title: str,
    x_ticks: Sequence[str] = (),
    width: int = 360,
    floor: float | None = None,
) -> str:
    """One plot, `HEIGHT` high.

    Args:
        x_ticks: names of the places 0, 1, 2 … where x is no measure; else x starts at 0.
        floor: where y starts; None: below the lowest point.
    """
    points = [p for line in lines for p in line.points]
    lowest = min(y for _, y in points) if floor is None else floor
    marks = _ticks(lowest, max(y for _, y in points))
    low, high = marks[0], marks[-1]
    if x_ticks:
        left, right = -0.5, len(x_ticks) - 0.5
        names = [(float(n), name) for n, name in enumerate(x_ticks)]
    else:
        right = max(x for x, _ in points)
        left, names = 0.0, [(t, f"{t:g}") for t in _ticks(0.0, right) if t <= right]
    wide, tall = width - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x_of(x: float) -> float:
        return _LEFT + wide * (x - left) / ((right - left) or 1)

    def y_of(y: float) -> float:
        return _TOP + tall * (high - y) / ((high - low) or 1)

    grid = "".join(
        f'<path class=grid d="M{_LEFT} {y_of(m):.1f}H{width - _RIGHT}"/>'
        f"<text x={_LEFT - 8} y={y_of(m) + 4:.1f} text-anchor=end>{m:g}</text>"
        for m in marks
    )
    under = "".join(
        f"<text x={x_of(at):.1f} y={HEIGHT - 22} text-anchor=middle>{escape(name)}</text>"
        for at, name in names
    )
    drawn = "".join(_drawn(line, x_of, y_of) for line in lines)
    title = f"{y_title} by {x_title}"
    return (
        f'<svg viewBox="0 0 {width} {HEIGHT}" role=img aria-label="{escape(title)}">{grid}{under}'
        f"<text x={_LEFT + wide / 2} y={HEIGHT - 4} text-anchor=middle>{escape(x_title)}</text>"
        f"{drawn}</svg>"
    )


def _drawn(line: Line, x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    places = [(x_of(x), y_of(y)) for x, y in line.points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    found = f'<path class="l {line.look}" d="M{path}"><title>{escape(line.name)}</title></path>'
    dots = "".join(
        f'<circle class="d {look}" cx={x:.1f} cy={y:.1f} r=4><title>{escape(name)}</title></circle>'
        for (x, y), look, name in zip(places, line.looks, line.names, strict=False)
    )
    return found + dots


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below the lowest to above the highest."""
    span = (high - low) or abs(high) or 1.0
    rough = span / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]
