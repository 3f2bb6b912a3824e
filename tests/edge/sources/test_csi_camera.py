"""Ribbon-cable cameras of a Jetson: frames from a child process, and its end.

gst-launch-1.0 is played (see played_gst_launch.py); where the real one is installed, its test
picture is read too.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import DeviceError, DeviceTimeoutError
from edge.sources.address import Size
from edge.sources.base import open_source
from edge.sources.child_frames import ChildFrames
from edge.sources.raw_layout import RawLayout

PLAYED = Path(__file__).with_name("played_gst_launch.py")
PATIENT = {"open_timeout_s": 60, "read_timeout_s": 60}
ADDRESS = "csi:1?size=32x16&fps=30"
WAIT_S = 60


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Put a played gst-launch-1.0 on the path, and say what it does; returns its log."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "gst-launch-1.0"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{PLAYED}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    log = tmp_path / "log"

    def set_play(**what: Any) -> Path:
        monkeypatch.setenv("PLAYED_GST", json.dumps({"log": str(log), **what}))
        return log

    yield set_play
    for entry in entries(log) if log.exists() else []:
        wait_until(lambda pid=entry["pid"]: not is_alive(pid))


def entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(is_done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_done():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_its_frames_come_through_a_pipe_of_their_own(play: Callable[..., Path]) -> None:
    log = play()
    before_ns = time.monotonic_ns()
    with open_source(ADDRESS, **PATIENT) as source:
        frames = [next(iter(source)) for _ in range(3)]
    for frame in frames:
        assert frame.pixels.shape == (16, 32, 3)
        assert (frame.pixels == frame.index % 200 + 20).all()
        assert frame.pixels.flags.c_contiguous
        assert before_ns < frame.capture_monotonic_ns < time.monotonic_ns()
    words = " ".join(entries(log)[0]["words"])
    assert words.startswith(
        "-q nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12,width=32,"
        "height=16,framerate=30/1 ! nvvidconv ! video/x-raw,format=BGRx ! queue "
    )


@pytest.mark.parametrize(("fps", "rate"), [("30", "30/1"), ("29.97", "2997/100"), ("7.5", "15/2")])
def test_a_rate_is_a_fraction(play: Callable[..., Path], fps: str, rate: str) -> None:
    log = play()
    with open_source(f"csi:0?size=32x16&fps={fps}", **PATIENT) as source:
        next(iter(source))
    assert f"framerate={rate}" in " ".join(entries(log)[0]["words"])


@pytest.mark.parametrize("name", ["NV12", "I420"])
def test_planes_of_luma_and_chroma_become_bgr(play: Callable[..., Path], name: str) -> None:
    play(interval_s=0.02)
    with open_source(f"csi:0?size=32x16&format={name}", **PATIENT) as source:
        frame = next(iter(source))
    level = frame.index % 200 + 20
    planes = np.full((24, 32), level, np.uint8)
    expected = cv2.cvtColor(planes, getattr(cv2, f"COLOR_YUV2BGR_{name}"))
    np.testing.assert_array_equal(frame.pixels, expected)


def test_a_frame_that_ends_early_is_torn_and_then_the_end_says_why(
    play: Callable[..., Path],
) -> None:
    says = [
        "ERROR: from element /GstPipeline:pipeline0: Internal data stream error.",
        "Freeing pipeline ...",
    ]
    play(frames=0, part=32 * 4 * 5 + 3, says=says, code=1)
    with open_source(ADDRESS, **PATIENT) as source:
        frame = next(iter(source))
        assert (frame.fault, frame.fault_detail) == ("torn", "643 of 2048 bytes came")
        assert frame.pixels.shape == (5, 32, 3)
        assert (frame.pixels == 77).all()
        with pytest.raises(DeviceError, match=r"gst-launch-1\.0 ended \(ERROR: from.*error\.\)"):
            next(iter(source))


def test_a_camera_that_is_not_there_is_told_in_its_own_words(play: Callable[..., Path]) -> None:
    play(frames=0, says=["Error generated. No cameras available", "Got EOS"], code=255)
    with (
        open_source(ADDRESS, **PATIENT) as source,
        pytest.raises(DeviceError, match=r"ended \(Error generated\. No cameras available\); chec"),
    ):
        next(iter(source))


def test_a_camera_that_never_begins_meets_the_open_deadline(play: Callable[..., Path]) -> None:
    log = play(frames=0, hangs=True)
    with pytest.raises(DeviceTimeoutError, match="did not open within 3 s"):
        open_source(ADDRESS, open_timeout_s=3, read_timeout_s=60)
    wait_until(lambda: not is_alive(entries(log)[0]["pid"]))


def test_a_camera_that_falls_silent_is_killed_even_if_it_does_not_want_to(
    play: Callable[..., Path],
) -> None:
    log = play(frames=1, hangs=True, ignores_interrupt=True)
    with open_source(ADDRESS, open_timeout_s=60, read_timeout_s=1) as source:
        assert next(iter(source)).index == 0
        with pytest.raises(DeviceTimeoutError, match=r"gave no frame for 1 s"):
            next(iter(source))
    wait_until(lambda: not is_alive(entries(log)[0]["pid"]))


def test_the_child_dies_with_a_process_that_is_killed(play: Callable[..., Path]) -> None:
    log = play(frames=1, hangs=True, ignores_interrupt=True)
    script = (
        "import signal\n"
        "from edge.sources.base import open_source\n"
        f"source = open_source({ADDRESS!r}, open_timeout_s=60, read_timeout_s=60)\n"
        "next(iter(source))\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        child = entries(log)[0]["pid"]
        assert is_alive(child)
        parent.send_signal(signal.SIGKILL)
    if shutil.which("setpriv"):
        wait_until(lambda: not is_alive(child))
    else:
        os.kill(child, signal.SIGKILL)
        pytest.skip("setpriv is not installed")


def test_without_gstreamer_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"gst-launch-1\.0 is not installed; JetPack brings it"):
        open_source(ADDRESS)


def open_nothing(folder: Path) -> ChildFrames:
    layout = RawLayout("XR24", Size(8, 8))
    command = [str(folder / "nothing")]
    return ChildFrames(lambda _: command, layout, read_s=WAIT_S, shown="csi:0", way_out="look")


def test_a_program_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    frames = open_nothing(tmp_path)
    try:
        with pytest.raises(DeviceError, match=r"csi:0: nothing ended \(.*No such file.*\); look"):
            frames.read()
    finally:
        frames.release()


def test_so_it_is_without_setpriv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(DeviceError, match=r"csi:0: nothing cannot be started \(No such file"):
        open_nothing(tmp_path)
    assert set(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="GStreamer is not installed")
@pytest.mark.parametrize(("name", "code"), [("BGRx", "XR24"), ("NV12", "NV12"), ("I420", "YU12")])
def test_the_test_picture_of_the_real_gstreamer_comes_through_whole(name: str, code: str) -> None:
    layout = RawLayout(code, Size(64, 32))

    def command(descriptor: int) -> list[str]:
        source = ["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=3", "pattern=blue", "!"]
        caps = [f"video/x-raw,format={name},width=64,height=32,framerate=30/1", "!"]
        return [*source, *caps, "fdsink", f"fd={descriptor}"]

    frames = ChildFrames(command, layout, read_s=WAIT_S, shown="csi:0", way_out="look")
    try:
        frames.wait_for_first(WAIT_S)
        shots = [frames.read()[1] for _ in range(3)]
        with pytest.raises(DeviceError, match=r"csi:0: gst-launch-1\.0 ended; look"):
            frames.read()
    finally:
        frames.release()
    for shot in shots:
        blue, green, red = (int(level) for level in shot.pixels[16, 32])
        assert shot.pixels.shape == (32, 64, 3)
        assert blue > 200
        assert max(green, red) < 40
