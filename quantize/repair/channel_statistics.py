"""What the channels of activations are like, over examples, in one streamed pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from quantize.graph import FloatGraph
from quantize.run_examples import Examples, Progress, ignore_progress, run_examples

__all__ = ["ChannelStatistics", "measure_channels"]

_POSITIONS = 512
"""Values of a channel looked at in one example: evenly spread over the positions."""

_BINS_PER_OCTAVE = 4
_OCTAVES = 24
_LEVELS = 127.0
_LEAST = 1e-30

Channels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """One value a channel (axis 1), each of shape (channels,), float64.

    Attributes:
        low: smallest value, over all positions.
        peak: largest absolute value, over all positions, of what is not below the floor.
        square: mean of the squares.
        variance: over examples and positions.
        clip: a bound between `peak` and the c for which rounding to c / 127 and clipping at c
            have the least squared error: their geometric mean, since what is clipped is clipped
            in whole regions of a few examples, and errors of one sign add up behind it.
    """

    low: Channels
    peak: Channels
    square: Channels
    variance: Channels
    clip: Channels


def measure_channels(
    graph: FloatGraph,
    examples: Examples,
    names: Sequence[str],
    *,
    floors: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> dict[str, ChannelStatistics]:
    """Measure the channels of some activations.

    Args:
        graph: the float graph.
        examples: its inputs.
        names: activations (1, channels, ...).
        floors: by name, the value below which it makes no difference how low one is.
        progress: told after each example.

    Returns:
        Statistics by activation; memory does not grow with the number of examples.

    Raises:
        InputError: an activation is NaN or infinite.
        EngineError: onnxruntime failed.
    """
    if not names:
        return {}
    report = progress or ignore_progress
    lows = floors or {}
    sums = {name: _Sums(graph.shapes[name][1]) for name in names}
    for done, found in enumerate(run_examples(graph, examples, names), start=1):
        for name, each in sums.items():
            values = found[name].reshape(graph.shapes[name][1], -1)
            if not each.update(values, lows.get(name, -np.inf)):
                raise InputError(
                    f"activation '{name}' is not finite on example {done}; "
                    "check the model and the preprocessing"
                )
        report(done, len(examples))
    return {name: each.finish() for name, each in sums.items()}


class _Sums:
    """Sums of one activation: a histogram of absolute values in equal ratios, for each channel.

    The bins are anchored at the first example's largest value, two octaves below the top.
    """

    def __init__(self, channels: int) -> None:
        self._peak = np.zeros(channels)
        self._low = np.zeros(channels)
        self._total = np.zeros(channels)
        self._square = np.zeros(channels)
        self._counts = np.zeros((channels, _BINS_PER_OCTAVE * _OCTAVES))
        self._count = 0
        self._top = 0.0

    def update(self, values: NDArray[np.float32], floor: float) -> bool:
        """See (channels, positions); False where they are not finite."""
        low, high = values.min(axis=1), values.max(axis=1)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return False
        self._low = np.minimum(self._low, low)
        self._peak = np.maximum(self._peak, np.maximum(high, -np.maximum(low, floor)))
        sample = values[:, :: max(1, values.shape[1] // _POSITIONS)].astype(np.float64)
        sample = np.maximum(sample, floor)
        self._total += sample.sum(axis=1)
        self._square += np.square(sample).sum(axis=1)
        self._count += sample.shape[1]
        sizes = np.abs(sample)
        if self._top == 0.0:
            self._top = 4.0 * float(sizes.max(initial=0.0))
        octaves = np.log2(np.maximum(sizes, _LEAST)) - np.log2(max(self._top, _LEAST))
        bins = self._counts.shape[1]
        at = np.clip(np.floor(octaves * _BINS_PER_OCTAVE).astype(np.int64) + bins, 0, bins - 1)
        at += bins * np.arange(len(values))[:, None]
        self._counts += np.bincount(at.ravel(), minlength=self._counts.size).reshape(
            self._counts.shape
        )
        return True

    def finish(self) -> ChannelStatistics:
        """The statistics of what was seen."""
        count = max(self._count, 1)
        mean, square = self._total / count, self._square / count
        return ChannelStatistics(
            low=self._low,
            peak=self._peak,
            square=square,
            variance=np.maximum(square - np.square(mean), 0.0),
            clip=np.sqrt(self._best_clips() * self._peak),
        )

    def _best_clips(self) -> Channels:
        """Of bounds in equal ratios, the one of least rounding and clipping error."""
        bins = self._counts.shape[1]
        steps = np.arange(-bins, 0)
        centres = self._top * 2.0 ** ((steps + 0.5) / _BINS_PER_OCTAVE)
        bounds = self._top * 2.0 ** ((steps + 1.0) / _BINS_PER_OCTAVE)
        excess = np.square(np.maximum(centres[:, None] - bounds[None, :], 0.0))
        clipped = self._counts @ excess
        rounded = self._counts.sum(axis=1, keepdims=True) * np.square(bounds / _LEVELS) / 12.0
        best: Channels = bounds[np.argmin(clipped + rounded, axis=1)]
        return np.minimum(best, self._peak)
