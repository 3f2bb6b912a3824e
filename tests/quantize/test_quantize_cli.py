"""`edge-quantize` from the outside: what it prints, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from picture_files import write_pictures

from edge.bundle.reader import open_bundle

ROOT = Path(__file__).parents[2]


def edge_quantize(*words: str | Path, code: str = "") -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-m", "quantize"] if not code else [sys.executable, "-c", code]
    return subprocess.run(
        [*start, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli")
    write_pictures(root / "pictures", 6)
    tiny.save(tiny.depthwise_cnn(), root / "model.onnx")
    return root


def words(folder: Path, *more: str | Path) -> list[str | Path]:
    return [
        folder / "model.onnx",
        "--calib",
        folder / "pictures",
        "-o",
        folder / "out.edge",
        *more,
    ]


def test_a_bundle_is_made_and_what_it_is_worth_is_printed(folder: Path) -> None:
    done = edge_quantize(
        *words(
            folder, "--labels", "a, b,c,d", "--scale", "0.00784", "--mean", "1", "--name", "tiny"
        ),
        *("--limit", "no children", "--limit", "no adults", "--max-examples", "4"),
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert (folder / "out.report.html").read_text().startswith("<!doctype html>")
    assert json.loads((folder / "out.report.json").read_text())["calibration_examples"] == 4
    for artifact in ("model.int8.onnx", "model.int8.tflite"):
        line = next(each for each in done.stdout.splitlines() if each.strip().startswith(artifact))
        assert "dB" in line
        assert "%" in line
    assert "assumed --activation softmax" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("out.edge")
    answered = subprocess.run(
        [sys.executable, "-m", "edge", "selftest", "--model", str(folder / "out.edge")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answered.returncode == 0


def test_a_card_says_what_options_would(folder: Path) -> None:
    card = folder / "card.json"
    card.write_text(
        json.dumps({"labels": ["a", "b", "c", "d"], "mean": [127], "std": [128], "name": "card"})
    )
    done = edge_quantize(*words(folder, "--card", card, "--max-examples", "2"))
    assert done.returncode == 0
    assert "--name" not in done.stdout


def test_no_bar_is_drawn_where_nobody_watches(folder: Path) -> None:
    done = edge_quantize(*words(folder, "--scale", "1", "--max-examples", "2"))
    assert done.returncode == 0
    assert "calibrate" not in done.stderr


@pytest.mark.parametrize(
    ("more", "exit_code", "message"),
    [
        pytest.param([], 2, "give --scale, --mean and --std", id="values unsaid"),
        pytest.param(["--scale", "1", "--labels", "a"], 2, "1 labels for 4 outputs", id="labels"),
        pytest.param(["--mean", "x"], 2, "--mean is 'x'", id="no number"),
        pytest.param(["--shape", "image"], 2, "--shape is 'image'", id="shape"),
        pytest.param(["--bogus"], 2, "No such option", id="unknown option"),
        pytest.param(["--accept", "bogus"], 2, "no such finding; constant-output", id="finding"),
        pytest.param(["--max-drop", "0.1"], 2, "add --data LABELLED", id="drop without labels"),
        pytest.param(["--max-flips", "0.1"], 2, "add --data LABELLED", id="flips without labels"),
        pytest.param(["--percentile", "99"], 2, "add --range-method percentile", id="no method"),
        pytest.param(["--card", "nowhere.json"], 3, "no such card file", id="no card"),
        pytest.param(["--golden", "nowhere.png", "--scale", "1"], 3, "nowhere.png", id="no golden"),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(
    more: list[str], exit_code: int, message: str, folder: Path
) -> None:
    done = edge_quantize(*words(folder, *more))
    assert done.returncode == exit_code
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_model_that_is_none_is_bad_input(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"\xff" * 100)
    done = edge_quantize(path, *words(folder, "--scale", "1")[1:])
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (3, 1)
    assert "noise.onnx" in done.stderr


def test_debug_shows_the_traceback(folder: Path, tmp_path: Path) -> None:
    done = edge_quantize(tmp_path / "nowhere.onnx", *words(folder, "--scale", "1", "--debug")[1:])
    assert "Traceback" in done.stderr


def test_help_loads_no_engine() -> None:
    code = (
        "import sys\n"
        "from quantize.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    print(end.code)\n"
        "print(sorted(set(sys.modules) & {'onnx', 'onnxruntime', 'cv2', 'ai_edge_litert'}))\n"
    )
    done = edge_quantize(code=code)
    assert done.stdout.strip().splitlines()[-2:] == ["0", "[]"]


def test_without_the_toolchain_the_extra_is_named(folder: Path) -> None:
    code = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'onnx' else find(name)\n"
        "from quantize.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = edge_quantize(*words(folder, "--scale", "1"), code=code)
    assert done.returncode == 2
    assert "pip install 'edgedx[quantize]'" in done.stderr


def interrupted(*words: str | Path, when: Callable[[], bool]) -> tuple[int, str]:
    """Send the signal of Ctrl-C to a build; its exit code and what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "quantize", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            if when():
                process.send_signal(signal.SIGINT)
                break
            time.sleep(0.005)
        _, said = process.communicate()
    return process.returncode, said


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("*.calibration*", id="while the checkpoint is written"),
        pytest.param("*.calibration-*-0", id="when it is"),
    ],
)
def test_an_interruption_ends_with_130_and_only_what_is_needed_to_go_on(
    pattern: str, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "never.edge"
    more = ("--scale", "1", "-o", out)
    code, said = interrupted(
        *words(folder, *more, "--repair", "full"), when=lambda: any(tmp_path.glob(pattern))
    )
    assert (code, said.count("Traceback")) == (130, 0)
    kept = [path.name for path in tmp_path.iterdir()]
    assert kept or pattern.endswith("*")
    assert all(re.fullmatch(r"never\.calibration-[0-9a-f]{12}-[01]", name) for name in kept)
    again = edge_quantize(*words(folder, *more, "--no-report", "--no-time"))
    assert again.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["never.edge"]


def test_inspect_shows_the_layers_that_lose_most_from_a_bundle_or_a_float_model(
    folder: Path,
) -> None:
    out = folder / "inspected.edge"
    assert edge_quantize(*words(folder, "--scale", "0.004", "-o", out)).returncode == 0
    of_bundle = edge_quantize("inspect", out, "--worst", "2")
    assert of_bundle.returncode == 0
    assert "dB" in of_bundle.stdout
    of_model = edge_quantize(
        "inspect",
        folder / "model.onnx",
        "--calib",
        folder / "pictures",
        "--scale",
        "0.004",
        "--worst",
        "2",
        "--json",
    )
    layers = [json.loads(line) for line in of_model.stdout.splitlines()]
    assert len(layers) == 2
    assert layers[0]["snr_db"] <= layers[1]["snr_db"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            ["bundle.edge", "--calib", "nowhere"], "--calib is for float models", id="edge"
        ),
        pytest.param(["m.tflite", "--scale", "1"], "--scale is for float models", id="tflite"),
        pytest.param(
            ["model.onnx", "--scale", "1"], "give --calib DIR of real inputs\n", id="none"
        ),
        pytest.param(["model.onnx", "--licence", "MIT"], "No such option", id="not of a bundle"),
    ],
)
def test_inspect_refuses_options_that_it_would_not_use(given, message, folder: Path) -> None:
    done = edge_quantize("inspect", folder / given[0], *given[1:])
    assert (done.returncode, done.stderr.strip().count("\n")) == (2, 0)
    assert message in done.stderr


