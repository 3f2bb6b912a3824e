"""`edge-kiosk serve`: arguments -> settings."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.command_line import ENGINES, PRECISIONS, NumberRange
from edge.errors import EngineNotInstalledError, InputNotFoundError, UsageError
from edge.kiosk.service.log_writer import LOG_FILES, start_log

if TYPE_CHECKING:
    from edge.kiosk.api.settings import ApiSettings
    from edge.kiosk.journal.entry import DeviceState
    from edge.kiosk.service.settings import ServiceSettings

__all__ = ["command"]

_MIB = 1 << 20
_MOST_TOKEN_BYTES = 4096
_GATE_FORM = "LIMIT=NUMBER"
_BARE_SUFFIXES = (".onnx", ".tflite")
_THROTTLED_NOW = 0b1110  # clock capped, throttled, soft temperature limit
_PATH = click.Path(path_type=Path)


def _check_seconds(
    context: click.Context, parameter: click.Parameter, seconds: float | None
) -> float | None:
    del context, parameter
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise click.BadParameter(f"{seconds} is not a positive number of seconds")
    return seconds


@click.command(
    context_settings={"auto_envvar_prefix": "EDGEDX_KIOSK"},
    epilog="Each option may be set in the environment too: EDGEDX_KIOSK_ and its name in capitals, "
    "such as EDGEDX_KIOSK_SOURCE. SIGTERM ends the service in good order. Exit codes: 0 ended as "
    "asked, 2 wrong use, 3 bad input, 4 bad bundle, 5 engine or device failure.",
)
@click.option(
    "--source",
    metavar="ADDRESS",
    required=True,
    help="Where pictures come from: camera:0, picamera:, csi:0, rtsp://HOST/PATH, watch:FOLDER, "
    "fake:pattern, a video file; or none, for uploads alone.",
)
@click.option(
    "--model",
    type=_PATH,
    metavar="BUNDLE",
    help="Bundle that answers. Default: the chest X-ray bundle that comes with edgedx.",
)
@click.option(
    "--state",
    type=_PATH,
    metavar="FOLDER",
    help="Folder of the model slots, which edge-kiosk update fills; instead of --model.",
)
@click.option(
    "--require-signature",
    type=_PATH,
    multiple=True,
    metavar="PUBLIC.pem",
    help="Answer only from a bundle signed with this key; given again: or with that one.",
)
@click.option(
    "--policy",
    default="newest",
    show_default=True,
    metavar="POLICY",
    help="Which frames are answered where inference is slower than the camera: newest, every, "
    "every:QUEUE or nth:N.",
)
@click.option(
    "--gate",
    multiple=True,
    metavar=_GATE_FORM,
    help="From where on a frame is refused, such as frozen_s=5; 0 switches a gate off.",
)
@click.option(
    "--answer-limit",
    type=float,
    callback=_check_seconds,
    metavar="SECONDS",
    help="An answer to a frame older than this is no longer shown. Default: 2 and three times "
    "what the inference took; pictures of a watched folder do not age.",
)
@click.option(
    "--journal",
    type=_PATH,
    metavar="FOLDER",
    help="Keep every answer here, chained by hash, before it is told. Default: none is kept.",
)
@click.option(
    "--journal-mib",
    type=click.IntRange(min=1),
    default=512,
    show_default=True,
    metavar="N",
    help="The journal's size; the oldest entries are removed.",
)
@click.option(
    "--journal-days",
    type=NumberRange(min=0, min_open=True),
    metavar="N",
    help="Entries older than this are removed. Default: by size alone.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where page and API listen; anything that other machines can reach needs a token.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8321,
    show_default=True,
    metavar="N",
    help="0 takes a free one, which the log names.",
)
@click.option(
    "--token-file", type=_PATH, metavar="FILE", help="Holds the token that clients must show."
)
@click.option(
    "--allowed-host",
    multiple=True,
    metavar="NAME",
    help="Another name that the Host header may carry.",
)
@click.option(
    "--allowed-origin",
    multiple=True,
    metavar="ORIGIN",
    help="Another origin whose pages may ask, such as https://ward.example.",
)
@click.option(
    "--unix-socket", type=_PATH, metavar="FILE", help="Serve the same JSON on this socket too."
)
@click.option(
    "--engine",
    type=ENGINES,
    default="auto",
    show_default=True,
    help="What runs the model.",
)
@click.option(
    "--precision",
    type=PRECISIONS,
    default="auto",
    show_default=True,
    help="Which of the bundle's model files.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads inside one inference. Default: every processor, at most 4.",
)
@click.option(
    "--open-timeout",
    type=float,
    callback=_check_seconds,
    default=4.0,
    show_default=True,
    metavar="SECONDS",
    help="A source that takes longer to open is lost, and tried again.",
)
@click.option(
    "--read-timeout",
    type=float,
    callback=_check_seconds,
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="A source that gives no frame for so long is lost.",
)
@click.option(
    "--infer-timeout",
    type=float,
    callback=_check_seconds,
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="A worker whose inference takes longer is replaced.",
)
@click.option(
    "--start-timeout",
    type=float,
    callback=_check_seconds,
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="Likewise one that takes longer to load the model and replay its golden examples.",
)
@click.option(
    "--worker-mib",
    type=click.IntRange(min=1),
    metavar="N",
    help="A worker that holds more memory is replaced. Default: any.",
)
@click.option(
    "--log-file",
    type=_PATH,
    metavar="FILE",
    help=f"Log here, in at most {LOG_FILES} files. Default: to standard error.",
)
@click.option(
    "--log-mib",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="What these files take together.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(**options: Any) -> int:
    """Answer from a camera; show it on a page, an API and a Unix socket.

    Goes on until it is ended, whatever becomes of the camera, the disk or the model: each fault
    is shown, and nothing is answered from a bad frame. Listens on this machine alone unless
    --host says otherwise.
    """
    settings = _service_settings(options)
    api = _api_settings(options)
    try:
        from edge.kiosk.service.service import serve
    except ModuleNotFoundError as error:
        if error.name not in ("h11", "starlette", "uvicorn"):
            raise
        raise EngineNotInstalledError(
            f"edge-kiosk needs {error.name}; install edgedx[kiosk]"
        ) from error
    log = start_log(options["log_file"], most_bytes=options["log_mib"] * _MIB)
    try:
        serve(settings, api)
    finally:
        is_written = log.close()
    if not is_written:
        # The interpreter's own end would wait for the disk that hangs.
        os._exit(0)
    return 0


def _service_settings(options: dict[str, Any]) -> ServiceSettings:
    from edge.bundle.signature import read_public_key
    from edge.kiosk.journal.journal import JournalLimits
    from edge.kiosk.service.settings import ServiceSettings, WorkerLimits
    from edge.streaming.frame_gates import parse_limits
    from edge.streaming.frame_policy import parse_policy

    parse_policy(options["policy"])
    return ServiceSettings(
        source=_source(options["source"]),
        bundle=_bundle(options["model"], options["state"]),
        slots=options["state"],
        journal=options["journal"],
        journal_limits=JournalLimits(
            max_bytes=options["journal_mib"] * _MIB, max_age_days=options["journal_days"]
        ),
        policy=options["policy"],
        gates=asdict(parse_limits(options["gate"], form=_GATE_FORM)),
        engine=options["engine"],
        precision=options["precision"],
        threads=options["threads"],
        open_timeout_s=options["open_timeout"],
        read_timeout_s=options["read_timeout"],
        answer_limit_s=options["answer_limit"],
        trusted_keys=tuple(read_public_key(path) for path in options["require_signature"]),
        worker=WorkerLimits(
            start_s=options["start_timeout"],
            infer_s=options["infer_timeout"],
            memory_mib=options["worker_mib"],
        ),
        read_device=_device_reader(),
    )


def _source(address: str) -> str:
    from edge.sources.base import is_stream_address

    _check_text(address, "--source")
    if address == "none":
        return ""
    if not is_stream_address(address):
        raise UsageError(
            f"--source {address!r} names no camera, stream or folder; write camera:0, "
            "rtsp://HOST/PATH, watch:FOLDER, fake:pattern, ..., or none for uploads alone"
        )
    return address


def _bundle(model: Path | None, state: Path | None) -> Path | None:
    from edge.model_loader import DEFAULT_BUNDLE

    if state is not None:
        if model is not None:
            raise UsageError(
                "--model and --state are both given; the slots in --state hold the model"
            )
        return None
    if model is None:
        return DEFAULT_BUNDLE
    _check_text(str(model), "--model")
    if model.suffix.lower() in _BARE_SUFFIXES and not model.is_dir():
        raise UsageError(
            f"--model {model} is a bare model file, which says neither how it is fed nor what it "
            "should answer; make a bundle of it with edge-quantize"
        )
    if not model.exists():
        raise InputNotFoundError(f"{model}: there is no such bundle; check --model")
    return model


def _check_text(text: str, option: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{option} {text!a} is not UTF-8; rename what it names") from None


def _api_settings(options: dict[str, Any]) -> ApiSettings:
    from edge.kiosk.api.settings import ApiSettings

    return ApiSettings(
        host=options["host"],
        port=options["port"],
        token=_read_token(options["token_file"]),
        allowed_hosts=options["allowed_host"],
        allowed_origins=options["allowed_origin"],
        unix_socket=options["unix_socket"],
    )


def _read_token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(_MOST_TOKEN_BYTES).decode("ascii").strip()
    except UnicodeDecodeError:
        raise InputNotFoundError(f"{path}: holds no token in ASCII; write one") from None
    except OSError as error:
        raise InputNotFoundError(
            f"{path}: the token cannot be read ({error.strerror}); check --token-file"
        ) from error


def _device_reader() -> Callable[[], DeviceState | None]:
    """Asks this board's sensors; the runtime also deploys without `devices`."""
    try:
        from devices import sensors
    except ImportError:
        return lambda: None
    from edge.kiosk.journal.entry import DeviceState

    def read() -> DeviceState:
        bits = sensors.read_throttle_bits()
        return DeviceState(
            temperature_c=max(sensors.read_temperatures_c().values(), default=None),
            is_throttled=None if bits is None else bool(bits & _THROTTLED_NOW),
            has_undervoltage=sensors.read_undervoltage(),
            load_1min=sensors.read_load(),
            memory_available_mib=sensors.read_memory().available_mib,
        )

    return read
