"""Every sample that a record keeps as CSV, one row an answer."""

from __future__ import annotations

import csv
import io

from benchmarks.records.measurement import COLUMNS
from benchmarks.records.record import BenchmarkRecord

__all__ = ["HEADER", "samples_to_csv"]

HEADER = (
    *("model", "artifact", "engine", "precision", "threads", "phase", "kept_every"),
    "input_name",
    *(f"{name}_ns" if name not in ("query", "input") else name for name in COLUMNS),
)
"""Columns: the subject, the phase, then `COLUMNS` of the record, times in nanoseconds."""


def samples_to_csv(record: BenchmarkRecord) -> str:
    """RFC 4180 with a header; nothing is rounded.

    Phases of hundreds of thousands of answers are thinned in the record already: `kept_every`
    says that one of so many is there.

    Args:
        record: of a run or a soak.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for measurement in record.measurements:
        subject = measurement.subject
        names = [each.name for each in measurement.inputs.identities]
        for phase, samples in measurement.phases.items():
            columns = [samples.values(name).tolist() for name in COLUMNS]
            inputs = columns[COLUMNS.index("input")]
            for place, row in zip(inputs, zip(*columns, strict=True), strict=True):
                writer.writerow(
                    (
                        *(subject.name, subject.artifact, subject.engine, subject.precision),
                        *(subject.threads, phase, samples.kept_every),
                        names[place] if place < len(names) else "",
                        *row,
                    )
                )
    return text.getvalue()
