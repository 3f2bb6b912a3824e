"""The kernel's virtual camera (vivid): a real driver that fails when it is told to.

Skipped aloud where there is none: `modprobe vivid` makes one, and so does the virtual machine of
devices/emulation.
"""

import fcntl
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import DeviceError
from edge.sources.base import open_source
from edge.sources.captured_frames import count_abandoned_threads

PATIENT = {"open_timeout_s": 60, "read_timeout_s": 30}
WAIT_S = 60
NEXT_CONTROL = 0x80000000


def find_vivid() -> str:
    for folder in sorted(Path("/sys/class/video4linux").glob("video*")):
        if "vivid" in (folder / "name").read_text() and "vid-cap" in (folder / "name").read_text():
            return f"/dev/{folder.name}"
    return ""


VIVID = find_vivid()
pytestmark = pytest.mark.skipif(not VIVID, reason="this machine has no vivid camera")


def request(number: int, size: int) -> int:
    return 3 << 30 | size << 16 | ord("V") << 8 | number


def press(name: str, value: int = 1) -> None:
    """Set one of the driver's controls (VIDIOC_QUERYCTRL, VIDIOC_S_CTRL)."""
    descriptor = os.open(VIVID, os.O_RDWR)
    try:
        number = 0
        while True:
            answer = bytearray(68)
            struct.pack_into("I", answer, 0, number | NEXT_CONTROL)
            fcntl.ioctl(descriptor, request(36, 68), answer, True)
            number = struct.unpack_from("I", answer)[0]
            if bytes(answer[8:40]).split(b"\0")[0].decode() == name:
                break
        fcntl.ioctl(descriptor, request(28, 8), bytearray(struct.pack("Ii", number, value)), True)
    finally:
        os.close(descriptor)


def address(query: str = "format=YUYV&size=320x180&fps=30") -> str:
    return f"camera:{VIVID}?{query}"


def read_until(is_it: Callable[[Any], bool], after: Callable[[], None]) -> Any:
    """Read, do something once frames come, and read on until a frame is as it should be."""
    with open_source(address(), **PATIENT) as source:
        end_s = time.monotonic() + WAIT_S
        next(iter(source))
        after()
        for frame in source:
            if is_it(frame):
                return frame
            assert time.monotonic() < end_s
    pytest.fail("it ended")


@pytest.mark.parametrize("name", ["BGR3", "RGB3", "XR24", "YUYV", "UYVY", "YVYU", "NV12", "YU12"])
def test_each_format_gives_the_same_picture(name: str) -> None:
    with open_source(address(f"format={name}&size=640x360"), **PATIENT) as source:
        frame = next(iter(source))
    with open_source(address("format=BGR3&size=640x360"), **PATIENT) as source:
        expected = next(iter(source))
    assert frame.pixels.shape == (360, 640, 3)
    # The bars are the same; a clock is drawn on them, and YUV is stored with less precision.
    assert abs(frame.pixels.mean(axis=(0, 1)) - expected.pixels.mean(axis=(0, 1))).max() < 12


def test_a_frame_is_as_old_as_its_driver_says() -> None:
    before_ns = time.monotonic_ns()
    with open_source(address(), **PATIENT) as source:
        stamps = [next(iter(source)).capture_monotonic_ns for _ in range(5)]
    assert before_ns < stamps[0]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] <= time.monotonic_ns()


def test_a_buffer_that_the_driver_marks_as_damaged_is_a_torn_frame() -> None:
    torn = read_until(
        lambda frame: frame.fault == "torn", lambda: press("Inject V4L2_BUF_FLAG_ERROR")
    )
    assert torn.fault_detail == "the driver marked the buffer as damaged"
    assert torn.pixels.shape == (180, 320, 3)


def test_frames_that_the_driver_lost_leave_gaps() -> None:
    previous = 0

    def has_gap(frame: Any) -> bool:
        nonlocal previous
        gap, previous = frame.index - previous, frame.index
        return gap > 1

    try:
        read_until(has_gap, lambda: press("Percentage of Dropped Buffers", 60))
    finally:
        press("Percentage of Dropped Buffers", 0)


def test_a_camera_that_is_unplugged_is_lost_at_once_and_opens_again_when_it_is_back() -> None:
    with pytest.raises(DeviceError, match=r"stopped \(no such device\)"):
        read_until(lambda _: False, lambda: press("Disconnect"))
    end_s = time.monotonic() + WAIT_S
    while True:
        try:
            with open_source(address(), **PATIENT) as source:
                assert next(iter(source)).fault == ""
            break
        except DeviceError:
            assert time.monotonic() < end_s
            time.sleep(0.1)


def test_a_driver_that_fails_for_good_is_lost() -> None:
    with pytest.raises(DeviceError, match=r"stopped \(input/output error\)"):
        read_until(lambda _: False, lambda: press("Inject Fatal Streaming Error"))


@pytest.mark.parametrize("name", ["STREAMON", "REQBUFS", "QBUF"])
def test_a_camera_that_does_not_start_is_told_and_starts_the_next_time(name: str) -> None:
    press(f"Inject VIDIOC_{name} Error")
    with pytest.raises(DeviceError, match="cannot be opened"):
        open_source(address(), **PATIENT)
    with open_source(address(), **PATIENT) as source:
        assert next(iter(source)).fault == ""


def test_a_camera_in_use_is_refused() -> None:
    with open_source(address(), **PATIENT) as source:
        next(iter(source))
        with pytest.raises(DeviceError, match=r"cannot be opened \(device or resource busy\)"):
            open_source(address(), **PATIENT)


def test_no_thread_and_no_descriptor_is_left_behind() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with open_source(address(), **PATIENT) as source:
            next(iter(source))
    assert count_abandoned_threads() == 0
    assert len(list(Path("/proc/self/fd").iterdir())) == before
