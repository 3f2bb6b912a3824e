"""A calibration that is stopped goes on where it was, with the result it would have had."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny

from edge.errors import OutputError
from quantize.calibration import Calibration, CalibrationOptions, calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model

AT_ONCE = CalibrationOptions(checkpoint_seconds=0.0)

_CHILD = """
import sys, time
import onnx, tiny_onnx_models as tiny
from pathlib import Path
from quantize.calibration import CalibrationOptions, calibrate
from quantize.importers.onnx_importer import import_model

class Slow:
    def __len__(self):
        return 40
    def __iter__(self):
        for number, example in enumerate(tiny.pictures(40)):
            # However slow the machine, it is never done before it is killed.
            time.sleep(0.05 if number < 20 else 600)
            yield example

calibrate(import_model(onnx.load(sys.argv[1])), Slow(), checkpoint=Path(sys.argv[2]),
          options=CalibrationOptions(checkpoint_seconds=0.0))
"""


class Stopping:
    """Examples that fail after some."""

    def __init__(self, examples: list, after: int) -> None:
        self._examples = examples
        self._after = after

    def __len__(self) -> int:
        return len(self._examples)

    def __iter__(self) -> Iterator[dict]:
        yield from self._examples[: self._after]
        raise KeyboardInterrupt


@pytest.fixture
def graph() -> FloatGraph:
    return import_model(tiny.concat_cnn())


@pytest.fixture
def examples() -> list:
    return tiny.pictures(6)


def facts(found: Calibration) -> list[tuple]:
    return [
        (
            *(name, each.observed, each.chosen, each.method, each.expected_snr_db),
            *(each.histogram.counts.tobytes(), each.histogram.edges.tobytes()),
        )
        for name, each in found.tensors.items()
    ]


def stopped(graph: FloatGraph, examples: list, path: Path, *, after: int = 3) -> None:
    with pytest.raises(KeyboardInterrupt):
        calibrate(graph, Stopping(examples, after), checkpoint=path, options=AT_ONCE)


def told_progress(graph: FloatGraph, examples: list, path: Path) -> tuple[Calibration, list[int]]:
    told: list[int] = []
    found = calibrate(
        graph, examples, checkpoint=path, progress=lambda done, _total: told.append(done)
    )
    return found, told


def test_a_stopped_calibration_goes_on_to_the_same_bits(
    graph: FloatGraph, examples: list, tmp_path: Path
) -> None:
    path = tmp_path / "calibration.npz"
    stopped(graph, examples, path)
    found, told = told_progress(graph, examples, path)
    assert told == [4, 5, 6]
    assert facts(found) == facts(calibrate(graph, examples))
    assert found.digest == calibrate(graph, examples).digest


def test_a_killed_calibration_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    model, path = tmp_path / "model.onnx", tmp_path / "calibration.npz"
    onnx.save(tiny.concat_cnn(), model)
    folders = os.pathsep.join([*filter(None, sys.path), str(Path(__file__).parent)])
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(model), str(path)],
        env={**os.environ, "PYTHONPATH": folders},
    )
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.02)
    time.sleep(0.2)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    graph, examples = import_model(onnx.load(model)), tiny.pictures(40)
    found, told = told_progress(graph, examples, path)
    assert 0 < len(told) < 40
    assert facts(found) == facts(calibrate(graph, examples))


def test_a_finished_calibration_is_not_inferred_again(
    graph: FloatGraph, examples: list, tmp_path: Path
) -> None:
    path = tmp_path / "calibration.npz"
    first = calibrate(graph, examples, checkpoint=path)
    found, told = told_progress(graph, examples, path)
    assert told == []
    assert facts(found) == facts(first)


def _other_model(path: Path, _examples: list) -> list:
    stopped(import_model(tiny.concat_cnn(seed=5)), tiny.pictures(6), path)
    return ["another model"]


def _other_examples(path: Path, _examples: list) -> list:
    stopped(import_model(tiny.concat_cnn()), tiny.pictures(6, seed=9), path)
    return ["other examples"]


def _other_order(path: Path, examples: list) -> list:
    stopped(import_model(tiny.concat_cnn()), examples[::-1], path)
    return ["other examples"]


def _truncated(path: Path, examples: list) -> list:
    stopped(import_model(tiny.concat_cnn()), examples, path)
    path.write_bytes(path.read_bytes()[:-1000])
    return ["damaged"]


def _one_bit(path: Path, examples: list) -> list:
    stopped(import_model(tiny.concat_cnn()), examples, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    return ["damaged"]


def _no_archive(path: Path, _examples: list) -> list:
    path.write_bytes(b"not an archive")
    return ["damaged"]


def _pickled(path: Path, _examples: list) -> list:
    np.savez(path, header=np.array([{"key": 1}], dtype=object))
    return ["damaged"]


def _empty(path: Path, _examples: list) -> list:
    path.touch()
    return ["damaged"]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_other_model, id="another model"),
        pytest.param(_other_examples, id="other examples"),
        pytest.param(_other_order, id="another order"),
        pytest.param(_truncated, id="truncated"),
        pytest.param(_one_bit, id="one bit changed"),
        pytest.param(_no_archive, id="no archive"),
        pytest.param(_pickled, id="pickled"),
        pytest.param(_empty, id="empty"),
    ],
)
def test_a_checkpoint_that_does_not_belong_is_not_used_and_says_why(
    spoil, graph: FloatGraph, examples: list, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "calibration.npz"
    reasons = spoil(path, examples)
    with caplog.at_level(logging.WARNING):
        found, told = told_progress(graph, examples, path)
    assert told == [1, 2, 3, 4, 5, 6]
    assert facts(found) == facts(calibrate(graph, examples))
    assert len(caplog.messages) == 1
    assert all(reason in caplog.messages[0] for reason in reasons)
    assert "\n" not in caplog.messages[0]


def test_fewer_examples_than_a_checkpoint_has_seen_are_others(
    graph: FloatGraph, examples: list, tmp_path: Path
) -> None:
    path = tmp_path / "calibration.npz"
    calibrate(graph, examples, checkpoint=path)
    found, told = told_progress(graph, examples[:4], path)
    assert told == [1, 2, 3, 4]
    assert facts(found) == facts(calibrate(graph, examples[:4]))


def test_the_range_method_may_change_without_inferring_again(
    graph: FloatGraph, examples: list, tmp_path: Path
) -> None:
    path = tmp_path / "calibration.npz"
    calibrate(graph, examples, checkpoint=path)
    _, told = told_progress(graph, examples, path)
    other = CalibrationOptions(percentile=99.0)
    assert told == []
    assert facts(calibrate(graph, examples, checkpoint=path, options=other)) == facts(
        calibrate(graph, examples, options=other)
    )


def test_a_checkpoint_that_cannot_be_written_is_one_line(
    graph: FloatGraph, examples: list, tmp_path: Path
) -> None:
    folder = tmp_path / "missing"
    with pytest.raises(OutputError, match=r"checkpoint .* cannot be written: No such file"):
        calibrate(graph, examples, checkpoint=folder / "calibration.npz")


def test_nothing_is_left_beside_a_checkpoint(
    graph: FloatGraph, examples: list, tmp_path: Path
) -> None:
    calibrate(graph, examples, checkpoint=tmp_path / "calibration.npz", options=AT_ONCE)
    assert [each.name for each in tmp_path.iterdir()] == ["calibration.npz"]
