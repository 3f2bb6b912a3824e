"""What an int8 TFLite file says of the data that it was calibrated on.

Its scales are the ranges that its maker saw. A network that scales pixels itself, and was then
calibrated on pixels that had been scaled before, squeezes every picture into a few integers: no
engine can bring back what is lost there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle.reader import open_bundle
from edge.errors import BundleError, InputError
from quantize.refusals.finding import Finding
from quantize.run_examples import Examples
from quantize.tflite.schema import TensorType, load_schema

__all__ = ["QuantizedInput", "check_quantized_model", "read_quantized_inputs", "unlike_reference"]

_BUNDLE_SUFFIX = ".edge"

_LEVELS = 255
_LEAST_LEVELS = 26.0
"""A tenth of them: a first layer that reads less sees less than 5 bits of any picture."""

_MOST_SATURATED = 0.5
_FAR = 8.0
_EXAMPLES = 32


@dataclass(frozen=True, slots=True)
class QuantizedInput:
    """An input of an int8 model.

    Attributes:
        name: of the input.
        low: smallest value that its integers stand for.
        high: largest.
        first: of the tensor that the first layer reads, after constant scales and offsets.
        first_levels: how many integers of that tensor the whole input reaches, 0 to 255.
    """

    name: str
    low: float
    high: float
    first: str
    first_levels: float


def check_quantized_model(path: Path, examples: Examples | None = None) -> tuple[Finding, ...]:
    """Look for signs that an int8 model was calibrated on data it is not meant for.

    Args:
        path: an int8 .tflite file, or a bundle that holds one.
        examples: real inputs by name, in the model's own scale; None to read the file alone.

    Returns:
        What was found, nothing for a file that says nothing.

    Raises:
        InputError: the file cannot be read or is no TFLite file.
    """
    inputs = read_quantized_inputs(path)
    found = [_squeezed(each) for each in inputs]
    if examples is not None:
        found += _saturated(inputs, examples)
    return tuple(each for each in found if each is not None)


def unlike_reference(
    name: str, low: float, high: float, reference: QuantizedInput
) -> Finding | None:
    """Hold the range of calibration examples against an int8 model that is known to be good.

    Args:
        name: of the input.
        low: smallest value over the calibration examples.
        high: largest.
        reference: the same input of that model.

    Returns:
        The finding where one range is many times as wide as the other.
    """
    ours, theirs = max(high, 0.0) - min(low, 0.0), reference.high - reference.low
    if ours <= 0.0 or 1.0 / _FAR < ours / theirs < _FAR:
        return None
    return Finding(
        "unlike-reference",
        f"input '{name}' takes values from {low:.4g} to {high:.4g}, but the reference model was "
        f"calibrated for {reference.low:.4g} to {reference.high:.4g}; check the pixels' scale",
        is_fatal=True,
    )


def _squeezed(found: QuantizedInput) -> Finding | None:
    if found.first_levels >= _LEAST_LEVELS:
        return None
    return Finding(
        "input-barely-varies",
        f"the int8 model takes '{found.name}' from {found.low:.4g} to {found.high:.4g}, of which "
        f"its own scaling leaves {found.first_levels:.0f} of {_LEVELS} steps at '{found.first}': "
        "it was calibrated on inputs that had been scaled before; quantize it again on inputs "
        "in the float model's own scale",
        is_fatal=True,
    )


def _saturated(inputs: tuple[QuantizedInput, ...], examples: Examples) -> list[Finding | None]:
    outside = dict.fromkeys((each.name for each in inputs), 0)
    count = dict.fromkeys(outside, 0)
    bounds = {each.name: (each.low, each.high) for each in inputs}
    for example in islice(examples, _EXAMPLES):
        for name, values in example.items():
            if name not in bounds:
                continue
            low, high = bounds[name]
            slack = (high - low) / _LEVELS
            outside[name] += int(((values < low - slack) | (values > high + slack)).sum())
            count[name] += values.size
    return [
        Finding(
            "input-saturates",
            f"{outside[each.name] / count[each.name]:.0%} of the values of '{each.name}' lie "
            f"outside {each.low:.4g} to {each.high:.4g}, which is all that the int8 model takes; "
            "check the examples' scale, or quantize it again on such examples",
            is_fatal=True,
        )
        for each in inputs
        if count[each.name] and outside[each.name] > _MOST_SATURATED * count[each.name]
    ]


def read_quantized_inputs(path: Path) -> tuple[QuantizedInput, ...]:
    """Read what the inputs of an int8 model are quantized to; inputs that are not are left out.

    Args:
        path: a .tflite file, or a bundle that holds one.

    Raises:
        InputError: the file cannot be read or is no TFLite file.
        BundleError: the bundle is refused, or holds no int8 TFLite file.
    """
    is_bundle = path.is_dir() or path.suffix == _BUNDLE_SUFFIX
    content = _read_bundle(path) if is_bundle else _read_file(path)
    graph, codes, buffers = _parse(path, content)
    found = (_follow(graph, codes, buffers, int(index)) for index in graph.inputs)
    return tuple(each for each in found if each is not None)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _read_bundle(path: Path) -> bytes:
    with open_bundle(path) as bundle:
        for artifact in bundle.manifest.artifacts:
            if artifact.engine == "litert" and artifact.precision != "float32":
                return bundle.read(artifact.path)
    raise BundleError(f"{path} holds no int8 TFLite file to compare with; name another reference")


def _parse(path: Path, content: bytes) -> tuple[Any, list[str], list[Any]]:
    if content[4:8] != b"TFL3":
        raise InputError(f"{path} is no TFLite file")
    schema = load_schema()
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        graph = model.subgraphs[0]
        codes = _operator_names(schema, model, graph)
    except Exception as error:  # flatbuffers raises whatever damaged bytes lead it to
        raise InputError(f"{path} is a damaged TFLite file: {type(error).__name__}") from error
    return graph, codes, model.buffers


def _operator_names(schema: Any, model: Any, graph: Any) -> list[str]:
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    codes = [model.operatorCodes[operator.opcodeIndex] for operator in graph.operators]
    # Old files have the code in the deprecated field alone, which holds 127 for newer operators.
    return [names.get(max(each.builtinCode, each.deprecatedBuiltinCode), "") for each in codes]


@dataclass(frozen=True, slots=True)
class _Affine:
    """The integers of a tensor as real values, and what the whole input makes of it."""

    index: int
    low: float
    high: float


def _follow(graph: Any, codes: list[str], buffers: list[Any], index: int) -> QuantizedInput | None:
    """Walk from an input through constant scales and offsets to what the first layer reads."""
    start: _Affine | None = None
    at = _Affine(index, -np.inf, np.inf)
    for operator, code in zip(graph.operators, codes, strict=True):
        if at.index not in [int(each) for each in operator.inputs]:
            continue
        bounds = _bounds(graph.tensors[at.index])
        if start is None and bounds is not None:
            start = at = _Affine(at.index, *bounds)
        step = _STEPS.get(code)
        moved = None if step is None else step(graph, buffers, operator, at)
        if moved is None:
            break
        at = moved
    if start is None:
        return None
    tensor = graph.tensors[at.index]
    scale = _scale(tensor)
    levels = min(float(_LEVELS), (at.high - at.low) / scale) if scale else float(_LEVELS)
    name = _text(graph.tensors[index].name)
    return QuantizedInput(name, start.low, start.high, _text(tensor.name), levels)


def _quantized(graph: Any, _buffers: list[Any], operator: Any, at: _Affine) -> _Affine | None:
    target = int(operator.outputs[0])
    bounds = _bounds(graph.tensors[target])
    if bounds is None:
        return None
    return _Affine(target, max(at.low, bounds[0]), min(at.high, bounds[1]))


def _arithmetic(graph: Any, buffers: list[Any], operator: Any, at: _Affine) -> _Affine | None:
    first, second = (int(each) for each in operator.inputs[:2])
    other = second if first == at.index else first
    constant = _constant(graph.tensors[other], buffers)
    if constant is None:
        return None
    kind = type(operator.builtinOptions).__name__
    corners = np.array([at.low, at.high])[:, None]
    values = corners * constant if kind == "MulOptionsT" else corners + constant
    if kind == "SubOptionsT":
        values = corners - constant if second == other else constant - corners
    return _Affine(int(operator.outputs[0]), float(values.min()), float(values.max()))


_STEPS: Mapping[str, Any] = {
    "QUANTIZE": _quantized,
    "MUL": _arithmetic,
    "ADD": _arithmetic,
    "SUB": _arithmetic,
}


def _scale(tensor: Any) -> float | None:
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) != 1:
        return None
    return float(quantization.scale[0])


def _bounds(tensor: Any) -> tuple[float, float] | None:
    scale = _scale(tensor)
    least = {int(TensorType.INT8): -128, int(TensorType.UINT8): 0}.get(int(tensor.type))
    if scale is None or least is None:
        return None
    low = scale * (least - int(tensor.quantization.zeroPoint[0]))
    return low, low + _LEVELS * scale


def _constant(tensor: Any, buffers: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    data, scale = buffers[tensor.buffer].data, _scale(tensor)
    dtype = {int(TensorType.INT8): np.int8, int(TensorType.UINT8): np.uint8}.get(int(tensor.type))
    if data is None or len(data) == 0 or scale is None or dtype is None:
        return None
    integers = np.asarray(data, dtype=np.uint8).view(dtype).astype(np.float64)
    return scale * (integers - int(tensor.quantization.zeroPoint[0])).reshape(1, -1)


def _text(name: bytes | str) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
