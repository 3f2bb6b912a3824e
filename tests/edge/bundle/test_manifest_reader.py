"""Untrusted bytes become a manifest, or one line that names everything wrong with them."""

import json

import pytest
from bundle_samples import MISSING, assert_is_one_line, changed, document, encoded, manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.manifest import FORMAT, ImageInput, Manifest, ModelMetadata
from edge.bundle.manifest_reader import (
    MAX_MANIFEST_BYTES,
    manifest_to_json,
    model_metadata_to_json,
    parse_manifest,
    parse_model_metadata,
)
from edge.errors import ManifestError


def refusal(data: bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data)
    assert_is_one_line(caught.value)
    return str(caught.value)


def test_a_sound_manifest_is_read_with_its_types() -> None:
    read = parse_manifest(encoded(document()))

    assert isinstance(read, Manifest)
    assert isinstance(read.inputs[0], ImageInput)
    assert read.inputs[0].shape == (1, 1, 2, 3)
    assert read.inputs[0].resize.interpolation == "linear_exact"
    assert read.outputs[0].labels == ("Épanchement", "nodule")
    assert read.golden[0].outputs[1].values == (0.25, -1.5)


def test_a_manifest_survives_being_written_and_read() -> None:
    assert parse_manifest(manifest_to_json(manifest())) == manifest()


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=2),
    st.floats(-1e30, 1e30).filter(bool),
    st.text(
        st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40
    ).filter(str.strip),
)
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_numbers_and_text_survive_exactly(thresholds: list, scale: float, name: str) -> None:
    whole = document()
    whole["outputs"][0]["thresholds"] = thresholds
    whole["inputs"][0]["scale"] = scale
    whole["name"] = name
    read = parse_manifest(encoded(whole))

    again = parse_manifest(manifest_to_json(read))

    assert again == read
    assert list(again.outputs[0].thresholds) == thresholds
    assert again.inputs[0].scale == scale
    assert again.name == name


def test_the_same_manifest_gives_the_same_bytes_whatever_its_order() -> None:
    shuffled = document()
    shuffled["files"].reverse()
    shuffled["evidence"]["tools"] = dict(reversed(shuffled["evidence"]["tools"].items()))

    text = manifest_to_json(parse_manifest(encoded(shuffled)))

    assert text == manifest_to_json(manifest())
    assert text.endswith(b"\n}\n")
    paths = [each["path"] for each in json.loads(text)["files"]]
    assert paths == sorted(paths)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00\x01\x02", id="binary"),
        pytest.param(b'{"format": 1', id="cut short"),
        pytest.param(b'{"format": 1} {}', id="two documents"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b'{"name": "\xff\xfe"}', id="invalid UTF-8"),
        pytest.param(b'{"\xff": 1}', id="invalid UTF-8 in a key"),
        pytest.param(b'{"name": "\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"scale": NaN}', id="NaN"),
        pytest.param(b'{"scale": Infinity}', id="infinity"),
        pytest.param(b'{"scale": 1e999}', id="number beyond float64"),
        pytest.param(b'{"format": ' + b"9" * 6000 + b"}", id="integer of 6000 digits"),
        pytest.param(b"[" * 200_000, id="deep arrays, open"),
        pytest.param(b"[" * 200_000 + b"]" * 200_000, id="deep arrays"),
        pytest.param(b'{"a":' * 200_000 + b"1" + b"}" * 200_000, id="deep objects"),
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    assert "manifest.json is not JSON" in refusal(data)


@pytest.mark.parametrize("depth", [50, 300, 600, 900])
def test_nesting_that_json_allows_is_still_only_a_fault(depth: int) -> None:
    refusal(changed("name", None)[:-1] + b', "x": ' + b"[" * depth + b"]" * depth + b"}")


def test_nothing_over_the_size_limit_is_parsed() -> None:
    text = refusal(b" " * (MAX_MANIFEST_BYTES + 1))

    assert str(MAX_MANIFEST_BYTES) in text


def test_whitespace_up_to_the_size_limit_is_no_fault() -> None:
    data = encoded(document())

    assert parse_manifest(data + b" " * (MAX_MANIFEST_BYTES - len(data))) == manifest()


@pytest.mark.parametrize("data", [b"[]", b"null", b"1", b'"manifest"', b"true"])
def test_a_document_that_is_no_object_is_refused(data: bytes) -> None:
    assert "must be an object" in refusal(data)


def test_a_later_format_asks_for_an_upgrade_whatever_else_it_holds() -> None:
    text = refusal(b'{"format": 2, "everything": "else", "is": [{"new": 1}]}')

    assert text == "manifest.json is format 2; this runtime reads format 1; upgrade edgedx"


@pytest.mark.parametrize(
    "value", [0, -1, 1.0, True, "1", None, [1], 10**300], ids=lambda value: str(value)[:10]
)
def test_any_other_format_is_refused_before_all_else(value: object) -> None:
    text = refusal(encoded({"format": value, "unknown": 1}))

    assert "format" in text
    assert "unknown" not in text


def test_a_missing_format_is_said() -> None:
    assert '"format" is missing; it must be 1' in refusal(changed("format", MISSING))


def test_a_key_given_twice_is_refused_by_name() -> None:
    data = encoded(document()).replace(b'"scale": 0.5', b'"scale": 0.5, "scale": 0.25')

    assert "'scale'" in refusal(data)


