"""litert-quantizer, with ranges from its own minimum and maximum or from a clip search.

Its default calibration is a moving average, which costs 2 to 23 dB; here its calibrator keeps the
extremes, and "mse" then narrows each range to what loses least over a histogram of 2048 bins.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve

__all__ = ["least_squares_range", "quantize"]

_BINS = 2048
_LEVELS = 255
_LOW_SHRINKS = np.linspace(1.0, 0.3, 15)
_HIGH_SHRINKS = np.linspace(1.0, 0.3, 29)

Range = tuple[float, float]


def quantize(request: Request) -> None:
    """Write the quantized model."""
    from litert_quantizer import quantizer, recipe

    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(folder) / "source.tflite")
        shutil.copyfile(request.float_tflite, source)
        _make_scalars_scalar(source)
        tool = quantizer.Quantizer(source)
        if request.options["ranges"] == "dynamic":
            tool.load_quantization_recipe(recipe.dynamic_wi8_afp32())
            result = tool.quantize(enable_progress_report=False)
        else:
            _load_static_recipe(tool, request)
            result = tool.quantize(_statistics(tool, source, request), enable_progress_report=False)
        result.export_model(str(request.destination), overwrite=True)


def _load_static_recipe(tool: Any, request: Request) -> None:
    from litert_quantizer import qtyping, recipe

    operators = request.options.get("operators")
    if operators is None:
        tool.load_quantization_recipe(recipe.static_wi8_ai8())
        return
    for name in operators:
        tool.add_static_config(
            regex=".*",
            operation_name=getattr(qtyping.TFLOperationName, name),
            activation_num_bits=8,
            weight_num_bits=8,
        )


def _make_scalars_scalar(path: str) -> None:
    """Give one-element constants of rank 1 rank 0: the tool fails on them otherwise."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    codes = schema.BuiltinOperator
    affected = {codes.PADV2, codes.MAXIMUM, codes.MINIMUM}
    model = flatbuffer_utils.read_model(path)
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            if max(code.builtinCode, code.deprecatedBuiltinCode) not in affected:
                continue
            for tensor in (graph.tensors[index] for index in operator.inputs):
                data = model.buffers[tensor.buffer].data
                if data is not None and list(tensor.shape) == [1]:
                    tensor.shape = []
    flatbuffer_utils.write_model(model, path)


def _statistics(tool: Any, source: str, request: Request) -> Any:
    from litert_quantizer import calibrator, recipe_manager
    from litert_quantizer.utils import qsv_utils

    runner = calibrator.Calibrator(source, num_threads=1, qsv_update_func=qsv_utils.min_max_update)
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(tool.get_quantization_recipe())
    runner.calibrate(_named_examples(source, request), manager)
    statistics = runner.get_model_qsvs()
    if request.options["ranges"] == "mse":
        _narrow(statistics, source, request)
    return statistics


def _named_examples(source: str, request: Request) -> dict[Any, list[dict[str, NDArray[Any]]]]:
    """Examples by the signature's argument names, as the calibrator wants them: in a list."""
    interpreter = _interpreter(source)
    keys = list(interpreter.get_signature_list())
    key = keys[0] if keys else None
    arguments = interpreter.get_signature_runner(key).get_input_details()
    names = {detail["index"]: name for name, detail in arguments.items()}
    return {
        key: [
            {names[index]: values for index, values in inputs}
            for inputs in _tensor_inputs(interpreter, request)
        ]
    }


def _interpreter(source: str) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(source, experimental_preserve_all_tensors=True, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def _tensor_inputs(interpreter: Any, request: Request) -> Iterator[list[tuple[int, NDArray[Any]]]]:
    """Each example as pairs of tensor index and values, channels last where the file has so."""
    details = interpreter.get_input_details()
    for example in calibration_examples(request):
        pairs = []
        for detail in details:
            values = example[_matching_name(detail["name"], list(example))]
            if values.shape != tuple(detail["shape"]):
                values = np.ascontiguousarray(np.moveaxis(values, 1, -1))
            pairs.append((detail["index"], values.astype(detail["dtype"])))
        yield pairs


def _matching_name(tensor: str, names: list[str]) -> str:
    plain = tensor.split(":", maxsplit=1)[0]
    return max((name for name in names if plain.endswith(name)), key=len, default=names[0])


def _narrow(statistics: Any, source: str, request: Request) -> None:
    interpreter = _interpreter(source)
    indices = {
        detail["name"]: detail["index"]
        for detail in interpreter.get_tensor_details()
        if detail["dtype"] == np.float32
    }
    ranges = {
        name: (float(np.ravel(found["min"])[0]), float(np.ravel(found["max"])[0]))
        for name, found in statistics.items()
        if name in indices and found and np.size(found["min"]) == 1
    }
    ranges = {name: (low, high) for name, (low, high) in ranges.items() if high > low}
    histograms = {name: np.zeros(_BINS, np.int64) for name in ranges}
    for inputs in _tensor_inputs(interpreter, request):
        for index, values in inputs:
            interpreter.set_tensor(index, values)
        interpreter.reset_all_variables()
        interpreter.invoke()
        for name, limits in ranges.items():
            try:
                values = interpreter.get_tensor(indices[name])
            except ValueError:
                continue
            histograms[name] += np.histogram(values, _BINS, limits)[0]
    for name, counts in histograms.items():
        low, high = least_squares_range(counts, ranges[name])
        found = statistics[name]
        found["min"] = np.full_like(np.asarray(found["min"]), low)
        found["max"] = np.full_like(np.asarray(found["max"]), high)


def least_squares_range(counts: NDArray[np.int64], limits: Range) -> Range:
    """Find the range whose 8-bit grid loses least.

    Args:
        counts: of a histogram, int64 [2048].
        limits: what the histogram spans.

    Returns:
        A range within the limits that holds zero.
    """
    low, high = limits
    width = (high - low) / _BINS
    centres = low + width * (np.arange(_BINS) + 0.5)
    best, least = limits, np.inf
    for low_shrink in _LOW_SHRINKS if low < 0 else (1.0,):
        for high_shrink in _HIGH_SHRINKS:
            start, stop = min(low * low_shrink, 0.0), max(high * high_shrink, 0.0)
            if stop <= start:
                continue
            scale = (stop - start) / _LEVELS
            steps = np.clip(np.round((centres - start) / scale), 0, _LEVELS)
            loss = float((counts * np.square(steps * scale + start - centres)).sum())
            if loss < least:
                best, least = (start, stop), loss
    return best


if __name__ == "__main__":
    serve(quantize)
