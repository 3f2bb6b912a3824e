"""The bar, the record and its table."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.peers.engines.contestants import CONTESTANTS, contestants_for
from benchmarks.peers.engines.record import (
    EngineComparison,
    Entry,
    Heat,
    read_engines,
    write_engines,
)
from benchmarks.peers.engines.table import engines_table
from benchmarks.peers.engines.verdict import heat_verdict, typical_ms
from benchmarks.peers.quantizers.quality import Quality
from edge.errors import InputError

MS = 1_000_000


def entry(name: str, milliseconds: float, **changes: object) -> Entry:
    taken = [[round(milliseconds * MS)] * 4 for _ in range(3)]
    quality = Quality(30.0, 30.0, 1.0, 24)
    made = Entry(
        *(f"{name} int8", name, "int8", name == "edgedx"),
        quality=quality,
        rounds_ns=taken,
        rounds_processor_ns=[each[0] for each in taken],
    )
    return replace(made, **changes)


def heat(*entries: Entry) -> Heat:
    return Heat("resnet50", "cnn", "ab" * 32, 1, 1, 0.5, 3.0, entries)


def test_at_one_thread_the_time_is_that_of_the_processor() -> None:
    assert typical_ms(entry("mnn", 5.0, rounds_processor_ns=[2 * MS] * 3)) == 2.0


def test_at_several_threads_it_is_the_smallest_on_the_clock_of_each_round() -> None:
    taken = [[3 * MS, 9 * MS], [9 * MS, 4 * MS], [9 * MS, 5 * MS]]
    assert typical_ms(entry("mnn", 1.0, threads=2, rounds_ns=taken)) == 4.0


@pytest.mark.parametrize(
    ("ours", "is_met"),
    [
        pytest.param(10.3, True, id="three percent above"),
        pytest.param(10.4, False, id="more than that"),
        pytest.param(5.0, True, id="faster"),
    ],
)
def test_the_bar_is_three_percent_above_the_fastest_int8(ours: float, is_met: bool) -> None:
    verdict = heat_verdict(heat(entry("edgedx", ours), entry("mnn", 12.0), entry("openvino", 10.0)))
    assert verdict.fastest.name == "openvino"
    assert verdict.is_met is is_met


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param({"quality": Quality(9.9, 9.9, 0.5, 24)}, id="a fast wrong answer"),
        pytest.param({"precision": "float32"}, id="a float file"),
        pytest.param({"fault": "ended", "rounds_ns": []}, id="one that broke"),
    ],
)
def test_the_fastest_is_not(unfit: dict[str, object]) -> None:
    found = heat(entry("edgedx", 10.0), entry("openvino", 20.0), entry("mnn", 1.0, **unfit))
    assert heat_verdict(found).fastest.name == "openvino"


def test_a_float_file_of_ours_may_be_the_chosen_one() -> None:
    ours = entry("edgedx", 5.0, key="edgedx float32", precision="float32")
    verdict = heat_verdict(heat(entry("edgedx", 10.0), ours, entry("mnn", 10.0)))
    assert verdict.ours == ours


def test_what_runs_where_nothing_was_chosen_is_shown_beside() -> None:
    usual = entry("edgedx", 15.0, key="edgedx int8, onnxruntime")
    chosen = entry("edgedx", 10.0, key="edgedx int8, litert")
    verdict = heat_verdict(heat(usual, chosen, entry("mnn", 10.0)))
    assert verdict.ours == chosen
    assert verdict.unchosen.median == pytest.approx(1.5)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = EngineComparison(causes={"resnet50": "a"}).with_heat(heat(entry("mnn", 1.0)))
    write_engines(written, tmp_path / "record.json")
    assert read_engines(tmp_path / "record.json") == written
    assert read_engines(tmp_path / "none.json") == EngineComparison()


@pytest.mark.parametrize("text", ["{", '{"heats": 3}', '{"format": 2}'])
def test_a_damaged_record_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="give a new -o"):
        read_engines(path)


def test_a_heat_run_again_takes_the_old_ones_place() -> None:
    first = EngineComparison().with_heat(heat(entry("mnn", 1.0)))
    again = heat(entry("mnn", 2.0))
    assert first.with_heat(again).heats == (again,)


def test_the_table_says_by_how_much_the_bar_is_missed_and_why() -> None:
    broken = entry("ncnn", 1.0, fault="no | quantizer", rounds_ns=[])
    found = heat(entry("edgedx", 20.6), entry("openvino", 10.0), broken)
    table = engines_table(EngineComparison(causes={"resnet50": "its kernels"}).with_heat(found))
    assert "2.06 [2.06, 2.06] | **missed**: 106 % slower | - |" in table
    assert "- **resnet50**: its kernels" in table
    assert "| ncnn int8 | resnet50 | no / quantizer |" in table
    assert "**Other programs ran meanwhile**" in table


@pytest.mark.parametrize("family", ["cnn", "attention", "recurrent"])
def test_contestants_have_names_of_their_own_and_our_four_among_them(family: str) -> None:
    keys = [each.key for each in contestants_for(family)]
    assert len(set(keys)) == len(keys)
    assert sum(each.is_ours for each in contestants_for(family)) == 4
    assert {each.name for each in contestants_for(family, ("mnn",))} == {"mnn"}
    assert set(CONTESTANTS) >= {"openvino", "ncnn", "mnn", "executorch", "litert", "onnxruntime"}
