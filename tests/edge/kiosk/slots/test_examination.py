"""The self-test before a switch: right, wrong, hanging, crashing, and as whom it runs."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from bundle_samples import document
from onnx import TensorProto, helper, numpy_helper
from slot_samples import ANY, default_variant, make_bundle

from edge.bundle.manifest import Manifest
from edge.bundle.writer import write_bundle
from edge.errors import GateError
from edge.kiosk.slots import examination
from edge.kiosk.slots.examination import examine_bundle
from edge.kiosk.slots.store import UpdateRequirements
from edge.model_loader import DEFAULT_BUNDLE


def endless_model() -> bytes:
    """Counts to 2**62 before it answers; each step takes a microsecond or so."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
            helper.make_node("Add", ["sum_in", "one"], ["sum_out"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum_in", TensorProto.FLOAT, [1, 2]),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum_out", TensorProto.FLOAT, [1, 2]),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["image", "axes"], ["all"], keepdims=0),
            helper.make_node("Add", ["all", "zeros"], ["start"]),
            helper.make_node("Loop", ["steps", "yes", "start"], ["findings"], body=body),
        ],
        "endless",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 2, 3])],
        [helper.make_tensor_value_info("findings", TensorProto.FLOAT, [1, 2])],
        [
            numpy_helper.from_array(np.array([0, 1, 2, 3], np.int64), "axes"),
            numpy_helper.from_array(np.zeros((1, 2), np.float32), "zeros"),
            numpy_helper.from_array(np.array(2**62, np.int64), "steps"),
            numpy_helper.from_array(np.array(True), "yes"),
            numpy_helper.from_array(np.ones((1, 2), np.float32), "one"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, ir_version=8, opset_imports=opset).SerializeToString()


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A bundle whose model never answers."""
    whole = document()
    whole["artifacts"] = whole["artifacts"][:1]
    whole["artifacts"][0]["precision"] = "float32"
    whole["golden"][0]["outputs"] = whole["golden"][0]["outputs"][:1]
    whole["evidence"] = None
    is_written, picture = cv2.imencode(".png", np.full((2, 3), 7, np.uint8))
    assert is_written
    files = {"model.onnx": endless_model(), "golden/one.png": picture.tobytes()}
    path = tmp_path / "endless.edge"
    write_bundle(msgspec.convert(whole, Manifest), files, path)
    return path


def fault(path: Path, requirements: UpdateRequirements = ANY) -> str:
    with pytest.raises(GateError) as caught:
        examine_bundle(path, requirements)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("the bundle's self-test on this machine failed: ")
    assert text.endswith("; nothing changed")
    return text


def children_of(process: int) -> list[int]:
    """Of its main thread."""
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(each) for each in path.read_text(encoding="ascii").split()]


def test_the_bundle_that_comes_with_edgedx_passes() -> None:
    examine_bundle(DEFAULT_BUNDLE, ANY)


def test_a_bundle_that_answers_otherwise_than_in_the_lab_fails(tmp_path: Path) -> None:
    text = fault(default_variant(tmp_path / "wrong.edge", "9", is_right=False))
    assert "output steps from the lab's answer, " in text


def test_only_the_engine_that_is_asked_for_is_tested(tmp_path: Path) -> None:
    wrong = default_variant(tmp_path / "wrong.edge", "9", is_right=False)
    assert "model.int8.onnx" in fault(wrong, UpdateRequirements(engine="onnxruntime"))
    assert "can run here" in fault(wrong, UpdateRequirements(precision="float32"))


def test_a_bundle_that_no_engine_takes_fails(tmp_path: Path) -> None:
    assert "model.onnx" in fault(make_bundle(tmp_path / "sample.edge"))


def test_a_model_that_never_answers_is_ended_at_the_deadline(endless: Path) -> None:
    began_s = time.monotonic()
    before = children_of(os.getpid())
    assert "did not end within 1.5 s" in fault(endless, UpdateRequirements(selftest_s=1.5))
    assert time.monotonic() - began_s < 120, "it may be slow, but not endless"
    assert children_of(os.getpid()) == before


def test_a_test_that_nobody_waits_for_any_more_ends_by_itself(endless: Path) -> None:
    """As when the updater was killed."""
    given = {"path": str(endless), "engine": "auto", "precision": "auto", "trusted_keys": []}
    words = json.dumps({**given, "deadline_s": 0.5, "user": 0, "group": 0})
    code = f"import sys; {examination._CHILD}"
    child = subprocess.Popen([sys.executable, "-c", code, words], stdout=subprocess.DEVNULL)
    assert child.wait(300) == -signal.SIGALRM


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "most likely the memory ran out"),
        pytest.param("raise RuntimeError('an engine of another age')", "an engine of another age"),
        pytest.param("raise SystemExit(7)", "it ended with code 7: it said nothing"),
        pytest.param("print('{')", "it ended with code 0: it said nothing"),
        pytest.param("print('[' * 100000)", "it ended with code 0: it said nothing"),
        pytest.param('print(\'{"passed": 1, "fault": "of doubt"}\')', "of doubt"),
    ],
    ids=["crash", "killed", "exception", "silent", "half a line", "deep", "no clear yes"],
)
def test_whatever_becomes_of_the_process_is_a_sentence(
    code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "_CHILD", code)
    assert words in fault(tmp_path / "any.edge")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody may enter, whose owner is nobody."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_root_tests_as_the_owner_of_the_slots(open_folder: Path) -> None:
    path = Path(shutil.copy(DEFAULT_BUNDLE, open_folder / "model.edge"))
    os.chown(open_folder, 65534, 65534)
    if any(not each.stat().st_mode & stat.S_IXOTH for each in Path(os.__file__).parents):
        assert "user 65534, to whom the folder of the slots belongs, may not read" in fault(path)
        return
    examine_bundle(path, ANY)
    path.chmod(0o600)
    assert "permission denied" in fault(path)


def test_the_service_comes_first_while_a_bundle_is_tested() -> None:
    """Seen from inside: the test yields the processor, and is the first to go without memory."""
    code = (
        "import os\n"
        "from edge.kiosk.slots import examination_child as child\n"
        "child._yield_to_the_kiosk()\n"
        "print(os.nice(0), open('/proc/self/oom_score_adj').read().strip())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    niceness, score = map(int, ended.stdout.split())
    assert niceness >= min(19, os.nice(0) + 10)
    assert score == 1000
