"""Make the default bundle from the trained float model, and measure it through `edge-run`.

The bundle is made twice: what the first one measures on the test films goes into the second as
evidence. Both hold the same model files, byte for byte, which is checked.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from benchmarks.zoo.chest_xray.dataset import LABELS, MODEL_FILE, DatasetError, read_films
from benchmarks.zoo.chest_xray.evaluate_float import training_record
from benchmarks.zoo.chest_xray.evaluate_int8 import (
    EdgeRunError,
    Measured,
    answer_films,
    compare,
)
from benchmarks.zoo.chest_xray.metrics import softmax
from edge.bundle.manifest import Metric
from edge.errors import EdgeError
from quantize.build_bundle import BuildReport, BuildRequest, build_bundle
from quantize.model_card import card_from_values, read_card

__all__ = ["main"]

_CARD = Path(__file__).with_name("card.json")
_ENGINES = {"onnxruntime": "model.int8.onnx", "litert": "model.int8.tflite"}
_CALIBRATION_FILMS = 300


class MismatchError(RuntimeError):
    """The two bundles hold different model files."""


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True
)
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder that train, export_onnx and evaluate_float left.",
)
@click.option(
    "--samples",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("docs/samples"),
    show_default=True,
    help="Folder of the golden films.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--figures", type=click.Path(path_type=Path), required=True, help="JSON to write.")
def main(data: Path, run_folder: Path, samples: Path, output: Path, figures: Path) -> None:
    """Quantize RUN's float model, measure both int8 files on the test films, and pack them."""
    try:
        found = make_bundle(data, run_folder, sorted(samples.glob("*.png")), output)
        figures.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except (EdgeError, DatasetError, EdgeRunError, MismatchError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(found["test"], indent=2))


def make_bundle(data: Path, run_folder: Path, golden: list[Path], output: Path) -> dict[str, Any]:
    """Build, measure, build again with the evidence.

    Args:
        data: folder of the films.
        run_folder: holds the float model and `metrics.json`.
        golden: films to pack with their answers.
        output: the bundle to write.

    Returns:
        What was measured, ready for JSON.

    Raises:
        EdgeError: the bundle cannot be built.
        DatasetError: the films cannot be read.
        EdgeRunError: a film got no answer.
        MismatchError: quantizing twice gave different files.
    """
    request = _request(data, run_folder, golden, output)
    with tempfile.TemporaryDirectory() as folder:
        first = replace(request, destination=Path(folder) / "first.edge")
        report = build_bundle(first)
        temperature = report.manifest.outputs[0].temperature
        test = _measure(data, run_folder / MODEL_FILE, first.destination, temperature)
    final = build_bundle(replace(request, metrics=_metrics(test)))
    if _model_digests(report) != _model_digests(final):
        raise MismatchError("quantizing twice gave different files; the evidence would not hold")
    return {
        "bundle_version": final.manifest.version,
        "files": _model_digests(final),
        "parity_on_calibration": [
            {name: getattr(each, name) for name in each.__struct_fields__}
            for each in (final.manifest.evidence.parity if final.manifest.evidence else ())
        ],
        "test": test,
        "epochs": len(training_record(run_folder / "log.jsonl")),
    }


def _request(data: Path, run_folder: Path, golden: list[Path], output: Path) -> BuildRequest:
    measured = json.loads((run_folder / "metrics.json").read_text(encoding="utf-8"))
    temperature = card_from_values({"temperature": measured["temperature"]}, where="metrics.json")
    return BuildRequest(
        model=run_folder / MODEL_FILE,
        calibration=_calibration_films(data),
        destination=output,
        card=temperature.over(read_card(_CARD)),
        golden=tuple(golden),
        most_examples=_CALIBRATION_FILMS,
    )


def _calibration_films(data: Path) -> tuple[str, ...]:
    """An equal number of training films of each class, evenly over the table."""
    films = read_films(data, "train")
    chosen = []
    for label in range(len(LABELS)):
        of_label = [film.path for film in films if film.label == label]
        count = _CALIBRATION_FILMS // len(LABELS)
        chosen += [of_label[index * len(of_label) // count] for index in range(count)]
    return tuple(str(data / path) for path in chosen)


def _measure(data: Path, source: Path, bundle: Path, temperature: float) -> dict[str, Any]:
    films = read_films(data, "test")
    # A bare file has no temperature, so its logits are read and the bundle's is applied here.
    words = ("--mean", "127", "--std", "128", "--colour", "grey", "--labels", ",".join(LABELS))
    logits = answer_films(data, films, source, *words)
    measured = [Measured("source", softmax(logits, temperature))]
    measured += [
        Measured(path, answer_films(data, films, bundle, "--engine", engine))
        for engine, path in _ENGINES.items()
    ]
    return compare(films, measured)


def _metrics(test: dict[str, Any]) -> tuple[Metric, ...]:
    return tuple(
        Metric(
            artifact=artifact,
            name=f"test {name}",
            value=figure["value"],
            low=figure["low"],
            high=figure["high"],
            examples=test["films"],
        )
        for artifact, figures in test["figures"].items()
        for name, figure in figures.items()
    )


def _model_digests(report: BuildReport) -> dict[str, dict[str, Any]]:
    return {
        entry.path: {"sha256": entry.sha256, "size_bytes": entry.size_bytes}
        for entry in report.manifest.files
        if entry.path.startswith("model.")
    }


if __name__ == "__main__":
    main()
