"""What must be told to the systemd, udev and user database of this very machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from devices.kiosk.installation_plan import (
    SCREEN_UNIT,
    SERVICE_UNIT,
    STATE_FOLDER,
    USERS_FILES,
)
from devices.kiosk.setup_error import KioskSetupError, told_kindly
from devices.sysfs import read_text

__all__ = ["LOG_NAMESPACE", "LiveSystem"]

LOG_NAMESPACE = "edgedx"
_USER = "edgedx"
_STATE_MODE = 0o750
_COMMAND_LIMIT_S = 60.0
# Longer than TimeoutStartSec in the unit: systemd says better than a deadline what went wrong.
_START_LIMIT_S = 240.0


class LiveSystem:
    """This machine, as root.

    Args:
        root: for tests; where the files that are looked at lie.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def check(self) -> None:
        """See that this machine is one that a kiosk can be installed on.

        Raises:
            KioskSetupError: it does not run systemd.
        """
        if not (self._root / "run/systemd/system").is_dir():
            raise KioskSetupError(
                "systemd does not run on this machine; run edge-kiosk serve under what supervises "
                "services here, or make an image with --root"
            )

    def limits_memory(self) -> bool:
        """Whether the kernel can hold the unit to its MemoryMax; Raspberry Pi's often cannot."""
        groups = self._root / "sys/fs/cgroup"
        controllers = read_text(groups / "cgroup.controllers")
        if controllers is not None:
            return "memory" in controllers.split()
        return (groups / "memory").is_dir()

    def make_users(self) -> None:
        """Make the users that the units run as, and the state folder of the first.

        Raises:
            KioskSetupError: they cannot be made.
        """
        there = [str(path) for path in USERS_FILES if Path(path).exists()]
        _run(["systemd-sysusers", *there])
        state = Path(STATE_FOLDER)
        with told_kindly(f"make {state}", "see that it may be written and has room"):
            if not state.exists():
                state.mkdir(mode=_STATE_MODE, parents=True)
                shutil.chown(state, _USER, _USER)

    def check_program(self, program: PurePosixPath) -> None:
        """See that the kiosk's user may run the program.

        Raises:
            KioskSetupError: it may not, or the program does not work.
        """
        way_out = (
            "install edgedx where every user may read it: python3 -m venv /opt/edgedx && "
            "/opt/edgedx/bin/pip install 'edgedx[kiosk]', then /opt/edgedx/bin/edge-kiosk install"
        )
        try:
            done = subprocess.run(  # noqa: S603 - the program that is to be a service
                [program, "--version"],
                user=_USER,
                group=_USER,
                extra_groups=[],
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                timeout=_COMMAND_LIMIT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KioskSetupError(
                f"user {_USER} cannot run {program} ({error}); {way_out}"
            ) from error
        if done.returncode != 0:
            raise KioskSetupError(
                f"user {_USER} cannot run {program} ({_last_line(done.stderr)}); {way_out}"
            )

    def reload(self) -> None:
        """Have systemd and udev read their files anew.

        Raises:
            KioskSetupError: systemd cannot. Where there is no udev, there is nothing to tell.
        """
        _run(["systemctl", "daemon-reload"])
        if shutil.which("udevadm"):
            _run(["udevadm", "control", "--reload"], must_work=False)
            trigger = ["udevadm", "trigger", "--subsystem-match=video4linux", "--action=change"]
            _run(trigger, must_work=False)

    def start(self, *, with_screen: bool) -> None:
        """Start the kiosk, anew where it runs, and wait until it answers.

        Raises:
            KioskSetupError: it does not; systemd keeps trying.
        """
        units = [SERVICE_UNIT, SCREEN_UNIT] if with_screen else [SERVICE_UNIT]
        _run(
            ["systemctl", "restart", *units],
            limit_s=_START_LIMIT_S,
            way_out=f"see journalctl --namespace={LOG_NAMESPACE} -n 50; systemd keeps trying",
        )

    def stop(self) -> None:
        """Stop what runs.

        Raises:
            KioskSetupError: systemd cannot.
        """
        for unit in (SCREEN_UNIT, SERVICE_UNIT):
            if _run(["systemctl", "is-active", unit], must_work=False):
                _run(["systemctl", "stop", unit])

    def purge(self) -> None:
        """Remove the users and the kiosk's own log.

        Raises:
            KioskSetupError: they cannot be removed.
        """
        for kind in ("socket", "service"):
            unit = f"systemd-journald@{LOG_NAMESPACE}.{kind}"
            _run(["systemctl", "stop", unit], must_work=False)
        with told_kindly("remove the kiosk's log", "see that it may be written"):
            for folder in (Path("/var/log/journal"), Path("/run/log/journal")):
                for log in folder.glob(f"*.{LOG_NAMESPACE}"):
                    shutil.rmtree(log)
        for user in (f"{_USER}-screen", _USER):
            _run(["userdel", user], must_work=False)


def _run(
    words: Sequence[str],
    *,
    must_work: bool = True,
    limit_s: float = _COMMAND_LIMIT_S,
    way_out: str = "put that right and run it again",
) -> bool:
    """Run one of the system's own commands, and say whether it worked."""
    shown = " ".join(words)
    try:
        done = subprocess.run(  # noqa: S603 - words of this module
            words,
            env={**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except FileNotFoundError as error:
        if must_work:
            raise KioskSetupError(f"there is no {words[0]} on this machine; {way_out}") from error
        return False
    except subprocess.TimeoutExpired as error:
        raise KioskSetupError(f"{shown} took longer than {limit_s:.0f} s; {way_out}") from error
    if must_work and done.returncode != 0:
        said = _last_line(done.stderr) or f"exit code {done.returncode}"
        raise KioskSetupError(f"{shown} failed: {said}; {way_out}")
    return done.returncode == 0


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1].strip()
