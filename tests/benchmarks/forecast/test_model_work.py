"""The work of a model is counted from its file, the same from ONNX and from TFLite."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.forecast.known_networks import NETWORKS, network_work
from benchmarks.forecast.model_work import read_works
from benchmarks.forecast.tflite_work import read_tflite_work
from edge.bundle.reader import open_bundle
from edge.errors import EdgeError, InputError
from edge.model_loader import DEFAULT_BUNDLE


def _onnx_file(folder: Path, node, inputs, weights, output) -> Path:
    """A model of one node."""
    from onnx import TensorProto, helper, numpy_helper, save

    graph = helper.make_graph(
        [node],
        "one_node",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    path = folder / "model.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, str(path))
    return path


def _zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("name", "attributes", "read", "weights", "written", "kind", "multiplications"),
    [
        pytest.param(
            *("Conv", {"pads": [1] * 4}, [1, 3, 8, 8], {"w": _zeros(4, 3, 3, 3)}, [1, 4, 8, 8]),
            *("convolution", 8 * 8 * 4 * 27),
            id="convolution",
        ),
        pytest.param(
            *("Conv", {"pads": [1] * 4, "group": 6, "strides": [2, 2]}, [1, 6, 8, 8]),
            *({"w": _zeros(6, 1, 3, 3)}, [1, 6, 4, 4], "depthwise", 4 * 4 * 6 * 9),
            id="depthwise, stride 2",
        ),
        pytest.param(
            *("Conv", {"group": 2}, [1, 4, 5, 5], {"w": _zeros(6, 2, 1, 1)}, [1, 6, 5, 5]),
            *("convolution", 25 * 6 * 2),
            id="two groups",
        ),
        pytest.param(
            *("MatMul", {}, [7, 5], {"w": _zeros(5, 3)}, [7, 3], "matrix", 7 * 5 * 3),
            id="matrix product",
        ),
        pytest.param(
            *("LSTM", {"hidden_size": 4}, [9, 1, 3]),
            *({"w": _zeros(1, 16, 3), "r": _zeros(1, 16, 4)}, [9, 1, 1, 4]),
            *("recurrent", 9 * (16 * 3 + 16 * 4)),
            id="LSTM",
        ),
        pytest.param("Relu", {}, [2, 3], {}, [2, 3], "other", 0, id="nothing multiplied"),
    ],
)
def test_multiplications_of_an_onnx_node_follow_from_its_shapes(
    name, attributes, read, weights, written, kind, multiplications, tmp_path
) -> None:
    from onnx import helper

    node = helper.make_node(name, ["x", *weights], ["y"], **attributes)
    (file,) = read_works(_onnx_file(tmp_path, node, read, weights, written))
    counted = [each for each in file.work.operations if each.kind == kind]
    assert sum(each.multiplications for each in counted) == multiplications
    assert file.work.multiplications == multiplications


def test_both_files_of_a_bundle_multiply_as_often_and_in_int8() -> None:
    """They are one calibrated graph: what one engine is forecast, the other is."""
    first, second = read_works(DEFAULT_BUNDLE)
    assert {first.engine, second.engine} == {"onnxruntime", "litert"}
    assert first.work.multiplications == second.work.multiplications > 3e8
    assert first.work.integer_share == second.work.integer_share == 1.0
    assert 3.3e6 < second.work.weight_bytes < second.work.weight_bytes * 1.1 < 3.9e6


@pytest.mark.parametrize(
    ("name", "millions", "parameters"),
    [
        pytest.param("MobileNet v1", 569, 4.2e6, id="Howard et al. 2017, table 8"),
        pytest.param("MobileNet v2", 300, 3.4e6, id="Sandler et al. 2018, table 4"),
        pytest.param("ResNet-18", 1814, 11.7e6, id="torchvision's documentation: 1.81 G"),
        pytest.param("ResNet-50", 4089, 25.5e6, id="torchvision's documentation: 4.09 G"),
    ],
)
def test_known_networks_have_the_published_size(name, millions, parameters) -> None:
    work = network_work(name, is_integer=True)
    assert round(work.multiplications / 1e6) == pytest.approx(millions, abs=1)
    assert work.weight_bytes == pytest.approx(parameters, rel=0.03)
    assert set(NETWORKS) == {"MobileNet v1", "MobileNet v2", "ResNet-18", "ResNet-50"}


def _default_tflite() -> bytes:
    with open_bundle(DEFAULT_BUNDLE) as bundle:
        path = next(each.path for each in bundle.manifest.artifacts if each.engine == "litert")
        return bytes(bundle.read(path))


_TFLITE = _default_tflite()


@settings(deadline=None, max_examples=60)
@given(cut=st.integers(0, len(_TFLITE)), place=st.integers(0, 4000), byte=st.integers(0, 255))
def test_a_damaged_tflite_file_is_counted_or_refused(cut, place, byte) -> None:
    data = bytearray(_TFLITE[:cut])
    if place < len(data):
        data[place] = byte
    with contextlib.suppress(InputError):
        read_tflite_work(bytes(data))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(EdgeError, match="onnxruntime says"):
        read_works(path)
    with pytest.raises(EdgeError, match="check its name"):
        read_works(tmp_path / "absent.tflite")
