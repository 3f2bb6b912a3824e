"""The files that make a board a kiosk, judged by systemd's own tools where they are here."""

import json
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from devices.kiosk.installation_plan import (
    SCREEN_UNIT,
    SERVICE_UNIT,
    SETTINGS_FILE,
    InstallationPlan,
    PlannedFile,
    plan_files,
)
from devices.kiosk.lay_down import lay_down
from devices.kiosk.settings_file import read_settings
from devices.kiosk.setup_error import KioskSetupError

PROGRAM = PurePosixPath("/opt/edgedx/bin/edge-kiosk")
SCREEN = (PurePosixPath("/usr/bin/cage"), PurePosixPath("/usr/bin/chromium"))
DROP_INS = PurePosixPath("/etc/systemd/system/edgedx-kiosk.service.d")
# The 1.7 that docs/install-kiosk.md gives, in tenths; and a little for other versions of systemd.
MOST_EXPOSURE = 20


def planned(**changes: object) -> dict[PurePosixPath, PlannedFile]:
    plan = InstallationPlan(**{"program": PROGRAM, **changes})
    return {file.path: file for file in plan_files(plan)}


def directives(file: PlannedFile) -> dict[str, list[str]]:
    """The values of a unit's directives by name."""
    found: dict[str, list[str]] = {}
    for line in file.content.decode().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def service(**changes: object) -> dict[str, list[str]]:
    files = planned(**changes)
    return directives(files[PurePosixPath("/etc/systemd/system") / SERVICE_UNIT])


def test_a_kiosk_is_watched_bounded_and_started_for_ever() -> None:
    unit = service()
    assert unit["Type"] == ["notify"]
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    # A stopped process must not be asked politely.
    assert unit["WatchdogSignal"] == ["SIGKILL"]
    # One worker that takes too much must not take the service with it.
    assert unit["OOMPolicy"] == ["continue"]
    assert unit["MemoryMax"] == ["75%"]
    assert unit["LimitCORE"] == ["0"]


def test_only_the_state_may_be_written() -> None:
    unit = service()
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["StateDirectory"] == unit["RuntimeDirectory"] == ["edgedx"]
    assert "ReadWritePaths" not in unit


def test_an_address_with_a_password_is_no_word_of_a_command() -> None:
    files = planned(settings={"EDGEDX_KIOSK_SOURCE": "rtsp://user:secret@camera/1"})
    assert [path for path, file in files.items() if b"secret" in file.content] == [SETTINGS_FILE]
    assert files[SETTINGS_FILE].mode == 0o600


@pytest.mark.parametrize(
    ("settings", "drop_ins"),
    [
        pytest.param({}, ["10-loopback-only.conf"], id="by default nothing leaves this machine"),
        pytest.param({"EDGEDX_KIOSK_SOURCE": "rtsp://camera/1"}, [], id="network camera"),
        pytest.param({"EDGEDX_KIOSK_HOST": "0.0.0.0"}, [], id="open to others"),  # noqa: S104
        pytest.param(
            {"EDGEDX_KIOSK_SOURCE": "csi:0"}, ["10-loopback-only.conf", "20-jetson.conf"], id="csi"
        ),
    ],
)
def test_the_network_is_closed_where_it_is_not_needed(
    settings: dict[str, str], drop_ins: list[str]
) -> None:
    found = [path.name for path in planned(settings=settings) if path.parent == DROP_INS]
    assert found == drop_ins


def test_settings_of_before_stay_and_new_ones_get_their_default() -> None:
    present = '# mine\nEDGEDX_KIOSK_SOURCE="camera:3"\nEDGEDX_KIOSK_THREADS=2\n'
    text = planned(present_settings=present)[SETTINGS_FILE].content.decode()
    assert text.startswith(present)
    assert read_settings(text) == {
        **read_settings(planned()[SETTINGS_FILE].content.decode()),
        "EDGEDX_KIOSK_SOURCE": "camera:3",
        "EDGEDX_KIOSK_THREADS": "2",
    }


def test_settings_named_now_win_over_those_of_before() -> None:
    text = planned(
        present_settings='EDGEDX_KIOSK_SOURCE="camera:3"\n',
        settings={"EDGEDX_KIOSK_SOURCE": "camera:4"},
    )[SETTINGS_FILE].content.decode()
    assert read_settings(text)["EDGEDX_KIOSK_SOURCE"] == "camera:4"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("/opt/edgedx/bin/edge-kiosk", "/opt/edgedx/bin/edge-kiosk"),
        ("/opt/my kiosk/50%/$x/edge-kiosk", '"/opt/my kiosk/50%%/$$x/edge-kiosk"'),
        ('/opt/"a"/edge-kiosk', '"/opt/\\"a\\"/edge-kiosk"'),
    ],
)
def test_a_program_may_lie_anywhere(program: str, expected: str) -> None:
    (command,) = service(program=PurePosixPath(program))["ExecStart"]
    assert command.startswith(f"{expected} serve --state /var/lib/edgedx/slots ")


@pytest.mark.parametrize("program", ["edge-kiosk", "/opt/a\nExecStart=/bin/sh"])
def test_a_program_that_cannot_be_named_is_refused(program: str) -> None:
    with pytest.raises(KioskSetupError, match="no absolute path"):
        planned(program=PurePosixPath(program))


def test_homes_stay_closed_unless_the_program_lies_there() -> None:
    assert service()["ProtectHome"] == ["yes"]
    in_home = PurePosixPath("/home/pi/.venv/bin/edge-kiosk")
    assert service(program=in_home)["ProtectHome"] == ["read-only"]


def test_there_is_a_screen_only_where_one_was_asked_for() -> None:
    assert not [path for path in planned() if "screen" in path.name]
    files = planned(screen=SCREEN)
    (command,) = directives(files[PurePosixPath("/etc/systemd/system") / SCREEN_UNIT])["ExecStart"]
    assert command.startswith("/usr/bin/cage -s -- /usr/bin/chromium --kiosk ")
    assert command.endswith(" http://127.0.0.1:${EDGEDX_KIOSK_PORT}/")


@pytest.fixture(params=["plain", "with screen and network camera"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An image with a kiosk in it, and the programs that its units name."""
    for program in (PROGRAM, *SCREEN):
        place = tmp_path / str(program).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("#!/bin/sh\n")
        place.chmod(0o755)
    plan = InstallationPlan(program=PROGRAM)
    if request.param != "plain":
        settings = {"EDGEDX_KIOSK_SOURCE": "rtsp://camera/1"}
        plan = InstallationPlan(program=PROGRAM, settings=settings, screen=SCREEN)
    lay_down(tmp_path, plan_files(plan), version="1")
    return tmp_path


def ask_systemd(*words: object) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    return subprocess.run(
        ["systemd-analyze", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_systemd_finds_nothing_wrong_with_the_units(root: Path) -> None:
    """In the image itself: what of this machine's own units is missing there does not matter."""
    units = sorted((root / "etc/systemd/system").glob("*.service"))
    done = ask_systemd("verify", "--man=no", "--recursive-errors=no", f"--root={root}", *units)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze verifies no image")
    ours = [line for line in done.stderr.splitlines() if "edgedx" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_systemd_counts_the_service_among_the_well_closed(root: Path) -> None:
    done = ask_systemd(
        "security", "--offline=yes", f"--root={root}", f"--threshold={MOST_EXPOSURE}",
        "--json=short", SERVICE_UNIT,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze judges no image")
    assert done.returncode == 0, done.stdout + done.stderr
    json.loads(done.stdout)
