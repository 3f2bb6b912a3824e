"""A bundle is written whole or not at all, and always in the same bytes."""

import contextlib
import os
import resource
import signal
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from bundle_samples import FILES, assert_is_one_line, manifest, onnx_model, write_sample

from edge.bundle.reader import open_bundle
from edge.bundle.writer import ALIGNMENT_BYTES, write_bundle
from edge.errors import BundleError, EdgeError, ManifestError, OutputError


@pytest.fixture(params=["sample", "sample.edge"])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return place / request.param


class Interrupted(Mapping[str, bytes]):
    """Files whose reading is interrupted after some."""

    def __init__(self, error: BaseException, reads: int) -> None:
        self.error = error
        self.reads = reads

    def __getitem__(self, path: str) -> bytes:
        self.reads -= 1
        if self.reads < 0:
            raise self.error
        return FILES[path]

    def __iter__(self) -> Iterator[str]:
        return iter(FILES)

    def __len__(self) -> int:
        return len(FILES)


def refusal(destination: Path, **changes: object) -> EdgeError:
    files = changes.pop("files", FILES)
    with pytest.raises(EdgeError) as caught:
        write_bundle(msgspec.structs.replace(manifest(), **changes), files, destination)
    assert_is_one_line(caught.value)
    return caught.value


def test_what_is_written_is_what_is_read(destination: Path) -> None:
    written = write_bundle(manifest(), FILES, destination)

    with open_bundle(destination) as bundle:
        assert bundle.manifest == written
        assert {each.path: bundle.read(each.path) for each in written.files} == FILES
    assert destination.is_dir() == (destination.suffix == "")
    assert list(destination.parent.iterdir()) == [destination]


def test_files_may_be_copied_from_the_disk(destination: Path, tmp_path: Path) -> None:
    files: dict[str, bytes | Path] = dict(FILES)
    source = tmp_path / "source"
    source.write_bytes(FILES["model.onnx"])
    files["model.onnx"] = source

    write_bundle(manifest(), files, str(destination))

    with open_bundle(destination) as bundle:
        assert bundle.read("model.onnx") == FILES["model.onnx"]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_sample(tmp_path / "first.edge").read_bytes()
    reordered = dict(reversed(FILES.items()))

    write_bundle(manifest(), reordered, tmp_path / "second.edge")

    assert (tmp_path / "second.edge").read_bytes() == first


def test_another_zip_tool_reads_the_file(edge_file: Path) -> None:
    with zipfile.ZipFile(edge_file) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        assert [each.filename for each in infos] == ["manifest.json", *sorted(FILES)]
        assert {each.date_time for each in infos} == {(1980, 1, 1, 0, 0, 0)}
        assert {each.compress_type for each in infos} == {zipfile.ZIP_STORED}
        assert archive.read("model.onnx") == FILES["model.onnx"]
    try:
        subprocess.run(["unzip", "-tq", edge_file], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the unzip command, which is not installed")


def test_every_content_begins_where_it_can_be_mapped(edge_file: Path) -> None:
    data = edge_file.read_bytes()

    offsets = [data.index(content) for content in FILES.values()]

    assert [offset % ALIGNMENT_BYTES for offset in offsets] == [0] * len(FILES)


def test_names_in_any_script_survive(destination: Path) -> None:
    files = {**FILES, "é/\u4e2d\u6587.txt": b"", "empty": b""}

    write_bundle(manifest(), files, destination)

    with open_bundle(destination) as bundle:
        assert bundle.read("é/\u4e2d\u6587.txt") == b""


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.edge"
    path.write_bytes(b"old")

    write_sample(path)

    open_bundle(path).close()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["sample", "sample.edge"])
def test_an_existing_folder_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "precious").write_text("x")

    error = refusal(tmp_path / name)

    assert isinstance(error, OutputError)
    assert "it exists; remove it or give another name" in str(error)
    assert [each.name for each in tmp_path.rglob("*")] == [name, "precious"]