def test_without_examples_the_options_are_named(folder: Path) -> None:
    done = edge_quantize(folder / "model.onnx", "-o", folder / "x.edge", "--scale", "1")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "--calib" in done.stderr


def test_the_board_that_a_bundle_is_for_chooses_the_type_of_activations(folder: Path) -> None:
    out = folder / "jetson.edge"
    done = edge_quantize(
        *(folder / "model.onnx", "--calib", folder / "pictures", "-o", out, "--labels", "a,b,c,d"),
        *("--scale", "0.00784", "--no-report", "--no-time", "--repair", "none"),
        *("--board", "jetson-orin-nano"),
    )
    assert done.returncode == 0, done.stderr
    assert "int8 may not pay" not in done.stdout
    with open_bundle(out) as bundle:
        graph = onnx.load_from_string(bundle.read("model.int8.onnx")).graph
    kinds = {each.name: each.data_type for each in graph.initializer}
    quantizers = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    assert quantizers
    assert {kinds[node.input[2]] for node in quantizers} == {onnx.TensorProto.INT8}


def test_a_board_that_nobody_knows_is_wrong_use(folder: Path) -> None:
    done = edge_quantize(*words(folder, "--board", "toaster"))
    assert done.returncode == 2
    assert "board 'toaster' is unknown; give one of generic_aarch64" in done.stderr


