"""A manifest whose values have the right types is still refused where they cannot be true."""

import pytest
from bundle_samples import assert_is_one_line, changed, document, encoded

from edge.bundle.bundle_paths import MAX_FILE_BYTES, MAX_FILES
from edge.bundle.manifest_reader import parse_manifest
from edge.errors import ManifestError

SHA = "0123456789abcdef" * 4


def refusal(data: bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data)
    assert_is_one_line(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("name", "", id="empty name"),
        pytest.param("name", " \t", id="blank name"),
        pytest.param("name", "n" * 201, id="endless name"),
        pytest.param("name", "two\nlines", id="name of two lines"),
        pytest.param("version", "\x1b[2J", id="version with an escape sequence"),
        pytest.param("task", "a\u2028b", id="task with a line separator"),
        pytest.param("task", "a\u202eb", id="task that turns the direction of writing"),
        pytest.param("intended_use", "", id="no intended use"),
        pytest.param("licence", "\x00", id="licence with NUL"),
        pytest.param("limits[0]", " ", id="blank limit"),
        pytest.param("attribution[0]", "\x7f", id="attribution with DEL"),
        pytest.param("inputs", [], id="no input"),
        pytest.param("outputs", [], id="no output"),
        pytest.param("artifacts", [], id="no artifact"),
        pytest.param("files[0].sha256", SHA[:-1], id="63 digits"),
        pytest.param("files[0].sha256", SHA.upper(), id="upper-case digits"),
        pytest.param("files[0].sha256", SHA[:-1] + "g", id="not hexadecimal"),
        pytest.param("files[0].sha256", SHA + "\n", id="digest and newline"),
        pytest.param("files[0].size_bytes", -1, id="negative size"),
        pytest.param("files[0].size_bytes", MAX_FILE_BYTES + 1, id="file over the limit"),
        pytest.param("files[0].size_bytes", 10**100, id="huge size"),
        pytest.param("files[3].path", "../outside", id="path out of the bundle"),
        pytest.param("files[3].path", "a/../../outside", id="path out of the bundle, deeper"),
        pytest.param("files[3].path", "a/./b", id="dot part"),
        pytest.param("files[3].path", "/etc/passwd", id="absolute path"),
        pytest.param("files[3].path", "a//b", id="empty part"),
        pytest.param("files[3].path", "a/", id="folder path"),
        pytest.param("files[3].path", "", id="empty path"),
        pytest.param("files[3].path", "a\\b", id="backslash"),
        pytest.param("files[3].path", "c:model", id="drive letter"),
        pytest.param("files[3].path", "a\x00b", id="NUL in a path"),
        pytest.param("files[3].path", "a\nb", id="newline in a path"),
        pytest.param("files[3].path", "e\u0301.png", id="path not in normal form C"),
        pytest.param("files[3].path", "a" * 256, id="path of 256 bytes"),
        pytest.param("files[3].path", "é" * 128, id="path of 256 bytes in UTF-8"),
        pytest.param("files[3].path", "model.onnx", id="path given twice"),
        pytest.param("files[3].path", "MODEL.onnx", id="path that differs in case only"),
        pytest.param("files[3].path", "golden", id="file that is also a folder"),
        pytest.param("files[3].path", "Model.tflite/x", id="file inside a file"),
        pytest.param("files[3].path", "manifest.json", id="manifest names itself"),
        pytest.param("files[3].path", "Manifest.JSON", id="manifest names itself in capitals"),
        pytest.param("inputs[0].name", "", id="input without a name"),
        pytest.param("inputs[0].shape", [2, 1, 2, 3], id="batch of two"),
        pytest.param("inputs[0].shape", [1, 3, 2, 3], id="three channels of grey"),
        pytest.param("inputs[0].shape", [1, 1, 3, 2], id="height and width exchanged"),
        pytest.param("inputs[0].shape", [1, 1, 2, 10**100], id="huge axis"),
        pytest.param("inputs[0].resize.height", 0, id="no height"),
        pytest.param("inputs[0].resize.pad_value", 256, id="padding over 255"),
        pytest.param("inputs[0].resize.pad_value", -1, id="padding below 0"),
        pytest.param("inputs[0].resize.crop_fraction", 0.0, id="crop of nothing"),
        pytest.param("inputs[0].resize.crop_fraction", 1.01, id="crop beyond the picture"),
        pytest.param("inputs[0].mean", [], id="no mean"),
        pytest.param("inputs[0].mean", [0.1, 0.2, 0.3], id="three means of one channel"),
        pytest.param("inputs[0].std", [0.1, 0.2], id="two deviations of one channel"),
        pytest.param("inputs[0].std", [0.0], id="deviation 0"),
        pytest.param("inputs[0].std", [-1.0], id="negative deviation"),
        pytest.param("inputs[0].scale", 0.0, id="scale 0"),
        pytest.param("inputs[0].dtype", "uint8", id="normalised values in uint8"),
        pytest.param("outputs[0].name", "\n", id="output without a name"),
        pytest.param("outputs[0].labels", [], id="no labels"),
        pytest.param("outputs[0].labels", ["a", "a"], id="label given twice"),
        pytest.param("outputs[0].labels", ["a", ""], id="empty label"),
        pytest.param("outputs[0].labels", ["a", "\x9b31m"], id="label that steers a terminal"),
        pytest.param("outputs[0].thresholds", [0.5], id="one threshold for two labels"),
        pytest.param("outputs[0].thresholds", [0.5, 1.5], id="threshold above 1"),
        pytest.param("outputs[0].thresholds", [-0.5, 0.5], id="threshold below 0"),
        pytest.param("outputs[0].temperature", 0.0, id="temperature 0"),
        pytest.param("outputs[0].temperature", -1.0, id="negative temperature"),
        pytest.param("outputs[0].activation", "softmax", id="softmax of several findings"),
        pytest.param("outputs[0].unit", "mm", id="unit of a probability"),
        pytest.param("artifacts[0].path", "other.onnx", id="artifact not among files"),
        pytest.param("artifacts[0].tolerance_steps", -1, id="negative tolerance"),
        pytest.param("artifacts[0].output_steps", {}, id="output without a step"),
        pytest.param("artifacts[0].output_steps", {"findings": -0.5}, id="negative step"),
        pytest.param("golden[0].input", "two.png", id="golden input not among files"),
        pytest.param("golden[0].tensor_sha256", "x", id="golden tensor without a digest"),
        pytest.param("golden[0].label", "", id="empty golden label"),
        pytest.param("golden[0].outputs", [], id="golden input without outputs"),
        pytest.param("golden[0].outputs[0].artifact", "report.html", id="golden of no artifact"),
        pytest.param("golden[0].outputs[0].name", "other", id="golden of no output"),
        pytest.param("golden[0].outputs[0].values", [1.0], id="fewer values than the shape"),
        pytest.param("golden[0].outputs[0].shape", [0, 2], id="golden of nothing"),
        pytest.param("golden[0].outputs[0].shape", [-1, -2], id="negative sizes"),
        pytest.param("golden[0].outputs[0].shape", [2] + [1] * 8, id="nine axes"),
        pytest.param("golden[0].outputs[0].shape", [10**4000] * 8, id="huge golden shape"),
        pytest.param("evidence.source_model_sha256", "", id="no digest of the source"),
        pytest.param("evidence.calibration_sha256", SHA + "0", id="long calibration digest"),
        pytest.param("evidence.calibration_examples", -1, id="negative examples"),
        pytest.param("evidence.tools", {"": "1"}, id="tool without a name"),
        pytest.param("evidence.tools", {"numpy": ""}, id="tool without a version"),
        pytest.param("evidence.parity[0].artifact", "source", id="parity of the source"),
        pytest.param("evidence.parity[0].agreement", 1.1, id="agreement above 1"),
        pytest.param("evidence.parity[0].cosine", 1.1, id="cosine above 1"),
        pytest.param("evidence.parity[0].max_abs_difference", -1.0, id="negative difference"),
        pytest.param("evidence.parity[0].examples", -1, id="negative parity examples"),
        pytest.param("evidence.metrics[0].artifact", "other", id="metric of no artifact"),
        pytest.param("evidence.metrics[0].name", "", id="metric without a name"),
        pytest.param("evidence.metrics[0].examples", -5, id="negative metric examples"),
    ],
)
def test_a_value_that_cannot_be_true_is_refused_with_its_place(path: str, value: object) -> None:
    assert path in refusal(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param(
            "inputs[0].layout",
            "NHWC",
            "inputs[0].shape: must be [1, 2, 3, 1]",
            id="other layout than the shape's",
        ),
        pytest.param(
            "inputs[0].colour",
            "rgb",
            "inputs[0].shape: must be [1, 3, 2, 3]",
            id="other colour than the shape's",
        ),
        pytest.param(
            "inputs[0].resize.width",
            4,
            "inputs[0].shape: must be [1, 1, 2, 4]",
            id="other width than the shape's",
        ),
        pytest.param(
            "outputs[0].labels",
            ["a", "b", "c"],
            "golden[0].outputs[0].values: has 2 values for 3 labels",
            id="more labels than values",
        ),
        pytest.param(
            "outputs[0].activation",
            "none",
            "outputs[0].temperature: 1.5 needs an activation",
            id="temperature without an activation",
        ),
        pytest.param(
            "outputs[0].kind",
            "classification",
            "outputs[0].thresholds: belong to multilabel only",
            id="thresholds of a classification",
        ),
        pytest.param(
            "artifacts[0].path",
            "model.tflite",
            "artifacts[1].path: 'model.tflite' is given twice",
            id="artifact given twice",
        ),
        pytest.param(
            "artifacts[0].output_steps.other",
            0.5,
            "artifacts[0].output_steps['other']: is not an output",
            id="step of no output",
        ),
        pytest.param(
            "golden[0].outputs[0].artifact",
            "model.tflite",
            "golden[0].outputs[1]: is given twice",
            id="golden given twice",
        ),
        pytest.param(
            "golden[0].outputs[0].shape",
            [2, 2],
            "golden[0].outputs[0].values: has 2 values for shape [2, 2]",
            id="shape of more values",
        ),
        pytest.param(
            "evidence.metrics[0].low",
            0.5,
            "evidence.metrics[0]: has one end of its interval",
            id="half an interval",
        ),
        pytest.param(
            "evidence.metrics[1].low",
            0.9,
            "evidence.metrics[1]: has an interval whose low is above its high",
            id="interval upside down",
        ),
    ],
)
def test_a_part_that_contradicts_another_is_refused(
    path: str, value: object, expected: str
) -> None:
    assert expected in refusal(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("intended_use", "two\nlines,\tand a tab", id="prose of several lines"),
        pytest.param("files[3].path", "é/\u4e2d.html", id="letters of any script"),
        pytest.param("files[3].path", "a" * 255, id="path of 255 bytes"),
        pytest.param("files[3].path", "...", id="dots that are a name"),
        pytest.param("files[3].size_bytes", 0, id="empty file"),
        pytest.param("files[3].size_bytes", MAX_FILE_BYTES, id="file of 2 GiB"),
        pytest.param("inputs[0].scale", -1.0, id="inverting scale"),
        pytest.param("inputs[0].normalisation_in_graph", True, id="normalised in the graph"),
        pytest.param("outputs[0].thresholds", None, id="no thresholds"),
        pytest.param("artifacts[0].output_steps", {"findings": 0.0}, id="step 0"),
        pytest.param("artifacts[0].tolerance_steps", 0, id="no tolerance"),
        pytest.param("golden", [], id="no golden examples"),
        pytest.param("golden[0].label", None, id="golden without a label"),
        pytest.param("evidence", None, id="no evidence"),
        pytest.param("evidence.metrics[1].low", 0.85, id="interval of one point"),
    ],
)
def test_a_value_at_the_edge_of_what_is_allowed_is_taken(path: str, value: object) -> None:
    parse_manifest(changed(path, value))


