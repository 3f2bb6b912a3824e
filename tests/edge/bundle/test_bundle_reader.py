"""A bundle opens only where every byte of it is what its manifest says."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bundle_samples import FILES, assert_is_one_line, manifest, onnx_model, write_sample

from edge.bundle.manifest import FileEntry
from edge.bundle.manifest_reader import parse_manifest
from edge.bundle.reader import open_bundle
from edge.errors import BundleError, DigestError, ManifestError


@pytest.fixture(params=["folder", "file"])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_sample(tmp_path / ("bundle" if request.param == "folder" else "bundle.edge"))


def refusal(path: Path, kind: type[BundleError] = BundleError) -> str:
    with pytest.raises(BundleError) as caught:
        open_bundle(path)
    assert type(caught.value) is kind
    assert caught.value.exit_code == 4
    assert_is_one_line(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_bundle_gives_its_manifest_and_its_files(sample: Path) -> None:
    with open_bundle(sample) as bundle:
        assert bundle.manifest.outputs == manifest().outputs
        assert bundle.location == str(sample)
        for path, data in FILES.items():
            assert bundle.read(path) == data
        entry = next(each for each in bundle.manifest.files if each.path == "report.html")
    assert entry == FileEntry(
        path="report.html",
        sha256=hashlib.sha256(FILES["report.html"]).hexdigest(),
        size_bytes=len(FILES["report.html"]),
    )


def test_folder_and_file_of_one_bundle_have_the_same_identity(
    folder: Path, edge_file: Path
) -> None:
    text = (folder / "manifest.json").read_bytes()

    with open_bundle(folder) as first, open_bundle(str(edge_file)) as second:
        assert first.digest == second.digest == hashlib.sha256(text).hexdigest()
        assert first.manifest == second.manifest == parse_manifest(text)


def test_only_what_the_manifest_names_is_read(sample: Path) -> None:
    with open_bundle(sample) as bundle:
        for name in ("manifest.json", "../sample", "/etc/passwd", "", "golden", "REPORT.html"):
            with pytest.raises(BundleError, match="has no file") as caught:
                bundle.read(name)
            assert_is_one_line(caught.value)


def test_a_closed_bundle_is_not_read(sample: Path) -> None:
    bundle = open_bundle(sample)
    bundle.close()
    bundle.close()

    with pytest.raises(BundleError, match="closed"):
        bundle.read("report.html")


def test_threads_may_read_at_once(sample: Path) -> None:
    wrong = []
    with open_bundle(sample) as bundle:

        def read_all() -> None:
            wrong.extend(
                path for path in FILES for _ in range(50) if bundle.read(path) != FILES[path]
            )

        threads = [threading.Thread(target=read_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_missing_bundle_is_a_bad_bundle(tmp_path: Path) -> None:
    text = refusal(tmp_path / "nowhere.edge")

    assert text.endswith("no such bundle; give a bundle's folder or its .edge file")


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    assert "has no manifest.json" in refusal(tmp_path)


def test_a_manifest_over_the_limit_is_refused_unread(folder: Path) -> None:
    with (folder / "manifest.json").open("r+b") as file:
        file.truncate(2**31 - 1)

    assert "at most 4194304 are read" in refusal(folder)


def test_a_wrong_manifest_is_refused_with_its_faults(folder: Path) -> None:
    whole = json.loads((folder / "manifest.json").read_bytes())
    whole["inputs"][0]["std"] = [0]
    (folder / "manifest.json").write_text(json.dumps(whole))

    assert "inputs[0].std[0]" in refusal(folder, ManifestError)


def test_a_file_beside_those_named_is_refused(folder: Path) -> None:
    (folder / "golden" / ".DS_Store").write_bytes(b"")

    assert "also holds 'golden/.DS_Store'" in refusal(folder)


def test_a_file_less_than_those_named_is_refused(folder: Path) -> None:
    (folder / "report.html").unlink()
    (folder / "golden" / "one.png").unlink()

    assert "lacks 'golden/one.png', 'report.html'" in refusal(folder)


def test_missing_and_additional_files_are_named_together_and_not_endlessly(folder: Path) -> None:
    (folder / "report.html").rename(folder / "Report.htm")
    for index in range(10):
        (folder / f"extra{index}").touch()

    text = refusal(folder)

    assert "lacks 'report.html' and also holds 'Report.htm', 'extra0'" in text
    assert "and 6 more" in text


def test_a_file_in_other_capitals_is_another_file(folder: Path) -> None:
    (folder / "report.html").rename(folder / "Report.html")

    assert "lacks 'report.html' and also holds 'Report.html'" in refusal(folder)


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_changed_bit_in_any_file_is_refused(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)

    assert f"'{name}' has SHA-256" in refusal(folder, DigestError)


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_byte_more_in_any_file_is_refused(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"\n")

    size = len(FILES[name])
    text = refusal(folder, DigestError)
    assert f"'{name}' has {size + 1} bytes, its manifest says {size}" in text


def test_one_changed_bit_in_the_content_of_a_file_is_refused(edge_file: Path) -> None:
    data = bytearray(edge_file.read_bytes())
    data[data.index(FILES["model.tflite"]) + 20] ^= 1
    edge_file.write_bytes(data)

    assert "'model.tflite' has SHA-256" in refusal(edge_file, DigestError)


def test_a_file_changed_after_opening_is_never_given_out(sample: Path) -> None:
    with open_bundle(sample) as bundle:
        place = sample / "report.html" if sample.is_dir() else sample
        data = place.read_bytes()
        with place.open("r+b") as file:
            file.seek(data.index(FILES["report.html"]))
            file.write(b"<P>")
        with pytest.raises(DigestError, match="changed or damaged") as caught:
            bundle.read("report.html")
        assert_is_one_line(caught.value)
        assert bundle.read("model.onnx") == FILES["model.onnx"]


def test_a_bundle_replaced_while_open_is_still_the_one_that_was_opened(
    edge_file: Path, tmp_path: Path
) -> None:
    with open_bundle(edge_file) as bundle:
        write_sample(tmp_path / "other.edge").replace(edge_file)
        assert bundle.read("report.html") == FILES["report.html"]


def test_a_model_that_points_outside_the_bundle_is_refused(folder: Path) -> None:
    """Even where every digest is right."""
    import onnx
    from onnx.external_data_helper import set_external_data

    (folder.parent / "outside").write_bytes(bytes(4))
    model = onnx.load_from_string(onnx_model())
    set_external_data(model.graph.initializer[0], "../outside")
    data = model.SerializeToString()
    whole = json.loads((folder / "manifest.json").read_bytes())
    entry = next(each for each in whole["files"] if each["path"] == "model.onnx")
    entry |= {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(whole))
    (folder / "model.onnx").write_bytes(data)

    assert "'model.onnx' keeps tensors in another file" in refusal(folder)


def test_a_refused_bundle_leaves_no_open_file_behind(folder: Path, edge_file: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else None
    if before is None:
        pytest.skip("needs /proc")
    (folder / "extra").touch()
    edge_file.write_bytes(edge_file.read_bytes() + b"x")
    for path in (folder, edge_file, folder / "nowhere"):
        for _ in range(3):
            refusal(path)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_bundle_that_nobody_closed_is_released_with_its_last_reference(sample: Path) -> None:
    bundle = open_bundle(sample)
    descriptor = bundle._files._descriptor
    del bundle

    assert not Path(f"/proc/self/fd/{descriptor}").exists()


def test_a_bundle_with_an_awkward_name_is_named_on_one_line(folder: Path) -> None:
    awkward = folder.with_name("two\nlines \x1b[2J")
    shutil.move(folder, awkward)
    (awkward / "extra").touch()

    with pytest.raises(BundleError) as caught:
        open_bundle(awkward)
    assert_is_one_line(caught.value)


def test_opening_a_bundle_loads_no_engine_and_no_archive_library(edge_file: Path) -> None:
    code = f"""
import sys
from edge.bundle.reader import open_bundle
with open_bundle({str(edge_file)!r}) as bundle:
    bundle.read("model.onnx")
heavy = {{"zipfile", "onnx", "onnxruntime", "cv2", "json", "flatbuffers"}} & set(sys.modules)
print(sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
