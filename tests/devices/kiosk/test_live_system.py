"""What is asked of this machine before anything is laid down on it."""

from pathlib import Path

import pytest

from devices.kiosk.live_system import LiveSystem
from devices.kiosk.setup_error import KioskSetupError


def test_a_machine_without_systemd_is_told_the_other_ways(tmp_path: Path) -> None:
    with pytest.raises(KioskSetupError, match=r"systemd does not run .* --root"):
        LiveSystem(tmp_path).check()
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    LiveSystem(tmp_path).check()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"cgroup.controllers": "cpuset cpu io memory pids\n"}, True, id="one tree"),
        pytest.param({"cgroup.controllers": "cpuset cpu io pids\n"}, False, id="Raspberry Pi OS"),
        pytest.param({"memory/tasks": ""}, True, id="a tree for each"),
        pytest.param({}, False, id="none"),
    ],
)
def test_a_kernel_that_limits_no_memory_is_known(
    tmp_path: Path, files: dict[str, str], expected: bool
) -> None:
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert LiveSystem(tmp_path).limits_memory() is expected
