"""Models that were never trained, or whose weights did not load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.refusals.finding import Finding
from quantize.refusals.source_statistics import OutputSpread, batch_normalisations
from quantize.refusals.source_walk import initializers

__all__ = ["constant_outputs", "fresh_normalisation", "fresh_weights"]

_LEAST_SPREAD = 1e-5  # of the magnitude; float32 itself rounds by 1e-7
_LEAST_EXAMPLES = 4
_LEAST_ELEMENTS = 2000
_LEAST_TENSORS = 2
_TOLERANCE = 0.02
_RETRAIN = "load the trained weights before exporting"


def constant_outputs(outputs: Sequence[OutputSpread], *, examples: int) -> Finding | None:
    """Whether no output depends on the example.

    Args:
        outputs: of the source model.
        examples: how many were looked at; a few are no evidence.
    """
    if examples < _LEAST_EXAMPLES or not outputs:
        return None
    if any(each.deviation > _LEAST_SPREAD * each.magnitude for each in outputs):
        return None
    widest = max(outputs, key=lambda each: each.deviation)
    return Finding(
        "constant-output",
        f"the model answers the same on all of {examples} examples: '{widest.name}' varies by "
        f"{widest.deviation:.2g} around values of {widest.magnitude:.3g}; {_RETRAIN}, and check "
        "the examples' scale",
        is_fatal=True,
    )


def fresh_normalisation(model: Any) -> Finding | None:
    """Whether every batch normalisation still has the statistics it was made with.

    Args:
        model: the source `onnx.ModelProto`.
    """
    found = batch_normalisations(model)
    if not found or any((mean != 0).any() or (variance != 1).any() for _, mean, variance in found):
        return None
    return Finding(
        "untrained-normalisation",
        f"all {len(found)} batch normalisations have running mean 0 and variance 1, as before "
        f"the first training step: the model is untrained; {_RETRAIN}",
        is_fatal=True,
    )


def fresh_weights(model: Any) -> Finding | None:
    """Whether all weights are spread exactly as one rule of initialisation spreads them.

    The rules are those of Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998, and the
    default of PyTorch's layers. Training moves the spread of some layers by far more than 2 %.
    Only weights large enough to know their spread to 2 % are looked at, and there must be no
    bias other than 0 unless the rule is PyTorch's, which draws biases too.

    Args:
        model: the source `onnx.ModelProto`.
    """
    weights, biases = _parameters(model)
    large = [each for each in weights if each[0].size >= _LEAST_ELEMENTS]
    if len(large) < _LEAST_TENSORS:
        return None
    has_biases = any(bool(each.any()) for each in biases)
    for rule, spread in _rules().items():
        if has_biases and rule != _PYTORCH:
            continue
        if all(_agrees(each, spread(fan_in, fan_out)) for each, fan_in, fan_out in large):
            return Finding(
                "untrained-weights",
                f"all {len(large)} large weights are spread as {rule} initialises them, to "
                f"within {_TOLERANCE:.0%}: the model is untrained; {_RETRAIN}",
                is_fatal=True,
            )
    return None


_PYTORCH = "PyTorch"


def _rules() -> Mapping[str, Any]:
    return {
        _PYTORCH: lambda fan_in, _fan_out: math.sqrt(1.0 / (3.0 * fan_in)),
        "LeCun": lambda fan_in, _fan_out: math.sqrt(1.0 / fan_in),
        "He (fan in)": lambda fan_in, _fan_out: math.sqrt(2.0 / fan_in),
        "He (fan out)": lambda _fan_in, fan_out: math.sqrt(2.0 / fan_out),
        "Glorot": lambda fan_in, fan_out: math.sqrt(2.0 / (fan_in + fan_out)),
    }


def _agrees(weights: NDArray[Any], expected: float) -> bool:
    found = float(weights.astype(np.float64).std())
    # Four standard errors of a standard deviation: small tensors know theirs less well.
    allowed = max(_TOLERANCE, 4.0 / math.sqrt(2.0 * weights.size))
    return bool(abs(found / expected - 1.0) <= allowed)


def _parameters(model: Any) -> tuple[list[tuple[NDArray[Any], int, int]], list[NDArray[Any]]]:
    """Weights with fan in and fan out, and biases, of convolutions and dense layers."""
    constants = initializers(model)
    weights: list[tuple[NDArray[Any], int, int]] = []
    biases: list[NDArray[Any]] = []
    for node in model.graph.node:
        if node.op_type not in {"Conv", "Gemm", "MatMul"} or node.input[1] not in constants:
            continue
        values = constants[node.input[1]]
        if values.ndim < 2:  # noqa: PLR2004 - a vector has no fan out
            continue
        weights.append((values, *_fans(node, values)))
        if len(node.input) > 2 and node.input[2] in constants:  # noqa: PLR2004 - the bias
            biases.append(constants[node.input[2]])
    return weights, biases


def _fans(node: Any, values: NDArray[Any]) -> tuple[int, int]:
    if node.op_type == "Conv":
        positions = int(np.prod(values.shape[2:]))
        return values.shape[1] * positions, values.shape[0] * positions
    attributes = {each.name: each.i for each in node.attribute}
    rows, columns = int(values.shape[-2]), int(values.shape[-1])
    return (columns, rows) if attributes.get("transB") else (rows, columns)