def test_pictures_may_come_as_pixels_in_an_array_with_their_labels(
    folder: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (80, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", X=pictures, y=np.arange(80) % 4)
    out = tmp_path / "out.edge"
    done = edge_quantize(
        *(folder / "model.onnx", "--data", tmp_path / "data.npz", "-o", out, "--repair", "none"),
        *("--labels", "a,b,c,d", "--scale", "0.00784", "--no-time", "--no-report"),
        *("--accept", "too-few-for-claim", "--max-flips", "1", "--max-drop", "1"),
    )
    assert done.returncode == 0, done.stderr
    assert "labelled examples" in done.stdout
    tested = subprocess.run(
        [sys.executable, "-m", "edge", "selftest", "--model", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stderr


def wide_series_network() -> onnx.ModelProto:
    """Large enough for an engine to part it among threads, which changes last bits of float."""
    build = tiny.ModelBuilder(seed=2)
    source, before = "series", 1
    for at, (after, kernel) in enumerate(((32, 15), (64, 9), (64, 7), (128, 5), (128, 3))):
        build.weight(f"w{at}", (after, before, kernel))
        pads = [kernel // 2] * 2
        build.node("Conv", [source, f"w{at}"], f"conv{at}", strides=[1 + (at > 0)], pads=pads)
        source, before = build.node("Relu", [f"conv{at}"], f"relu{at}"), after
    build.node("ReduceMean", [source], "mean", axes=[-1], keepdims=0)
    build.gemm("mean", "scores", (128, 5))
    return build.model({"series": (1, 1, 260)}, {"scores": (1, 5)})


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_a_bundle_has_the_same_bytes_on_one_processor_as_on_all(tmp_path: Path) -> None:
    tiny.save(wide_series_network(), tmp_path / "model.onnx")
    series = np.random.default_rng(0).normal(0, 1, (40, 1, 260)).astype(np.float32)
    np.savez(tmp_path / "series.npz", series=series)
    given = (tmp_path / "model.onnx", "--calib", tmp_path / "series.npz", "--labels", "a,b,c,d,e")
    options = ("--no-time", "--no-report", "--repair", "none", "--name", "n")
    accepted = ("--accept", "untrained-weights", "--accept", "constant-output")
    start = "import os, sys\nfrom quantize.cli import main\n"
    one = f"{start}os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})\nmain(sys.argv[1:])\n"
    every = f"{start}main(sys.argv[1:])\n"
    made = []
    for at, code in enumerate((one, every)):
        out = tmp_path / f"{at}.edge"
        done = edge_quantize(*given, *options, *accepted, "-o", out, code=code)
        assert done.returncode == 0, done.stderr
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_values_already_normalised_are_numbers_where_the_card_says_so(
    folder: Path, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).normal(0, 1, (40, 3, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "values.npz", image=values)
    (tmp_path / "card.json").write_text('{"inputs": {"image": {"kind": "vector"}}}')
    given = (folder / "model.onnx", "--calib", tmp_path / "values.npz", "--labels", "a,b,c,d")
    options = ("--no-time", "--no-report", "--repair", "none", "-o", tmp_path / "out.edge")
    refused = edge_quantize(*given, *options, "--scale", "1")
    assert refused.returncode == 3
    assert '{"kind": "vector"}' in refused.stderr
    done = edge_quantize(*given, *options, "--card", tmp_path / "card.json")
    assert done.returncode == 0, done.stderr
