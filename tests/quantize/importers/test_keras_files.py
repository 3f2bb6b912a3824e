"""A Keras file is read without running anything of it, or refused in one line."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_keras_layers import read_here, recorded, recorded_answers, run

from edge.errors import EdgeError, InputError, UnsupportedInputError, UsageError


def one_layer(
    kind: str, config: dict, *, shape: tuple = (None, 6), weights: tuple = (), **stated: object
) -> tuple[dict, tuple]:
    """A serialized Sequential model of one layer, and its weights."""
    layer = {"module": "keras.layers", "class_name": kind, "config": {"name": "it", **config}}
    first = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": list(shape), "dtype": "float32", "name": "given"},
    }
    layers = [first, {**layer, **stated}]
    return {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}, weights


def save(config: dict, weights: tuple, path: Path, *, group: str = "dense") -> Path:
    """A `.keras` archive of a configuration and the weights of its only layer."""
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        for at, each in enumerate(weights):
            file[f"layers/{group}/vars/{at}"] = each
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.9.0"}))
        archive.writestr("model.weights.h5", packed.getvalue())
    return path


def dense(tmp_path: Path, weights: tuple) -> Path:
    config, _ = one_layer("Dense", {"units": 2, "activation": "linear", "use_bias": True})
    return save(config, weights, tmp_path / "model.keras")


def test_a_model_written_by_hand_is_read(tmp_path: Path) -> None:
    kernel, bias = np.arange(12, dtype=np.float32).reshape(6, 2), np.float32([1, 2])
    model = read_here(dense(tmp_path, (kernel, bias)))
    given = np.ones((1, 6), np.float32)
    assert run(model, [given])[0].tolist() == (given @ kernel + bias).tolist()
    assert [each.name for each in model.graph.input] == ["given"]
    assert [each.name for each in model.graph.output] == ["it"]


def test_a_lambda_is_refused_by_name_and_never_run(tmp_path: Path) -> None:
    body = {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}
    path = save(*one_layer("Lambda", {"function": body}), tmp_path / "model.keras")
    with pytest.raises(UnsupportedInputError, match=r"'it' is a Lambda: .* never run; replace"):
        read_here(path)


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param({"module": "mine.layers", "registered_name": "Mine>Dense"}, id="module"),
        pytest.param({"module": None, "registered_name": "Mine>Dense"}, id="registered"),
    ],
)
def test_a_class_of_the_users_own_is_not_taken_for_one_of_keras(
    stated: dict, tmp_path: Path
) -> None:
    config, weights = one_layer("Dense", {"units": 2}, **stated)
    path = save(config, weights, tmp_path / "model.keras")
    with pytest.raises(UnsupportedInputError, match=r"'it' is 'Dense' of '[Mm]ine.*own"):
        read_here(path)


@pytest.mark.parametrize(
    ("kind", "config", "reason"),
    [
        pytest.param("Conv3D", {}, "a 'Conv3D', which is not supported; supported: ", id="layer"),
        pytest.param("Activation", {"activation": "sparsemax"}, "'sparsemax'", id="activation"),
        pytest.param("LSTM", {"units": 2, "stateful": True}, "keeps its state", id="state"),
        pytest.param(
            "Resizing",
            {"height": 2, "width": 2, "interpolation": "lanczos5"},
            "interpolation 'lanczos5'; nearest and bilinear",
            id="interpolation",
        ),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(
    kind: str, config: dict, reason: str, tmp_path: Path
) -> None:
    shapes = {"LSTM": (None, 4, 6), "Resizing": (None, 4, 4, 1)}
    made = one_layer(kind, config, shape=shapes.get(kind, (None, 6)))
    path = save(*made, tmp_path / "model.keras")
    with pytest.raises(UnsupportedInputError, match=reason) as caught:
        read_here(path)
    assert "'it'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        pytest.param((), "'it' has no kernel", id="none"),
        pytest.param((np.ones((5, 2)),), r"kernel of layer 'it' is \(5, 2\); \(6, 2\)", id="shape"),
        pytest.param((np.full((6, 2), np.nan),), "kernel of layer 'it' holds NaN", id="NaN"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_layer(
    weights: tuple, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=reason):
        read_here(dense(tmp_path, (*weights, np.ones(2))[: len(weights) and 2]))


def masked_lstm(tmp_path: Path) -> Path:
    config, _ = one_layer("Masking", {"mask_value": -1.0}, shape=(None, 4, 3))
    lstm = {
        "module": "keras.layers",
        "class_name": "LSTM",
        "config": {"name": "memory", "units": 2, "recurrent_activation": "sigmoid"},
    }
    config["config"]["layers"].append(lstm)
    random = np.random.default_rng(0)
    weights = tuple(random.normal(0, 1, shape) for shape in ((3, 8), (2, 8), (8,)))
    return save(config, weights, tmp_path / "model.keras", group="lstm/cell")


def test_a_masked_lstm_is_refused_unless_nothing_is_padded(tmp_path: Path) -> None:
    path = masked_lstm(tmp_path)
    with pytest.raises(UnsupportedInputError, match=r"'memory' \(LSTM\): masked .*no-padding"):
        read_here(path)
    model = read_here(path, assume_no_padding=True)
    assert "LSTM" in {node.op_type for node in model.graph.node}


def test_an_open_series_needs_its_length(tmp_path: Path) -> None:
    config, weights = one_layer("ReLU", {}, shape=(None, None, 3))
    path = save(config, weights, tmp_path / "model.keras")
    with pytest.raises(UnsupportedInputError, match=r"axis 1 'axis_1' of input 'given' is open"):
        read_here(path)
    model = read_here(path, input_shapes={"given": (1, 7, 3)})
    assert run(model, [np.ones((1, 7, 3), np.float32)])[0].shape == (1, 7, 3)
    with pytest.raises(UsageError, match="no model input is named 'other'"):
        read_here(path, input_shapes={"other": (1, 7, 3)})


def test_weights_without_a_model_are_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["dense/kernel"] = np.ones((2, 2))
    with pytest.raises(InputError, match=r"weights only.*model\.save"):
        read_here(path)


def test_an_array_that_lies_in_another_file_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(48))
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        file.require_group("layers/dense/vars").create_dataset(
            "0", (6, 2), "float32", external=[(str(secret), 0, 48)]
        )
    path = dense(tmp_path, ())
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", packed.getvalue())
    with pytest.raises(InputError, match="lies in another file; it is not read"):
        read_here(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_cut_anywhere_is_refused_by_an_error_of_ours(suffix: str, tmp_path: Path) -> None:
    whole = recorded(f"shared layers{suffix}")
    path = tmp_path / f"cut{suffix}"
    for length in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:length])
        with pytest.raises(EdgeError) as caught:
            read_here(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@settings(
    max_examples=15,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=4))
def test_changed_bytes_give_a_model_or_one_line(suffix: str, changes: list, tmp_path: Path) -> None:
    whole = bytearray(recorded(f"shared layers{suffix}"))
    for place, value in changes:
        whole[int(place * len(whole))] = value
    path = tmp_path / f"changed{suffix}"
    path.write_bytes(bytes(whole))
    try:
        read_here(path)
    except EdgeError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right


@settings(
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_changed_configuration_gives_a_model_or_one_line(data, tmp_path: Path) -> None:
    """Any one value of the configuration becomes something else."""
    with zipfile.ZipFile(io.BytesIO(recorded("shared layers.keras"))) as archive:
        config = json.loads(archive.read("config.json"))
        weights = archive.read("model.weights.h5")
    places: list[tuple] = []

    def walk(value) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            places.append((value, key))
            if isinstance(each, (dict, list)):
                walk(each)

    walk(config)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(st.sampled_from([None, -1, 0, 10**9, "x", [], {}, [[[1]]], 1.5]))
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    try:
        read_here(path)
    except EdgeError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("place", "shape", "expected"),
    [
        pytest.param(
            "brain-mri/cnn-parameters-improvement-23-0.91.h5",
            (1, 240, 240, 3),
            0.99999917,
            id="mri",
        ),
        pytest.param("models/ehr-iseeu/kfold4_best.hdf5", (1, 1, 22, 48), 0.2798332, id="stays"),
    ],
)
def test_a_trained_model_in_hdf5_is_read(
    place: str, shape: tuple, expected: float, shared_data: Path
) -> None:
    """What Keras 3 answers; of the first file once rebuilt by hand, for it cannot load that."""
    model = read_here(shared_data / place)
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    score = float(run(model, [values])[0].reshape(-1)[0])
    assert score == pytest.approx(expected, abs=1e-6)


@pytest.mark.shared_data
def test_a_trained_masked_gru_answers_as_keras_did(shared_data: Path, tmp_path: Path) -> None:
    """Steps of padding at the start, in the middle and at the end; recorded from Keras 3."""
    packed = shared_data / "models" / "ecg-sleepecg-gru" / "ws-gru-mesa.zip"
    path = tmp_path / "classifier.keras"
    with zipfile.ZipFile(packed) as archive:
        path.write_bytes(archive.read("classifier.keras"))
    model = read_here(path, input_shapes={"input_layer": (1, 20, 36)})
    random = np.random.default_rng(0)
    random.random((1, 20, 36))
    values = random.normal(size=(1, 20, 36)).astype(np.float32)
    values[:, :4] = values[:, 9] = values[:, -3:] = -1
    actual = run(model, [values])[0].reshape(-1)[:3]
    assert actual == pytest.approx([0.27511206, 0.353289, 0.37159896], abs=1e-6)


def test_recorded_inputs_of_masks_hold_padding() -> None:
    inputs, _ = recorded_answers("masked gru")
    assert (inputs[0] == -1).all(axis=-1).sum() == 4
