"""Measure the exported float model on films of another hospital, which it was never trained on.

The films are 986 of the NIH ChestX-ray14 set (Wang et al., CVPR 2017), of adults mostly, labelled
from the report as pneumonia or as without any finding. Run after ``evaluate_float``, whose
temperature and operating point are used.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.zoo.chest_xray import metrics
from benchmarks.zoo.chest_xray.dataset import MODEL_FILE, DatasetError, read_grey
from benchmarks.zoo.chest_xray.evaluate_float import (
    BOOTSTRAP_REPEATS,
    BOOTSTRAP_SEED,
    ModelError,
    run_model,
)

__all__ = ["main", "measure", "read_rows"]

_TABLE = "pneumonia_or_none_labels.csv"
_FOLDER = "pneumonia_or_none_256"
_COLUMNS = {"image", "patient_id", "Pneumonia"}


def read_rows(data: Path) -> list[dict[str, str]]:
    """Read the table of the films.

    Raises:
        DatasetError: The table is missing, empty or lacks a column.
    """
    table = data / _TABLE
    if not table.is_file():
        msg = f"no table at {table}"
        raise DatasetError(msg)
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or not _COLUMNS.issubset(rows[0]):
        msg = f"{table}: expected rows with the columns {', '.join(sorted(_COLUMNS))}"
        raise DatasetError(msg)
    return rows


def measure(data: Path, out: Path, temperature: float, threshold: float) -> dict[str, Any]:
    """Return the figures of the films, pneumonia against none, with 95 % intervals by patient.

    Args:
        data: Folder with the table and the films.
        out: Folder of the run, with the exported model.
        temperature: Temperature for the probabilities, > 0.
        threshold: Operating point, 0 to 1.

    Raises:
        DatasetError: The films cannot be read.
        ModelError: The model cannot be run.
    """
    rows = read_rows(data)
    files = [data / _FOLDER / f"{Path(row['image']).stem}.jpg" for row in rows]
    logits, _ = run_model(out / MODEL_FILE, np.stack([read_grey(file) for file in files]))
    score = 1.0 - metrics.softmax(logits, temperature)[:, 0]
    sick = np.array([row["Pneumonia"] == "1" for row in rows])
    patients = np.array([row["patient_id"] for row in rows])

    def figures(index: metrics.Labels) -> dict[str, float]:
        return metrics.detection(score[index], sick[index], threshold)

    values = figures(np.arange(len(rows)))
    bounds = metrics.bootstrap_intervals(figures, patients, BOOTSTRAP_REPEATS, BOOTSTRAP_SEED)
    return {
        "films": len(rows),
        "patients": len(set(patients.tolist())),
        "with_pneumonia": int(sick.sum()),
        "figures": metrics.with_intervals(values, bounds),
    }


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(data: Path, out: Path) -> None:
    """Measure OUT/chest_xray_float.onnx on the NIH films in DATA; add to OUT/metrics.json."""
    file = out / "metrics.json"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        threshold = record["decision_rule"]["pneumonia_if_bacterial_plus_viral_at_least"]
        record["nih"] = measure(data, out, record["temperature"], threshold)
        file.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except (OSError, json.JSONDecodeError, KeyError) as error:
        msg = f"no usable {file}; run evaluate_float first"
        raise click.ClickException(msg) from error
    except (DatasetError, ModelError) as error:
        raise click.ClickException(str(error)) from error
    for name, figure in record["nih"]["figures"].items():
        click.echo(f"{name} {figure['value']} ({figure['low']} to {figure['high']})")


if __name__ == "__main__":
    main()
