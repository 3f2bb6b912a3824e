"""The examples of docs/examples, run as a user would, on a real kiosk and a real model."""

import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.kiosk.running_kiosk import RunningKiosk, run_kiosk

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
FILMS = ROOT / "docs" / "samples"
SOURCE = f"fake:{FILMS}"
LABELS = {"normal", "bacterial pneumonia", "viral pneumonia"}


def wait_for(is_done: Callable[[], bool], *, what: str) -> None:
    deadline_s = time.monotonic() + 60
    while not is_done():
        assert time.monotonic() < deadline_s, f"{what} did not come"
        time.sleep(0.02)


def test_three_lines_of_python_answer_from_a_camera() -> None:
    lines = (EXAMPLES / "three_lines.py").read_text().splitlines()
    assert len([line for line in lines if line]) == 3
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "three_lines.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        process.stdin.write(f"{SOURCE}\n")
        process.stdin.close()
        answers = [process.stdout.readline() for _ in range(5)]
        process.kill()
    answers[0] = answers[0].removeprefix("camera: ")
    assert all(any(label in line for label in LABELS) for line in answers)


class Pages(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def page_server() -> Iterator[int]:
    """Serves the examples on another origin than the kiosk's."""
    handler = functools.partial(Pages, directory=str(EXAMPLES))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def kiosk(
    tmp_path_factory: pytest.TempPathFactory, page_server: int
) -> Iterator[tuple[RunningKiosk, Path]]:
    """A running service, and its Unix socket."""
    folder = tmp_path_factory.mktemp("kiosk")
    path = folder / "kiosk.sock"
    words = ["--source", SOURCE, "--unix-socket", str(path), "--journal", str(folder / "journal")]
    words += ["--allowed-origin", f"http://127.0.0.1:{page_server}"]
    with run_kiosk(words, log=folder / "log") as running:
        wait_for(lambda: running.get("/v1/latest")["state"] == "answered", what="an answer")
        yield running, path


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C program, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = tmp_path_factory.mktemp("c") / "unix_socket"
    words = [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2"]
    subprocess.run([*words, "-o", program, EXAMPLES / "unix_socket.c"], check=True)
    return program


def test_a_c_program_asks_for_the_latest_answer(
    client: Path, kiosk: tuple[RunningKiosk, Path]
) -> None:
    done = subprocess.run([client, kiosk[1]], capture_output=True, text=True, check=False)
    reply = json.loads(done.stdout)
    assert (done.returncode, reply["ok"], reply["result"]["state"]) == (0, True, "answered")
    assert set(reply["result"]["answer"]["outputs"][0]["decision"]) <= LABELS


def test_a_c_program_sends_a_film_in(client: Path, kiosk: tuple[RunningKiosk, Path]) -> None:
    film = FILMS / "bacterial.png"
    done = subprocess.run([client, kiosk[1], film], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    answer = json.loads(done.stdout)["result"]
    assert answer["outputs"][0]["decision"] == ["bacterial pneumonia"]
    assert answer["source"] == "upload"


def test_a_c_program_is_told_when_a_file_is_no_picture(
    client: Path, kiosk: tuple[RunningKiosk, Path], tmp_path: Path
) -> None:
    (tmp_path / "no.png").write_bytes(b"no picture")
    words = [client, kiosk[1], tmp_path / "no.png"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["result"]["status"] == "error"


def test_a_c_program_is_told_that_a_picture_is_over_the_limit(
    client: Path, kiosk: tuple[RunningKiosk, Path], tmp_path: Path
) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(64 << 20)
    words = [client, kiosk[1], tmp_path / "large.png"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    reply = json.loads(done.stdout)
    assert (reply["ok"], "33554432" in reply["error"]["message"]) == (False, True)


def test_a_c_program_does_not_send_a_folder(
    client: Path, kiosk: tuple[RunningKiosk, Path], tmp_path: Path
) -> None:
    done = subprocess.run([client, kiosk[1], tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, "directory" in done.stderr) == (2, True)


def test_a_c_program_without_a_kiosk_says_so(client: Path, tmp_path: Path) -> None:
    words = [client, tmp_path / "none.sock"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No such file" in done.stderr


@pytest.mark.screen
def test_a_page_of_another_origin_shows_answers_from_the_event_stream(
    browser: object, kiosk: tuple[RunningKiosk, Path], page_server: int
) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    address = f"http://127.0.0.1:{page_server}/event_stream.html?kiosk={kiosk[0].base}"
    page.goto(address)
    wait_for(lambda: page.inner_text("#answer") in LABELS, what="an answer on the page")
    assert "%" in page.inner_text("#detail")
    assert errors == []
    page.close()


@pytest.mark.screen
def test_a_qt_kiosk_shows_the_picture_and_its_answer_and_nothing_once_the_camera_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(
        "PySide6.QtWidgets", reason="PySide6 is not installed", exc_type=ImportError
    )
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.delenv("DISPLAY", raising=False)
    script = tmp_path / "faults.json"
    script.write_text(json.dumps({"faults": [{"at_s": 4, "for_s": 600, "fault": "lost"}]}))
    words = [sys.executable, str(Path(__file__).parent / "drive_qt_kiosk.py"), str(EXAMPLES)]
    done = subprocess.run(
        [*words, f"{SOURCE}?faults={script}", str(tmp_path / "shown.png")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["answer"].rpartition(",")[0] in LABELS
    assert seen["had_picture"]
    assert seen["afterwards"].startswith("No result: ")
    assert not seen["has_picture_afterwards"]
    assert (tmp_path / "shown.png").stat().st_size > 1000
