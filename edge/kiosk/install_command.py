"""`edge-kiosk install`: make this machine, or an image, a kiosk that starts by itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import click

from devices.kiosk.installation_plan import (
    SCREEN_UNIT,
    SETTINGS_FILE,
    SLOTS_FOLDER,
    InstallationPlan,
    PlannedFile,
    plan_files,
)
from devices.kiosk.lay_down import lay_down, read_receipt
from devices.kiosk.live_system import LOG_NAMESPACE, LiveSystem
from devices.kiosk.root_files import RootFiles
from devices.kiosk.settings_file import read_settings
from devices.kiosk.setup_error import KioskSetupError
from devices.kiosk.step_report import describe_steps
from edge import __version__
from edge.errors import DeviceError, UsageError

__all__ = ["command"]

_LIVE_ROOT = Path("/")
_SETTING_OPTIONS = {
    "source": "EDGEDX_KIOSK_SOURCE",
    "host": "EDGEDX_KIOSK_HOST",
    "port": "EDGEDX_KIOSK_PORT",
    "token_file": "EDGEDX_KIOSK_TOKEN_FILE",
}
_BROWSERS = ("chromium", "chromium-browser")


@click.command(name="install")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Bundle to answer with, put into a model slot. Default: the one installed; at first the "
    "chest X-ray bundle that comes with edgedx.",
)
@click.option("--source", metavar="ADDRESS", help="camera:0, picamera:, rtsp://..., watch:FOLDER.")
@click.option("--host", metavar="ADDRESS", help="Where page and API are. At first 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="At first 8321.")
@click.option("--token-file", metavar="PATH", help="Holds the token that other machines must show.")
@click.option(
    "--require-signature",
    "trusted_keys",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="KEY.pem",
    help="Install bundles signed with this key only, now and later.",
)
@click.option(
    "--with-screen/--without-screen",
    default=None,
    help="Show the page on the first console, with cage and Chromium. At first without.",
)
@click.option(
    "--program",
    metavar="PATH",
    help="edge-kiosk as the service is to call it. Default: this one.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=_LIVE_ROOT,
    metavar="DIR",
    help="Prepare the system in DIR, such as an image; nothing is started.",
)
@click.option("--start/--no-start", default=True, help="Start it now. It starts at boot anyway.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(root: Path, *, model: Path | None, dry_run: bool, start: bool, **options: Any) -> None:
    """Lay the kiosk's systemd service down; again to update it or to change its settings.

    Settings that are not named stay as they are. What was changed by hand is kept beside the new
    file as NAME.saved. edge-kiosk remove takes everything away.
    """
    del options["debug"]
    is_live = root.resolve() == _LIVE_ROOT
    try:
        _check_user(is_live=is_live and not dry_run)
        plan, files = _plan(root, options)
        _check_host(files)
        if model is not None:
            _check_bundle(model)
        elif options["trusted_keys"]:
            raise UsageError("--require-signature is for installing a bundle; name it with --model")
        if is_live and not dry_run:
            LiveSystem().check()
        steps = lay_down(root, files, version=__version__, is_rehearsal=dry_run)
        click.echo("\n".join(describe_steps(steps, is_rehearsal=dry_run)))
        if is_live and not dry_run:
            LiveSystem().make_users()
            LiveSystem().check_program(plan.program)
        _install_model(root, model, options["trusted_keys"], is_rehearsal=dry_run)
        if is_live and not dry_run:
            _bring_up(files, is_start=start, with_screen=plan.screen is not None)
    except KioskSetupError as error:
        raise DeviceError(str(error)) from error


def _check_user(*, is_live: bool) -> None:
    if is_live and os.geteuid() != 0:
        raise UsageError(
            f"installing writes to /etc and needs root; run sudo {_own_program()} install, look "
            "first with --dry-run, or prepare an image with --root"
        )


def _plan(root: Path, options: dict[str, Any]) -> tuple[InstallationPlan, tuple[PlannedFile, ...]]:
    named = {
        setting: str(options[option])
        for option, setting in _SETTING_OPTIONS.items()
        if options[option] is not None
    }
    present = RootFiles(root).read(SETTINGS_FILE)
    plan = InstallationPlan(
        program=PurePosixPath(options["program"] or _own_program()),
        settings=named,
        present_settings=None if present is None else present.decode(errors="replace"),
        screen=_find_screen(root) if _wants_screen(root, options["with_screen"]) else None,
    )
    return plan, plan_files(plan)


def _own_program() -> Path:
    beside_python = Path(sys.executable).parent / "edge-kiosk"
    # Not `exists`, which raises for a folder that this user may not look into.
    return beside_python if os.access(beside_python, os.X_OK) else Path(sys.argv[0]).absolute()


def _wants_screen(root: Path, named: bool | None) -> bool:  # noqa: FBT001 - an option, or none
    if named is not None:
        return named
    receipt = read_receipt(root)
    return receipt is not None and any(path.name == SCREEN_UNIT for path in receipt.digests)


def _find_screen(root: Path) -> tuple[PurePosixPath, PurePosixPath]:
    on_board = RootFiles(root)
    folder = PurePosixPath("/usr/bin")
    browsers = [folder / name for name in _BROWSERS if on_board.exists(folder / name)]
    cage = folder / "cage"
    if not browsers or not on_board.exists(cage):
        raise KioskSetupError(
            "a screen needs cage and Chromium in /usr/bin; run apt install cage chromium "
            "(chromium-browser on older systems), or install without --with-screen"
        )
    return cage, browsers[0]


def _check_host(files: tuple[PlannedFile, ...]) -> None:
    """What would only make the service fail again and again is refused here."""
    from edge.kiosk.api.settings import is_loopback

    values = read_settings(next(f for f in files if f.path == SETTINGS_FILE).content.decode())
    host, token = values["EDGEDX_KIOSK_HOST"], values["EDGEDX_KIOSK_TOKEN_FILE"]
    if token and not token.startswith("/"):
        raise UsageError(f"token file {token!r} is no absolute path; such as /etc/edgedx/token")
    if not is_loopback(host) and not token:
        raise UsageError(
            f"host {host} can be reached from other machines, and no token is asked for; add "
            "--token-file /etc/edgedx/token, or leave the host at 127.0.0.1"
        )


def _check_bundle(model: Path) -> None:
    from edge.bundle.reader import open_bundle

    open_bundle(model).close()


def _install_model(
    root: Path, model: Path | None, keys: tuple[Path, ...], *, is_rehearsal: bool
) -> None:
    from edge.bundle.signature import read_public_key
    from edge.kiosk.slots.store import SlotStore, UpdateRequirements
    from edge.model_loader import DEFAULT_BUNDLE

    store = SlotStore(RootFiles(root).locate(SLOTS_FOLDER))
    if model is None and store.state() is not None:
        return
    bundle = DEFAULT_BUNDLE if model is None else model
    if is_rehearsal:
        click.echo(f"would check {bundle} and put it into a model slot in {SLOTS_FOLDER}")
        return
    requirements = UpdateRequirements(trusted_keys=tuple(map(read_public_key, keys)))
    slot = store.install(bundle, requirements)
    click.echo(f"model {slot.model_name} {slot.model_version} is in slot {slot.name}")


def _bring_up(files: tuple[PlannedFile, ...], *, is_start: bool, with_screen: bool) -> None:
    live = LiveSystem()
    live.reload()
    if not live.limits_memory():
        click.echo(
            "note: this kernel limits no memory; on a Raspberry Pi add cgroup_enable=memory to "
            "/boot/firmware/cmdline.txt and restart"
        )
    if not is_start:
        click.echo("it will start at the next boot; systemctl start edgedx-kiosk starts it now")
        return
    live.start(with_screen=with_screen)
    values = read_settings(next(f for f in files if f.path == SETTINGS_FILE).content.decode())
    click.echo(
        f"it runs, with its page at {_page_address(values)}; "
        f"journalctl --namespace={LOG_NAMESPACE} -f shows its log"
    )


def _page_address(values: dict[str, str]) -> str:
    return f"http://{values['EDGEDX_KIOSK_HOST']}:{values['EDGEDX_KIOSK_PORT']}/"
