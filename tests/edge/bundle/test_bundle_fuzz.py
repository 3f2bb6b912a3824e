"""Whatever is done to a bundle: it opens, or it is refused in one line, and nothing else."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from bundle_samples import assert_is_one_line, document, encoded, write_sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.bundle.manifest_reader import parse_manifest
from edge.bundle.reader import open_bundle
from edge.errors import BundleError, ManifestError

QUICK = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30, 1e308, -0.0, 5e-324]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["", "..", "a/b", "model.onnx", "findings", "NHWC", "rgb", "\x1b[2J\n"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Paths of all values within a JSON document."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        if isinstance(each, (dict, list)):
            found += places(each, (*path, key))
        else:
            found.append((*path, key))
    return found


PLACES = places(document())


def parent_of(whole: Any, path: tuple) -> Any:
    for key in path[:-1]:
        whole = whole[key]
    return whole


def read_or_refuse(data: bytes) -> None:
    try:
        parse_manifest(data)
    except ManifestError as error:
        assert_is_one_line(error)


@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=4))
@QUICK
def test_a_manifest_with_other_values_is_read_or_refused(changes: list) -> None:
    whole = document()
    for path, value in changes:
        try:
            parent_of(whole, path)[path[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    read_or_refuse(encoded(whole))


@pytest.mark.parametrize("how", ["drop", "double", "rename"])
def test_a_manifest_with_less_or_more_in_any_place_is_read_or_refused(how: str) -> None:
    for path in PLACES:
        whole = document()
        parent, key = parent_of(whole, path), path[-1]
        if how == "drop":
            del parent[key]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        else:
            parent[str(key) + "s"] = parent[key] if how == "double" else parent.pop(key)
        read_or_refuse(encoded(whole))


@given(st.randoms(use_true_random=False), st.integers(1, 6))
@QUICK
def test_a_manifest_with_other_bytes_is_read_or_refused(chance: random.Random, count: int) -> None:
    data = bytearray(encoded(document()))
    for _ in range(count):
        mutate(data, chance)
    read_or_refuse(bytes(data))


@given(st.binary(max_size=100))
@QUICK
def test_any_bytes_at_all_are_refused(data: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data)
    assert_is_one_line(caught.value)


def mutate(data: bytearray, chance: random.Random) -> None:
    """Change, remove, insert or repeat some bytes."""
    start = chance.randrange(len(data) + 1)
    length = chance.choice([1, 1, 2, 4, 30])
    kind = chance.randrange(5)
    if kind == 0 and start < len(data):
        data[start] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del data[start : start + length]
    elif kind == 2:
        data[start:start] = chance.randbytes(length)
    elif kind == 3:
        data[start : start + length] = chance.choice([b"\0", b"\xff"]) * length
    else:
        data[start:start] = data[chance.randrange(len(data) + 1) :][:length]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_sample(tmp_path_factory.mktemp("sound") / "x.edge").read_bytes()


def open_or_refuse(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        with open_bundle(path) as bundle:
            for each in bundle.manifest.files:
                bundle.read(each.path)
    except BundleError as error:
        assert_is_one_line(error)


@given(chance=st.randoms(use_true_random=False), count=st.integers(1, 4))
@QUICK
def test_a_file_with_other_bytes_opens_or_is_refused(
    sound: bytes, tmp_path: Path, chance: random.Random, count: int
) -> None:
    data = bytearray(sound)
    for _ in range(count):
        mutate(data, chance)
    open_or_refuse(tmp_path / "x.edge", bytes(data))


@given(chance=st.randoms(use_true_random=False), count=st.integers(1, 3))
@QUICK
def test_a_file_with_other_records_opens_or_is_refused(
    sound: bytes, tmp_path: Path, chance: random.Random, count: int
) -> None:
    """Damage aimed at the headers, where the reader makes its decisions."""
    data = bytearray(sound)
    starts = [index for index in range(len(data) - 3) if data[index : index + 2] == b"PK"]
    for _ in range(count):
        place = chance.choice(starts) + chance.randrange(46)
        if place < len(data):
            data[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    open_or_refuse(tmp_path / "x.edge", bytes(data))


def test_a_file_cut_anywhere_is_refused(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.edge"
    for size in range(0, len(sound), 37):
        path.write_bytes(sound[:size])
        with pytest.raises(BundleError) as caught:
            open_bundle(path)
        assert_is_one_line(caught.value)


def test_the_places_that_are_changed_reach_every_part_of_the_format() -> None:
    reached = {key for path in PLACES for key in path if isinstance(key, str)}

    assert {"resize", "thresholds", "output_steps", "values", "metrics", "sha256"} <= reached
    assert json.loads(encoded(document())) == document()
