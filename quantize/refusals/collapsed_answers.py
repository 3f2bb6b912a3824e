"""Pixels scaled twice, where folding hides what a batch normalisation was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantize.refusals.finding import Finding
from quantize.refusals.source_statistics import SourceStatistics, measure_source
from quantize.run_examples import Examples, Tensors

__all__ = ["collapsed_answers"]

_NARROW, _USUAL = 1 / 30, (1 / 10, 10.0)
_SCALE = 255.0
_LEAST_GROWTH = 1000.0
"""Of how far answers vary, where a network without biases grows by 255. EfficientNet-Lite0 with
trained heads on films and skin: 65 000 and 14 000."""

_EXAMPLES = 16


@dataclass(frozen=True, slots=True)
class _Scaled:
    examples: Examples

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Tensors]:
        for each in self.examples:
            yield {
                name: values * np.float32(_SCALE) if values.dtype == np.float32 else values
                for name, values in each.items()
            }


def collapsed_answers(model: Any, examples: Examples, measured: SourceStatistics) -> Finding | None:
    """Whether a model hardly tells its examples apart, and does so 255 times as wide.

    A first layer that answers far less than about 1 wide is doubtful and no more. Where it is
    usual for examples 255 times as wide, and the answers then vary far more than a linear model's
    would, what decides at the given scale are the biases: the pixels were scaled twice.

    Args:
        model: static `onnx.ModelProto`.
        examples: the calibration examples.
        measured: of both.

    Raises:
        EngineError: onnxruntime failed.
    """
    if measured.layer is None or _width(measured) >= _NARROW:
        return None
    wider = measure_source(model, _Scaled(examples), most=_EXAMPLES)
    before, after = (
        max((each.deviation for each in one.outputs), default=0.0) for one in (measured, wider)
    )
    low, high = _USUAL
    if not low < _width(wider) < high or after < _LEAST_GROWTH * before or after == 0.0:
        return None
    return Finding(
        "unlike-training-data",
        f"the calibration examples are not what the model was trained on: its first layer "
        f"'{measured.layer.name}' answers with values {_width(measured):.3g} wide and its answers "
        f"vary by {before:.2g}, with examples 255 times as wide by {after:.2g}; they have been "
        "scaled twice: check the pixels' scale (0..1 or 0..255), mean and standard deviation",
        is_fatal=True,
    )


def _width(measured: SourceStatistics) -> float:
    return 0.0 if measured.layer is None else float(np.median(measured.layer.deviation))
