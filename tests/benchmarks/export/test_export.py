"""A record goes to other tools whole, and in their own form."""

import csv
import io
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from benchmarks.cli import bench_group
from benchmarks.export.csv_samples import HEADER, samples_to_csv
from benchmarks.export.prometheus_text import record_to_prometheus
from benchmarks.records.record import BenchmarkRecord
from benchmarks.records.record_file import write_record
from edge.errors import InputError

_LINE = re.compile(r'^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)+)\} (\S+)$')


def test_csv_holds_every_sample_of_every_phase_as_it_was_taken(record: BenchmarkRecord) -> None:
    rows = list(csv.DictReader(io.StringIO(samples_to_csv(record))))
    (measurement,) = record.measurements
    assert tuple(rows[0]) == HEADER
    assert len(rows) == sum(each.count for each in measurement.phases.values())
    timed = [int(row["call_ns"]) for row in rows if row["phase"] == "timed"]
    assert timed == measurement.phases["timed"].values("call").tolist()
    assert {row["input_name"] for row in rows} == {"a.png", "b.png"}


def _gauges(record: BenchmarkRecord) -> dict[tuple[str, str], float]:
    found = {}
    for line in record_to_prometheus(record).splitlines():
        if line.startswith("#"):
            continue
        match = _LINE.match(line)
        assert match, line
        found[match[1], match[2]] = float(match[3])
    return found


def test_prometheus_text_has_figures_in_base_units_by_stage_and_quantile(record) -> None:
    gauges = _gauges(record)
    medians = [
        value
        for (name, labels), value in gauges.items()
        if name == "edgedx_bench_latency_seconds" and 'stage="query",quantile="0.5"' in labels
    ]
    assert medians == [pytest.approx(0.02, rel=0.01)]
    peak = [value for (name, _), value in gauges.items() if "peak_memory" in name]
    assert peak == [95 * 2**20]
    assert not any("joules" in name for name, _ in gauges)


def test_a_quantile_that_the_samples_do_not_carry_is_absent(record) -> None:
    """400 samples carry p99 and not p99.9."""
    quantiles = {labels.rpartition("quantile=")[2] for _, labels in _gauges(record)}
    assert '"0.99"' in quantiles
    assert '"0.999"' not in quantiles


def test_names_with_quotes_and_lines_stay_one_label(record, measurement) -> None:
    odd = replace(measurement, subject=replace(measurement.subject, name='a "b"\n\\c'))
    text = record_to_prometheus(replace(record, measurements=(odd,)))
    assert r'model="a \"b\"\n\\c"' in text
    assert _gauges(replace(record, measurements=(odd,)))


def test_the_command_writes_a_file_or_prints(record: BenchmarkRecord, tmp_path) -> None:
    path = tmp_path / "record.json"
    write_record(record, path)
    words = ["export", str(path), "--format"]
    printed = CliRunner().invoke(bench_group, [*words, "prometheus"], standalone_mode=False)
    assert printed.stdout == record_to_prometheus(record)
    place = tmp_path / "samples.csv"
    CliRunner().invoke(bench_group, [*words, "csv", "-o", str(place)], standalone_mode=False)
    assert place.read_bytes().decode() == samples_to_csv(record)
    path.write_text("{}")
    refused = CliRunner().invoke(bench_group, [*words, "csv"])
    assert isinstance(refused.exception, InputError)
