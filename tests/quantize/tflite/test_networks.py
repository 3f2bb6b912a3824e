"""Whole networks keep their meaning, and XNNPACK takes each as one part."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from networks import NETWORKS
from sketches import random_inputs, run_float
from tflite_cases import (
    delegated_parts,
    int8_inputs,
    interpreter,
    quantized,
    run_litert,
    run_onnx,
    simulate,
    to_stored,
    worst_steps,
)

from quantize.onnx_int8 import write_onnx_int8
from quantize.quantized_graph import float_form
from quantize.tflite_model import write_tflite

_SEEDS = range(4, 10)
# Every operator rounds within one step of its meaning; what follows may carry that on.
_XNNPACK_STEPS = 2
_BUILT_IN_STEPS = 5
_OLD_RUNTIME_STEPS = 8

_OLD_RUNTIME_SCRIPT = """
import json, sys
import numpy as np
from tflite_runtime.interpreter import Interpreter, OpResolverType
folder = sys.argv[1]
for name in json.loads(sys.argv[2]):
    for kind in ("AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"):
        engine = Interpreter(f"{folder}/{name}.tflite",
                             experimental_op_resolver_type=OpResolverType[kind])
        engine.allocate_tensors()
        engine.set_tensor(engine.get_input_details()[0]["index"], np.load(f"{folder}/{name}.npy"))
        engine.invoke()
        np.savez(f"{folder}/{name}-{kind}.npz",
                 *[engine.get_tensor(each["index"]) for each in engine.get_output_details()])
"""


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_keeps_its_meaning(name: str) -> None:
    case = quantized(NETWORKS[name]())
    content = write_tflite(case)
    steps = [worst_steps(content, case, seed) for seed in _SEEDS]
    assert max(with_xnnpack for with_xnnpack, _ in steps) <= _XNNPACK_STEPS
    assert max(built_in for _, built_in in steps) <= _BUILT_IN_STEPS


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "flattened"])
def test_a_network_is_one_part_for_xnnpack(name: str) -> None:
    """One part from the input to the output, so nothing is left for the built-in kernels."""
    case = quantized(NETWORKS[name]())
    [(inputs, outputs)] = delegated_parts(write_tflite(case))
    assert set(case.graph.inputs) <= inputs
    assert outputs == set(case.graph.outputs)


def test_softmax_alone_is_left_outside_xnnpack() -> None:
    """It has no int8 SOFTMAX."""
    case = quantized(NETWORKS["flattened"]())
    [(inputs, outputs)] = delegated_parts(write_tflite(case))
    [softmax] = (node for node in case.graph.nodes if node.op == "Softmax")
    assert set(case.graph.inputs) <= inputs
    assert outputs == set(softmax.inputs)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_transpose_is_left_in_a_network(name: str) -> None:
    content = write_tflite(quantized(NETWORKS[name]()))
    names = {details["op_name"] for details in interpreter(content)._get_ops_details()}
    assert "TRANSPOSE" not in names


def test_pads_of_tensorflow_become_its_same_padding_again() -> None:
    content = write_tflite(quantized(NETWORKS["inverted_residual"]()))
    names = {details["op_name"] for details in interpreter(content)._get_ops_details()}
    assert "PAD" not in names


@pytest.mark.parametrize("io", ["uint8", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_other_ends_change_nothing_between_them(name: str, io: str) -> None:
    case = quantized(NETWORKS[name]())
    inputs = list(int8_inputs(case).values())
    expected = run_litert(write_tflite(case), inputs)
    params = [case.activations[each] for each in (*case.graph.inputs, *case.graph.outputs)]
    if io == "uint8":
        outer = [value + 128 for value in inputs]
        expected = [value.astype(np.int16) + 128 for value in expected]
    else:
        outer = [
            (value - each.int8_zero_point) * np.float32(each.scale)
            for value, each in zip(inputs, params, strict=False)
        ]
        expected = [
            (value.astype(np.float32) - each.int8_zero_point) * np.float32(each.scale)
            for value, each in zip(expected, params[len(inputs) :], strict=True)
        ]
    content = write_tflite(case, io="uint8" if io == "uint8" else "float32")
    actual = run_litert(content, outer)
    assert [value.dtype for value in actual] == [np.dtype(io)] * len(actual)
    for left, right in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_int8_onnx_of_the_same_graph_gives_the_same_answers(name: str) -> None:
    """Two encodings of one quantized graph, in two engines."""
    case = quantized(NETWORKS[name]())
    content, onnx_content = write_tflite(case), write_onnx_int8(case)
    for seed in _SEEDS:
        inputs = int8_inputs(case, seed)
        answers = run_litert(content, list(inputs.values()))
        expected = run_onnx(onnx_content, case, inputs)
        for left, right in zip(answers, expected, strict=True):
            assert np.abs(left.astype(np.int16) - right).max() <= _XNNPACK_STEPS


def _old_runtime() -> str:
    """A Python with tflite-runtime 2.14, the last one: operator versions are old enough for it."""
    python = os.environ.get("EDGEDX_TFLITE_RUNTIME_PYTHON")
    if not python:
        pytest.skip("EDGEDX_TFLITE_RUNTIME_PYTHON does not name a Python with tflite-runtime")
    return python


def test_tflite_runtime_of_2023_answers_as_onnxruntime_in_float(tmp_path: Path) -> None:
    python = _old_runtime()
    graphs = {name: network() for name, network in NETWORKS.items()}
    inputs = {name: random_inputs(graph, 4) for name, graph in graphs.items()}
    for name, graph in graphs.items():
        (tmp_path / f"{name}.tflite").write_bytes(write_tflite(float_form(graph), io="float32"))
        [value] = inputs[name].values()
        np.save(tmp_path / f"{name}.npy", to_stored(value))
    names = json.dumps(list(graphs))
    subprocess.run([python, "-c", _OLD_RUNTIME_SCRIPT, tmp_path, names], check=True)
    for name, graph in graphs.items():
        expected = run_float(graph, inputs[name])
        with np.load(tmp_path / f"{name}-AUTO.npz") as actual:
            for index, output in enumerate(graph.outputs):
                distance = actual[f"arr_{index}"] - to_stored(expected[output])
                assert np.abs(distance).max() <= 1e-5 * np.ptp(expected[output])


def test_tflite_runtime_of_2023_loads_and_answers_the_same(tmp_path: Path) -> None:
    python = _old_runtime()
    cases = {name: quantized(network()) for name, network in NETWORKS.items()}
    for name, case in cases.items():
        (tmp_path / f"{name}.tflite").write_bytes(write_tflite(case))
        [value] = int8_inputs(case).values()
        np.save(tmp_path / f"{name}.npy", to_stored(value).astype(np.int8))
    names = json.dumps(list(cases))
    subprocess.run([python, "-c", _OLD_RUNTIME_SCRIPT, tmp_path, names], check=True)
    for name, case in cases.items():
        expected = simulate(case, int8_inputs(case))
        for kind in ("AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"):
            with np.load(tmp_path / f"{name}-{kind}.npz") as actual:
                for index, value in enumerate(expected):
                    distance = actual[f"arr_{index}"].astype(np.int16) - to_stored(value)
                    assert np.abs(distance).max() <= _OLD_RUNTIME_STEPS, (name, kind)
