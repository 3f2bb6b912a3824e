"""Axes and shapes as SVG text. Numbers in, text out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Frame", "round_steps", "svg"]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_steps(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers within a range, at most so many: 1, 2, 2.5 or 5 times a power of ten apart.

    Args:
        low: lower end.
        high: upper end.
        most: how many at most, at least two.
    """
    width = high - low
    if not width > 0 or not math.isfinite(width):
        return [low]
    power = 10.0 ** math.floor(math.log10(width / most))
    step = next(power * each for each in _STEPS if width / (power * each) <= most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot's place on the page and the values at its edges.

    Attributes:
        left: pixels.
        top: pixels.
        width: pixels.
        height: pixels.
        x: values at the left and right edge.
        y: values at the bottom and top edge.
    """

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point; what lies outside is drawn at the edge."""
        return (
            self.left + self.width * _share(x, *self.x),
            self.top + self.height * (1.0 - _share(y, *self.y)),
        )

    def axes(self, x_name: str, y_name: str) -> str:
        """Grid lines with their numbers, and what is counted."""
        parts = []
        for value in round_steps(*self.y, most=4):
            _, y = self.at(self.x[0], value)
            parts.append(_line(self.left, y, self.left + self.width, y, "grid"))
            parts.append(_text(self.left - 6, y + 4, f"{value:g}", anchor="end"))
        bottom = self.top + self.height
        if x_name:
            for value in round_steps(*self.x):
                x, _ = self.at(value, self.y[0])
                parts.append(_text(x, bottom + 16, f"{value:g}", anchor="middle"))
            parts.append(_text(self.left + self.width, bottom + 32, x_name, anchor="end"))
        parts.append(_text(self.left, self.top - 6, y_name, name="name"))
        return "".join(parts)

    def curve(self, xs: Sequence[float], ys: Sequence[float], name: str = "") -> str:
        """A line through points, broken where a value is missing (NaN)."""
        commands, is_open = [], False
        for x, y in zip(xs, ys, strict=True):
            if math.isnan(y):
                is_open = False
                continue
            across, down = self.at(x, y)
            commands.append(f"{'L' if is_open else 'M'}{across:.1f} {down:.1f}")
            is_open = True
        return f'<path class="curve {name}" d="{"".join(commands)}"/>'

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> str:
        """The area between two lines."""
        upper = [self.at(x, y) for x, y in zip(xs, highs, strict=True)]
        lower = [self.at(x, y) for x, y in zip(xs, lows, strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*upper, *reversed(lower)))
        return f'<polygon class="range" points="{points}"/>'

    def bar(self, ends: tuple[float, float], y: float, name: str = "") -> str:
        """A column from the bottom to a value."""
        left, top = self.at(ends[0], y)
        right, bottom = self.at(ends[1], self.y[0])
        return (
            f'<rect class="bar {name}" x="{left:.1f}" y="{top:.1f}" '
            f'width="{max(0.5, right - left - 0.5):.1f}" height="{max(0.0, bottom - top):.1f}"/>'
        )

    def mark(self, x: float, words: str, *, row: int = 0) -> str:
        """A dashed line from top to bottom with words beside it."""
        across, _ = self.at(x, self.y[0])
        line = _line(across, self.top, across, self.top + self.height, "mark")
        return line + _text(across + 4, self.top + 12 + 14 * row, words, name="name")


def svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    """A drawing with a title that screen readers read."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _share(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5


def _line(left: float, top: float, right: float, bottom: float, name: str) -> str:
    return (
        f'<line class="{name}" x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}"/>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", name: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{name}" {place}>{escape(words)}</text>'
