"""A system of which nothing but the state's folder may be written, and a service without rights."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kiosk_bundles import brightness_bundle
from real_service import RealService

pytestmark = pytest.mark.slow

# Its own view of the file systems, all read-only but one folder; then no capability is left.
SCRIPT = """
mount --bind "$1" "$1" || exit 77
for place in $(awk '{print $2}' /proc/self/mounts | grep -v -e ^/proc -e ^/sys -e ^/dev); do
    test "$place" = "$1" || mount -o remount,bind,ro "$place" 2>/dev/null
done
touch "$2/root-is-writable" 2>/dev/null && exit 77
cd / && shift 2
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- env -i PATH="$PATH" "$@"
"""


def can_have_its_own_view() -> bool:
    needed = ("unshare", "mount", "setpriv", "awk")
    return (
        all(map(shutil.which, needed))
        and not subprocess.run(
            ["unshare", "--mount", "true"], capture_output=True, check=False
        ).returncode
    )


class ConfinedService(RealService):
    """A service in such a system."""

    def __init__(self, arguments: list[str], log: Path, state: Path) -> None:
        self.state = state
        super().__init__(arguments, log)

    def command(self, arguments: list[str]) -> list[str]:
        start = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh"]
        python = [sys.executable, "-B", *super().command(arguments)[1:]]
        return [*start, str(self.state), str(self.state.parent), *python]


@pytest.mark.skipif(
    not can_have_its_own_view(), reason="this user may not make file systems read-only for a child"
)
def test_it_answers_and_keeps_its_journal(tmp_path):
    bundle = brightness_bundle(tmp_path / "brightness.edge")
    state = tmp_path / "state"
    state.mkdir()
    arguments = ["--source", "fake:pattern", "--model", str(bundle)]
    arguments += ["--journal", str(state / "journal"), "--unix-socket", str(state / "kiosk.sock")]
    service = ConfinedService(arguments, tmp_path / "log", state)
    try:
        assert service.wait_answered()["answer"]["sequence"] > 0
        assert service.stop() == 0
    finally:
        if service.process.poll() is None:
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
    assert {each.name for each in tmp_path.iterdir()} == {"brightness.edge", "log", "state"}
