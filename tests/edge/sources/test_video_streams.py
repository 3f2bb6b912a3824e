"""Network streams: the newest frame wins, silence meets a deadline, passwords stay hidden."""

import base64
import http.server
import logging
import os
import queue
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import DeviceError, DeviceTimeoutError
from edge.sources.base import open_source

ROOT = Path(__file__).parents[3]
STEP = 10
# FFMPEG reads three frames to learn the format before it says that the stream is open.
PROBED = 3
WAIT_S = 20
PATIENT = {"open_timeout_s": WAIT_S, "read_timeout_s": WAIT_S}


class Answers(http.server.BaseHTTPRequestHandler):
    """Serves frames as the test feeds them; other paths answer wrongly on purpose."""

    server: "Camera"

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        path = self.path.partition("?")[0]
        if path == "/locked" and self.headers.get("Authorization") != self.server.key:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/moved":
            self.send_response(302)
            self.send_header("Location", self.server.address("/video"))
            self.end_headers()
        elif path == "/playlist":
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.apple.mpegurl")
            self.end_headers()
            segment = self.server.address("/segment.ts")
            lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:3", "#EXTINF:3,", segment, "#EXT-X-ENDLIST"]
            self.wfile.write("\n".join(lines).encode())
        elif path in ("/video", "/locked"):
            self.send_frames()
        else:
            self.send_error(404)

    def send_frames(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        index = 0
        while (is_whole := self.server.frames.get()) is not None:
            pixels = np.full((48, 64, 3), index * STEP, np.uint8)
            jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
            jpeg = jpeg if is_whole else jpeg[:-12]
            header = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            try:
                self.wfile.write(header.encode() + jpeg + b"\r\n")
            except ConnectionError:
                return
            index += 1

    def log_message(self, *_: Any) -> None:
        pass


class Camera(http.server.ThreadingHTTPServer):
    """An HTTP-MJPEG camera on this machine that gives a frame whenever the test says so."""

    daemon_threads = False
    key = "Basic " + base64.b64encode(b"doctor:s3cret").decode()

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.requests: list[str] = []
        self.frames: queue.SimpleQueue[bool | None] = queue.SimpleQueue()

    def give(self, count: int) -> None:
        for _ in range(count):
            self.frames.put(True)

    def give_a_cut_one(self) -> None:
        self.frames.put(False)

    def stop(self) -> None:
        self.frames.put(None)

    def address(self, path: str, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.server_port}{path}"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def camera() -> Iterator[Camera]:
    with Camera() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        for _ in server.requests:
            server.stop()
        server.shutdown()
        thread.join(WAIT_S)


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in capture_threads():
        thread.join(WAIT_S)
        assert not thread.is_alive()


def capture_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("capture ")]


def frame_number(pixels: np.ndarray) -> int:
    return round(float(pixels.mean()) / STEP)


def wait_until(is_done: Any) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_done():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_frames_come_with_what_they_are_and_where_from(camera: Camera) -> None:
    camera.give(PROBED)
    before_ns = time.time_ns()
    with open_source(camera.address("/video"), **PATIENT) as source:
        frames = iter(source)
        first = next(frames)
        camera.give(1)
        second = next(frames)
    assert first.source == camera.address("/video")
    assert (first.colour, first.pixels.shape, first.pixels.dtype) == ("bgr", (48, 64, 3), np.uint8)
    assert before_ns <= first.capture_time_ns <= second.capture_time_ns <= time.time_ns()
    assert first.capture_monotonic_ns < second.capture_monotonic_ns <= time.monotonic_ns()
    assert first.index < second.index
    assert not np.shares_memory(first.pixels, second.pixels)


def test_the_newest_frame_wins_and_no_frame_comes_twice(camera: Camera) -> None:
    camera.give(PROBED)
    with open_source(camera.address("/video"), open_timeout_s=WAIT_S, read_timeout_s=1) as source:
        frames = iter(source)
        wait_until(lambda: source.dropped == PROBED - 1)
        old = next(frames)
        camera.give(10)
        wait_until(lambda: source.dropped == PROBED - 1 + 9)
        new = next(frames)
        with pytest.raises(DeviceTimeoutError):
            next(frames)
    assert (old.index, frame_number(old.pixels)) == (2, 2)
    assert (new.index, frame_number(new.pixels)) == (12, 12)
    assert source.dropped == 11


def test_a_cut_picture_is_a_torn_frame_and_the_stream_goes_on(camera: Camera) -> None:
    camera.give(PROBED)
    with open_source(camera.address("/video"), **PATIENT) as source:
        seen = {}
        for frame in source:
            seen[frame.index] = frame
            if frame.index == PROBED - 1:
                camera.give_a_cut_one()
            elif frame.index == PROBED:
                camera.give(1)
            elif frame.index > PROBED:
                break
    torn, after = seen[PROBED], seen[PROBED + 1]
    assert (torn.fault, torn.pixels.shape) == ("torn", (1, 1, 3))
    assert "JPEG" in torn.fault_detail
    assert (after.fault, frame_number(after.pixels)) == ("", PROBED + 1)


