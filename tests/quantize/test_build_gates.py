"""Calibration sets that no model could vary on, through the command itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny

from quantize.build_bundle import build_bundle
from quantize.build_request import BuildRequest, DataRequest
from quantize.cli import main
from quantize.model_card import ModelCard
from quantize.repair.rungs import FULL_RUNGS, Rung

PLAIN = ("--no-time", "--no-report", "--scale", "0.00392", "--mean", "0", "--std", "1")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny.save(tiny.residual_cnn(), tmp_path / "model.onnx")


def write_pictures(folder: Path, pictures: list[np.ndarray]) -> Path:
    folder.mkdir()
    for at, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{at}.png"), picture)
    return folder


def varied_pictures(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (40, 40, 3), dtype=np.uint8) for _ in range(8)]
    return write_pictures(folder, pictures)


def exit_code(model: Path, folder: Path, *more: str) -> int:
    output = str(model.with_name("m.edge"))
    words = [str(model), "--calib", str(folder), *PLAIN, *more, "-o", output]
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def test_copies_of_one_picture_are_refused_as_such(model, tmp_path, capsys) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    folder = write_pictures(tmp_path / "copies", [picture] * 8)
    assert exit_code(model, folder) == 3
    assert "all 8 calibration examples are the same" in capsys.readouterr().err
    assert not model.with_name("m.edge").exists()


def test_blank_pictures_are_refused_as_such(model, tmp_path, capsys) -> None:
    blank = [np.full((40, 40, 3), 20 * at, np.uint8) for at in range(8)]
    assert exit_code(model, write_pictures(tmp_path / "blank", blank)) == 3
    said = capsys.readouterr().err
    assert "each of the 8 calibration examples holds one value only" in said
    assert said.count("\n") == 1


def test_what_was_left_out_is_named_once(model, tmp_path, capsys) -> None:
    folder = varied_pictures(tmp_path / "mixed")
    (folder / "note.png").write_text("no picture")
    assert exit_code(model, folder) == 0
    line = next(
        each for each in capsys.readouterr().out.splitlines() if each.startswith("left out")
    )
    assert line.count("note.png") == 1


def test_only_its_own_checkpoints_are_removed(model, tmp_path) -> None:
    kept = [tmp_path / "m.calibration.csv", tmp_path / "m.calibration-notes"]
    for each in kept:
        each.write_text("not ours")
    folder = varied_pictures(tmp_path / "m.calibration_films")
    assert exit_code(model, folder) == 0
    assert all(each.is_file() for each in kept)
    left = {path.name for path in tmp_path.iterdir() if path.name.startswith("m.calibration")}
    assert left == {"m.calibration.csv", "m.calibration-notes", "m.calibration_films"}


def test_full_repair_climbs_every_rung_whatever_the_labels_say(model, tmp_path) -> None:
    varied_pictures(tmp_path / "pictures")
    table = tmp_path / "labels.csv"
    rows = [f"pictures/{at}.png,{'abcd'[at % 4]}" for at in range(8)]
    table.write_text("\n".join(["file,label", *rows]))
    request = BuildRequest(
        model=model,
        calibration=(str(tmp_path / "pictures"),),
        destination=tmp_path / "m.edge",
        card=ModelCard(labels=("a", "b", "c", "d"), kind="classification", scale=1 / 255),
        data=DataRequest(table),
        max_drop=1.0,
        repair="full",
        accepted=frozenset({"too-few-for-claim"}),
    )
    climbed = [each.rung for each in build_bundle(request).report.ladder]
    # This network has no layer that smooth works on.
    assert climbed == ["ranges", *(each.value for each in FULL_RUNGS if each is not Rung.SMOOTH)]


def overflowing() -> onnx.ModelProto:
    """exp(50 x): infinite from x = 1.8 on."""
    build = tiny.ModelBuilder()
    build.constant("fifty", 50.0)
    build.node("Mul", ["X", "fifty"], "scaled")
    build.node("Exp", ["scaled"], "grown")
    build.gemm("grown", "answer", (8, 3))
    return build.model({"X": (1, 8)}, {"answer": (1, 3)})


def zero_by_zero() -> onnx.ModelProto:
    build = tiny.ModelBuilder()
    build.gemm("X", "hidden", (8, 6))
    build.node("Relu", ["hidden"], "positive")
    build.node("Div", ["positive", "positive"], "share")
    build.gemm("share", "answer", (6, 3))
    return build.model({"X": (1, 8)}, {"answer": (1, 3)})


@pytest.mark.parametrize(
    ("network", "named"),
    [
        pytest.param(overflowing, "'grown' of layer 'grown' (Exp)", id="overflow"),
        pytest.param(zero_by_zero, "'share' of layer 'share' (Div)", id="0 / 0"),
    ],
)
@pytest.mark.parametrize("accepted", [(), ("--accept", "constant-output")], ids=["", "accepted"])
def test_a_model_that_answers_with_no_number_is_refused_by_its_layer(
    network, named, accepted, tmp_path, capsys
) -> None:
    model = tiny.save(network(), tmp_path / "model.onnx")
    examples = np.random.default_rng(0).uniform(-3, 3, (40, 8)).astype(np.float32)
    np.savez(tmp_path / "examples.npz", X=examples)
    assert exit_code(model, tmp_path / "examples.npz", "--labels", "a,b,c", *accepted) == 3
    said = capsys.readouterr().err
    assert named in said
    assert said.count("\n") == 1


def scores_of_a_table(folder: Path) -> Path:
    build = tiny.ModelBuilder(seed=3)
    build.gemm("X", "scores", (8, 2))
    model = build.model({"X": (1, 8)}, {"scores": (1, 2)})
    return tiny.save(model, folder / "model.onnx")


def judged(folder: Path, truth: np.ndarray, **more: np.ndarray) -> int:
    examples = np.random.default_rng(0).uniform(-3, 3, (len(truth), 8)).astype(np.float32)
    np.savez(folder / "data.npz", X=examples, y=truth, **more)
    card = ("--labels", "a,b", "--kind", "multilabel", "--activation", "sigmoid")
    words = ("--data", str(folder / "data.npz"), *card, "--repair", "none")
    return exit_code(scores_of_a_table(folder), folder / "data.npz", *words)


def halves(count: int) -> np.ndarray:
    return (np.arange(count)[:, None] // np.array([1, 2]) % 2).astype(np.float32)


def test_labels_that_are_not_known_carry_no_claim(tmp_path, capsys) -> None:
    truth = np.full((500, 2), np.nan, np.float32)
    truth[:44] = halves(44)
    truth[3:44, 0] = 1.0
    assert judged(tmp_path, truth) == 1
    said = capsys.readouterr().err
    # All that is known is reported: thresholds cannot be fitted on so few.
    assert "without it give an AUROC" in said
    assert "--accept too-few-for-claim" in said


def test_many_examples_of_a_few_patients_carry_no_claim(tmp_path, capsys) -> None:
    assert judged(tmp_path, halves(600), group=np.arange(600) // 150) == 1
    assert "patients or examples with and" in capsys.readouterr().err


def test_many_examples_each_of_its_own_carry_one(tmp_path, capsys) -> None:
    assert judged(tmp_path, halves(600)) == 0
    assert "tested on" in capsys.readouterr().out
