"""What a person reads at the terminal."""

from dataclasses import replace

import pytest
from report_samples import evaluation, full_report

from edge.bundle.manifest import Parity
from quantize.report.model import QuantizationReport
from quantize.report.terminal import summary_lines


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return summary_lines(full_report())


def test_what_was_overruled_stands_first(lines) -> None:
    assert lines[0] == "overruled     few examples"


def test_names_stand_in_one_column(lines) -> None:
    assert all(line[:14].strip() == "" or line[13] == " " for line in lines)


def test_every_fact_is_there_once(lines) -> None:
    names = [line[:14].strip() for line in lines if line[:14].strip()]
    assert names == [
        "overruled",
        "files",
        "tested on",
        "AUROC, mean",
        "accuracy",
        "worst label",
        "flips",
        "calibration",
        "repair",
        "worst layers",
        "speed here",
        "int8 speed",
        "note",
    ]


def test_sizes_and_closeness_stand_beside_each_file(lines) -> None:
    line = next(line for line in lines if line.strip().startswith("model.int8.onnx"))
    assert "1.00 MiB" in line
    assert "25 %" in line
    assert "27.5 dB" in line
    assert "cosine 0.99912" in line


def test_where_int8_gains_no_speed_one_line_says_so_and_the_way_out(lines) -> None:
    assert (
        "              litert      0.90 times float's (0.88 to 0.93): int8 gains no speed here; "
        "--float litert keeps and runs float"
    ) in lines


def test_closeness_of_a_file_outside_the_bundle_is_said_as_such() -> None:
    parity = Parity(
        artifact="model.float32.tflite",
        snr_db=120.0,
        max_abs_difference=0.0,
        agreement=1.0,
        examples=9,
    )
    (line,) = summary_lines(QuantizationReport(name="x", parity=(parity,)))
    assert "not in the bundle   SNR 120.0 dB" in line


def test_patients_are_spoken_of_only_where_the_data_names_them(lines) -> None:
    tested = next(line for line in lines if line.startswith("tested on"))
    assert "labelled examples" in tested
    assert "patients" not in tested
    grouped = replace(evaluation(), groups=7)
    said = summary_lines(QuantizationReport(name="x", evaluation=grouped))[0]
    assert f"{grouped.examples} labelled examples of 7 patients or groups" in said


def test_the_worst_layer_comes_first_with_its_reason(lines) -> None:
    line = next(line for line in lines if line.startswith("worst layers"))
    assert line.endswith("block/excite (Conv) 12.3 dB: its range clips 2 %")


def test_lines_are_short(lines) -> None:
    assert max(map(len, lines)) <= 140


def test_speed_is_said_to_be_this_machines(lines) -> None:
    assert any("says nothing of a board" in line for line in lines)


def test_nothing_known_is_nothing_said() -> None:
    assert summary_lines(QuantizationReport(name="bare")) == []


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_every_kind_of_output_is_summed_up(kind) -> None:
    names = {line[:14].strip() for line in summary_lines(full_report(kind))}
    assert ("mean error" if kind == "regression" else "flips") in names
