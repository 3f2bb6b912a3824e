"""One factor for each channel class, for the least expected quantization noise.

The step of an 8-bit tensor T is D = max over its channels of s[c] * clip[c], over 127; in the
model's own size its rounding noise on channel c is (D / s[c]) ** 2 / 12, and a layer that reads it
multiplies that by its weights' energy. Of one tensor alone s[c] = 1 / clip[c] is best. Where
tensors share factors, the sum over all of them is lowered by gradient descent on log s; the max
becomes a norm of high order for that. Larger factors make readers' weights uneven, which costs
them precision; so the strength e in s ** e is chosen last, with both noises counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FactorProblem", "Reader", "Span", "solve_factors"]

_STRENGTHS = (0.0, 0.25, 0.5, 0.65, 0.8, 0.9, 1.0)
_LARGEST_RATIO = 256.0
_LEVELS = 127.0
_ORDER = 24.0
_STEPS = 200
_RATE = 0.05
_SATURATED = 0.999
_LEAST = 1e-12

Channels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reader:
    """A layer that reads a tensor.

    Attributes:
        weights: (outputs, channels a group, positions), absolute.
        gains: (outputs,) noise gain of each output channel.
        groups: of the convolution; 1 for dense layers.
    """

    weights: Channels
    gains: Channels
    groups: int

    def weight_noise(self, factors: Channels, square: Channels) -> float:
        """Noise at the graph's outputs from rounding the weights, in twelfths."""
        shape = (self.groups, 1, self.weights.shape[1], 1)
        by_group = self.weights.reshape(self.groups, -1, *self.weights.shape[1:])
        steps = (by_group / factors.reshape(shape)).max(axis=(2, 3)) / _LEVELS
        power: Channels = (np.square(factors) * square).reshape(self.groups, -1).sum(axis=1)
        noise = (np.square(steps) * self.gains.reshape(steps.shape)).sum(axis=1)
        positions: int = self.weights.shape[2]
        return float((noise * power).sum()) * positions


@dataclass(frozen=True, slots=True)
class Span:
    """One tensor: its channels' classes and what is known of them.

    Attributes:
        classes: (channels,) class numbers.
        clip: (channels,) what the tensor's range should hold of each channel.
        peak: (channels,) largest absolute value.
        square: (channels,) mean square.
        gains: (channels,) noise gain.
        cap: upper bound of the Clip that writes it; infinity for none.
        readers: layers that read it.
    """

    classes: NDArray[np.int64]
    clip: Channels
    peak: Channels
    square: Channels
    gains: Channels
    cap: float
    readers: tuple[Reader, ...]


@dataclass(frozen=True, slots=True)
class FactorProblem:
    """Tensors that are bound together; `is_free` is by class, over the whole graph."""

    spans: tuple[Span, ...]
    is_free: NDArray[np.bool_]


def solve_factors(problem: FactorProblem) -> tuple[NDArray[np.int64], Channels]:
    """Find the factors of the classes of one problem.

    Returns:
        Class numbers, and the factor of each.
    """
    classes = np.unique(np.concatenate([span.classes for span in problem.spans]))
    places = [np.searchsorted(classes, span.classes) for span in problem.spans]
    ceilings, is_free = _limits(problem, classes, places)
    start = _first_guess(problem, places, len(classes), is_free)
    logs = _descend(problem, places, start, is_free)
    best, least = np.ones(len(classes)), np.inf
    for strength in _STRENGTHS:
        factors = _bounded(np.exp(strength * logs), ceilings, is_free)
        noise = _noise(problem, places, factors)
        if noise < least:
            best, least = factors, noise
    return classes, best


def _limits(
    problem: FactorProblem, classes: NDArray[np.int64], places: list[NDArray[np.int64]]
) -> tuple[Channels, NDArray[np.bool_]]:
    """The largest factor of each class under its caps; channels that meet theirs are held."""
    ceilings = np.full(len(classes), np.inf)
    is_free = problem.is_free[classes].copy()
    for span, place in zip(problem.spans, places, strict=True):
        if not np.isfinite(span.cap):
            continue
        room = span.cap / np.maximum(span.peak, _LEAST)
        np.minimum.at(ceilings, place, room)
        is_free[place[span.peak >= _SATURATED * span.cap]] = False
    return ceilings, is_free


def _first_guess(
    problem: FactorProblem, places: list[NDArray[np.int64]], count: int, is_free: NDArray[np.bool_]
) -> Channels:
    """Mean over tensors of log (typical clip / clip)."""
    total, seen = np.zeros(count), np.zeros(count)
    for span, place in zip(problem.spans, places, strict=True):
        clip = _positive(span.clip)
        np.add.at(total, place, np.log(clip.max()) - np.log(clip))
        np.add.at(seen, place, 1.0)
    logs = total / np.maximum(seen, 1.0)
    logs = np.minimum(logs, np.log(_LARGEST_RATIO))
    return np.where(is_free, logs, 0.0)


def _positive(clip: Channels) -> Channels:
    return np.maximum(clip, max(float(clip.max(initial=0.0)) / _LARGEST_RATIO, _LEAST))


def _descend(
    problem: FactorProblem,
    places: list[NDArray[np.int64]],
    logs: Channels,
    is_free: NDArray[np.bool_],
) -> Channels:
    """Adam (Kingma and Ba 2014) on the log of the expected noise."""
    if len(problem.spans) == 1 and is_free.all():
        return logs
    clips = [_positive(span.clip) for span in problem.spans]
    importances = [span.gains for span in problem.spans]
    first, second = np.zeros_like(logs), np.zeros_like(logs)
    best, least = logs, np.inf
    for step in range(1, _STEPS + 1):
        noise, slope = _slope(logs, places, clips, importances)
        if noise < least:
            best, least = logs.copy(), noise
        slope = np.where(is_free, slope, 0.0)
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * np.square(slope)
        rate = _RATE * (1.0 - step / (_STEPS + 1))
        move = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + _LEAST)
        logs = logs - rate * move
    return best


def _slope(
    logs: Channels,
    places: list[NDArray[np.int64]],
    clips: list[Channels],
    importances: list[Channels],
) -> tuple[float, Channels]:
    """Expected noise of the activations and its gradient."""
    total, slope = 0.0, np.zeros_like(logs)
    for place, clip, importance in zip(places, clips, importances, strict=True):
        sizes = logs[place] + np.log(clip)
        top = sizes.max()
        powers = np.exp(_ORDER * (sizes - top))
        step = np.exp(2.0 * (top + np.log(powers.sum()) / _ORDER))
        parts = step * importance * np.exp(-2.0 * logs[place])
        noise = float(parts.sum())
        total += noise
        np.add.at(slope, place, 2.0 * noise * powers / powers.sum() - 2.0 * parts)
    return total, slope / max(total, _LEAST)


def _bounded(factors: Channels, ceilings: Channels, is_free: NDArray[np.bool_]) -> Channels:
    found: Channels = np.where(is_free, np.minimum(factors, ceilings), 1.0)
    return found


def _noise(problem: FactorProblem, places: list[NDArray[np.int64]], factors: Channels) -> float:
    """Expected noise of activations and of readers' weights, at the graph's outputs."""
    total = 0.0
    for span, place in zip(problem.spans, places, strict=True):
        own = factors[place]
        step = float((own * span.clip).max()) / _LEVELS
        total += float((span.gains * np.square(step / np.maximum(own, _LEAST))).sum())
        total += sum(reader.weight_noise(own, span.square) for reader in span.readers)
    return total
