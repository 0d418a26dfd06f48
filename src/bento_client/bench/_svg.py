"""Line charts as inline SVG, in the colors of the page that they are in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 15, 12, 42
_TICKS: Final = 5
COLORS: Final = 8
"""The number of colors, ``--c0`` and so on, which the page defines."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart.

    Attributes:
        name: its name in the legend.
        points: its points.
        color: the number of its color.
        is_dashed: whether it is dashed.
    """

    name: str
    points: Sequence[tuple[float, float]]
    color: int
    is_dashed: bool = False


def chart(
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    show_x: Callable[[float], str],
    show_y: Callable[[float], str],
    is_log: bool = False,
) -> str:
    """A chart of lines; empty if they have no points.

    Args:
        lines: the lines.
        x_label: what the horizontal axis is.
        y_label: what the vertical axis is, which begins at 0.
        show_x: the text of a value on the horizontal axis.
        show_y: the text of a value on the vertical axis.
        is_log: whether the horizontal axis is logarithmic. Values must be greater than 0 then.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    scale: Callable[[float], float] = math.log10 if is_log else float
    low, high = min(scale(x) for x, _ in points), max(scale(x) for x, _ in points)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    top = max(1e-9, *(y for _, y in points))
    step = _step(top / _TICKS)
    top = step * math.ceil(top / step - 1e-9)

    def at_x(value: float) -> float:
        return round(_LEFT + (scale(value) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT), 1)

    def at_y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM), 1)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)} by {escape(x_label)}">']
    for number in range(round(top / step) + 1):
        y = at_y(number * step)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" class="end">{escape(show_y(number * step))}</text>')
    for value in _ticks(low, high, is_log=is_log):
        x = at_x(value)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - _BOTTOM + 16}" class="middle">{escape(show_x(value))}</text>')
    parts.append(f'<text x="{(WIDTH + _LEFT) / 2}" y="{HEIGHT - 6}" class="middle label">{escape(x_label)}</text>')
    parts.append(
        f'<text transform="translate(12 {(HEIGHT - _BOTTOM) / 2}) rotate(-90)" class="middle label">'
        f"{escape(y_label)}</text>"
    )
    for line in lines:
        drawn = " ".join(f"{at_x(x)},{at_y(y)}" for x, y in line.points)
        dashed = ' stroke-dasharray="4 3"' if line.is_dashed else ""
        color = f"var(--c{line.color % COLORS})"
        parts.append(
            f'<polyline points="{drawn}" style="stroke:{color}"{dashed}><title>{escape(line.name)}</title></polyline>'
        )
        if len(line.points) <= 12:
            parts += [f'<circle cx="{at_x(x)}" cy="{at_y(y)}" r="3" style="fill:{color}"/>' for x, y in line.points]
    legend = "".join(
        f'<span><i class="{"dashed" if line.is_dashed else ""}" style="background:var(--c{line.color % COLORS})"></i>'
        f"{escape(line.name)}</span>"
        for line in lines
    )
    return f'{"".join(parts)}</svg><p class="legend">{legend}</p>'


def _step(rough: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _ticks(low: float, high: float, *, is_log: bool) -> list[float]:
    if not is_log:
        step = _step((high - low) / (2 * _TICKS))
        first = math.ceil(low / step - 1e-9)
        return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]
    factors = (1, 2, 5) if high - low < 3 else (1,)
    powers = range(math.floor(low), math.floor(high) + 1)
    found = [factor * 10.0**power for power in powers for factor in factors]
    return [value for value in found if low - 1e-9 <= math.log10(value) <= high + 1e-9]
