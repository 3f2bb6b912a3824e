"""What the float source model itself shows on the examples, measured in one walk.

The source is looked at as it was given, not as the canonical graph: folding takes away what it
says about the data it was fed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.refusals.source_walk import initializers, walk_source
from quantize.run_examples import Examples

__all__ = [
    "FirstLayer",
    "NormalisedInput",
    "OutputSpread",
    "RescaledInput",
    "SourceStatistics",
    "batch_normalisations",
    "measure_source",
    "rescaled_inputs",
]


@dataclass(frozen=True, slots=True)
class NormalisedInput:
    """What flows into a batch normalisation, beside what flowed there in training.

    All arrays are (channels,), float64.

    Attributes:
        name: of the batch normalisation.
        expected_mean: its running mean.
        expected_variance: its running variance.
        mean: over examples and positions.
        variance: likewise.
    """

    name: str
    expected_mean: NDArray[np.float64]
    expected_variance: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FirstLayer:
    """What the first convolution answers, where no batch normalisation follows it.

    Attributes:
        name: of the convolution.
        deviation: (channels,) float64, standard deviation over examples and positions.
    """

    name: str
    deviation: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OutputSpread:
    """How an output varies over the examples.

    Attributes:
        name: of the output.
        deviation: greatest standard deviation of any element over the examples.
        magnitude: greatest absolute value.
    """

    name: str
    deviation: float
    magnitude: float


@dataclass(frozen=True, slots=True)
class RescaledInput:
    """What a model makes of an input by constant scales and offsets before its first layer.

    Attributes:
        name: of the tensor after the last of them.
        before: smallest and largest value of the input over the examples.
        after: of the tensor.
    """

    name: str
    before: tuple[float, float]
    after: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SourceStatistics:
    """What a source model shows on its examples.

    Attributes:
        examples: how many were looked at.
        normalisation: at the first batch normalisation; None where there is none.
        layer: the first convolution, where there is no batch normalisation; else None.
        outputs: of float outputs whose shape does not change.
        rescaled: of the inputs that the model scales itself.
    """

    examples: int
    normalisation: NormalisedInput | None
    layer: FirstLayer | None
    outputs: tuple[OutputSpread, ...]
    rescaled: tuple[RescaledInput, ...]


def batch_normalisations(model: Any) -> list[tuple[Any, NDArray[Any], NDArray[Any]]]:
    """The batch normalisations of an `onnx.ModelProto`: node, running mean, running variance."""
    constants = initializers(model)
    return [
        (node, constants[node.input[3]], constants[node.input[4]])
        for node in model.graph.node
        if node.op_type == "BatchNormalization"
        and node.input[3] in constants
        and node.input[4] in constants
    ]


class _Moments:
    def __init__(self) -> None:
        self.count = 0
        self.total: NDArray[np.float64] | float = 0.0
        self.squares: NDArray[np.float64] | float = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Count values whose first axis is the one to keep apart."""
        rows = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
        rows = rows.reshape(len(values), -1)
        self.count += rows.shape[1]
        self.total = self.total + rows.sum(axis=1)
        self.squares = self.squares + np.square(rows).sum(axis=1)

    @property
    def mean(self) -> NDArray[np.float64]:
        return np.asarray(self.total) / max(1, self.count)

    @property
    def variance(self) -> NDArray[np.float64]:
        squares = np.asarray(self.squares) / max(1, self.count)
        return np.maximum(squares - np.square(self.mean), 0.0)


def rescaled_inputs(model: Any) -> dict[str, str]:
    """The tensors that an `onnx.ModelProto` makes of its inputs by constant scales and offsets.

    Returns:
        The input by the last tensor of each chain that holds at least one scale or offset.
    """
    constants = initializers(model)
    # The input that a tensor comes from, and whether it was rescaled on its way.
    found = {
        each.name: (each.name, False) for each in model.graph.input if each.name not in constants
    }
    passed: set[str] = set()
    for node in model.graph.node:
        sources = [name for name in node.input if name and name not in constants]
        if len(sources) != 1 or sources[0] not in found:
            continue
        if node.op_type in _ARITHMETIC or node.op_type in _MOVING:
            start, is_rescaled = found[sources[0]]
            found[node.output[0]] = (start, is_rescaled or node.op_type in _ARITHMETIC)
            passed.add(sources[0])
    return {
        name: start
        for name, (start, is_rescaled) in found.items()
        if is_rescaled and name not in passed
    }