def test_a_folder_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "sample").write_text("precious")

    assert "it exists" in str(refusal(tmp_path / "sample"))
    assert (tmp_path / "sample").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("sample.zip", "give NAME.edge or a folder", id="zip"),
        pytest.param("sample.onnx", "give NAME.edge or a folder", id="model"),
        pytest.param("nowhere/sample.edge", "no such file or directory", id="no parent"),
        pytest.param("file/sample.edge", "its parent is no folder", id="parent is a file"),
        pytest.param("n" * 300 + ".edge", "file name too long", id="long name"),
        pytest.param("a\x00b.edge", "give NAME.edge", id="NUL"),
    ],
)
def test_a_destination_that_cannot_be_is_refused(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "file").touch()

    error = refusal(tmp_path / name)

    assert isinstance(error, OutputError)
    assert expected in str(error)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_written_is_an_output_error() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc, where nobody may create files")

    error = refusal(Path("/proc/self/sample.edge"))

    assert isinstance(error, OutputError)
    assert "nothing was left behind" in str(error)


@contextlib.contextmanager
def small_disk() -> Iterator[None]:
    """No file may grow beyond 512 bytes: writing fails as it does on a full disk.

    Only around the call under test: what pytest itself writes would fail too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_fills_up_leaves_nothing_behind(destination: Path) -> None:
    with small_disk():
        error = refusal(destination)

    assert isinstance(error, OutputError)
    assert "nothing was left behind" in str(error)
    assert list(destination.parent.iterdir()) == []


def test_a_disk_that_fills_up_leaves_the_old_bundle(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "x.edge")
    old = path.read_bytes()

    with small_disk():
        refusal(path)

    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("reads", range(2 * len(FILES)))
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=["Ctrl-C", "memory"])
def test_an_interruption_at_any_file_leaves_nothing_behind(
    destination: Path, reads: int, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        write_bundle(manifest(), Interrupted(error, reads), destination)

    assert list(destination.parent.iterdir()) == []


def test_a_file_that_changes_while_it_is_packed_is_refused(destination: Path) -> None:
    class Changing(Interrupted):
        def __getitem__(self, path: str) -> bytes:
            self.reads -= 1
            return FILES[path] + (b"" if self.reads >= 0 else b"changed")

    error = refusal(destination, files=Changing(KeyboardInterrupt(), 5))

    assert isinstance(error, OutputError)
    assert "changed while it was packed" in str(error)
    assert list(destination.parent.iterdir()) == []


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_a_source_that_cannot_be_read_is_named(
    destination: Path, tmp_path: Path, kind: str
) -> None:
    source = tmp_path / "source"
    if kind == "folder":
        source.mkdir()
    elif kind == "fifo":
        source.mkdir()
        source = Path("/dev/null")

    error = refusal(destination, files={**FILES, "report.html": source})

    assert isinstance(error, OutputError)
    assert "cannot pack 'report.html'" in str(error)
    assert list(destination.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"name": ""}, "name: must not be empty", id="no name"),
        pytest.param({"files": {"model.onnx": onnx_model()}}, "is not among files", id="lost"),
        pytest.param({"files": {**FILES, "../x": b""}}, "'..' part", id="path outside"),
        pytest.param({"files": {**FILES, "manifest.json": b""}}, "leave it out", id="manifest"),
        pytest.param({"files": {**FILES, "REPORT.html": b""}}, "same file", id="capitals"),
    ],
)
def test_a_bundle_that_would_not_open_is_not_written(
    destination: Path, changes: dict, expected: str
) -> None:
    error = refusal(destination, **changes)

    assert isinstance(error, ManifestError)
    assert expected in str(error)
    assert list(destination.parent.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_hold_is_refused(destination: Path, value: float) -> None:
    outputs = (msgspec.structs.replace(manifest().outputs[0], temperature=value),)

    assert "outputs[0].temperature: must be a number" in str(refusal(destination, outputs=outputs))


def test_a_model_that_points_outside_is_not_packed(destination: Path) -> None:
    import onnx
    from onnx.external_data_helper import set_external_data

    model = onnx.load_from_string(onnx_model())
    set_external_data(model.graph.initializer[0], "weights.bin")

    error = refusal(destination, files={**FILES, "model.onnx": model.SerializeToString()})

    assert isinstance(error, BundleError)
    assert "save it as one file" in str(error)
    assert list(destination.parent.iterdir()) == []


def test_the_file_has_the_rights_that_other_new_files_have(tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    path = write_sample(tmp_path / "x.edge")

    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode
    assert os.access(path, os.R_OK)
