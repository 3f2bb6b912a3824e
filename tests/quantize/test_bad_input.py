"""Bad input, as a user meets it: one line, the right exit code, and no half of a bundle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from onnx import numpy_helper
from picture_files import write_pictures

from quantize.cli import main

ROOT = Path(__file__).parents[2]
PLAIN = ("--scale", "0.00784", "--mean", "1", "--std", "1", "--no-time")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures and a good model, which is the current one."""
    write_pictures(tmp_path / "pictures")
    tiny.save(tiny.residual_cnn(), tmp_path / "good.onnx")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ended(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main([*words, *PLAIN, "-o", "out/o.edge"])
    return int(end.value.code or 0)


def said_in_one_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr().err
    assert said.startswith("edge-quantize: ")
    assert said.count("\n") == 1
    return said


def cut(folder: Path) -> None:
    whole = (folder / "good.onnx").read_bytes()
    (folder / "bad.onnx").write_bytes(whole[: len(whole) // 2])


def changed(folder: Path) -> None:
    whole = np.frombuffer((folder / "good.onnx").read_bytes(), np.uint8).copy()
    whole[::97] ^= 0xFF
    (folder / "bad.onnx").write_bytes(whole.tobytes())


def empty(folder: Path) -> None:
    (folder / "bad.onnx").write_bytes(b"")


def too_large(folder: Path) -> None:
    """A file with a hole: it takes no room on the disk."""
    with (folder / "bad.onnx").open("wb") as file:
        file.truncate(3 << 30)


def external_too_large(folder: Path) -> None:
    side = 24_000
    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[side, side])
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": "big.bin", "offset": 0, "length": 4 * side * side}.items():
        weight.external_data.add(key=key, value=str(value))
    build = tiny.ModelBuilder()
    build.node("MatMul", ["x", "w"], "out")
    build.constants = [weight]
    tiny.save(build.model({"x": (1, side)}, {"out": (1, side)}), folder / "bad.onnx")
    with (folder / "big.bin").open("wb") as file:
        file.truncate(4 * side * side)


def weight_that_is_nan(folder: Path) -> None:
    model = tiny.residual_cnn()
    (weight,) = (each for each in model.graph.initializer if each.name == "a_w")
    values = numpy_helper.to_array(weight).copy()
    values[0, 0, 0, 0] = np.nan
    weight.CopyFrom(numpy_helper.from_array(values, "a_w"))
    tiny.save(model, folder / "bad.onnx")


def layer_that_gives_nan(folder: Path) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "c", (3, 4))
    build.node("Log", ["c"], "logarithm")
    build.node("GlobalAveragePool", ["logarithm"], "pooled")
    build.node("Flatten", ["pooled"], "flat")
    build.gemm("flat", "out", (4, 4))
    tiny.save(build.model({"image": (1, 3, 16, 16)}, {"out": (1, 4)}), folder / "bad.onnx")


def strange_operator(folder: Path) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "c", (3, 4))
    build.node("Det", ["c"], "determinant")
    tiny.save(build.model({"image": (1, 3, 16, 16)}, {"determinant": (1, 4)}), folder / "bad.onnx")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(cut, "not a readable ONNX file", id="cut"),
        pytest.param(changed, "not a readable ONNX file", id="changed"),
        pytest.param(empty, "it holds no operators", id="empty"),
        pytest.param(too_large, "3221225472 bytes; at most 2147483648", id="over 2 GiB"),
        pytest.param(external_too_large, "at most 2147483648", id="external data over 2 GiB"),
        pytest.param(
            weight_that_is_nan, "weight 'a_w' of layer 'a' (Conv) holds NaN", id="NaN weight"
        ),
        pytest.param(layer_that_gives_nan, "layer 'logarithm' (Log)", id="NaN activation"),
        pytest.param(
            strange_operator, "Det x1 (e.g. node 'determinant'): write it with", id="operator"
        ),
    ],
)
def test_a_bad_model_is_bad_input(make, said: str, here: Path, capsys) -> None:
    make(here)
    assert ended("bad.onnx", "--calib", "pictures") == 3
    assert said in said_in_one_line(capsys)
    assert list((here / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({}, "folder calib holds no images", id="no picture"),
        pytest.param({"a.png": b"x", "b.jpg": b""}, "none of 2 examples can be used", id="none"),
    ],
)
def test_examples_of_which_none_can_be_read_are_bad_input(
    files: dict[str, bytes], said: str, here: Path, capsys
) -> None:
    (here / "calib").mkdir()
    for name, content in files.items():
        (here / "calib" / name).write_bytes(content)
    assert ended("good.onnx", "--calib", "calib") == 3
    assert said in said_in_one_line(capsys)
    assert list((here / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        pytest.param(
            "file,label\npictures/00.png,zebra\n", "--data-label 'zebra=LABEL'", id="label"
        ),
        pytest.param("file,size\npictures/00.png,3\n", "it has: file, size", id="no labels"),
        pytest.param("", "it has no rows", id="empty"),
    ],
)
def test_labels_that_are_not_the_models_are_bad_input_with_the_way_out(
    table: str, said: str, here: Path, capsys
) -> None:
    (here / "labels.csv").write_text(table)
    assert ended("good.onnx", "--data", "labels.csv", "--labels", "a,b,c,d") == 3
    assert said in said_in_one_line(capsys)
    assert list((here / "out").iterdir()) == []


@pytest.mark.usefixtures("here")
def test_a_place_that_nothing_can_be_written_to_is_told_before_any_work(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["unread.onnx", "--calib", "pictures", *PLAIN, "-o", "/proc/o.edge"])
    assert end.value.code == 5
    assert "cannot write bundle /proc/o.edge" in said_in_one_line(capsys)


@pytest.mark.parametrize("most_bytes", [4096, 65536])
def test_a_file_that_cannot_grow_leaves_nothing_behind(most_bytes: int, here: Path) -> None:
    """As on a full disk; the limit is the system's own on a process's files."""
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))\n"
        "from quantize.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    words = ["good.onnx", "--calib", "pictures", *PLAIN, "-o", "out/o.edge"]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}", *words],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "cannot be written" in done.stderr
    assert list((here / "out").iterdir()) == []