def test_a_slow_consumer_sees_time_go_forward_and_every_frame_is_accounted_for(
    camera: Camera,
) -> None:
    camera.give(PROBED)
    seen = []
    with open_source(camera.address("/video"), **PATIENT) as source:
        for frame in source:
            seen.append(frame.index)
            assert frame.index == frame_number(frame.pixels)
            assert source.dropped + len(seen) >= frame.index + 1
            if frame.index >= 20:
                break
            camera.give(3)
            time.sleep(0.02)
    assert seen == sorted(set(seen))


def test_a_server_that_says_nothing_meets_the_open_deadline(silent_address: str) -> None:
    with pytest.raises(DeviceTimeoutError, match=r"did not open within 0\.3 s; check the address"):
        open_source(f"http://{silent_address}/video", open_timeout_s=0.3)


def test_an_rtsp_server_that_says_nothing_meets_the_open_deadline(silent_address: str) -> None:
    with pytest.raises(DeviceTimeoutError, match=r"rtsp://.*did not open within 0\.3 s"):
        open_source(f"rtsp://{silent_address}/main", open_timeout_s=0.3)


def test_a_server_that_gives_too_few_frames_to_open_meets_the_open_deadline(
    camera: Camera,
) -> None:
    camera.give(1)
    with pytest.raises(DeviceTimeoutError, match=r"did not open within 0\.5 s"):
        open_source(camera.address("/video"), open_timeout_s=0.5)


def test_a_stream_that_stalls_meets_the_read_deadline_and_ends(camera: Camera) -> None:
    camera.give(PROBED)
    with open_source(camera.address("/video"), open_timeout_s=WAIT_S, read_timeout_s=0.5) as source:
        frames = iter(source)
        next(frames)
        with pytest.raises(DeviceTimeoutError, match=r"gave no frame for 0\.5 s; check the addr"):
            list(frames)
        assert list(frames) == []


def test_a_stream_that_ends_is_a_fault_that_counts_its_frames(camera: Camera) -> None:
    camera.give(5)
    camera.stop()
    with open_source(camera.address("/video"), **PATIENT) as source:
        frames = iter(source)
        with pytest.raises(DeviceError, match="stopped giving frames after 5; check") as caught:
            list(frames)
        assert list(frames) == []
    assert not isinstance(caught.value, DeviceTimeoutError)


def test_an_address_where_nobody_listens_is_a_fault_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(DeviceError, match="cannot be opened; check the address") as caught:
        open_source(f"http://127.0.0.1:{port}/video", **PATIENT)
    assert not isinstance(caught.value, DeviceTimeoutError)


@pytest.mark.parametrize("path", ["/missing", "/moved", "/playlist"])
def test_an_answer_that_is_no_video_is_a_fault_and_leads_nowhere_else(
    camera: Camera,
    path: str,
) -> None:
    """Only the address that the user gave is asked, whatever the server answers."""
    camera.give(PROBED)
    with pytest.raises(DeviceError, match="cannot be opened"):
        open_source(camera.address(path), **PATIENT)
    assert set(camera.requests) == {path}