def test_a_key_given_twice_in_two_spellings_is_refused() -> None:
    data = encoded(document()).replace(b'"scale": 0.5', b'"scale": 0.5, "\\u0073cale": 0.25')

    assert "'scale'" in refusal(data)


def test_colons_and_quotes_in_text_are_not_taken_for_keys() -> None:
    data = changed("intended_use", 'say "a": {"a": 1, "a": 2} \\" : \\')

    assert parse_manifest(data).intended_use == 'say "a": {"a": 1, "a": 2} \\" : \\'


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param("name", 5, "name: must be text, not 5", id="integer for text"),
        pytest.param("name", None, "name: must be text, not null", id="null for text"),
        pytest.param("limits", "none", "limits: must be an array, not 'none'", id="text for array"),
        pytest.param("limits[0]", {}, "limits[0]: must be text", id="object for text"),
        pytest.param("files[1]", [], "files[1]: must be an object", id="array for object"),
        pytest.param(
            "files[0].size_bytes", 1.0, "files[0].size_bytes: must be an integer", id="float size"
        ),
        pytest.param(
            "files[0].size_bytes", True, "files[0].size_bytes: must be an integer", id="bool size"
        ),
        pytest.param(
            "inputs[0].resize.width", "3", "inputs[0].resize.width: must be", id="text width"
        ),
        pytest.param("inputs[0].scale", "1", "inputs[0].scale: must be a number", id="text scale"),
        pytest.param(
            "inputs[0].scale", 10**400, "inputs[0].scale: must be a number", id="huge scale"
        ),
        pytest.param(
            "inputs[0].normalisation_in_graph", 1, "must be true or false", id="integer for bool"
        ),
        pytest.param(
            "inputs[0].layout",
            "NCWH",
            "inputs[0].layout: must be 'NCHW' or 'NHWC', not 'NCWH'",
            id="unknown choice",
        ),
        pytest.param("inputs[0].layout", ["NCHW"], "must be 'NCHW'", id="array for a choice"),
        pytest.param(
            "inputs[0].kind",
            "hologram",
            "inputs[0].kind: must be 'image' or 'series'",
            id="unknown kind",
        ),
        pytest.param("inputs[0].kind", MISSING, "inputs[0].kind: is missing", id="no kind"),
        pytest.param(
            "inputs[0].shape", [1, 1, 2], "shape: must have 4 elements, not 3", id="three axes"
        ),
        pytest.param(
            "artifacts[0].output_steps", [], "output_steps: must be an object", id="array for map"
        ),
        pytest.param(
            "artifacts[0].output_steps.findings",
            "small",
            "artifacts[0].output_steps['findings']: must be a number",
            id="text in a map",
        ),
        pytest.param("outputs[0].thresholds", 0.5, "thresholds: must be an array", id="optional"),
        pytest.param("evidence", [], "evidence: must be an object", id="array for evidence"),
        pytest.param("golden[0].input", MISSING, "golden[0].input: is missing", id="missing key"),
        pytest.param("golden[0].seed", 1, "golden[0].'seed': is not a known key", id="extra key"),
        pytest.param(
            "inputs[0].resize.a\u001bb\n", 1, r"'a\x1bb\n'", id="extra key that steers a terminal"
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_its_place(
    path: str, value: object, expected: str
) -> None:
    assert expected in refusal(changed(path, value))


def test_all_faults_of_type_are_named_together() -> None:
    whole = document()
    whole["name"] = 1
    whole["colour"] = "grey"
    del whole["inputs"][0]["resize"]["width"]
    whole["outputs"][0]["labels"][1] = None
    whole["golden"][0]["outputs"][0]["values"] = ["a", 1, "b"]

    text = refusal(encoded(whole))

    assert "has 6 faults" in text
    for part in (
        "'colour': is not a known key",
        "name: must be text",
        "inputs[0].resize.width: is missing",
        "outputs[0].labels[1]: must be text",
        "golden[0].outputs[0].values[0]: must be a number",
        "golden[0].outputs[0].values[2]: must be a number",
    ):
        assert part in text


def test_many_faults_are_counted_but_not_all_spelt_out() -> None:
    text = refusal(changed("limits", [None] * 1000))

    assert "has 1000 faults" in text
    assert text.count("must be text") == 20
    assert text.endswith("and 980 more")


def test_hostile_text_cannot_make_the_message_long_or_break_its_line() -> None:
    text = refusal(changed("inputs[0].colour", "\n\x1b[2J" + "x" * 100_000))

    assert len(text) < 300


def test_what_cannot_be_written_as_utf8_is_refused_when_written() -> None:
    import msgspec

    broken = msgspec.structs.replace(manifest(), name="\ud800")

    with pytest.raises(ManifestError, match="not valid Unicode") as caught:
        manifest_to_json(broken)
    assert_is_one_line(caught.value)


def test_model_metadata_is_read_and_checked_like_a_manifest() -> None:
    metadata = ModelMetadata(format=FORMAT, inputs=manifest().inputs, outputs=manifest().outputs)
    text = model_metadata_to_json(metadata)

    assert parse_model_metadata(text) == metadata
    assert b"\n" not in text
    with pytest.raises(ManifestError, match=r"inputs\[0\]\.std\[0\]: must be finite and above 0"):
        parse_model_metadata(text.replace(b'"std":[0.25]', b'"std":[0.0]'))
    with pytest.raises(ManifestError, match="model metadata is not JSON"):
        parse_model_metadata(b"")
