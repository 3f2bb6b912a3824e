"""Which files make a board a kiosk, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from devices.kiosk.settings_file import read_settings, with_settings
from devices.kiosk.setup_error import KioskSetupError

__all__ = [
    "JOURNAL_FOLDER",
    "SCREEN_UNIT",
    "SERVICE_UNIT",
    "SETTINGS_FILE",
    "SLOTS_FOLDER",
    "STATE_FOLDER",
    "USERS_FILES",
    "InstallationPlan",
    "PlannedFile",
    "plan_files",
]

SERVICE_UNIT = "edgedx-kiosk.service"
SCREEN_UNIT = "edgedx-kiosk-screen.service"
SETTINGS_FILE = PurePosixPath("/etc/edgedx/kiosk.env")
STATE_FOLDER = PurePosixPath("/var/lib/edgedx")
SLOTS_FOLDER = STATE_FOLDER / "slots"
JOURNAL_FOLDER = STATE_FOLDER / "journal"
USERS_FILES = (
    PurePosixPath("/etc/sysusers.d/edgedx.conf"),
    PurePosixPath("/etc/sysusers.d/edgedx-screen.conf"),
)

_UNITS = PurePosixPath("/etc/systemd/system")
_DROP_INS = _UNITS / f"{SERVICE_UNIT}.d"
_WANTED = _UNITS / "multi-user.target.wants"
_UDEV_RULES = PurePosixPath("/etc/udev/rules.d/70-edgedx-camera.rules")
_LOG_LIMITS = PurePosixPath("/etc/systemd/journald@edgedx.conf")
_TEMPLATES = Path(__file__).parent / "files"
# The settings may hold a camera's password; systemd reads them as root.
_SETTINGS_MODE = 0o600
# What `edge-kiosk install` asks for. Anything else in the file was changed by hand, and a removal
# keeps it.
_ASKED_SETTINGS = (
    "EDGEDX_KIOSK_SOURCE",
    "EDGEDX_KIOSK_HOST",
    "EDGEDX_KIOSK_PORT",
    "EDGEDX_KIOSK_TOKEN_FILE",
)
_NETWORK_ADDRESS = re.compile(r"[a-z]+://", re.IGNORECASE)
_LOOPBACK = ("localhost", "::1", "127.")
_JETSON_PREFIX = "csi:"
_HOMES = ("/home", "/root", "/run/user")


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to lay down.

    Attributes:
        path: absolute, as the board will see it.
        content: what is in it; of a link the place that it leads to.
        mode: its permissions.
        is_link: whether it is a symbolic link.
        pristine: what is in it where nobody has changed it, if that is not `content`.
        keeps_changes: `content` holds what was changed by hand: nothing need be set aside.
    """

    path: PurePosixPath
    content: bytes
    mode: int = 0o644
    is_link: bool = False
    pristine: bytes | None = None
    keeps_changes: bool = False


@dataclass(frozen=True, slots=True)
class InstallationPlan:
    """What was asked for.

    Attributes:
        program: absolute path of `edge-kiosk` on the board.
        settings: values of the settings file by name; what is not named stays, or is the default.
        present_settings: the settings file as it is now; None where there is none.
        screen: absolute paths of cage and of Chromium on the board; None without a screen.
    """

    program: PurePosixPath
    settings: Mapping[str, str] = field(default_factory=dict)
    present_settings: str | None = None
    screen: tuple[PurePosixPath, PurePosixPath] | None = None


def plan_files(plan: InstallationPlan) -> tuple[PlannedFile, ...]:
    """The files for a plan, in the order in which they may be laid down.

    Raises:
        KioskSetupError: a setting cannot be written, or a program's path is not absolute.
    """
    settings = _plan_settings(plan)
    values = read_settings(settings.content.decode())
    replacements = {
        "@PROGRAM@": _quoted(plan.program),
        "@PROTECT_HOME@": "read-only" if str(plan.program).startswith(_HOMES) else "yes",
    }
    unit = _filled("edgedx-kiosk.service", replacements)
    files = [
        settings,
        PlannedFile(USERS_FILES[0], _filled("sysusers.conf")),
        PlannedFile(_UDEV_RULES, _filled("edgedx-camera.rules")),
        PlannedFile(_LOG_LIMITS, _filled("journald.conf")),
        *_plan_drop_ins(values),
        PlannedFile(_UNITS / SERVICE_UNIT, unit),
        *_plan_screen(plan),
        _wanted(SERVICE_UNIT),
    ]
    if plan.screen is not None:
        files.append(_wanted(SCREEN_UNIT))
    return tuple(files)


def _plan_settings(plan: InstallationPlan) -> PlannedFile:
    template = _filled("kiosk.env").decode()
    defaults = read_settings(template)
    present = template if plan.present_settings is None else plan.present_settings
    merged = with_settings(present, plan.settings)
    values = read_settings(merged)
    # A setting that a later version added gets its default.
    added = {name: value for name, value in defaults.items() if name not in values}
    asked = {name: {**defaults, **values}[name] for name in _ASKED_SETTINGS}
    return PlannedFile(
        SETTINGS_FILE,
        with_settings(merged, added).encode(),
        mode=_SETTINGS_MODE,
        pristine=with_settings(template, asked).encode(),
        keeps_changes=True,
    )


def _plan_drop_ins(values: Mapping[str, str]) -> list[PlannedFile]:
    source, host = values["EDGEDX_KIOSK_SOURCE"], values["EDGEDX_KIOSK_HOST"]
    files = []
    if not _NETWORK_ADDRESS.match(source) and host.startswith(_LOOPBACK):
        files.append(
            PlannedFile(_DROP_INS / "10-loopback-only.conf", _filled("loopback-only.conf"))
        )
    if source.startswith(_JETSON_PREFIX):
        files.append(PlannedFile(_DROP_INS / "20-jetson.conf", _filled("jetson.conf")))
    return files


def _plan_screen(plan: InstallationPlan) -> list[PlannedFile]:
    if plan.screen is None:
        return []
    cage, chromium = plan.screen
    replacements = {"@CAGE@": _quoted(cage), "@CHROMIUM@": _quoted(chromium)}
    return [
        PlannedFile(USERS_FILES[1], _filled("sysusers-screen.conf")),
        PlannedFile(_UNITS / SCREEN_UNIT, _filled("edgedx-kiosk-screen.service", replacements)),
    ]


def _wanted(unit: str) -> PlannedFile:
    """What `systemctl enable` would make."""
    return PlannedFile(_WANTED / unit, str(_UNITS / unit).encode(), is_link=True)


def _filled(template: str, replacements: Mapping[str, str] | None = None) -> bytes:
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    for name, value in (replacements or {}).items():
        text = text.replace(name, value)
    return text.encode()


def _quoted(program: PurePosixPath) -> str:
    """A program's path as a unit takes it: systemd.service(5), "Command lines"."""
    text = str(program)
    if not text.startswith("/") or not text.isprintable():
        raise KioskSetupError(f"the program {text!r} is no absolute path; name one with --program")
    escaped = re.sub(r'(["\\])', r"\\\1", text).replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;]", text) else escaped
