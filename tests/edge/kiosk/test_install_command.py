"""`edge-kiosk install` and `edge-kiosk remove`, on an image in a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from devices.kiosk.settings_file import read_settings
from edge.kiosk.slots.store import SlotStore

RUN = "from edge.kiosk.cli import main; main()"
# Loaded before: another user may not be allowed to read this Python.
AS_NOBODY = """
import os
from edge.kiosk import install_command, remove_command
from edge.kiosk.cli import main
if os.geteuid() == 0:
    os.setuid(65534)
main()
"""
UNIT = "etc/systemd/system/edgedx-kiosk.service"
SETTINGS = "etc/edgedx/kiosk.env"


def run_kiosk(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def install(root: Path, *words: object) -> str:
    done = run_kiosk("install", "--root", root, "--program", "/opt/edgedx/bin/edge-kiosk", *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def files_below(root: Path) -> set[str]:
    return {str(each.relative_to(root)) for each in root.rglob("*") if not each.is_dir()}


def test_a_kiosk_is_installed_updated_changed_by_hand_and_removed(tmp_path: Path) -> None:
    said = install(tmp_path, "--source", "camera:2")
    assert f"wrote /{UNIT}" in said
    assert "model chest-xray-pneumonia 1.0.0 is in slot a" in said
    settings = read_settings((tmp_path / SETTINGS).read_text())
    assert settings["EDGEDX_KIOSK_SOURCE"] == "camera:2"
    state = SlotStore(tmp_path / "var/lib/edgedx/slots").state()
    assert state is not None
    assert state.active.path.exists()

    assert install(tmp_path) == "7 files are as they should be\n"

    (tmp_path / UNIT).write_text("[Service]\nExecStart=/bin/mine\n")
    said = install(tmp_path, "--port", "9000")
    assert f"/{UNIT} had been changed: kept as /{UNIT}.saved" in said
    settings = read_settings((tmp_path / SETTINGS).read_text())
    assert settings["EDGEDX_KIOSK_SOURCE"] == "camera:2"
    assert settings["EDGEDX_KIOSK_PORT"] == "9000"

    done = run_kiosk("remove", "--root", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "/var/lib/edgedx with models and journal is left" in done.stdout
    left = files_below(tmp_path)
    assert {each for each in left if not each.startswith("var/lib/edgedx/")} == {f"{UNIT}.saved"}

    done = run_kiosk("remove", "--root", tmp_path, "--purge")
    assert (done.returncode, done.stdout) == (0, "removed /var/lib/edgedx\n")
    assert run_kiosk("remove", "--root", tmp_path).stdout == "nothing is installed\n"


def test_settings_that_no_option_sets_outlive_a_removal(tmp_path: Path) -> None:
    install(tmp_path, "--source", "camera:2")
    by_hand = (tmp_path / SETTINGS).read_text().replace('OPTIONS=""', 'OPTIONS="--threads 1"')
    (tmp_path / SETTINGS).write_text(by_hand)
    install(tmp_path, "--source", "camera:3")
    said = run_kiosk("remove", "--root", tmp_path).stdout
    assert f"/{SETTINGS} had been changed: kept as /{SETTINGS}.saved" in said
    saved = read_settings((tmp_path / f"{SETTINGS}.saved").read_text())
    assert saved["EDGEDX_KIOSK_SOURCE"] == "camera:3"
    assert saved["EDGEDX_KIOSK_OPTIONS"] == "--threads 1"


def test_a_rehearsal_writes_nothing(tmp_path: Path) -> None:
    said = install(tmp_path, "--dry-run")
    assert f"would write /{UNIT}" in said
    assert files_below(tmp_path) == set()


def test_a_screen_stays_until_it_is_unwanted(tmp_path: Path) -> None:
    for program in ("cage", "chromium-browser"):
        place = tmp_path / "usr/bin" / program
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    screen = tmp_path / "etc/systemd/system/edgedx-kiosk-screen.service"
    install(tmp_path, "--with-screen")
    assert "/usr/bin/cage -s -- /usr/bin/chromium-browser" in screen.read_text()
    install(tmp_path)
    assert screen.exists()
    assert "removed /etc/systemd/system/edgedx-kiosk-screen.service" in install(
        tmp_path, "--without-screen"
    )
    assert not screen.exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["--model", "missing.edge"], 4, "missing.edge", id="no such bundle"),
        pytest.param(["--require-signature", "key.pem"], 2, "--model", id="key without bundle"),
        pytest.param(["--with-screen"], 5, "apt install cage chromium", id="no browser"),
        pytest.param(["--host", "0.0.0.0"], 2, "--token-file", id="open without a token"),  # noqa: S104
        pytest.param(["--token-file", "token"], 2, "absolute path", id="token somewhere"),
        pytest.param(["--source", "a\nb"], 5, "control characters", id="source of two lines"),
        pytest.param(["--program", "edge-kiosk"], 5, "--program", id="relative program"),
        pytest.param(["--root", "/nowhere"], 2, "/nowhere", id="no such root"),
    ],
)
def test_what_cannot_be_installed_is_said_in_one_line(
    tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    done = run_kiosk("install", "--root", tmp_path, *words)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert files_below(tmp_path) == set()


@pytest.mark.parametrize("name", ["install", "remove"])
def test_this_machine_is_changed_by_root_alone(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, name],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "root" in done.stderr
    assert done.stderr.count("\n") == 1
