"""`edge-kiosk serve`: arguments -> settings."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.errors import EngineNotInstalledError, InputNotFoundError, OutputError, UsageError

if TYPE_CHECKING:
    from edge.kiosk.api.settings import ApiSettings
    from edge.kiosk.journal.entry import DeviceState
    from edge.kiosk.service.settings import ServiceSettings

__all__ = ["command"]

_MIB = 1 << 20
_LOG_FILES = 4
_THROTTLED_NOW = 0b1110  # clock capped, throttled, soft temperature limit
_PATH = click.Path(path_type=Path)


@click.command(context_settings={"auto_envvar_prefix": "EDGEDX_KIOSK"})
@click.option("--model", type=_PATH, help="A bundle. Default: the one that comes with edgedx.")
@click.option("--state", type=_PATH, help="Folder of the model slots, instead of --model.")
@click.option(
    "--source",
    metavar="ADDRESS",
    required=True,
    help="camera:0, picamera:, csi:0, rtsp://..., watch:DIR, fake:pattern, ...; or none, for "
    "uploads alone.",
)
@click.option("--policy", default="newest", show_default=True, help="newest, every or nth:N.")
@click.option("--gate", "gates", multiple=True, metavar="LIMIT=VALUE", help="A gate's limit.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8321, show_default=True, help="0 takes a free one.")
@click.option("--token-file", type=_PATH, help="Holds the token that clients must show.")
@click.option("--allowed-host", multiple=True, help="Another name that the Host header may carry.")
@click.option("--allowed-origin", multiple=True, help="Another origin whose pages may ask.")
@click.option("--unix-socket", type=_PATH, help="Serve the same JSON on this socket.")
@click.option("--journal", type=_PATH, help="Folder of the journal. Default: none is kept.")
@click.option("--journal-mib", type=click.IntRange(min=1), default=512, show_default=True)
@click.option("--journal-days", type=float, help="Entries older than this may be removed.")
@click.option("--engine", type=click.Choice(["auto", "onnxruntime", "litert"]), default="auto")
@click.option("--precision", default="auto", show_default=True)
@click.option("--threads", type=int, metavar="N")
@click.option("--open-timeout", type=float, default=10.0, show_default=True, metavar="SECONDS")
@click.option("--read-timeout", type=float, default=5.0, show_default=True, metavar="SECONDS")
@click.option(
    "--infer-timeout",
    type=float,
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="A worker whose inference takes longer is replaced.",
)
@click.option("--worker-mib", type=float, help="A worker that holds more memory is replaced.")
@click.option(
    "--answer-limit",
    type=float,
    metavar="SECONDS",
    help="An answer older than this is no longer shown. Default: 2 and three inferences.",
)
@click.option(
    "--require-signature",
    "trusted_keys",
    type=_PATH,
    multiple=True,
    metavar="KEY.pem",
    help="Load bundles signed with this key only.",
)
@click.option("--log-file", type=_PATH, help="Log here, in files of bounded size.")
@click.option("--log-mib", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(**options: Any) -> int:
    """Answer from a camera; show it on a page, an API and a Unix socket.

    Listens on this machine alone unless --host says otherwise, which needs a token.
    """
    _start_logging(options)
    settings = _service_settings(options)
    api = _api_settings(options)
    try:
        from edge.kiosk.service.service import serve
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise EngineNotInstalledError(
            f"edge-kiosk needs {error.name}; install edgedx[kiosk]"
        ) from error
    serve(settings, api)
    return 0


def _service_settings(options: dict[str, Any]) -> ServiceSettings:
    from edge.kiosk.journal.journal import JournalLimits
    from edge.kiosk.service.settings import ServiceSettings, WorkerLimits
    from edge.model_loader import DEFAULT_BUNDLE
    from edge.streaming.frame_policy import parse_policy

    if options["model"] and options["state"]:
        raise UsageError("--model and --state are both given; the slots in --state hold the model")
    parse_policy(options["policy"])
    model = None if options["state"] else options["model"] or DEFAULT_BUNDLE
    if model is not None and not model.exists():
        raise InputNotFoundError(f"{model}: there is no such bundle; check --model")
    source = options["source"]
    return ServiceSettings(
        source="" if source == "none" else source,
        bundle=model,
        slots=options["state"],
        journal=options["journal"],
        journal_limits=JournalLimits(
            max_bytes=options["journal_mib"] * _MIB, max_age_days=options["journal_days"]
        ),
        policy=options["policy"],
        gates=_gates(options["gates"]),
        engine=options["engine"],
        precision=options["precision"],
        threads=options["threads"],
        open_timeout_s=options["open_timeout"],
        read_timeout_s=options["read_timeout"],
        answer_limit_s=options["answer_limit"],
        trusted_keys=options["trusted_keys"],
        worker=WorkerLimits(infer_s=options["infer_timeout"], memory_mib=options["worker_mib"]),
        read_device=_device_reader(),
    )


def _gates(words: tuple[str, ...]) -> dict[str, float]:
    from edge.streaming.frame_gates import GateLimits

    limits = {}
    for word in words:
        name, equals, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not equals or math.isnan(number):
            raise UsageError(f"--gate {word!r} is not LIMIT=NUMBER, such as frozen_s=5")
        limits[name] = number
    GateLimits().changed(limits)
    return limits


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
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputNotFoundError(f"{path}: the token cannot be read ({error})") from error


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


def _start_logging(options: dict[str, Any]) -> None:
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    path = options["log_file"]
    if path is not None:
        try:
            handler = RotatingFileHandler(
                path, maxBytes=options["log_mib"] * _MIB // _LOG_FILES, backupCount=_LOG_FILES - 1
            )
        except OSError as error:
            raise OutputError(f"{path}: cannot log there ({error.strerror})") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
