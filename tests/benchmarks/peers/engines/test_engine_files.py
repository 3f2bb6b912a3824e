"""What other engines are given: bundles as model folders, int8 files back in float, tensors."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.peers.engines.__main__ import main
from benchmarks.peers.engines.bundle_models import BUNDLES, write_model_folder
from benchmarks.peers.engines.contestants import contestants_for
from benchmarks.peers.engines.float_form import float_form
from benchmarks.peers.engines.model_files import Workshop, contestant_file
from benchmarks.peers.engines.whole_pipeline import STAGES, time_pipeline
from benchmarks.peers.engines.workers.tensor_form import (
    input_for,
    match_outputs,
    real_values,
    stored_values,
)
from benchmarks.peers.quantizers.bar_model import read_bar_model
from benchmarks.peers.quantizers.outputs import open_runner, run_all
from benchmarks.peers.quantizers.quality import measure_quality
from edge.errors import InputError


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_a_bundles_int8_files_answer_as_the_float_form_of_its_folder(name, tmp_path) -> None:
    model = read_bar_model(write_model_folder(BUNDLES[name], tmp_path))
    for contestant in contestants_for(model.facts.family, ("edgedx",)):
        if contestant.precision == "int8":
            file = contestant_file(contestant, model, Workshop(tmp_path, 60.0))
            found = run_all(open_runner(file, model.outputs), model.test)
            assert measure_quality(model.expected, found).worst_db > 20


def test_a_model_whose_grids_are_not_constant_has_no_float_form() -> None:
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])],
        "dynamic",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, []),
            helper.make_tensor_value_info("z", TensorProto.UINT8, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, [1])],
    )
    with pytest.raises(InputError, match="no constant scale"):
        float_form(helper.make_model(graph).SerializeToString())


def test_a_whole_answer_has_times_by_stage() -> None:
    taken, engine = time_pipeline(BUNDLES["chest_xray"].bundle, threads=1, answers=3)
    assert engine == "onnxruntime int8"
    assert {stage: len(each) for stage, each in taken.items()} == dict.fromkeys(STAGES, 3)


def test_tensors_find_their_input_by_name_and_lie_channels_last_where_wanted() -> None:
    picture = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    example = {"image": picture, "mask": np.zeros((1, 5), np.float32)}
    assert np.array_equal(
        input_for("serving_default_image:0", (1, 3, 4, 2), example), np.moveaxis(picture, 1, -1)
    )
    assert input_for("renamed", (1, 5), example).shape == (1, 5)
    with pytest.raises(ValueError, match="0 inputs of the example"):
        input_for("renamed", (1, 7), example)


def test_a_single_output_may_be_renamed_and_several_may_not() -> None:
    assert match_outputs(["Identity"], ["logits"]) == {"logits": "Identity"}
    assert match_outputs(["b:0", "a:0"], ["a", "b"]) == {"a": "a:0", "b": "b:0"}
    with pytest.raises(ValueError, match="no output like 'b'"):
        match_outputs(["a", "c"], ["a", "b"])


def test_values_go_onto_a_files_grid_and_back() -> None:
    stored = stored_values(np.array([-9.0, 0.25, 9.0], np.float32), np.int8, (0.25, 3))
    assert stored.tolist() == [-33, 4, 39]
    assert real_values(stored, (0.25, 3)).tolist() == [-9.0, 0.25, 9.0]
    assert real_values(np.array([1.5], np.float32), (None, 0)).tolist() == [1.5]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--only", "tvm"], "--only 'tvm' is unknown", id="an engine nobody has"),
        pytest.param(["--models", "none"], "make it with benchmarks.zoo", id="a model not made"),
        pytest.param(["--cause", "slow"], "give MODEL=TEXT", id="a cause of nothing"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], told: str, tmp_path: Path) -> None:
    command = [str(tmp_path), "-o", str(tmp_path / "record.json"), *arguments]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
