"""`edge-quantize`: arguments, progress, what is printed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from edge import __version__
from edge.command_line import NumberRange, run_command
from edge.errors import GateError, UsageError
from quantize.command_options import card_options, source_options
from quantize.progress_bars import ProgressBars

if TYPE_CHECKING:
    from quantize.build_request import BuildReport, BuildRequest, DataRequest
    from quantize.calibration_options import CalibrationOptions

__all__ = ["main"]

_NEEDED = ("onnx", "onnxruntime", "ai_edge_litert", "flatbuffers")
_EXIT_CODES = (
    "Exit codes: 0 done, 1 what int8 costs is over a limit or the result must not be shipped, "
    "2 wrong use, 3 bad input, 4 bad bundle, 5 engine or output failure, 130 interrupted."
)
_INSPECT = "inspect"
_OF_SIGNING = ("sign", "keygen")


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `edge-quantize`; ends the process with an exit code.

    Args:
        argv: the words after the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == [_INSPECT]:
        run_command(inspect_command, words[1:], name="edge-quantize inspect")
    if words[:1] in ([name] for name in _OF_SIGNING):
        from quantize.signing_commands import SIGNING_COMMANDS

        run_command(SIGNING_COMMANDS[words[0]], words[1:], name=f"edge-quantize {words[0]}")
    run_command(quantize_command, words, name="edge-quantize")


@click.command(epilog=_EXIT_CODES)
@click.argument("model", metavar="MODEL")
@source_options
@card_options
@click.option("-o", "--output", required=True, metavar="NAME.edge", help="The bundle to write.")
@click.option("--data", metavar="LABELLED", help="Labelled folder, CSV or NPZ to judge int8 on.")
@click.option("--data-columns", metavar="K=COL,...", help="file=, label=, value=, group=, split=.")
@click.option("--data-split", default="", metavar="NAME", help="Use only this split of --data.")
@click.option(
    "--data-label", "renamed", multiple=True, metavar="THEIRS=OURS", help="A label's other name."
)
@click.option("--name-files", is_flag=True, help="Reports may name files whose decision changed.")
@click.option(
    "--max-drop",
    type=NumberRange(0, 1),
    help="How much of the mean AUROC (of R² for values) int8 may cost.  [default: 0.005]",
)
@click.option(
    "--max-flips",
    type=NumberRange(0, 1),
    help="Which share of the decisions int8 may change.  [default: 0.01]",
)
@click.option(
    "--repair",
    type=click.Choice(["none", "auto", "full"]),
    default="auto",
    show_default=True,
    help="The repair ladder: not at all, as far as these limits ask, or to the top.",
)
@click.option("--tflite-ends", type=click.Choice(["int8", "uint8", "float32"]), default="int8")
@click.option(
    "--board", metavar="NAME", help="Board that it is for, as in docs/boards.md: raspberry_pi_5."
)
@click.option(
    "--activations",
    type=click.Choice(["uint8", "int8"]),
    help="ONNX: 8-bit type. Default: the board's, else uint8.",
)
@click.option(
    "--claim-within",
    type=NumberRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="--data must be enough to know each label's AUROC to so much.",
)
@click.option("--accept", multiple=True, metavar="NAME", help="Overrule a refusal by its name.")
@click.option(
    "--golden",
    multiple=True,
    metavar="FILE",
    help="Input to pack with its answers. May be given again. Default: 3 of --calib.",
)
@click.option("--metrics", metavar="FILE.json", help="Measured metrics to embed.")
@click.option("--report/--no-report", default=True, help="Write NAME.report.html and .json.")
@click.option(
    "--float",
    "kept_float",
    type=click.Choice(["auto", "none", "onnxruntime", "litert", "both"]),
    default="auto",
    show_default=True,
    help="Engines that run the float file, which goes into the bundle too; auto: where a recurrent "
    "or attention model is too small to gain from int8.",
)
@click.option("--time/--no-time", "is_timed", default=True, help="Speed here, for the report.")
@click.version_option(__version__, "--tool-version", prog_name="edge-quantize")
def quantize_command(**options: Any) -> int:
    """Turn a trained float MODEL and real inputs into a bundle for boards.

    MODEL is an ONNX, Keras (.keras, .h5) or PyTorch (.pt2) file. The bundle holds an int8 ONNX and
    an int8 TFLite model made from one calibration, the preprocessing, golden examples, and how far
    both models' answers lie from the float model's. `edge-quantize inspect` shows the layers that
    lose most; `edge-quantize sign` signs a bundle, with a key from `edge-quantize keygen`.
    """
    _check_installed()
    from quantize.build_bundle import build_bundle

    board = _board(options["board"])
    options["activations"] = options["activations"] or board.activation
    request = _request(options)
    report = _with_bars(lambda update: build_bundle(request, progress=update))
    _write_reports(report, is_wanted=options["report"])
    _forget(request.checkpoint)
    _print_report(report)
    if board.doubt:
        click.echo(board.doubt)
    if not report.is_within_limit:
        raise GateError(report.shortfall)
    return 0


@click.command(epilog=_EXIT_CODES)
@click.argument("model", metavar="BUNDLE|MODEL")
@source_options
@click.option("--worst", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a layer.")
def inspect_command(**options: Any) -> int:
    """Show the layers that lose most when a model runs on integers, and why.

    A bundle made by edge-quantize says it itself; a float model needs --calib. Of an int8 .tflite
    file made elsewhere it says whether it was calibrated on wrongly scaled inputs.
    """
    _check_installed()
    from quantize.inspect_model import inspect_bundle, inspect_model, inspect_tflite, layer_lines

    path = Path(options["model"])
    if path.suffix in {".tflite", ".edge"} or path.is_dir():
        _refuse_unused(path)
    elif not options["calib"]:
        raise UsageError("no examples: give --calib DIR of real inputs")
    if path.suffix == ".tflite":
        click.echo(inspect_tflite(path))
        return 0
    if path.is_dir() or path.suffix == ".edge":
        layers = inspect_bundle(path)
    else:
        request = replace(_request({**_NO_BUILD, **options}), destination=path)
        layers = _with_bars(lambda update: inspect_model(request, progress=update))
    for line in layer_lines(layers, worst=options["worst"], as_json=options["as_json"]):
        click.echo(line)
    return 0


_OF_PRINTING = frozenset({"model", "worst", "as_json", "debug"})


def _refuse_unused(path: Path) -> None:
    """Refuse options that only a float model is inspected with."""
    context = click.get_current_context()
    for each in context.command.params:
        is_given = context.get_parameter_source(each.name or "") is ParameterSource.COMMANDLINE
        if is_given and each.name not in _OF_PRINTING:
            raise UsageError(
                f"{each.opts[0]} is for float models; {path.name} says itself what it holds, so "
                "leave it out"
            )


_NO_BUILD: dict[str, Any] = {
    **dict.fromkeys(("name", "version", "task", "intended_use", "licence")),
    **dict.fromkeys(("limits", "attribution"), ()),
    "output": "",
    "data": None,
    "golden": (),
    "metrics": None,
    "tflite_ends": "int8",
    "activations": "uint8",
    "max_drop": None,
    "max_flips": None,
    "repair": "none",
    "accept": (),
    "claim_within": 1.0,
    "is_timed": False,
    "kept_float": "none",
}


@dataclass(frozen=True, slots=True)
class _Board:
    """What the board that a bundle is for asks of it, and why int8 may not pay there."""

    activation: str = "uint8"
    doubt: str = ""


def _board(name: str | None) -> _Board:
    if name is None:
        return _Board()
    from devices.load import BoardProfileError, load_profile
    from devices.remarks import doubt_int8

    try:
        profile = load_profile(name)
    except BoardProfileError as error:
        raise UsageError(str(error)) from error
    doubt = doubt_int8(profile.instructions.names) if profile.instructions else None
    return _Board(profile.recommended.activation, f"{profile.title}: {doubt}" if doubt else "")


def _check_installed() -> None:
    import importlib.util

    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"edge-quantize needs {', '.join(missing)}; pip install 'edgedx[quantize]'"
        )


Found = TypeVar("Found")


def _with_bars(work: Callable[[Callable[[str, int, int], None]], Found]) -> Found:
    bars = ProgressBars(is_shown=sys.stderr.isatty())
    try:
        return work(bars.update)
    finally:
        bars.close()


def _request(options: dict[str, Any]) -> BuildRequest:
    from quantize.artifacts import ArtifactOptions
    from quantize.build_request import BuildRequest
    from quantize.metrics_file import read_metrics
    from quantize.option_values import read_card_options, read_shapes

    if not options["calib"] and not options["data"]:
        raise UsageError("no examples: give --calib DIR of real inputs, or --data LABELLED")
    destination = Path(options["output"])
    return BuildRequest(
        model=Path(options["model"]),
        calibration=options["calib"],
        destination=destination,
        card=read_card_options(options),
        data=_data(options) if options["data"] else None,
        golden=tuple(map(Path, options["golden"])),
        most_examples=options["max_examples"],
        input_shapes=read_shapes(options["shapes"]),
        metrics=read_metrics(Path(options["metrics"])) if options["metrics"] else (),
        ranges=_ranges(options),
        artifacts=ArtifactOptions(
            options["tflite_ends"], is_signed=options["activations"] == "int8"
        ),
        **_limits(options),
        repair=options["repair"],
        takes_pixels=not options["no_pixels"],
        assumes_no_padding=options["assume_no_padding"],
        claim_within=options["claim_within"],
        accepted=_accepted(options["accept"]),
        checkpoint=_beside(destination, "calibration") if options["output"] else None,
        is_timed=options["is_timed"],
        kept_float=options["kept_float"],
    )


def _accepted(names: Sequence[str]) -> frozenset[str]:
    from quantize.refusals.finding import FINDINGS

    strange = next((name for name in names if name not in FINDINGS), None)
    if strange is not None:
        raise UsageError(f"--accept {strange}: there is no such finding; {', '.join(FINDINGS)}")
    return frozenset(names)


def _limits(options: dict[str, Any]) -> dict[str, float]:
    """The limits that are given; without labels nothing could be held against them."""
    found = {key: options[key] for key in ("max_drop", "max_flips") if options[key] is not None}
    if found and not options["data"]:
        option = f"--{next(iter(found)).replace('_', '-')}"
        raise UsageError(f"{option} is judged on labelled examples; add --data LABELLED")
    return found


def _ranges(options: dict[str, Any]) -> CalibrationOptions:
    from quantize.calibration_options import CalibrationOptions, RangeMethod

    method = RangeMethod(options["range_method"])
    if options["percentile"] is None:
        return CalibrationOptions(method=method)
    if method is not RangeMethod.PERCENTILE:
        raise UsageError(
            f"--percentile is not used by --range-method {method.value}; leave it out, or add "
            "--range-method percentile"
        )
    return CalibrationOptions(method=method, percentile=options["percentile"])


def _data(options: dict[str, Any]) -> DataRequest:
    from quantize.build_request import DataRequest
    from quantize.labelled_data import ColumnChoice, LabelledOptions, parse_columns
    from quantize.option_values import read_names

    columns = options["data_columns"]
    chosen = LabelledOptions(
        columns=parse_columns(columns) if columns else ColumnChoice(),
        renamed=read_names(options["renamed"], "--data-label"),
        only_split=options["data_split"],
    )
    return DataRequest(Path(options["data"]), chosen, may_name=options["name_files"])


def _beside(destination: Path, kind: str) -> Path:
    """A file next to the bundle: NAME.report.html for NAME.edge."""
    return destination.with_name(f"{destination.name.removesuffix('.edge')}.{kind}")


def _forget(checkpoint: Path | None) -> None:
    """Remove what an interrupted calibration would have needed, and nothing that is named alike."""
    if checkpoint is None:
        return
    own = re.compile(rf"{re.escape(checkpoint.name)}(-[0-9a-f]{{12}}-[012])?(\.partial)?")
    for path in checkpoint.parent.iterdir():
        if own.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _write_reports(report: BuildReport, *, is_wanted: bool) -> None:
    from quantize.report.report_files import write_report

    if is_wanted:
        destination = report.destination
        html, json = (_beside(destination, f"report.{kind}") for kind in ("html", "json"))
        write_report(report.report, html=html, json=json)


def _print_report(report: BuildReport) -> None:
    from quantize.report.terminal import summary_lines

    for line in summary_lines(report.report):
        click.echo(line)
    for name, reason in report.refused.items():
        # Most reasons begin with the name of what they are about.
        click.echo(f"left out      {name}: {reason.removeprefix(f'{name}: ')}")
    click.echo(
        f"golden        {len(report.manifest.golden)} inputs are copied into the bundle: make sure "
        "that you may pass them on"
    )
    click.echo(f"bundle        {report.destination}")