_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div"})
_MOVING = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})


def measure_source(model: Any, examples: Examples, *, most: int = 64) -> SourceStatistics:
    """Run the source model on some of the examples.

    Args:
        model: static `onnx.ModelProto`, as `load_static_onnx` gives it; it is not changed.
        examples: its inputs.
        most: look at no more than this many.

    Raises:
        InputError: onnxruntime does not take the model, or answers with NaN or infinity, with the
            layer where that begins.
        EngineError: onnxruntime failed.
    """
    normalisations = batch_normalisations(model)[:1]
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"][:1]
    first = [node.input[0] for node, _, _ in normalisations]
    first = first or [node.output[0] for node in convolutions]
    outputs = [each.name for each in model.graph.output]
    rescaled = rescaled_inputs(model)
    extremes = dict.fromkeys((*rescaled, *rescaled.values()), (np.inf, -np.inf))
    channels = _Moments()
    spreads = {name: _Spread() for name in outputs}
    count = 0
    for found in walk_source(model, examples, [*outputs, *first, *rescaled], most):
        count += 1
        for name in first:
            channels.add(np.moveaxis(found[name], 1, 0))
        for name in outputs:
            spreads[name].add(found[name])
        for name, (low, high) in extremes.items():
            values = found[name]
            extremes[name] = (min(low, float(values.min())), max(high, float(values.max())))
    normalised = [_normalised(each, channels) for each in normalisations if count]
    layers = [FirstLayer(each.name, np.sqrt(channels.variance)) for each in convolutions if count]
    told = (each.result(name) for name, each in spreads.items())
    return SourceStatistics(
        examples=count,
        normalisation=normalised[0] if normalised else None,
        layer=layers[0] if layers and not normalised else None,
        outputs=tuple(each for each in told if each is not None),
        rescaled=tuple(
            RescaledInput(name, extremes[start], extremes[name])
            for name, start in rescaled.items()
            if count
        ),
    )


def _normalised(
    normalisation: tuple[Any, NDArray[Any], NDArray[Any]], channels: _Moments
) -> NormalisedInput:
    node, mean, variance = normalisation
    return NormalisedInput(
        name=node.name or node.output[0],
        expected_mean=mean.astype(np.float64),
        expected_variance=variance.astype(np.float64),
        mean=channels.mean,
        variance=channels.variance,
    )


class _Spread:
    """Standard deviation by element; Welford 1962, since outputs may vary by little."""

    def __init__(self) -> None:
        self.is_told = True
        self.count = 0
        self.mean: NDArray[np.float64] = np.zeros(0)
        self.squares: NDArray[np.float64] = np.zeros(0)
        self.magnitude = 0.0

    def add(self, values: NDArray[Any]) -> None:
        if values.dtype.kind != "f" or (self.count and values.size != self.mean.size):
            self.is_told = False
            return
        # Masked scores are infinite on purpose, and do not vary.
        flat = np.where(np.isfinite(values), values, 0.0).astype(np.float64).reshape(-1)
        if not self.count:
            self.mean, self.squares = np.zeros(flat.size), np.zeros(flat.size)
        self.count += 1
        difference = flat - self.mean
        self.mean = self.mean + difference / self.count
        self.squares = self.squares + difference * (flat - self.mean)
        self.magnitude = max(self.magnitude, float(np.abs(flat).max(initial=0.0)))

    def result(self, name: str) -> OutputSpread | None:
        if not self.is_told or not self.count:
            return None
        deviation = float(np.sqrt(self.squares.max(initial=0.0) / self.count))
        return OutputSpread(name, deviation, self.magnitude)
