"""The report as files: versioned JSON, and never half of one."""

import json
from dataclasses import fields

import pytest
from report_samples import full_report

from edge.errors import OutputError
from quantize.evaluation.evaluation import Evaluation
from quantize.report.model import QuantizationReport
from quantize.report.report_files import report_to_json, write_report


def test_json_has_a_version_and_every_field_under_its_name() -> None:
    content = json.loads(report_to_json(full_report()))
    assert content["schema_version"] == 1
    assert set(content) == {"schema_version", *(each.name for each in fields(QuantizationReport))}
    assert set(content["evaluation"]) == {each.name for each in fields(Evaluation)}


def test_json_holds_the_figures() -> None:
    report = full_report()
    content = json.loads(report_to_json(report))
    figure = report.evaluation.models[0].macro_auroc
    written = content["evaluation"]["models"][0]["macro_auroc"]
    assert (written["value"], written["low"]) == pytest.approx((figure.value, figure.low))


def test_what_is_no_number_is_null() -> None:
    content = report_to_json(full_report("regression"))
    json.loads(content, parse_constant=pytest.fail)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert report_to_json(full_report()) == report_to_json(full_report())


def test_both_files_are_written_whole(tmp_path) -> None:
    write_report(full_report(), html=tmp_path / "r.html", json=tmp_path / "r.json")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["r.html", "r.json"]
    assert (tmp_path / "r.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_a_place_that_cannot_be_written_is_said_and_left_as_it_was(tmp_path) -> None:
    taken = tmp_path / "r.html"
    taken.mkdir()
    with pytest.raises(OutputError, match="cannot write report"):
        write_report(QuantizationReport(name="x"), html=taken)
    assert [each.name for each in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(OutputError, match="cannot write report"):
        write_report(QuantizationReport(name="x"), json=tmp_path / "nowhere" / "r.json")


def test_what_a_killed_run_left_behind_is_taken_up(tmp_path) -> None:
    (tmp_path / ".r.json.part").write_bytes(b"{half")
    write_report(full_report(), json=tmp_path / "r.json")
    assert [each.name for each in tmp_path.iterdir()] == ["r.json"]
    assert json.loads((tmp_path / "r.json").read_bytes())["schema_version"] == 1
