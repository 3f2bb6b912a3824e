"""Plays systemd for the unit that `edge-kiosk install` lays down."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from devices.kiosk.installation_plan import (
    SERVICE_UNIT,
    SETTINGS_FILE,
    InstallationPlan,
    plan_files,
)
from devices.kiosk.settings_file import read_settings

__all__ = ["PlayedSystemd", "unit_command"]

# Against a hang only.
LIMIT_S = 180.0
RUN_KIOSK = "from edge.kiosk.cli import main; main()"


def unit_command(folder: Path, settings: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Words and environment with which the unit runs the kiosk, below another folder.

    Args:
        folder: stands for `/`.
        settings: as `InstallationPlan.settings`.
    """
    plan = InstallationPlan(program=PurePosixPath("/edge-kiosk"), settings=settings)
    files = {file.path: file.content.decode() for file in plan_files(plan)}
    unit = next(text for path, text in files.items() if path.name == SERVICE_UNIT)
    lines = [line.partition("=") for line in unit.splitlines() if not line.startswith("#")]
    (command,) = (value for name, _, value in lines if name == "ExecStart")
    environment = {}
    for name, _, value in lines:
        if name == "Environment":
            environment |= dict(word.split("=", 1) for word in shlex.split(value))
    places = ("/var/lib/edgedx", "/run/edgedx")
    for place in places:
        (folder / place[1:]).mkdir(parents=True, exist_ok=True)

    def moved(text: str) -> str:
        return str(folder) + text if text.startswith(places) else text

    values = read_settings(files[SETTINGS_FILE])
    words = []
    for word in shlex.split(command):
        # systemd.service(5), "Command lines": a variable that is a word becomes none or several.
        words += shlex.split(values[word[1:]]) if word.startswith("$") else [moved(word)]
    environment = {name: moved(value) for name, value in environment.items()}
    return (
        [sys.executable, "-c", RUN_KIOSK, *words[1:]],
        {**environment, **values},
    )


class PlayedSystemd:
    """Runs a service of Type=notify, and kills it where its watchdog stays out.

    Args:
        folder: where its socket and the service's log may lie.
        command: the service's words.
        environment: of the service, beside what this process has.
        watchdog_s: WatchdogSec.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        watchdog_s: float,
    ) -> None:
        self._command = command
        self._watchdog_s = watchdog_s
        self._log_path = folder / "log"
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._channel.bind(str(folder / "notify"))
        self._environment = {
            **os.environ,
            **environment,
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": str(round(watchdog_s * 1e6)),
        }
        self._environment.pop("WATCHDOG_PID", None)
        self.process = self._start()

    @property
    def log(self) -> str:
        """What the service has logged."""
        return self._log_path.read_text(errors="replace")

    def wait_for(self, message: str) -> None:
        """Wait for a message of the service; others are passed over."""
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            is_over = self.process.poll() is not None
            messages = self._next_messages(1.0)
            if message in messages:
                return
            assert messages or not is_over, f"it ended without {message}: {self.log}"
            assert time.monotonic() < deadline_s, f"no {message}: {self.log}"

    def watch(self) -> None:
        """Wait until the watchdog stays out; then kill the service and start it anew."""
        deadline_s = time.monotonic() + LIMIT_S
        while any(each == "WATCHDOG=1" for each in self._next_messages(self._watchdog_s)):
            assert time.monotonic() < deadline_s, "the watchdog never stayed out"
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def stop(self) -> int:
        """End the service as `systemctl stop` does, and say its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        """End everything, in no good order."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._channel.close()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log_path.open("ab") as log:
            return subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stderr=log
            )

    def _next_messages(self, timeout_s: float) -> list[str]:
        """The lines of the next datagram; nothing where none comes in time."""
        self._channel.settimeout(max(timeout_s, 0.01))
        try:
            return self._channel.recv(65536).decode().splitlines()
        except TimeoutError:
            return []
