"""Every accepted operator in integers, in random shapes and attributes, stays near its source.

Both files are run, from one calibration. The difference is told in steps of the answer: what 255
of them span is what the source answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from elementwise_cases import ELEMENTWISE_CASES
from layer_cases import LAYER_CASES
from movement_cases import MOVEMENT_CASES, REDUCTION_CASES
from random_model import Array, Case, RandomModel
from tflite_cases import interpreter

from quantize.calibration import calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.operators import OPERATORS
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import Precision
from quantize.quantizer import quantize_graph
from quantize.tflite_model import stored_axes, write_tflite

EXAMPLES = 4
MOST_STEPS = 12
"""A few operators stand one after another, and each rounds; a wrong scale, zero point, axis or
clamp moves answers by far more."""

SPAN_STEPS = 255


def boxes_and_probabilities(model: RandomModel) -> list[str]:
    """Wide values beside what a Sigmoid or Softmax makes, as detectors and attention gates do."""
    rank = model.size(3, 4)
    shape = model.shape(rank, 2)
    wide = model.node("Mul", model.input(shape), model.constant(model.pick(0.1, 8.0, 60.0)))
    gate = model.pick({"op": "Sigmoid"}, {"op": "Softmax", "axis": -1})
    share = model.node(gate.pop("op"), model.input(shape), **gate)
    if model.pick(0, 1):
        share = model.node("Transpose", share, perm=[0, *range(rank - 1, 0, -1)])
        share = model.node("Transpose", share, perm=[0, *range(rank - 1, 0, -1)])
    parts = [wide, share] if model.pick(0, 1) else [share, wide, share]
    whole = model.node("Concat", *parts, axis=model.pick(1, -1))
    return [whole, model.node("Relu", whole)]


AS_PLANNED = ("Where in a mask", "Attention", "Hardmax")
"""Masks are a thousand times what they mask, and of two near scores either may be the greatest: the
plan leaves these in float, and so does the test."""

CASES = [
    *ELEMENTWISE_CASES,
    *LAYER_CASES,
    *MOVEMENT_CASES,
    *REDUCTION_CASES,
    Case("Concat of boxes and probabilities", boxes_and_probabilities, (13, 17)),
]
RUNS = [
    pytest.param(case, opset, id=f"{case.name}, opset {opset}")
    for case in CASES
    for opset in dict.fromkeys((case.opsets[0], case.opsets[-1]))
]


def integer_plan(graph: FloatGraph) -> dict[str, Precision]:
    """INT8 for all that has an integer form, also where the plan sees no gain in it."""
    plan = plan_precisions(graph)
    for node in graph.nodes:
        operator = OPERATORS[node.op]
        tensors = (*operator.data_inputs(node), *filter(None, node.outputs))
        if (
            plan[node.name] is Precision.FLOAT
            and node.op != "Concat"
            and Precision.INT8 in operator.precisions
            and operator.int8_fault(graph, node) is None
            and all(map(graph.is_float, tensors))
        ):
            plan[node.name] = Precision.INT8
    return plan


def tflite_answers(
    graph: FloatGraph, content: bytes, examples: Sequence[dict[str, Array]]
) -> list[list[Array]]:
    engine, axes = interpreter(content), stored_axes(graph)
    found = []
    for example in examples:
        for detail in engine.get_input_details():
            value = example[detail["name"]].transpose(axes[detail["name"]])
            engine.set_tensor(detail["index"], np.ascontiguousarray(value).astype(detail["dtype"]))
        engine.invoke()
        found.append(
            [
                engine.get_tensor(detail["index"]).transpose(np.argsort(axes[name]))
                for detail, name in zip(engine.get_output_details(), graph.outputs, strict=True)
            ]
        )
    return found


def steps_apart(wanted: list[list[Array]], found: list[list[Array]]) -> float:
    """The largest difference, in steps of 1/255 of what each output of the source spans."""
    worst = 0.0
    for left, right in zip(zip(*wanted, strict=True), zip(*found, strict=True), strict=True):
        before, after = (np.stack(each).astype(np.float64) for each in (left, right))
        assert before.shape == after.shape
        span = max(float(np.ptp(before)) if before.size else 0.0, 1e-6)
        worst = max(worst, float(np.abs(after - before).max(initial=0.0)) * SPAN_STEPS / span)
    return worst


def check(case: Case, opset: int, seed: int) -> None:
    model = RandomModel(seed, opset)
    outputs = case.build(model)
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    source = model.finish(names)
    examples = list(model.examples(EXAMPLES))
    session = open_session(source.SerializeToString(), threads=1)
    wanted = [run_session(session, names, each) for each in examples]
    graph = import_model(source)
    plan = plan_precisions(graph) if case.name.startswith(AS_PLANNED) else integer_plan(graph)
    quantized = quantize_graph(graph, calibrate(graph, examples, precisions=plan), plan)
    integer = open_session(write_onnx_int8(quantized, joins_units=True), threads=1)
    found = [run_session(integer, names, each) for each in examples]
    assert steps_apart(wanted, found) <= MOST_STEPS
    content = write_tflite(quantized, io="float32")
    assert steps_apart(wanted, tflite_answers(graph, content, examples)) <= MOST_STEPS


@pytest.mark.parametrize(("case", "opset"), RUNS[::6])
def test_a_sample_of_operators_in_integers_stays_near_its_source(case: Case, opset: int) -> None:
    check(case, opset, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "opset"), RUNS)
def test_an_operator_in_integers_stays_near_its_source(case: Case, opset: int) -> None:
    check(case, opset, seed=1)
