"""The service as its unit runs it: readiness, watchdog, restart, read-only system."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from played_systemd import LIMIT_S, PlayedSystemd, unit_command

from edge.kiosk.slots.store import SlotStore, UpdateRequirements
from edge.model_loader import DEFAULT_BUNDLE

pytestmark = pytest.mark.slow

# Long enough that no busy machine misses it, short enough to wait for.
WATCHDOG_S = 5.0
READ_ONLY_ROOT = Path(__file__).parent / "read_only_root.py"


def free_port() -> int:
    with socket.socket() as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `/` is to the unit, with a model in a slot."""
    store = SlotStore(tmp_path / "var/lib/edgedx/slots")
    store.install(DEFAULT_BUNDLE, UpdateRequirements())
    return tmp_path


@pytest.fixture
def systemd(folder: Path, port: int) -> Iterator[PlayedSystemd]:
    command, environment = unit_command(
        folder,
        {
            "EDGEDX_KIOSK_SOURCE": "fake:pattern",
            "EDGEDX_KIOSK_PORT": str(port),
            "EDGEDX_KIOSK_OPTIONS": "--threads 1 --gate frozen_s=60",
        },
    )
    played = PlayedSystemd(folder, command, environment, watchdog_s=WATCHDOG_S)
    yield played
    played.close()


def ask(port: int, what: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/{what}", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def answered(port: int) -> dict[str, Any]:
    """The health, once there is an answer to show."""
    deadline_s = time.monotonic() + LIMIT_S
    while ask(port, "latest")["state"] != "answered":
        assert time.monotonic() < deadline_s, ask(port, "health")
        time.sleep(0.1)
    return ask(port, "health")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_service_that_stands_still_is_killed_and_answers_again(
    systemd: PlayedSystemd, port: int
) -> None:
    systemd.wait_for("READY=1")
    for _ in range(3):
        systemd.wait_for("WATCHDOG=1")
    before = answered(port)
    assert before["service"]["pid"] == systemd.process.pid

    systemd.process.send_signal(signal.SIGSTOP)
    systemd.watch()
    systemd.wait_for("READY=1")
    after = answered(port)
    assert after["service"]["pid"] == systemd.process.pid != before["service"]["pid"]
    assert after["journal"]["last_sequence"] > before["journal"]["last_sequence"]
    # The worker of the service that was killed has gone with it, and let go of the camera.
    deadline_s = time.monotonic() + LIMIT_S
    while is_running(before["worker"]["pid"]):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)

    assert systemd.stop() == 0
    systemd.wait_for("STOPPING=1")
    assert "Traceback" not in systemd.log


def test_it_answers_where_only_its_state_may_be_written(folder: Path, port: int) -> None:
    command, environment = unit_command(
        folder, {"EDGEDX_KIOSK_SOURCE": "fake:pattern", "EDGEDX_KIOSK_PORT": str(port)}
    )
    writable = [folder / "var/lib/edgedx", folder / "run/edgedx"]
    inside = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, READ_ONLY_ROOT]
    words = [str(word) for word in (*inside, *writable, "--")]
    tried = subprocess.run(
        [*words, "touch", writable[0] / "here", folder / "there"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Read-only file system" not in tried.stderr:
        pytest.skip(f"no file system can be made read-only here: {tried.stderr}")
    assert (writable[0] / "here").exists()
    assert not (folder / "there").exists()

    played = PlayedSystemd(folder, [*words, *command], environment, watchdog_s=WATCHDOG_S)
    try:
        played.wait_for("READY=1")
        health = answered(port)
        assert (health["status"], health["journal"]["state"]) == ("ok", "ok")
        assert (folder / "run/edgedx/kiosk.sock").is_socket()
        assert played.stop() == 0
        assert "Read-only" not in played.log
    finally:
        played.close()
