"""Cameras: their addresses, and what a capture may do wrong without the pipeline noticing late."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import (
    DeviceError,
    DeviceTimeoutError,
    EdgeError,
    InputTooLargeError,
    UsageError,
)
from edge.sources.base import FrameSource, open_source
from edge.sources.camera import list_cameras, parse_camera
from edge.sources.capture import NOTHING_YET, CaptureSettings, Deadlines, Shot, torn_shot
from edge.sources.captured_frames import CapturedFrames
from edge.sources.v4l2_mode import CameraMode

SOON = Deadlines(open_s=0.3, read_s=0.3)
PATIENT = Deadlines(open_s=30, read_s=30)
WAIT_S = 20


class ScriptedCapture:
    """Gives what it was given, then waits until it is released by the test or says the end."""

    def __init__(self, *pictures: Any, hangs: bool = False) -> None:
        self.pictures = list(pictures)
        self.hangs = hangs
        self.may_return = threading.Event()
        self.released = threading.Event()

    def read(self) -> tuple[bool, Any]:
        if self.pictures:
            return True, self.pictures.pop(0)
        if self.hangs:
            self.may_return.wait(WAIT_S)
        return False, None

    def release(self) -> None:
        assert not self.released.is_set()
        self.released.set()


def picture(value: int = 0) -> np.ndarray:
    return np.full((4, 6, 3), value, np.uint8)


def open_live(capture: ScriptedCapture, deadlines: Deadlines = PATIENT) -> CapturedFrames:
    settings = CaptureSettings("camera:9", is_live=True, way_out="look", deadlines=deadlines)
    return CapturedFrames(lambda: capture, settings)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("capture "):
            thread.join(WAIT_S)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    ("address", "device"),
    [
        ("camera:0", "/dev/video0"),
        ("camera:07", "/dev/video7"),
        ("camera:12", "/dev/video12"),
        ("camera:/dev/video3", "/dev/video3"),
        ("camera:/dev/edgedx-camera", "/dev/edgedx-camera"),
        ("camera:/dev/v4l/by-id/usb-A_B-video-index0", "/dev/v4l/by-id/usb-A_B-video-index0"),
    ],
)
def test_a_camera_address_means_a_device_file(address: str, device: str) -> None:
    assert parse_camera(address) == (Path(device), CameraMode())


@pytest.mark.parametrize(
    "address",
    [
        "camera:",
        "camera:first",
        "camera:-1",
        "camera:0 ",
        "camera:1234",
        "camera:\u0661",
        "camera:/dev/video",
        "camera:/dev/../etc/passwd",
        "camera:/dev/video0\n",
        "camera:/dev/v4l/by-id/../../sda",
        "camera:/etc/passwd",
    ],
)
def test_anything_else_is_no_camera(address: str) -> None:
    with pytest.raises(UsageError, match="write camera:0"):
        open_source(address)


def test_a_camera_that_is_not_there_is_named_with_those_that_are() -> None:
    missing = next(n for n in range(999, 0, -1) if not Path(f"/dev/video{n}").exists())
    seen = ", ".join(map(str, list_cameras())) or "no /dev/video* at all"
    with pytest.raises(DeviceError) as caught:
        open_source(f"camera:{missing}")
    assert f"there is no /dev/video{missing} (this machine has {seen})" in str(caught.value)


def test_a_capture_fits_the_seam_of_frame_sources() -> None:
    source: FrameSource = open_live(ScriptedCapture(picture()))
    with source as opened:
        assert next(iter(opened)).source == "camera:9"


@pytest.mark.parametrize(
    ("bad", "seen"),
    [
        pytest.param(None, "NoneType", id="nothing"),
        pytest.param(np.zeros((0, 6, 3), np.uint8), r"\(0, 6, 3\) uint8", id="empty"),
        pytest.param(np.zeros((4, 6, 3), np.uint16), r"\(4, 6, 3\) uint16", id="16 bit"),
        pytest.param(np.zeros((4, 6, 3), np.float32), r"\(4, 6, 3\) float32", id="float"),
        pytest.param(np.zeros((4, 6), np.uint8), r"\(4, 6\) uint8", id="no channels"),
        pytest.param(np.zeros((4, 6, 4), np.uint8), r"\(4, 6, 4\) uint8", id="four channels"),
        pytest.param(np.zeros((1, 999), np.uint8), r"\(1, 999\) uint8", id="undecoded bytes"),
    ],
)
def test_what_is_no_picture_is_refused_after_the_good_ones(bad: Any, seen: str) -> None:
    capture = ScriptedCapture(bad)
    with (
        open_live(capture) as source,
        pytest.raises(DeviceError, match=f"camera:9: frame 0 is {seen}, not"),
    ):
        next(source)
    assert capture.released.is_set()


def test_a_frame_over_the_size_limit_is_refused() -> None:
    huge = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (5_000, 10_001, 3))
    with (
        open_live(ScriptedCapture(huge)) as source,
        pytest.raises(InputTooLargeError, match="10001 x 5000, over the limit of 50000000"),
    ):
        next(source)


def test_a_view_becomes_contiguous_pixels() -> None:
    flipped = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)[:, ::-1]
    with open_live(ScriptedCapture(flipped)) as source:
        pixels = next(source).pixels
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, flipped)


def test_a_camera_that_opens_and_gives_nothing_is_a_fault() -> None:
    with (
        open_live(ScriptedCapture()) as source,
        pytest.raises(DeviceError, match="stopped giving frames after 0; look"),
    ):
        next(source)


def test_a_camera_that_stops_gives_its_last_frame_then_an_error_then_nothing() -> None:
    with open_live(ScriptedCapture(picture(7))) as source:
        assert next(source).pixels[0, 0, 0] == 7
        with pytest.raises(DeviceError, match="stopped giving frames after 1"):
            next(source)
        assert list(source) == []


def test_a_camera_that_does_not_open_is_a_fault() -> None:
    settings = CaptureSettings("camera:9", is_live=True, way_out="look", deadlines=PATIENT)
    with pytest.raises(DeviceError, match="camera:9: cannot be opened; look"):
        CapturedFrames(lambda: None, settings)


def test_an_open_that_hangs_meets_its_deadline_and_releases_when_it_wakes() -> None:
    capture = ScriptedCapture(picture())
    may_open = threading.Event()

    def open_late() -> ScriptedCapture:
        may_open.wait(WAIT_S)
        return capture

    settings = CaptureSettings("camera:9", is_live=True, way_out="look", deadlines=SOON)
    with pytest.raises(DeviceTimeoutError, match=r"camera:9: did not open within 0\.3 s; look"):
        CapturedFrames(open_late, settings)
    assert not capture.released.is_set()
    may_open.set()
    assert capture.released.wait(WAIT_S)
    assert capture.pictures, "nothing is read for nobody"


def test_a_read_that_hangs_meets_its_deadline_and_releases_when_it_wakes() -> None:
    capture = ScriptedCapture(picture(), hangs=True)
    with open_live(capture, SOON) as source:
        next(source)
        with pytest.raises(DeviceTimeoutError, match=r"camera:9: gave no frame for 0\.3 s; look"):
            next(source)
        assert list(source) == []
    assert not capture.released.is_set()
    capture.may_return.set()
    assert capture.released.wait(WAIT_S)


def test_a_read_that_returns_false_only_after_the_deadline_was_silent_too() -> None:
    """FFMPEG says "no more" both at an end and when its own deadline passes."""
    capture = ScriptedCapture(hangs=True)
    with open_live(capture, SOON) as source:
        time.sleep(SOON.read_s)
        capture.may_return.set()
        assert capture.released.wait(WAIT_S)
        with pytest.raises(DeviceTimeoutError, match="gave no frame"):
            next(source)


def test_the_newest_frame_wins_and_those_it_replaced_are_counted() -> None:
    capture = ScriptedCapture(*map(picture, range(10)), hangs=True)
    with open_live(capture) as source:
        wait_until(lambda: source.dropped == 9)
        frame = next(source)
        capture.may_return.set()
    assert (frame.index, frame.pixels[0, 0, 0], source.dropped) == (9, 9, 9)


def test_a_torn_picture_does_not_end_a_live_source_not_even_one_after_another() -> None:
    rows = picture(9)[:2]
    torn = [torn_shot("cut", pixels=rows) for _ in range(50)]
    capture = ScriptedCapture(*torn, Shot(picture(5)), hangs=True)
    with open_live(capture) as source:
        wait_until(lambda: source.dropped == 50)
        assert next(source).pixels[0, 0, 0] == 5
        capture.may_return.set()
    capture = ScriptedCapture(torn[0], hangs=True)
    with open_live(capture) as source:
        frame = next(source)
        capture.may_return.set()
    assert (frame.fault, frame.fault_detail, frame.pixels.shape) == ("torn", "cut", (2, 6, 3))


def test_a_frame_has_both_clocks_times_of_the_moment_it_was_taken() -> None:
    taken_ns = time.monotonic_ns() - 3_000_000_000
    capture = ScriptedCapture(Shot(picture(), capture_monotonic_ns=taken_ns), hangs=True)
    with open_live(capture) as source:
        frame = next(source)
        capture.may_return.set()
    assert frame.capture_monotonic_ns == taken_ns
    assert time.time_ns() - frame.capture_time_ns >= 2_900_000_000


def test_silence_that_is_known_to_be_silence_renews_the_deadline() -> None:
    class Quiet(ScriptedCapture):
        def read(self) -> tuple[bool, Any]:
            if time.monotonic() < self.until_s:
                time.sleep(0.01)
                return True, NOTHING_YET
            return super().read()

        until_s = time.monotonic() + 2.5

    with open_live(Quiet(picture(3)), Deadlines(open_s=30, read_s=1)) as source:
        assert next(source).index == 0


def test_a_source_that_gives_every_frame_waits_for_its_consumer() -> None:
    capture = ScriptedCapture(*map(picture, range(30)))
    settings = CaptureSettings(
        "watch:x", is_live=False, way_out="look", deadlines=PATIENT, goes_on=True
    )
    with CapturedFrames(lambda: capture, settings) as source:
        assert (source.is_live, source.is_endless) == (False, True)
        assert [next(source).index for _ in range(30)] == list(range(30))
        assert source.dropped == 0
        with pytest.raises(DeviceError, match="watch:x: stopped giving frames after 30; look"):
            next(source)


def test_a_files_picture_may_be_grey_with_16_bits_and_a_cameras_may_not() -> None:
    grey = np.zeros((4, 6, 1), np.uint16)
    with open_live(ScriptedCapture(Shot(grey, colour="grey", file_name="a.png"))) as source:
        frame = next(source)
    assert (frame.colour, frame.file_name, frame.pixels.dtype) == ("grey", "a.png", np.uint16)
    with (
        open_live(ScriptedCapture(Shot(grey, colour="grey"))) as source,
        pytest.raises(DeviceError, match=r"uint16, not \(height, width, 1\) uint8"),
    ):
        next(source)


def test_pictures_that_a_capture_knows_it_missed_are_counted_and_leave_gaps() -> None:
    shots = (Shot(picture(1)), Shot(picture(2), missed=4), torn_shot("cut", missed=2))
    capture = ScriptedCapture(*shots, hangs=True)
    with open_live(capture) as source:
        wait_until(lambda: source.dropped == 2 + 4 + 2)
        frame = next(source)
        capture.may_return.set()
    assert (frame.index, frame.fault) == (8, "torn")


def test_closing_ends_an_iteration_that_waits_in_another_thread() -> None:
    capture = ScriptedCapture(picture(), hangs=True)
    source = open_live(capture)
    got: list[int] = []
    consumer = threading.Thread(target=lambda: got.extend(frame.index for frame in source))
    consumer.start()
    wait_until(lambda: bool(got))
    source.close()
    consumer.join(WAIT_S)
    assert not consumer.is_alive()
    assert got == [0]
    capture.may_return.set()


def test_a_source_that_nobody_holds_lets_go_of_its_camera() -> None:
    class Endless(ScriptedCapture):
        def read(self) -> tuple[bool, Any]:
            time.sleep(0.005)
            return True, picture()

    capture = Endless()
    source = open_live(capture)
    next(source)
    del source
    assert capture.released.wait(WAIT_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_foresaw_reaches_the_consumer_at_once() -> None:
    class Broken(ScriptedCapture):
        def read(self) -> tuple[bool, Any]:
            raise MemoryError

    capture = Broken()
    with (
        open_live(capture) as source,
        pytest.raises(EdgeError, match="camera:9: capturing broke off unexpectedly"),
    ):
        next(source)
    assert capture.released.is_set()


def wait_until(is_done: Any) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_done():
        assert time.monotonic() < end_s
        time.sleep(0.005)
