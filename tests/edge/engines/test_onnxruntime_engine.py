"""onnxruntime behind the engine seam, on real models."""

import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.engines.base import EngineOptions
from edge.engines.onnxruntime_engine import OnnxRuntimeEngine
from edge.errors import EngineError, UsageError
from edge.tensor_spec import TensorSpec


def model_bytes(nodes: list, inputs: list, outputs: list, constants: dict) -> bytes:
    graph = helper.make_graph(
        nodes,
        "test",
        inputs,
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def doubling_model() -> bytes:
    return model_bytes(
        [helper.make_node("Mul", ["x", "two"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
        {"two": np.array(2.0, np.float32)},
    )


def integer_model(kind: type[np.integer] = np.uint8) -> bytes:
    """uint8 in and out: y = 2 x, both with their own steps."""
    tensor = TensorProto.UINT8 if kind is np.uint8 else TensorProto.INT8
    return model_bytes(
        [
            helper.make_node("DequantizeLinear", ["x", "in_scale", "in_zero"], ["real"]),
            helper.make_node("Mul", ["real", "two"], ["doubled"]),
            helper.make_node("QuantizeLinear", ["doubled", "out_scale", "out_zero"], ["y"]),
        ],
        [helper.make_tensor_value_info("x", tensor, [1, 3])],
        [helper.make_tensor_value_info("y", tensor, [1, 3])],
        {
            "two": np.array(2.0, np.float32),
            "in_scale": np.array(0.5, np.float32),
            "in_zero": np.array(3, kind),
            "out_scale": np.array(1.0, np.float32),
            "out_zero": np.array(-7 if kind is np.int8 else 7, kind),
        },
    )


def test_it_says_what_the_model_takes_and_gives() -> None:
    engine = OnnxRuntimeEngine(doubling_model(), EngineOptions())
    assert engine.inputs == (TensorSpec("x", (None, 3), "float32"),)
    assert engine.outputs == (TensorSpec("y", (None, 3), "float32"),)


def test_it_runs_the_model() -> None:
    engine = OnnxRuntimeEngine(doubling_model(), EngineOptions(threads=1))
    answer = engine.run({"x": np.array([[1, 2, 3]], np.float32)})
    assert answer["y"].tolist() == [[2, 4, 6]]


@pytest.mark.parametrize(
    ("kind", "zero_point"),
    [pytest.param(np.uint8, 7, id="uint8"), pytest.param(np.int8, -7, id="int8")],
)
def test_it_finds_the_steps_of_integer_inputs_and_outputs(
    kind: type[np.integer], zero_point: int
) -> None:
    engine = OnnxRuntimeEngine(integer_model(kind), EngineOptions())
    name = np.dtype(kind).name
    assert engine.inputs == (TensorSpec("x", (1, 3), name, 0.5, 3),)
    assert engine.outputs == (TensorSpec("y", (1, 3), name, 1.0, zero_point),)


def test_several_threads_get_their_own_answers() -> None:
    engine = OnnxRuntimeEngine(doubling_model(), EngineOptions())
    wrong: list[float] = []

    def ask(value: float) -> None:
        for _ in range(200):
            got = engine.run({"x": np.full((1, 3), value, np.float32)})["y"]
            if not (got == 2 * value).all():
                wrong.append(value)

    threads = [threading.Thread(target=ask, args=(float(value),)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"not a model", id="text"),
        pytest.param(doubling_model()[:40], id="truncated"),
        pytest.param(b"\x00" * 100, id="zeros"),
    ],
)
def test_bytes_that_are_no_model_are_one_line(data: bytes) -> None:
    with pytest.raises(EngineError, match="does not load the model") as caught:
        OnnxRuntimeEngine(data, EngineOptions())
    assert "\n" not in str(caught.value)


def test_a_wrong_shape_is_one_line() -> None:
    engine = OnnxRuntimeEngine(doubling_model(), EngineOptions())
    with pytest.raises(EngineError, match="failed to run") as caught:
        engine.run({"x": np.zeros((1, 4), np.float32)})
    assert "\n" not in str(caught.value)


def test_a_closed_engine_says_so() -> None:
    engine = OnnxRuntimeEngine(doubling_model(), EngineOptions())
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.run({"x": np.zeros((1, 3), np.float32)})


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_a_senseless_number_of_threads_is_refused(threads: int) -> None:
    with pytest.raises(UsageError, match=f"threads is {threads}"):
        OnnxRuntimeEngine(doubling_model(), EngineOptions(threads=threads))


def test_the_model_checker_agrees_that_the_models_of_these_tests_are_models() -> None:
    onnx.checker.check_model(onnx.load_from_string(integer_model()))