@pytest.mark.parametrize(
    ("kind", "activation", "is_allowed"),
    [
        ("classification", "softmax", True),
        ("classification", "none", True),
        ("classification", "sigmoid", False),
        ("multilabel", "softmax", False),
        ("multilabel", "none", True),
        ("multilabel", "sigmoid", True),
        ("regression", "softmax", False),
        ("regression", "none", True),
        ("regression", "sigmoid", True),
    ],
)
def test_an_activation_must_fit_the_kind(kind: str, activation: str, is_allowed: bool) -> None:
    whole = document()
    whole["outputs"][0] |= {
        "kind": kind,
        "activation": activation,
        "thresholds": None,
        "temperature": 1.0,
    }
    if is_allowed:
        assert parse_manifest(encoded(whole)).outputs[0].activation == activation
    else:
        assert "outputs[0].activation" in refusal(encoded(whole))


def test_a_colour_picture_has_three_channels_in_either_layout() -> None:
    whole = document()
    whole["inputs"][0] |= {"colour": "bgr", "shape": [1, 3, 2, 3], "mean": [0.1, 0.2, 0.3]}
    parse_manifest(encoded(whole))
    whole["inputs"][0] |= {"layout": "NHWC", "shape": [1, 2, 3, 3]}
    parse_manifest(encoded(whole))


