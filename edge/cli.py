"""`edge-run`: arguments and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge import __version__
from edge.command_line import ENGINES, PRECISIONS, run_command

if TYPE_CHECKING:
    from edge.answering import Failure, StreamOptions
    from edge.bare_model import BareModelOptions
    from edge.doctor import Examination
    from edge.model_loader import LoadOptions
    from edge.pipeline import Model
    from edge.printing import Printer
    from edge.stored_choice import ChoiceBook

__all__ = ["main"]

_BARE_OPTIONS = (
    "labels",
    "kind",
    "activation",
    "colour",
    "scale",
    "mean",
    "std",
    "resize",
    "size",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `edge-run`; ends the process with an exit code.

    Args:
        arguments: the words after the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    owns_process = arguments is None
    commands = {"selftest": selftest_command, "doctor": doctor_command}
    name, command = "edge-run", answer_command
    if words and words[0] in commands:
        name, command = f"edge-run {words[0]}", commands[words.pop(0)]
    run_command(command, words, name=name, owns_process=owns_process)


def _model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        [
            click.option(
                "--model",
                metavar="BUNDLE|FILE",
                help="A bundle (.edge file or folder), or a bare .onnx or .tflite file. "
                "Default: the chest X-ray bundle that comes with edgedx.",
            ),
            click.option("--engine", type=ENGINES, default="auto", show_default=True),
            click.option("--precision", type=PRECISIONS, default="auto", show_default=True),
            click.option(
                "--threads",
                type=int,
                metavar="N",
                help="Default: the board's, else all, at most 4.",
            ),
            click.option(
                "--require-signature",
                "key_paths",
                multiple=True,
                metavar="PUBLIC.pem",
                help="Accept only a bundle signed with this key; given again: or with that one.",
            ),
            click.option("--debug", is_flag=True, help="Show tracebacks and engine messages."),
        ],
    ):
        command = option(command)
    return command


@click.command(
    epilog="Commands: 'edge-run selftest' replays the bundle's golden inputs on this machine; "
    "'edge-run doctor' says what this machine is and what works on it. "
    "Exit codes: 0 done, 1 refused or a gate failed, 2 wrong use, 3 bad input, 4 bad bundle, "
    "5 engine or device failure, 130 interrupted.",
)
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@_model_options
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, one object an input or frame.")
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help="Print the N likeliest labels."
)
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop each camera or stream after N frames.",
)
@click.option(
    "--policy",
    default="newest",
    show_default=True,
    metavar="newest|every[:QUEUE]|nth:N",
    help="Live source faster than the model: which frames.",
)
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="NAME=VALUE",
    help="Live source: from where on frames are refused; 0: never (docs/cameras.md).",
)
@click.option("--reconnect", is_flag=True, help="Open a lost camera or stream anew, for ever.")
@click.option("--open-timeout", type=float, default=10.0, show_default=True, metavar="SECONDS")
@click.option("--read-timeout", type=float, default=5.0, show_default=True, metavar="SECONDS")
@click.option("--labels", metavar="A,B,...", help="Bare file: names of its outputs.")
@click.option(
    "--kind",
    type=click.Choice(["classification", "multilabel", "regression"]),
    help="Bare file: how its output is read.",
)
@click.option(
    "--activation",
    type=click.Choice(["none", "softmax", "sigmoid"]),
    help="Bare file: what turns its output into scores.",
)
@click.option(
    "--colour", type=click.Choice(["grey", "rgb", "bgr"]), help="Bare file: its channels."
)
@click.option("--scale", type=float, help="Bare file: factor on pixels in 0..255, before --mean.")
@click.option("--mean", metavar="M[,M,M]", help="Bare file: subtracted from scaled pixels.")
@click.option("--std", metavar="S[,S,S]", help="Bare file: divides after --mean.")
@click.option(
    "--resize",
    type=click.Choice(["stretch", "letterbox", "crop", "exact"]),
    help="Bare file: how a picture becomes its size.",
)
@click.option("--size", metavar="WIDTHxHEIGHT", help="Bare file: where it leaves its size open.")
@click.version_option(__version__, prog_name="edge-run")
def answer_command(inputs: tuple[str, ...], **options: Any) -> int:
    """Answer for each INPUT with an int8 model, and say how long each stage took.

    INPUT is an image file, a folder, a glob pattern, a video, camera:0, an rtsp:// or http://
    address, or - for the bytes of a file on standard input. For a model that takes a series, a
    table or several inputs it is a .npy, .npz, .csv or .edge.json file.
    """
    if not inputs:
        raise click.UsageError(
            "no input given; name an image or a record, a folder, a video, camera:0 or -, "
            "or see edge-run --help",
        )
    from edge.answering import answer_each, expand_each
    from edge.model_loader import load
    from edge.printing import print_all

    stream = _stream_options(options)
    with load(options["model"], options=_load_options(options)) as model:
        expanded = expand_each(inputs, takes_pictures=model.parts.takes_one_picture)
        printer = _printer(options, model, expanded)
        answers = answer_each(
            model, expanded, stream=stream, stdin=getattr(sys.stdin, "buffer", None)
        )
        return print_all(printer, answers)


def _stream_options(options: dict[str, Any]) -> StreamOptions:
    from edge.answering import StreamOptions, read_settings

    stream = StreamOptions(
        options["frames"],
        options["open_timeout"],
        options["read_timeout"],
        options["policy"],
        options["gates"],
        options["reconnect"],
        tell=lambda line: click.echo(f"edge-run: {line}", err=True),
    )
    if stream.gates or stream.policy != "newest":
        read_settings(stream)  # what is written wrong is said before anything is loaded
    return stream


def _printer(options: dict[str, Any], model: Model, inputs: Sequence[str | Failure]) -> Printer:
    from edge.answering import count_expected
    from edge.printing import JsonPrinter, PersonPrinter

    if options["as_json"]:
        return JsonPrinter()
    count = count_expected(model, inputs, frames=options["frames"])
    return PersonPrinter(model, count=count, most=options["top"])


def _load_options(options: dict[str, Any]) -> LoadOptions:
    from edge.model_loader import LoadOptions

    recommended = _recommended() if _leaves_open(options) else _Recommended()
    return LoadOptions(
        engine=options["engine"],
        precision=options["precision"],
        threads=recommended.threads if options["threads"] is None else options["threads"],
        bare=_bare_options(options),
        trusted_keys=_trusted_keys(options),
        preferred_engine=recommended.engine,
        choices=_choices(options),
        note=lambda line: click.echo(f"edge-run: {line}", err=True),
    )


def _trusted_keys(options: dict[str, Any]) -> tuple[bytes, ...]:
    if not options["key_paths"]:
        return ()
    from edge.bundle.signature import read_public_key

    return tuple(map(read_public_key, options["key_paths"]))


def _choices(options: dict[str, Any]) -> ChoiceBook | None:
    """What `edge-bench choose` found on this machine, where the user leaves everything open."""
    if options["threads"] is not None or not options["engine"] == options["precision"] == "auto":
        return None
    from edge.stored_choice import ChoiceBook, choices_folder

    folder = choices_folder()
    if not folder.is_dir():
        return None
    try:
        from devices.detect import detect_board
    except ImportError:
        return ChoiceBook(folder, "")
    return ChoiceBook(folder, detect_board().identity)


def _leaves_open(options: dict[str, Any]) -> bool:
    return options["engine"] == "auto" or options["threads"] is None


@dataclass(frozen=True, slots=True)
class _Recommended:
    """What to use on this board unless the user says otherwise."""

    engine: str = "onnxruntime"
    threads: int | None = None


def _recommended() -> _Recommended:
    """Ask this board's profile; the runtime also deploys without `devices`."""
    try:
        from devices.defaults import recommended_here
    except ImportError:
        return _Recommended()
    from edge.engines.threads import resolve_threads

    found = recommended_here()
    if found is None:
        return _Recommended()
    # A board may have switched some of its processors off to save power.
    threads = resolve_threads(None, most_by_default=found.threads) if found.threads else None
    return _Recommended(found.engine or "onnxruntime", threads)


