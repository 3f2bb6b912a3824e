"""Model files are run and weighed alike, whatever their engine and layout."""

import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.peers.quantizers.outputs import open_runner, run_all
from benchmarks.peers.quantizers.quality import centred_snr_db
from benchmarks.peers.quantizers.weight_share import eight_bit_share
from edge.errors import EngineError

BUNDLE = Path(__file__).parents[3] / "edge" / "default_bundle" / "chest_xray.edge"


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory) -> dict[str, Path]:
    """The default bundle's model files: int8, channels first in ONNX and last in TFLite."""
    folder = tmp_path_factory.mktemp("bundle")
    with zipfile.ZipFile(BUNDLE) as archive:
        names = [name for name in archive.namelist() if name.endswith((".onnx", ".tflite"))]
        return {Path(name).suffix: Path(archive.extract(name, folder)) for name in names}


def float_model(path: Path) -> Path:
    """One Gemm, with six weights of one and two biases of zero."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = [
        onnx.numpy_helper.from_array(np.ones((3, 2), np.float32), "w"),
        onnx.numpy_helper.from_array(np.zeros(2, np.float32), "b"),
    ]
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", kind, [1, 3])],
        [helper.make_tensor_value_info("y", kind, [1, 2])],
        weights,
    )
    onnx.save(helper.make_model(graph, ir_version=8), str(path))
    return path


def test_both_files_of_a_bundle_give_the_same_answers_in_real_units(artifacts) -> None:
    model = onnx.load(str(artifacts[".onnx"]))
    name = model.graph.input[0].name
    outputs = tuple(each.name for each in model.graph.output)
    pictures = np.random.default_rng(0).uniform(-1, 1, (4, 1, 224, 224)).astype(np.float32)
    first, second = (
        run_all(open_runner(artifacts[suffix], outputs), {name: pictures})
        for suffix in (".onnx", ".tflite")
    )
    assert list(first) == list(second) == list(outputs)
    assert first[outputs[0]].shape == (4, 3)
    assert centred_snr_db(first[outputs[0]], second[outputs[0]]) > 20.0


def test_the_weights_of_a_bundles_files_are_in_eight_bits(artifacts) -> None:
    assert eight_bit_share(artifacts[".onnx"]) > 0.95
    assert eight_bit_share(artifacts[".tflite"]) == 1.0


def test_a_float_file_has_no_weights_in_eight_bits(tmp_path: Path) -> None:
    assert eight_bit_share(float_model(tmp_path / "float.onnx")) == 0.0


def test_a_float_file_answers_as_computed_by_hand(tmp_path: Path) -> None:
    runner = open_runner(float_model(tmp_path / "float.onnx"), ("y",))
    found = run_all(runner, {"x": np.array([[1, 2, 3], [4, 5, 6]], np.float32)})
    assert found["y"].tolist() == [[6.0, 6.0], [15.0, 15.0]]


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_a_file_that_the_engine_refuses_is_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"no model")
    with pytest.raises(EngineError, match="broken") as caught:
        open_runner(path, ("y",))
    assert "\n" not in str(caught.value)