def test_names_that_stand_twice_are_refused() -> None:
    whole = document()
    whole["inputs"] *= 2
    whole["outputs"] *= 2

    text = refusal(encoded(whole))

    assert "inputs[1].name: 'image' is given twice" in text
    assert "outputs[1].name: 'findings' is given twice" in text


def test_all_contradictions_are_named_together() -> None:
    whole = document()
    whole["inputs"][0]["std"] = [0.0]
    whole["outputs"][0]["temperature"] = -1
    whole["artifacts"][1]["path"] = "lost.tflite"

    text = refusal(encoded(whole))

    assert "inputs[0].std[0]: must be finite and above 0, not 0.0" in text
    assert "outputs[0].temperature" in text
    assert "artifacts[1].path: 'lost.tflite' is not among files" in text


def test_a_bundle_holds_at_most_so_many_files_and_bytes() -> None:
    whole = document()
    whole["files"] += [
        {"path": f"extra/{index}", "sha256": SHA, "size_bytes": 0}
        for index in range(MAX_FILES - len(whole["files"]))
    ]
    parse_manifest(encoded(whole))
    whole["files"].append({"path": "last", "sha256": SHA, "size_bytes": 0})
    assert f"at most {MAX_FILES}" in refusal(encoded(whole))

    whole = document()
    for each in whole["files"][:3]:
        each["size_bytes"] = MAX_FILE_BYTES
    assert "sizes sum to more than" in refusal(encoded(whole))
