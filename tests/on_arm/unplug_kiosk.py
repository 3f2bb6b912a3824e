"""Runs inside the virtual machine: a whole kiosk, whose camera is unplugged and plugged in again.

Prints one JSON object: what the kiosk said before, meanwhile and after.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from vivid_camera import taken_away

PORT = 8321
JOURNAL = "/tmp/journal"  # noqa: S108 - the machine is this test's own
# Against a hang only.
LIMIT_S = 150.0
KIOSK = [sys.executable, "-c", "from edge.kiosk.cli import main; main()"]


def ask(what: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/v1/{what}", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def wait_for(what: str, is_there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What may be shown, once it is as it should be."""
    deadline_s = time.monotonic() + LIMIT_S
    latest: dict[str, Any] = {}
    while time.monotonic() < deadline_s:
        try:
            latest = ask("latest")
        except OSError:  # it is still starting
            latest = {"state": "not there"}
        if is_there(latest):
            return latest
        time.sleep(0.2)
    sys.exit(f"{what} did not come within {LIMIT_S} s; now: {latest}")


def is_answered(latest: dict[str, Any]) -> bool:
    return bool(latest["state"] == "answered")


def main() -> None:
    words = ["serve", "--source", "camera:0", "--port", str(PORT), "--journal", JOURNAL]
    kiosk = subprocess.Popen([*KIOSK, *words])
    before = wait_for("an answer", is_answered)
    with taken_away():
        away = wait_for("the loss", lambda latest: latest.get("gate") == "source")
        health_while_away = ask("health")
    after = wait_for("an answer", is_answered)
    health = ask("health")
    kiosk.terminate()
    code = kiosk.wait(LIMIT_S)
    verify = subprocess.run(
        [*KIOSK, "journal", "verify", JOURNAL], capture_output=True, text=True, check=False
    )
    story = {
        "before": before,
        "away": away,
        "after": after,
        "health_while_away": health_while_away,
        "health": health,
        "exit_code": code,
        "journal": {"exit_code": verify.returncode, "says": verify.stdout + verify.stderr},
    }
    sys.stdout.write(json.dumps(story) + "\n")


if __name__ == "__main__":
    main()