def _bare_options(options: dict[str, Any]) -> BareModelOptions | None:
    if all(options[name] is None for name in _BARE_OPTIONS):
        return None
    from edge.bare_model import BareModelOptions, parse_numbers, parse_size

    labels = options["labels"]
    return BareModelOptions(
        labels=tuple(label.strip() for label in labels.split(",")) if labels else None,
        kind=options["kind"],
        activation=options["activation"],
        colour=options["colour"],
        scale=options["scale"],
        mean=parse_numbers("--mean", options["mean"]),
        std=parse_numbers("--std", options["std"]),
        resize=options["resize"],
        size=parse_size("--size", options["size"]),
    )


@click.command()
@_model_options
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, one object a check.")
def selftest_command(**options: Any) -> int:
    """Replay a bundle's golden inputs on this very machine.

    Every artifact whose engine is installed must make the lab's tensor bit for bit and the
    lab's answer within the bundle's tolerance. Exit code 1 where one does not.
    """
    import json

    from edge.model_loader import LoadOptions
    from edge.report import format_check
    from edge.selftest import run_selftest

    path = Path(options["model"]) if options["model"] else None
    wanted = LoadOptions(
        options["engine"],
        options["precision"],
        options["threads"],
        trusted_keys=_trusted_keys(options),
    )
    passed = failed = 0
    for check in run_selftest(path, wanted):
        passed += check.is_passed
        failed += not check.is_passed
        if options["as_json"]:
            line = {"schema_version": 1, **asdict(check), "is_passed": check.is_passed}
            click.echo(json.dumps(line))
        else:
            click.echo(format_check(check))
    if not options["as_json"]:
        click.echo(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def doctor_command(*, as_json: bool, debug: bool) -> int:  # noqa: ARG001
    """Say what this machine is and what works on it.

    Each engine is imported and run in a child process, so that a crash becomes a sentence.
    Exit code 5 where no engine works.
    """
    import json

    from edge.doctor import examine, format_examination

    found = examine(threads=_recommended().threads)
    machine = _machine(found)
    if as_json:
        click.echo(json.dumps({**found, **machine.values}))
    else:
        click.echo("\n".join([*machine.lines, *format_examination(found), *machine.remarks]))
    return 0 if any(engine["works"] for engine in found["engines"]) else 5


@dataclass(frozen=True, slots=True)
class _Machine:
    """What `devices` says of this machine: for JSON, and as lines before and after the rest."""

    values: dict[str, Any]
    lines: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _machine(found: Examination) -> _Machine:
    """Ask `devices` about this machine; the runtime also deploys without it."""
    try:
        from devices.machine_report import format_machine, machine_to_json, read_machine
        from devices.remarks import remark_on
    except ImportError:
        return _Machine({"board": None, "machine": None, "remarks": []})
    report = read_machine(found["packages"], python_bits=found["python_bits"])
    failing = [each["package"] for each in found["engines"] if not each["works"]]
    remarks = remark_on(report, failing=[*filter(None, failing)], python=found["python"])
    return _Machine(
        values={
            "board": asdict(report.board),
            "machine": machine_to_json(report),
            "remarks": list(remarks),
        },
        lines=tuple(format_machine(report)),
        remarks=tuple(f"look at: {remark}" for remark in remarks),
    )
