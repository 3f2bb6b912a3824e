"""A camera is unplugged and plugged in again on an emulated board with a kernel of its own.

Linux's driver vivid plays the camera; everything between it and the answers is what a board has.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.emulated_arm, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
# Against a hang only: the machine usually needs half a minute.
LIMIT_S = 600
RUN_SCRIPT = """
import runpy, sys
sys.path.insert(1, "tests/on_arm")
runpy.run_module(sys.argv[1], run_name="__main__")
"""


@pytest.fixture(scope="module")
def run_in_vm() -> Path:
    """The program that runs a command on an emulated board with a camera."""
    folder = os.environ.get("EDGEDX_EMULATION_DIR")
    if folder is None:
        pytest.skip(
            "needs the emulated boards: devices/emulation/make_emulation.sh --vm DIR makes them, "
            "EDGEDX_EMULATION_DIR=DIR says where they are"
        )
    program = Path(folder).resolve() / "run_in_vm"
    if not program.exists():
        pytest.skip(f"{folder} has no camera: make it with make_emulation.sh --vm")
    return program


def run_inside(run_in_vm: Path, script: str) -> list[dict[str, Any]]:
    """Run a script beside this file in the machine, and read what it prints."""
    done = subprocess.run(
        [run_in_vm, "pi5", "python3.11", "-c", RUN_SCRIPT, script],
        cwd=ROOT,
        env={**os.environ, "EDGEDX_VM_LIMIT_S": str(LIMIT_S)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S + 60,
        check=False,
    )
    print(done.stdout)  # noqa: T201 - the record of what happened, shown with -rP and in reports
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_camera_that_is_unplugged_is_told_and_one_that_is_back_is_answered_from(
    run_in_vm: Path,
) -> None:
    away = {each["how"]: each for each in run_inside(run_in_vm, "unplug_camera")}
    assert away.keys() == {"taken away", "disconnected"}
    assert not away["taken away"]["has_device_while_away"]
    assert away["disconnected"]["has_device_while_away"]
    for each in away.values():
        assert each["state_while_away"] == "lost"
        assert each["answers_while_away"] == 0
        assert each["state_after"] == "open"
        assert each["reconnects"] == 1
        assert each["lost"].startswith("camera:0")


def test_a_kiosk_shows_no_result_while_its_camera_is_away_and_answers_when_it_is_back(
    run_in_vm: Path,
) -> None:
    (story,) = run_inside(run_in_vm, "unplug_kiosk")
    assert story["before"]["answer"]["status"] == "ok"
    assert story["away"]["state"] == "no_result"
    assert story["away"]["reason"]
    assert story["health_while_away"]["status"] != "ok"
    assert story["health_while_away"]["source"]["state"] == "lost"
    assert story["after"]["answer"]["sequence"] > story["before"]["answer"]["sequence"]
    health = story["health"]
    # Neither the service nor its worker was restarted for it.
    assert health["worker"]["restarts"] == 0
    assert health["worker"]["pid"] == story["health_while_away"]["worker"]["pid"]
    assert story["exit_code"] == 0
    assert story["journal"]["exit_code"] == 0, story["journal"]
