"""Both sides of the comparison calibrate the same network on the same images."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.environment import describe_machine, read_state
from benchmarks.peers.calibration_cost import CalibrationCost, format_table
from benchmarks.peers.calibration_worker import (
    SyntheticImages,
    calibrate_onnxruntime,
    calibrate_ours,
)
from benchmarks.peers.ratios import ratio_of_pairs
from benchmarks.peers.resnet50_model import INPUT_SHAPE, build_resnet50
from benchmarks.peers.whole_process import ProcessRun

MIB = 1 << 20


def test_the_network_is_resnet50() -> None:
    """25.5 million weights and biases with batch normalisation folded (He et al. 2016)."""
    model = build_resnet50()
    weights = sum(int(np.prod(each.dims)) for each in model.graph.initializer)
    operators = [node.op_type for node in model.graph.node]
    assert weights == pytest.approx(25.53e6, rel=0.001)
    assert (operators.count("Conv"), operators.count("Add")) == (53, 16)


def test_images_are_the_same_each_time() -> None:
    images = SyntheticImages(3)
    first, second = ([each["image"] for each in images] for _ in range(2))
    assert len(images) == len(first) == 3
    assert first[0].shape == INPUT_SHAPE
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert not np.array_equal(first[0], first[1])


@pytest.mark.slow
def test_both_sides_find_ranges(tmp_path: Path) -> None:
    model = tmp_path / "resnet50.onnx"
    model.write_bytes(build_resnet50().SerializeToString())
    assert calibrate_ours(model, 2) > 50
    assert calibrate_onnxruntime(model, 2) > 50


def cost(seconds: float, peak_mib: int, fewer_mib: int) -> CalibrationCost:
    ours, theirs, fewer = (
        (ProcessRun(int(wall * 1e9), int(wall * 1e9), mib * MIB),) * 2
        for wall, mib in ((seconds, peak_mib), (10.0, 540), (3.0, fewer_mib))
    )
    time = ratio_of_pairs([run.wall_ns for run in ours], [run.wall_ns for run in theirs])
    growth = ratio_of_pairs([peak_mib] * 2, [fewer_mib] * 2)
    state = read_state()
    return CalibrationCost(
        "edgedx-calibration-cost",
        1,
        "the command",
        512,
        128,
        ours,
        theirs,
        fewer,
        time,
        time,
        growth,
        describe_machine(),
        state,
        state,
        0.1,
    )


@pytest.mark.parametrize(
    ("seconds", "peak_mib", "fewer_mib", "is_met"),
    [
        pytest.param(10.0, 800, 790, True, id="all within"),
        pytest.param(14.0, 800, 790, False, id="too slow"),
        pytest.param(10.0, 1100, 1090, False, id="too large"),
        pytest.param(10.0, 900, 800, False, id="growing"),
    ],
)
def test_each_bar_counts(seconds: float, peak_mib: int, fewer_mib: int, is_met: bool) -> None:
    found = cost(seconds, peak_mib, fewer_mib)
    assert found.are_bars_met == is_met
    assert f"All bars met: {'yes' if is_met else 'no'}." in format_table(found)


def test_the_table_says_what_was_held_against_what() -> None:
    table = format_table(cost(12.0, 800, 790))
    assert "| time, 512 images, ours by onnxruntime's | 1.200 [1.200, 1.200] | 1.3 |" in table
    assert "| peak memory, ours, MiB | 800 | 1024 |" in table
    assert "the command" in table
