"""Whatever is done to a record's file: it is read, or refused in one line, and nothing else."""

import io
import json
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst
from record_samples import GENES, PATIENT, labs, labs_input, npy, npz

from edge.bundle.manifest import Input, VectorInput
from edge.errors import DecodeError, InputError, InputTooLargeError, UnsupportedInputError
from edge.preprocess.record import RecordPreprocessor
from edge.records import limits, numpy_files
from edge.records.numpy_files import parse_npy, parse_npz
from edge.records.record_reader import decode_records

QUICK = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

MODELS: dict[str, tuple[Input, ...]] = {
    "series": (labs_input(),),
    "table": (PATIENT,),
    "both": (PATIENT, GENES),
}
SAMPLES = {
    "series": [npy(labs()), npz(labs=labs()), ("a,b\n" + "1,2\n" * 24).encode()],
    "table": [
        npy(np.ones((1, 3))),
        b"age,sex,size\n1,male,3\n,female,\n",
        b'{"inputs": {"patient": {"age": 1, "sex": "male", "size": null}}}',
    ],
    "both": [
        npz(patient=np.ones(3), genes=np.arange(4)),
        b'{"inputs": {"patient": [1, "male", null], "genes": [0, 1, 2, 3]}}',
    ],
}


def read_or_refuse(kind: str, data: bytes) -> None:
    preprocessor = RecordPreprocessor(MODELS[kind])
    try:
        for record in decode_records(data, MODELS[kind], source="fuzzed"):
            preprocessor.prepare_checked(record)
    except InputError as error:
        assert_is_one_line(error)


def assert_is_one_line(error: BaseException) -> None:
    assert str(error).isprintable()
    assert len(str(error)) < 2000


@given(st.sampled_from(sorted(MODELS)), st.data())
@QUICK
def test_a_damaged_file_is_read_or_refused(kind: str, draw: st.DataObject) -> None:
    data = bytearray(draw.draw(st.sampled_from(SAMPLES[kind])))
    for _ in range(draw.draw(st.integers(1, 4))):
        place = draw.draw(st.integers(0, min(len(data), 400) - 1) | st.integers(0, len(data) - 1))
        data[place] = draw.draw(st.integers(0, 255))
    read_or_refuse(kind, bytes(data[: draw.draw(st.integers(1, len(data)) | st.just(len(data)))]))


@given(st.sampled_from(sorted(MODELS)), st.binary(max_size=200), st.data())
@QUICK
def test_any_bytes_are_read_or_refused(kind: str, tail: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"{", b"age,"]))
    read_or_refuse(kind, start + tail)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["", "male", "../x.npy", "x.csv", "/", "\x00", "\x1b[2J"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["age", "sex", "size", "?"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(JSON, JSON)
@QUICK
def test_any_json_values_are_read_or_refused(patient: object, genes: object) -> None:
    whole = {"inputs": {"patient": patient, "genes": genes}}
    read_or_refuse("both", json.dumps(whole).encode())


@given(
    nst.arrays(
        dtype=st.one_of(
            nst.integer_dtypes(endianness="?"),
            nst.unsigned_integer_dtypes(endianness="?"),
            nst.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
            nst.boolean_dtypes(),
        ),
        shape=nst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    ),
    st.booleans(),
)
@QUICK
def test_every_array_of_numbers_that_numpy_writes_is_read_as_numpy_reads_it(
    array: np.ndarray, is_fortran: bool
) -> None:
    data = npy(np.asfortranarray(array) if is_fortran else array)
    ours, theirs = parse_npy(data, "x"), np.load(io.BytesIO(data))
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.array([{"a": 1}], object), id="pickled objects"),
        pytest.param(np.array(["text"]), id="text"),
        pytest.param(np.array([1j]), id="complex"),
        pytest.param(np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), id="structure"),
        pytest.param(np.array(["2020-01-01"], "M8[D]"), id="dates"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(array: np.ndarray) -> None:
    for data, read in ((npy(array), parse_npy), (npz(a=array), parse_npz)):
        with pytest.raises(InputError, match=r"x.*: (its array is of type|the header)"):
            read(data, "x")


def zip_of(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_files, "MAX_ARRAY_BYTES", 1 << 20)
    bomb = zip_of(("a.npy", npy(np.zeros(1 << 20, np.uint8))), ("b.npy", b"x"))
    assert len(bomb) < 1 << 14
    with pytest.raises(InputTooLargeError, match=r"unpacked it is 1,048,\d+ bytes"):
        parse_npz(bomb, "x")


def test_a_zip_bomb_that_lies_about_its_size_is_not_unpacked_further() -> None:
    content = npy(np.zeros(1 << 20, np.uint8))
    data = zip_of(("a.npy", content)).replace(
        len(content).to_bytes(4, "little"), (200).to_bytes(4, "little")
    )
    with pytest.raises(DecodeError, match=r"x.*(damaged|directory|bytes)"):
        parse_npz(data, "x")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(zip_of(("a.txt", b"1")), UnsupportedInputError, id="no array"),
        pytest.param(zip_of(), UnsupportedInputError, id="empty"),
        pytest.param(
            zip_of(("a.npy", npy(1.0)), method=zipfile.ZIP_LZMA), UnsupportedInputError, id="lzma"
        ),
        pytest.param(
            zip_of(*((f"{index}.npy", npy(1.0)) for index in range(65))),
            UnsupportedInputError,
            id="too many",
        ),
        pytest.param(zip_of(("a.npy", b"not an array")), DecodeError, id="other bytes"),
        pytest.param(zip_of(("a.npy", npy(1.0)))[:-30], DecodeError, id="cut short"),
    ],
)
def test_a_zip_file_that_is_no_npz_is_refused(data: bytes, error: type[InputError]) -> None:
    with pytest.raises(error):
        parse_npz(data, "x")


def test_a_flipped_bit_in_an_npz_is_found_by_its_check_sum() -> None:
    content = npz(a=np.arange(8.0))
    place = content.index(np.float64(3.0).tobytes())
    assert zlib.crc32(content)
    damaged = content[:place] + b"\x01" + content[place + 1 :]
    with pytest.raises(DecodeError, match="damaged"):
        parse_npz(damaged, "x")


def test_an_array_that_claims_more_than_is_there_takes_no_memory() -> None:
    data = npy(np.zeros(1)).replace(b"(1,), }" + b" " * 9, b"(9999999999,), }")
    with pytest.raises(DecodeError, match=r"needs 79999999992 bytes and 8 are there"):
        parse_npy(data, "x")


def test_text_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.records import csv_files, json_files

    monkeypatch.setattr(csv_files, "MAX_TEXT_BYTES", 10)
    monkeypatch.setattr(json_files, "MAX_TEXT_BYTES", 10)
    for data in (b"age,sex,size\n1,male,1\n", b'{"inputs": {}}  '):
        with pytest.raises(InputTooLargeError):
            decode_records(data, MODELS["table"], source="x")


def test_deep_or_long_lists_are_refused() -> None:
    spec = VectorInput(name="v", shape=(1, 2))
    deep: object = 1
    for _ in range(limits.MAX_RANK + 1):
        deep = [deep]
    with pytest.raises(InputError, match="differ in length or depth"):
        RecordPreprocessor((spec,)).prepare_checked(
            decode_records(json.dumps({"inputs": {"v": deep}}).encode(), (spec,), source="x")[0]
        )
