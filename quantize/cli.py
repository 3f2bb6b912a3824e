"""`edge-quantize`: arguments, progress, what is printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge import __version__
from edge.command_line import run_command
from edge.errors import UsageError

if TYPE_CHECKING:
    from quantize.build_bundle import BuildReport, BuildRequest
    from quantize.model_card import ModelCard

__all__ = ["main"]

_NEEDED = ("onnx", "onnxruntime", "ai_edge_litert", "flatbuffers")
_CARD_OPTIONS = (
    "name",
    "version",
    "task",
    "intended_use",
    "licence",
    "kind",
    "activation",
    "temperature",
    "unit",
    "colour",
    "scale",
    "resize",
)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `edge-quantize`; ends the process with an exit code.

    Args:
        argv: the words after the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    run_command(quantize_command, words, name="edge-quantize")


@click.command(
    epilog="Exit codes: 0 done, 2 wrong use, 3 bad input, 4 bad bundle, 5 engine or output "
    "failure, 130 interrupted."
)
@click.argument("model", metavar="MODEL.onnx")
@click.option(
    "--calib",
    multiple=True,
    required=True,
    metavar="DIR",
    help="Folder, glob pattern or file of real pictures. May be given again.",
)
@click.option("-o", "--output", required=True, metavar="NAME.edge", help="The bundle to write.")
@click.option("--card", metavar="FILE.json", help="JSON object of what the options below say.")
@click.option("--labels", metavar="A,B,...", help="Names of the outputs, in order.")
@click.option("--labels-file", metavar="FILE", help="The same, one a line.")
@click.option("--kind", type=click.Choice(["classification", "multilabel", "regression"]))
@click.option("--activation", type=click.Choice(["none", "softmax", "sigmoid"]))
@click.option("--temperature", type=float, help="Divides outputs before the activation.")
@click.option("--thresholds", metavar="T[,T...]", help="Multilabel: one a label, 0 to 1.")
@click.option("--unit", help="Regression: unit of the values.")
@click.option("--colour", type=click.Choice(["grey", "rgb", "bgr"]), help="The model's channels.")
@click.option("--scale", type=float, help="Factor on pixels in 0..255, before --mean.")
@click.option("--mean", metavar="M[,M,M]", help="Subtracted from scaled pixels.")
@click.option("--std", metavar="S[,S,S]", help="Divides after --mean.")
@click.option("--resize", type=click.Choice(["stretch", "letterbox", "crop", "exact"]))
@click.option(
    "--shape", metavar="NAME=1,C,H,W", help="The input's shape, where the model leaves it open."
)
@click.option("--name", help="Name of the model. Default: the file's name.")
@click.option("--version", "version", help="Version of the model.")
@click.option("--task", help="What the model does, in a few words.")
@click.option("--intended-use", help="What the model is for, one sentence.")
@click.option("--licence", help="Licence of the bundle.")
@click.option("--limit", "limits", multiple=True, help="What it is not for. May be given again.")
@click.option("--attribution", multiple=True, help="Whom to name. May be given again.")
@click.option(
    "--golden",
    multiple=True,
    metavar="FILE",
    help="Picture to pack with its answers. May be given again. Default: 3 of --calib.",
)
@click.option("--metrics", metavar="FILE.json", help="Measured metrics to embed.")
@click.option(
    "--max-examples", type=click.IntRange(min=1), default=300, show_default=True, metavar="N"
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, "--tool-version", prog_name="edge-quantize")
def quantize_command(**options: Any) -> int:
    """Turn a float MODEL.onnx and a folder of real pictures into a bundle for boards.

    The bundle holds an int8 ONNX and an int8 TFLite model made from one calibration, the
    preprocessing, golden examples, and how far both models' answers lie from the float model's.
    """
    _check_installed()
    from quantize.build_bundle import build_bundle

    request = _request(options)
    bars = _Bars(is_shown=sys.stderr.isatty())
    try:
        report = build_bundle(request, progress=bars.update)
    finally:
        bars.close()
    _print_report(report)
    return 0


def _check_installed() -> None:
    import importlib.util

    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"edge-quantize needs {', '.join(missing)}; pip install 'edgedx[quantize]'"
        )


def _request(options: dict[str, Any]) -> BuildRequest:
    from quantize.build_bundle import BuildRequest
    from quantize.metrics_file import read_metrics

    return BuildRequest(
        model=Path(options["model"]),
        calibration=options["calib"],
        destination=Path(options["output"]),
        card=_card(options),
        golden=tuple(map(Path, options["golden"])),
        most_examples=options["max_examples"],
        input_shapes=_shapes(options["shape"]),
        metrics=read_metrics(Path(options["metrics"])) if options["metrics"] else (),
    )


def _card(options: dict[str, Any]) -> ModelCard:
    from quantize.model_card import ModelCard, card_from_values, read_card

    if options["labels"] and options["labels_file"]:
        raise UsageError("--labels and --labels-file are both given; give one")
    values = {key: options[key] for key in _CARD_OPTIONS if options[key] is not None}
    labels = _labels(options)
    if labels is not None:
        values["labels"] = labels
    for key in ("mean", "std", "thresholds"):
        if options[key] is not None:
            values[key] = _numbers(f"--{key}", options[key])
    for key in ("limits", "attribution"):
        if options[key]:
            values[key] = list(options[key])
    card = read_card(Path(options["card"])) if options["card"] else ModelCard()
    return card_from_values(values, where="options").over(card)


def _labels(options: dict[str, Any]) -> list[str] | None:
    if options["labels"]:
        return [label.strip() for label in options["labels"].split(",")]
    if not options["labels_file"]:
        return None
    try:
        text = Path(options["labels_file"]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--labels-file cannot be read: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _numbers(option: str, text: str) -> list[float]:
    from edge.bare_model import parse_numbers

    return list(parse_numbers(option, text) or ())


def _shapes(text: str | None) -> dict[str, tuple[int, ...]] | None:
    if text is None:
        return None
    name, _, sizes = text.rpartition("=")
    try:
        return {name: tuple(int(size) for size in sizes.split(","))}
    except ValueError as error:
        raise UsageError(f"--shape is {text!r}; give NAME=1,3,224,224") from error


class _Bars:
    """One progress bar a stage, on a terminal only; with the time left."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._stage = ""
        self._done = 0
        self._bar: Any = None

    def update(self, stage: str, done: int, total: int) -> None:
        """Say how much of a stage is done."""
        if not self._is_shown:
            return
        if stage != self._stage:
            self.close()
            self._stage, self._done = stage, 0
            self._bar = click.progressbar(length=total, label=stage, file=sys.stderr, show_pos=True)
            self._bar.__enter__()
        self._bar.update(done - self._done)
        self._done = done

    def close(self) -> None:
        """End the current bar."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def _print_report(report: BuildReport) -> None:
    for line in _report_lines(report):
        click.echo(line)


def _report_lines(report: BuildReport) -> list[str]:
    manifest = report.manifest
    sizes = {each.path: each.size_bytes for each in manifest.files}
    operators = ", ".join(f"{op} {count}" for op, count in sorted(report.operators.items()))
    lines = [f"source        {_mib(report.source_bytes)}, {operators}"]
    lines += [f"assumed       {each}" for each in report.assumed]
    lines += [f"left out      {path.name}: {reason}" for path, reason in report.refused.items()]
    evidence = manifest.evidence
    if evidence is not None:
        lines.append(f"calibration   {evidence.calibration_examples} pictures")
        lines.append("against the float model, on the calibration pictures:")
        lines.append(f"  {'artifact':<20}{'size':>10}{'SNR':>10}{'max diff':>10}{'agreement':>11}")
        lines += [
            f"  {each.artifact:<20}{_mib(sizes[each.artifact]):>10}{each.snr_db:>7.1f} dB"
            f"{each.max_abs_difference:>10.4f}{100 * each.agreement:>10.1f}%"
            for each in evidence.parity
        ]
    lines.append(
        f"golden        {len(manifest.golden)} pictures are copied into the bundle: make sure "
        "that you may pass them on"
    )
    lines.append(f"bundle        {report.destination}")
    return lines


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.2f} MiB"
