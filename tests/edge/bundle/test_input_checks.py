"""Series, tables and vectors in a manifest: read with their types, or refused with all faults."""

import copy
from typing import Any

import pytest
from bundle_samples import assert_is_one_line, changed, document, encoded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.bundle.manifest import (
    FORMAT,
    ImageInput,
    ModelMetadata,
    SeriesInput,
    TableInput,
    VectorInput,
)
from edge.bundle.manifest_reader import (
    manifest_to_json,
    model_metadata_to_json,
    parse_manifest,
    parse_model_metadata,
)
from edge.errors import ManifestError

SERIES = {
    "kind": "series",
    "name": "vitals",
    "shape": [1, 24, 3],
    "axes": "TC",
    "channels": ["HR", "Temp", "GCS"],
    "units": ["bpm", "°C", ""],
    "sampling_rate_hz": 0.5,
    "step": "2 s",
    "gap_rule": "forward_fill",
    "fill": [80.0, 37.0, 15.0],
    "mean": [80.0, 37.0, 12.0],
    "std": [15.0, 0.5, 3.0],
    "clip": [-5.0, 5.0],
}
TABLE = {
    "kind": "table",
    "name": "patient",
    "shape": [1, 2],
    "columns": ["age", "sex"],
    "units": ["a", ""],
    "fill": [60.0, None],
    "mean": [60.0, 0.0],
    "std": [20.0, 1.0],
    "vocabularies": {"sex": ["female", "male"]},
}
VECTOR = {
    "kind": "vector",
    "name": "complaints",
    "shape": [1, 4],
    "dtype": "int64",
    "vocabulary": ["none", "cough", "fever"],
    "fill": 0,
}


def with_inputs(*inputs: dict[str, Any]) -> dict[str, Any]:
    whole = document()
    whole["inputs"] = [copy.deepcopy(each) for each in inputs]
    return whole


def refusal(data: bytes) -> str:
    with pytest.raises(ManifestError) as error:
        parse_manifest(data)
    assert_is_one_line(error.value)
    return str(error.value)


def test_every_kind_of_input_is_read_written_and_read_again() -> None:
    image = document()["inputs"][0]
    manifest = parse_manifest(encoded(with_inputs(image, SERIES, TABLE, VECTOR)))
    kinds = [type(each) for each in manifest.inputs]
    assert kinds == [ImageInput, SeriesInput, TableInput, VectorInput]
    assert manifest.inputs[1].channels == ("HR", "Temp", "GCS")
    assert manifest.inputs[2].vocabularies == {"sex": ("female", "male")}
    assert manifest.inputs[3].fill == 0
    assert parse_manifest(manifest_to_json(manifest)) == manifest
    carried = ModelMetadata(
        format=FORMAT, inputs=manifest.inputs, outputs=manifest.outputs, precision="dynamic"
    )
    assert parse_model_metadata(model_metadata_to_json(carried)) == carried


def test_what_files_of_earlier_versions_carry_is_read() -> None:
    whole = document()
    text = encoded({key: whole[key] for key in ("format", "inputs", "outputs")})
    assert parse_model_metadata(text).precision is None


