"""A linear scale and its ticks."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

__all__ = ["Axis", "axis_over"]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to positions.

    Attributes:
        low: value at `start`.
        high: value at `end`, above `low`.
        start: position of `low` in user units.
        end: position of `high`.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Position of a value, held inside the axis."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values along it."""
        step = _round_step((self.high - self.low) / most)
        first = ceil(self.low / step - 1e-9)
        last = floor(self.high / step + 1e-9)
        return [each * step for each in range(first, last + 1)]


def axis_over(values: list[float], start: float, end: float, *, with_zero: bool = True) -> Axis:
    """An axis that holds all values, from zero where wanted, with round ends."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / 6)
    return Axis(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, start, end)


def _round_step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(each * power for each in _STEPS if each * power >= least * (1 - 1e-9))