def test_credentials_are_used_and_shown_nowhere(
    camera: Camera,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    camera.give(PROBED)
    address = camera.address("/locked?pwd=s3cret", user="doctor:s3cret@")
    with open_source(address, open_timeout_s=WAIT_S, read_timeout_s=0.5) as source:
        frames = iter(source)
        frame = next(frames)
        names = [thread.name for thread in capture_threads()]
        with pytest.raises(DeviceTimeoutError) as caught:
            list(frames)
    assert frame.source == camera.address("/locked?...")
    for text in (str(caught.value), *names, caplog.text):
        assert "s3cret" not in text
        assert "doctor" not in text


def test_wrong_credentials_are_a_fault_that_does_not_repeat_them(camera: Camera) -> None:
    with pytest.raises(
        DeviceError, match="cannot be opened; check the address, the user"
    ) as caught:
        open_source(camera.address("/locked", user="doctor:wr0ng@"), **PATIENT)
    assert "wr0ng" not in str(caught.value)


def test_a_scheme_in_capitals_is_the_same_address(camera: Camera) -> None:
    camera.give(PROBED)
    with open_source(camera.address("/video").replace("http", "HTTP"), **PATIENT) as source:
        assert next(iter(source)).source == camera.address("/video")


def test_closing_ends_the_thread_and_the_connection(camera: Camera) -> None:
    camera.give(PROBED)
    source = open_source(camera.address("/video"), **PATIENT)
    assert capture_threads()
    stopping = threading.Timer(0.1, camera.give, [1])
    stopping.start()
    source.close()
    source.close()
    assert list(source) == []
    stopping.join()
    wait_until(lambda: not capture_threads())


def run_child(code: str, *arguments: str, **settings: str) -> "subprocess.Popen[str]":
    """Start a process that has of OpenCV's settings only those given."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("OPENCV_")}
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + code, *arguments],
        cwd=ROOT,
        env=inherited | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


OPEN = """
from edge.sources.base import open_source
from edge.errors import DeviceError
try:
    with open_source(sys.argv[1], open_timeout_s=20, read_timeout_s=20) as source:
        print(next(iter(source)).pixels.shape)
except DeviceError as error:
    print(error)
"""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that signed itself, its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl program to make a certificate with")
    key, path = tmp_path / "key.pem", tmp_path / "camera.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    names = ["subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*make.split(), *names], check=True, capture_output=True)
    path.write_bytes(key.read_bytes() + path.read_bytes())
    return path


def test_https_is_opened_only_where_the_certificate_is_trusted(
    camera: Camera,
    certificate: Path,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    camera.socket = context.wrap_socket(camera.socket, server_side=True)
    camera.handle_error = lambda *_: None  # type: ignore[method-assign]
    camera.give(PROBED)
    address = camera.address("/video").replace("http", "https")
    out, _ = run_child(OPEN, address).communicate(timeout=WAIT_S)
    assert "cannot be opened" in out
    assert "SSL_CERT_FILE" in out
    assert camera.requests == []
    out, _ = run_child(OPEN, address, SSL_CERT_FILE=str(certificate)).communicate(timeout=WAIT_S)
    assert out == "(48, 64, 3)\n"


WAIT_FOR_INTERRUPT = """
from edge.sources.base import open_source
from edge.sources.opencv_capture import load_opencv
load_opencv()
try:
    print("opening", flush=True)
    with open_source(sys.argv[1], open_timeout_s=600, read_timeout_s=600) as source:
        for frame in source:
            print("frame", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


def interrupt(child: "subprocess.Popen[str]", after: str) -> tuple[int, str, str]:
    """Send Ctrl-C once the child has said `after`; its exit code and the rest of what it said."""
    with child:
        try:
            assert child.stdout is not None
            assert any(line == f"{after}\n" for line in child.stdout)
            time.sleep(0.3)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=WAIT_S)
        finally:
            child.kill()
    return child.returncode, out, err


def test_ctrl_c_ends_the_process_while_a_stream_is_silent(camera: Camera) -> None:
    camera.give(PROBED)
    child = run_child(WAIT_FOR_INTERRUPT, camera.address("/video"))
    code, out, err = interrupt(child, "frame")
    assert (code, out.splitlines()[-1], err) == (130, "interrupted", "")


def test_ctrl_c_ends_the_process_while_a_pipe_hangs_in_opening(tmp_path: Path) -> None:
    """The thread inside OpenCV never returns, and holds nothing up."""
    pipe = tmp_path / "pipe.mjpg"
    os.mkfifo(pipe)
    assert interrupt(run_child(WAIT_FOR_INTERRUPT, str(pipe)), "opening") == (
        130,
        "interrupted\n",
        "",
    )


LEAVE_OPEN = """
import edge.sources.base
frames = iter(edge.sources.base.open_source(sys.argv[1]))
next(frames)
print("leaving")
"""


def test_a_process_that_forgets_to_close_still_ends_cleanly(camera: Camera) -> None:
    """A thread inside OpenCV while the interpreter finalises would abort it."""
    child = run_child(LEAVE_OPEN, camera.address("/video"))
    while child.poll() is None:
        camera.give(1)
        time.sleep(0.005)
    out, err = child.communicate(timeout=WAIT_S)
    assert (child.returncode, out, err) == (0, "leaving\n", "")


FAIL = """
from edge.sources.base import open_source
from edge.errors import EdgeError
try:
    open_source(sys.argv[1], open_timeout_s=0.5)
except EdgeError as error:
    print(error)
"""


def test_opencv_and_ffmpeg_print_nothing(silent_address: str, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"\0\0\0\x1cftypisom" + bytes(300))
    for address in (f"http://doctor:s3cret@{silent_address}/", "http://[::1]:1/", str(damaged)):
        out, err = run_child(FAIL, address).communicate(timeout=WAIT_S)
        assert err == ""
        assert len(out.splitlines()) == 1
        assert "s3cret" not in out


def test_what_the_user_set_for_opencv_stays() -> None:
    settings = {
        "OPENCV_LOG_LEVEL": "ERROR",
        "OPENCV_FFMPEG_LOGLEVEL": "16",
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;udp",
    }
    code = """
import os
from edge.sources.opencv_capture import load_opencv
log = load_opencv().utils.logging
print(log.getLogLevel() == log.LOG_LEVEL_ERROR)
print(os.environ["OPENCV_FFMPEG_LOGLEVEL"], os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"])
"""
    out, _ = run_child(code, **settings).communicate(timeout=WAIT_S)
    assert out == "True\n16 rtsp_transport;udp\n"
