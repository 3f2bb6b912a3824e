"""Every ONNX operator that is imported: its float TFLite answers as onnxruntime does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from elementwise_cases import ELEMENTWISE_CASES
from layer_cases import LAYER_CASES
from movement_cases import MOVEMENT_CASES, REDUCTION_CASES
from numpy.typing import NDArray
from random_model import Case, RandomModel
from tflite_cases import (
    interpreter,
)

from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import float_form
from quantize.tflite_model import stored_axes, write_tflite

_CASES = [*ELEMENTWISE_CASES, *LAYER_CASES, *MOVEMENT_CASES, *REDUCTION_CASES]
_SEEDS = range(2)
_TOLERANCE = 2e-5


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in _CASES])
def test_an_operator_answers_as_its_source(case: Case) -> None:
    opset = 17 if 17 in case.opsets else case.opsets[-1]
    for seed in _SEEDS:
        model = RandomModel(seed, opset)
        outputs = case.build(model)
        names = [outputs] if isinstance(outputs, str) else list(outputs)
        source = model.finish(names)
        session = open_session(source.SerializeToString(), threads=1)
        graph = import_model(source)
        engine = interpreter(write_tflite(float_form(graph), io="float32"))
        for example in model.examples():
            wanted = run_session(session, names, example)
            for left, right in zip(wanted, _run(engine, graph, example), strict=True):
                _compare(left, right, max(case.tolerance, _TOLERANCE))


def _run(engine: Any, graph: FloatGraph, example: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    axes = stored_axes(graph)
    for detail in engine.get_input_details():
        value = example[detail["name"]].transpose(axes[detail["name"]])
        engine.set_tensor(detail["index"], np.ascontiguousarray(value).astype(detail["dtype"]))
    engine.invoke()
    return [
        engine.get_tensor(detail["index"]).transpose(np.argsort(axes[name]))
        for detail, name in zip(engine.get_output_details(), graph.outputs, strict=True)
    ]


def _compare(left: NDArray[Any], right: NDArray[Any], tolerance: float) -> None:
    assert right.shape == left.shape
    if left.dtype != np.float32:
        np.testing.assert_array_equal(right, left)
        return
    span = max(float(np.ptp(left)) if left.size else 0.0, 1.0)
    np.testing.assert_allclose(right, left, rtol=tolerance, atol=tolerance * span)
