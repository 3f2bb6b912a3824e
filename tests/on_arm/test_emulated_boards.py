"""The runtime on emulated Raspberry Pis: it runs there, and it answers as it did in the lab.

How fast is not asked: an emulator cannot say.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.bundle.manifest import Artifact, Manifest
from edge.bundle.reader import open_bundle
from edge.model_loader import DEFAULT_BUNDLE

pytestmark = [pytest.mark.emulated_arm, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
BOARDS = ("pi3", "pi4", "pi5")
# Against a hang only: the slowest of these commands takes about a minute.
LIMIT_S = 900
# Between x86 and ARM onnxruntime differs by up to this many output steps on the models that were
# measured; LiteRT and all of preprocessing not at all.
ONNXRUNTIME_STEPS = 3
# Activation functions may differ in their last float64 digits.
SCORE_EXACTNESS = 1e-9

DETECT_BOARD = """
import dataclasses, json
from devices.machine_report import machine_to_json, read_machine
from devices.remarks import remark_on
report = read_machine({})
remarks = {"machine": machine_to_json(report), "remarks": remark_on(report)}
print(json.dumps({**dataclasses.asdict(report.board), **remarks}))
"""
PROFILES = {"pi3": "raspberry_pi_3b_plus", "pi4": "raspberry_pi_4b", "pi5": "raspberry_pi_5"}
# What the doctor runs before anything large; that it imports an engine is tested with the rest.
RUN_TINY_MODELS = """
import json
from edge.doctor.tiny_models import TINY_MODELS
from edge.engines.base import EngineOptions
from edge.engines.selection import create_engine
for name, model in TINY_MODELS.items():
    engine = create_engine(name, model.data, EngineOptions(threads=1))
    answer = engine.run({"x": model.question})["y"]
    print(json.dumps({"engine": name, "is_right": model.is_answer(answer)}))
"""
RUNTIME_TESTS = (
    "tests/edge/engines/test_onnxruntime_engine.py",
    "tests/edge/postprocess",
    "tests/edge/preprocess",
)
# Properties were searched on x86; here a few examples each show that the processor agrees.
RUN_PYTEST = """
import sys, pytest
from hypothesis import settings
settings.register_profile("board", settings.get_profile("ci"), max_examples=5)
settings.load_profile("board")
already_imported = "ignore::pytest.PytestAssertRewriteWarning"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-W", already_imported, *sys.argv[1:]]))
"""


@dataclass(frozen=True, slots=True)
class EmulatedBoard:
    """Runs commands as that board would: its processor class, its libraries, its wheels.

    Attributes:
        run_on: the emulation's program that runs a command on a board.
        name: which board.
    """

    run_on: Path
    name: str

    def run_python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the board's Python in the checkout, which is there under the same path."""
        return subprocess.run(
            [self.run_on, self.name, "python3.11", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )


@pytest.fixture(scope="module")
def run_on() -> Path:
    """The program that runs a command on an emulated board."""
    folder = os.environ.get("EDGEDX_EMULATION_DIR")
    if folder is None:
        pytest.skip(
            "needs the emulated boards: devices/emulation/make_emulation.sh DIR makes them, "
            "EDGEDX_EMULATION_DIR=DIR says where they are"
        )
    program = Path(folder).resolve() / "run_on"
    assert program.exists(), f"EDGEDX_EMULATION_DIR={folder} holds no run_on"
    return program


@pytest.fixture(scope="module", params=BOARDS)
def board(request: pytest.FixtureRequest, run_on: Path) -> EmulatedBoard:
    """Each emulated board in turn."""
    return EmulatedBoard(run_on, request.param)


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    with open_bundle(DEFAULT_BUNDLE) as bundle:
        return bundle.manifest


def int8_artifact(manifest: Manifest, engine: str) -> Artifact:
    return next(
        each for each in manifest.artifacts if (each.engine, each.precision) == (engine, "int8")
    )


def lines_of(finished: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_the_board_is_known_for_what_it_is(board: EmulatedBoard) -> None:
    (found,) = lines_of(board.run_python("-c", DETECT_BOARD))
    assert found["architecture"] == "aarch64"
    assert found["model"].startswith(f"Raspberry Pi {board.name[-1]} Model B")
    # The dot product is what int8 gains most from; of these three only the Pi 5 has it.
    assert ("asimddp" in found["instructions"]) == (board.name == "pi5")
    assert found["machine"]["profile"] == PROFILES[board.name]
    assert found["machine"]["sensors"]["temperatures_c"] == {"0 cpu-thermal": 48.0}
    assert any("int8 may not pay" in each for each in found["remarks"]) == (board.name != "pi5")


def test_the_doctors_tiny_models_are_answered(board: EmulatedBoard) -> None:
    answers = lines_of(board.run_python("-c", RUN_TINY_MODELS))
    assert [(each["engine"], each["is_right"]) for each in answers] == [
        ("onnxruntime", True),
        ("litert", True),
    ]


def test_the_golden_inputs_give_the_golden_answers(
    board: EmulatedBoard, manifest: Manifest
) -> None:
    checks = lines_of(board.run_python("-m", "edge", "selftest", "--json"))
    ran = {(check["artifact"], check["input"]) for check in checks}
    assert ran == {
        (artifact.path, example.input)
        for artifact in manifest.artifacts
        for example in manifest.golden
    }
    allowed = {"litert": 0, "onnxruntime": ONNXRUNTIME_STEPS}
    for check in checks:
        assert check["same_tensor"], check
        assert check["steps"] <= check["tolerance_steps"], check
        if check["precision"] == "int8":
            assert check["steps"] <= allowed[check["engine"]], check


def test_edge_bench_sees_that_no_time_here_is_a_latency(board: EmulatedBoard) -> None:
    done = board.run_python(
        "-c",
        "from benchmarks.environment import describe_machine as describe; "
        "print(describe().is_emulated)",
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_films_are_answered_as_on_this_machine(
    board: EmulatedBoard, manifest: Manifest, sample_films: list[Path], engine: str
) -> None:
    words = ["-m", "edge", *map(str, sample_films), "--engine", engine, "--json"]
    here = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    expected = lines_of(here)
    answers = lines_of(board.run_python(*words))
    assert [answer["source"] for answer in answers] == [str(film) for film in sample_films]
    limits = score_limits(manifest, engine)
    for answer, wanted in zip(answers, expected, strict=True):
        assert answer["status"] == wanted["status"] == "ok"
        assert (answer["engine"], answer["precision"]) == (engine, "int8")
        for output, reference in zip(answer["outputs"], wanted["outputs"], strict=True):
            assert output["decision"] == reference["decision"]
            limit = limits[output["name"]]
            for score, other in zip(output["scores"], reference["scores"], strict=True):
                assert score["label"] == other["label"]
                assert abs(score["score"] - other["score"]) <= limit, (answer, wanted)


def score_limits(manifest: Manifest, engine: str) -> dict[str, float]:
    """How far a score may lie from x86's, by output.

    No activation is steeper than 1: softmax and sigmoid move by less than half of what the
    value under them moves.
    """
    artifact = int8_artifact(manifest, engine)
    steps = ONNXRUNTIME_STEPS if engine == "onnxruntime" else 0
    return {
        output.name: steps * artifact.output_steps[output.name] / output.temperature
        + SCORE_EXACTNESS
        for output in manifest.outputs
    }


def test_the_tests_of_the_runtime_pass(board: EmulatedBoard) -> None:
    """Those of engines, arithmetic on pixels and reading of outputs, by the board's own pytest."""
    finished = board.run_python("-c", RUN_PYTEST, *RUNTIME_TESTS)
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]