@pytest.mark.parametrize(
    ("base", "change", "expected"),
    [
        pytest.param(SERIES, {"shape": [1, 24, 4]}, "channels: are 3", id="channels and shape"),
        pytest.param(SERIES, {"axes": "CT"}, "channels: are 3", id="the other axis"),
        pytest.param(SERIES, {"shape": [1, 2, 24, 3]}, "channels: are 3", id="a second axis"),
        pytest.param(SERIES, {"shape": [24, 3]}, "shape: must be 2 to 8", id="no batch"),
        pytest.param(SERIES, {"shape": [1, 0, 3]}, "shape: must be 2 to 8", id="no time"),
        pytest.param(SERIES, {"shape": [1, 2**24, 3]}, "more than", id="too many values"),
        pytest.param(SERIES, {"shape": [1, 10**100, 3]}, "more than", id="huge axis"),
        pytest.param(SERIES, {"axes": "XY"}, "axes: must be 'TC' or 'CT'", id="unknown axes"),
        pytest.param(
            SERIES,
            {"channels": ["a", "a", "b"]},
            "channels[1]: 'a' is given twice",
            id="a channel twice",
        ),
        pytest.param(
            SERIES, {"channels": ["a", "", "b"]}, "channels[1]: must not be empty", id="no name"
        ),
        pytest.param(SERIES, {"units": ["bpm"]}, "units: must have 0 or 3 values", id="one unit"),
        pytest.param(SERIES, {"mean": [1, 2]}, "mean: must have 1 or 3 values", id="two means"),
        pytest.param(
            SERIES, {"std": [1, 0, 1]}, "std[1]: must be finite and above 0", id="no spread"
        ),
        pytest.param(
            SERIES, {"fill": [1, 2]}, "fill: must have 0 or 1 or 3 values", id="two fills"
        ),
        pytest.param(SERIES, {"gap_rule": "none"}, "fill: fills nothing", id="fill without a rule"),
        pytest.param(SERIES, {"gap_rule": "linear"}, "gap_rule: must be", id="unknown rule"),
        pytest.param(SERIES, {"clip": [5, -5]}, "clip: must be two finite", id="clip turned round"),
        pytest.param(SERIES, {"clip": [5]}, "clip: must have 2 elements", id="half a clip"),
        pytest.param(SERIES, {"sampling_rate_hz": 0}, "sampling_rate_hz: must be", id="no rate"),
        pytest.param(
            SERIES, {"dtype": "int64"}, "dtype: int64 is given as it is", id="whole, standardised"
        ),
        pytest.param(
            SERIES, {"dtype": "float64"}, "dtype: must be 'float32' or", id="unknown type"
        ),
        pytest.param(
            SERIES, {"layout": "NCHW"}, "'layout': is not a known key", id="a picture's key"
        ),
        pytest.param(TABLE, {"columns": ["age"]}, "columns: are 1", id="a column less"),
        pytest.param(TABLE, {"shape": [1, 3, 2]}, "columns: are 2", id="three rows"),
        pytest.param(
            TABLE,
            {"vocabularies": {"site": ["arm"]}},
            "['site']: is not a column",
            id="unknown column",
        ),
        pytest.param(
            TABLE, {"vocabularies": {"sex": []}}, "['sex']: must have at least one", id="no words"
        ),
        pytest.param(
            TABLE, {"vocabularies": {"sex": ["f", "f"]}}, "'f' is given twice", id="a word twice"
        ),
        pytest.param(
            TABLE, {"vocabularies": {"sex": [1]}}, "must be text", id="a number for a word"
        ),
        pytest.param(TABLE, {"fill": [1, "x"]}, "fill[1]: must be a number", id="text for a fill"),
        pytest.param(VECTOR, {"fill": 0.5}, "fill: must be whole numbers", id="half a token"),
        pytest.param(
            VECTOR, {"mean": 2.0}, "dtype: int64 is given as it is", id="standardised token"
        ),
        pytest.param(
            VECTOR, {"std": -1.0}, "std: must be finite and above 0", id="negative spread"
        ),
        pytest.param(VECTOR, {"shape": []}, "shape: must be 1 to 8", id="no axes"),
        pytest.param(
            VECTOR,
            {"kind": "audio"},
            "'table' or 'vector', not 'audio'",
            id="unknown kind",
        ),
        pytest.param(VECTOR, {"kind": None}, "kind: must be", id="null kind"),
        pytest.param(VECTOR, {"kind": ["series"]}, "kind: must be", id="array for a kind"),
    ],
)
def test_a_fault_in_an_input_is_named_with_its_place(
    base: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    text = refusal(encoded(with_inputs(base | change)))
    assert "inputs[0]." in text
    assert expected in text


def test_the_faults_of_all_inputs_are_named_together() -> None:
    text = refusal(
        encoded(
            with_inputs(SERIES | {"std": [0.0]}, TABLE | {"name": "vitals"}, VECTOR | {"std": 0})
        )
    )
    assert "4 faults" in text
    for expected in (
        "inputs[0].std[0]",
        "inputs[1].name: 'vitals' is given twice",
        "inputs[2].std",
    ):
        assert expected in text


MASK = {key: SERIES[key] for key in ("kind", "shape", "axes", "channels")}
MASK |= {"name": "seen", "mask_of": "vitals"}


def test_a_mask_has_the_shape_of_its_series() -> None:
    manifest = parse_manifest(encoded(with_inputs(SERIES, MASK)))
    assert manifest.inputs[1].mask_of == "vitals"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"mask_of": "labs"}, "'labs' is no series among inputs", id="unknown"),
        pytest.param({"mask_of": "seen"}, "'seen' is no series among inputs", id="itself"),
        pytest.param({"shape": [1, 12, 3]}, "has another shape", id="another length"),
        pytest.param({"mean": [0.5]}, "is 0 or 1 as it is", id="standardised"),
        pytest.param({"gap_rule": "mean"}, "is 0 or 1 as it is", id="filled"),
    ],
)
def test_a_mask_that_does_not_fit_its_series_is_refused(
    change: dict[str, Any], expected: str
) -> None:
    assert f"inputs[1].mask_of: {expected}" in refusal(encoded(with_inputs(SERIES, MASK | change)))


def test_an_input_that_is_no_object_is_named() -> None:
    whole = document()
    whole["inputs"] = [3, {"name": "x"}]
    text = refusal(encoded(whole))
    assert "inputs[0]: must be an object, not 3" in text
    assert "inputs[1].kind: is missing" in text


@pytest.mark.parametrize(
    ("path", "value", "is_right"),
    [
        pytest.param("artifacts[0].precision", "mixed", True, id="mixed"),
        pytest.param("artifacts[0].precision", "dynamic", True, id="dynamic"),
        pytest.param("artifacts[0].precision", "int4", False, id="unknown precision"),
        pytest.param("evidence.calibration_method", "mse", True, id="a method"),
        pytest.param("evidence.calibration_method", None, True, id="no method"),
        pytest.param("evidence.calibration_method", "", False, id="an empty method"),
        pytest.param("evidence.refitted", True, True, id="refitted"),
        pytest.param("evidence.refitted", "yes", False, id="text for refitted"),
    ],
)
def test_what_was_added_to_the_format_is_read_and_checked(
    path: str, value: object, is_right: bool
) -> None:
    if is_right:
        parse_manifest(changed(path, value))
    else:
        assert path.rsplit(".", maxsplit=1)[-1] in refusal(changed(path, value))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5),
    st.sampled_from([2**31, 2**64, 10**30, 1e308, "", "TC", "series", "table", "image"]),
    st.lists(st.one_of(st.integers(-1, 3), st.text(max_size=2), st.none()), max_size=4),
    st.dictionaries(st.sampled_from(["sex", "x"]), st.lists(st.text(max_size=2), max_size=2)),
)


@given(st.sampled_from([SERIES, TABLE, VECTOR]), st.data())
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_an_input_with_other_values_is_read_or_refused(
    base: dict[str, Any], draw: st.DataObject
) -> None:
    keys = st.sampled_from([*base, "gap_rule", "fill", "vocabulary", "extra"])
    changes = draw.draw(st.dictionaries(keys, VALUES, min_size=1, max_size=3))
    try:
        parse_manifest(encoded(with_inputs(base | changes)))
    except ManifestError as error:
        fault = error
    else:
        return
    assert_is_one_line(fault)
