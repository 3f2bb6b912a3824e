"""What docs/kiosk-api.md shows works as it stands."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from edge.kiosk.api.door import MOST_HEADER_BYTES
from edge.kiosk.api.operations import OPERATIONS
from edge.kiosk.api.settings import ApiSettings

ROOT = Path(__file__).parents[4]
TEXT = (ROOT / "docs" / "kiosk-api.md").read_text(encoding="utf-8")
PICTURE = ROOT / "docs" / "samples" / "normal.png"
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()
]
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_works(guarded, kiosk, tmp_path, command):
    shutil.copy(PICTURE, tmp_path / "picture.png")
    served = guarded if "TOKEN" in command else kiosk
    words = command.replace(":8321", f":{served.port}").replace("localhost", "127.0.0.1")
    words = words.replace("$TOKEN", guarded.settings.token).replace("curl", "curl -sSf")
    done = subprocess.run(
        ["sh", "-c", words], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or (tmp_path / "frame.jpg").read_bytes().startswith(b"\xff\xd8")


def test_the_programs_work(serve, tmp_path, monkeypatch, capsys):
    shutil.copy(PICTURE, tmp_path / "picture.png")
    monkeypatch.chdir(tmp_path)
    with tempfile.TemporaryDirectory(prefix="edgedx-") as folder:
        path = Path(folder) / "kiosk.sock"
        served = serve(unix_socket=path)
        for program in PROGRAMS:
            text = program.replace("/run/edgedx/kiosk.sock", str(path))
            text = text.replace("localhost:8321", f"127.0.0.1:{served.port}")
            exec(compile(text, "docs/kiosk-api.md", "exec"), {})  # noqa: S102 - the page's own
        served.run(served.unix_socket.stop())
    assert capsys.readouterr().out.split() == ["answered", "ok", "answered"]


def test_every_operation_is_on_the_page():
    for operation in OPERATIONS:
        assert f"{operation.method} {operation.path}" in TEXT


def test_the_limits_on_the_page_are_those_of_the_settings():
    settings = ApiSettings()
    rate = settings.requests_per_second
    for words in (
        f"{MOST_HEADER_BYTES >> 10} KiB, 64 of them, within {settings.header_timeout_s:g} s",
        f"{settings.max_upload_bytes >> 20} MiB, within {settings.body_timeout_s:g} s",
        f"| uploads in memory, together | {settings.max_upload_bytes * 2 >> 20} MiB |",
        f"| uploads at once | {settings.uploads_waiting} |",
        f"| {rate:g} a second, {2 * rate:g} at once |",
        f"| {4 * rate:g} a second |",
        f"| {settings.max_connections}, of which another machine may have a quarter |",
        f"| event streams | {settings.event_streams} |",
        f"| idle connection | {settings.idle_timeout_s:g} s |",
        f"| an answer that is not taken | {settings.write_timeout_s:g} s |",
        f"every {settings.heartbeat_s:g} seconds",
    ):
        assert words in TEXT
