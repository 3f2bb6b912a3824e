"""A Video4Linux camera: what it is asked for, and pictures that are not whole.

The driver is played here by an object that answers the kernel's calls; test_vivid_camera.py tries
the kernel's own virtual camera where there is one.
"""

import errno
import logging
import mmap
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import DeviceError, InputTooLargeError
from edge.sources import v4l2_driver as v4l2
from edge.sources.address import Size
from edge.sources.capture import Capture
from edge.sources.v4l2_capture import open_camera_device, open_driver
from edge.sources.v4l2_mode import CameraMode

SHOWN = "camera:9"
MONOTONIC = 0x2000
DAMAGED = 0x40
WIDTH, HEIGHT = 64, 48
LENGTH = 8192


@dataclass
class Filled:
    """A buffer that the driver filled."""

    data: bytes
    flags: int = MONOTONIC
    stamp_ns: int = 0
    sequence: int | None = None


def code(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


class PlayedDriver:
    """Has some formats at 64x48 and 30 a second, and gives what it is told to.

    Where nothing is left, nothing comes. A number among what is given is an errno.
    """

    def __init__(self, *given: Filled | int, formats: tuple[str, ...] = ("YUYV", "MJPG")) -> None:
        self.given = deque(given)
        self.formats = formats
        self.capabilities = 0x04000001
        self.fails: dict[int, int] = {}
        self.memory = [mmap.mmap(-1, LENGTH) for _ in range(3)]
        self.queued: deque[int] = deque()
        self.stride = 2 * WIDTH
        self.field = 1
        self.size = (WIDTH, HEIGHT)
        self.rate = (1, 30)
        self.asked: dict[int, Any] = {}
        self.sequence = 0
        self.is_closed = False

    def call(self, request: int, value: Any) -> None:
        if request in self.fails:
            raise OSError(self.fails[request], "played")
        self.asked[request] = value
        answers = {
            v4l2.QUERYCAP: self.tell_capabilities,
            v4l2.ENUM_FMT: self.tell_format,
            v4l2.S_FMT: self.set_format,
            v4l2.G_PARM: self.tell_rate,
            v4l2.REQBUFS: self.grant_buffers,
            v4l2.QUERYBUF: self.tell_buffer,
            v4l2.QBUF: lambda buffer: self.queued.append(buffer.index),
            v4l2.DQBUF: self.dequeue,
        }
        answers.get(request, lambda _: None)(value)

    def tell_capabilities(self, value: Any) -> None:
        value.card, value.capabilities = b"Played", self.capabilities

    def tell_format(self, value: Any) -> None:
        if value.index >= len(self.formats):
            raise OSError(errno.EINVAL, "played")
        value.pixelformat = code(self.formats[value.index])

    def set_format(self, value: Any) -> None:
        self.wanted = (value.width, value.height)
        value.width, value.height = self.size
        value.bytesperline, value.field = self.stride, self.field

    def tell_rate(self, value: Any) -> None:
        value.numerator, value.denominator = self.rate

    def grant_buffers(self, value: Any) -> None:
        value.count = min(value.count, len(self.memory))

    def tell_buffer(self, value: Any) -> None:
        value.length, value.offset = LENGTH, value.index

    def dequeue(self, value: Any) -> None:
        if not self.given:
            raise OSError(errno.EAGAIN, "played")
        filled = self.given.popleft()
        if isinstance(filled, int):
            raise OSError(filled, "played")
        value.index = self.queued.popleft()
        self.memory[value.index].seek(0)
        self.memory[value.index].write(filled.data)
        value.bytesused, value.flags = len(filled.data), filled.flags
        value.seconds, rest_ns = divmod(filled.stamp_ns, 1_000_000_000)
        value.microseconds = rest_ns // 1000
        self.sequence = self.sequence if filled.sequence is None else filled.sequence
        value.sequence = self.sequence
        self.sequence += 1

    def map(self, offset: int, length: int) -> mmap.mmap:
        assert length == LENGTH
        return self.memory[offset]

    def wait(self, timeout_s: float) -> bool:
        if not self.given:
            time.sleep(timeout_s)
        return bool(self.given)

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


def open_played(driver: PlayedDriver, mode: CameraMode | None = None) -> Capture:
    return open_driver(driver, mode or CameraMode(), read_s=0.05, shown=SHOWN, way_out="look")


def read_all(
    driver: PlayedDriver, given: list[Filled], mode: CameraMode | None = None
) -> list[Any]:
    """One after another, as from a camera that is not faster than its reader."""
    capture = open_played(driver, mode)
    shots = []
    for each in given:
        driver.given.append(each)
        has_picture, shot = capture.read()
        assert has_picture
        shots.append(shot)
    capture.release()
    return shots


def as_jpeg(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def some_picture() -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([rows * 4, columns * 3, (rows * columns) % 200], axis=2).astype(np.uint8)


def some_yuyv(level: int = 100) -> bytes:
    return np.full((HEIGHT, WIDTH, 2), (level, 128), np.uint8).tobytes()


def test_a_camera_that_gives_what_it_is_asked_for_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver = PlayedDriver()
    open_played(driver, CameraMode("MJPG", Size(WIDTH, HEIGHT), 29.97)).release()
    assert caplog.messages == []
    assert driver.asked[v4l2.S_FMT].pixelformat == code("MJPG")
    assert driver.wanted == (WIDTH, HEIGHT)
    rate = driver.asked[v4l2.S_PARM]
    assert driver.is_closed
    assert (rate.numerator, rate.denominator) == (1, 30), "as the driver then said"


def test_a_size_and_a_rate_that_a_camera_lacks_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_played(PlayedDriver(), CameraMode("", Size(1280, 720), 60.0)).release()
    assert caplog.messages == [
        "camera:9: the camera gives 64x48 instead",
        "camera:9: the camera gives 30 frames per second instead",
    ]


def test_a_camera_that_cannot_be_asked_for_a_rate_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver = PlayedDriver()
    driver.fails[v4l2.S_PARM] = errno.ENOTTY
    with caplog.at_level(logging.WARNING):
        open_played(driver, CameraMode("", None, 60.0)).release()
    assert caplog.messages == ["camera:9: the camera takes no wishes as to its frames per second"]


@pytest.mark.parametrize(
    ("formats", "size", "chosen"),
    [
        (("MJPG", "YUYV"), None, "YUYV"),
        (("MJPG", "YUYV"), Size(640, 480), "YUYV"),
        (("YUYV", "MJPG"), Size(1280, 720), "MJPG"),
        (("H264", "NV12"), Size(1280, 720), "NV12"),
        (("MJPG",), None, "MJPG"),
    ],
)
def test_without_a_format_the_best_for_the_size_is_taken(
    formats: tuple[str, ...], size: Size | None, chosen: str
) -> None:
    driver = PlayedDriver(formats=formats)
    open_played(driver, CameraMode("", size)).release()
    assert driver.asked[v4l2.S_FMT].pixelformat == code(chosen)


@pytest.mark.parametrize(
    ("formats", "fourcc", "said"),
    [
        (("YUYV", "MJPG"), "NV12", "gives YUYV, MJPG, and NV12 is none of these; ask for another"),
        (("YUYV", "H264"), "H264", "gives YUYV, and H264 is not read here"),
        (("BA81", "BG10"), "", r"gives BA81, BG10, none of which is read here; use another"),
        ((), "", "gives no pictures, none of which"),
    ],
)
def test_a_format_that_a_camera_lacks_is_refused(
    formats: tuple[str, ...], fourcc: str, said: str
) -> None:
    driver = PlayedDriver(formats=formats)
    with pytest.raises(DeviceError, match=f"camera:9: the camera {said}"):
        open_played(driver, CameraMode(fourcc))
    assert driver.is_closed


def test_a_device_that_gives_no_pictures_is_refused() -> None:
    driver = PlayedDriver()
    driver.capabilities = 0x04000002
    with pytest.raises(DeviceError, match="this device of 'Played' gives no pictures that are rea"):
        open_played(driver)
    assert driver.is_closed


@pytest.mark.parametrize("field", [2, 3, 5, 6, 7], ids=["top", "bottom", "tb", "bt", "alternate"])
def test_pictures_in_halves_are_refused(field: int) -> None:
    """Two halves one above the other would be answered as one picture."""
    driver = PlayedDriver()
    driver.field = field
    with pytest.raises(DeviceError, match="every second row at a time"):
        open_played(driver)


def test_huge_pictures_are_refused() -> None:
    driver = PlayedDriver()
    driver.size = (10_000, 5_001)
    with pytest.raises(InputTooLargeError, match="10000 x 5001, over the limit"):
        open_played(driver)
    assert driver.is_closed


@pytest.mark.parametrize(
    "request_name", ["QUERYCAP", "ENUM_FMT", "S_FMT", "REQBUFS", "QUERYBUF", "QBUF", "STREAMON"]
)
def test_whatever_call_fails_the_camera_does_not_open_and_is_let_go(request_name: str) -> None:
    driver = PlayedDriver()
    driver.fails[getattr(v4l2, request_name)] = errno.EBUSY
    with pytest.raises(DeviceError, match=r"camera:9: cannot be opened \(played\); look"):
        open_played(driver)
    assert driver.is_closed


def test_a_file_that_is_no_video_device_is_refused() -> None:
    mode = CameraMode()
    with pytest.raises(DeviceError, match=r"cannot be opened \(inappropriate ioctl for device\)"):
        open_camera_device("/dev/null", mode, read_s=1, shown=SHOWN, way_out="look")
    with pytest.raises(DeviceError, match=r"cannot be opened \(no such file or directory\); look"):
        open_camera_device("/dev/none", mode, read_s=1, shown=SHOWN, way_out="look")


def test_a_picture_carries_the_time_that_its_driver_stamped_on_it() -> None:
    stamp_ns = time.monotonic_ns() // 1000 * 1000 - 20_000_000
    [shot] = read_all(PlayedDriver(), [Filled(some_yuyv(), stamp_ns=stamp_ns)])
    assert shot.capture_monotonic_ns == stamp_ns
    assert shot.pixels.shape == (HEIGHT, WIDTH, 3)


def test_a_stamp_of_another_clock_is_not_taken_for_it() -> None:
    before_ns = time.monotonic_ns()
    [shot] = read_all(PlayedDriver(), [Filled(some_yuyv(), flags=0, stamp_ns=before_ns - 10**9)])
    assert shot.capture_monotonic_ns >= before_ns


def test_the_newest_picture_is_given_and_the_older_ones_are_counted() -> None:
    driver = PlayedDriver()
    capture = open_played(driver)
    driver.given.extend(Filled(some_yuyv(level)) for level in (50, 100, 150))
    first = capture.read()[1]
    driver.given.append(Filled(some_yuyv(200), sequence=7))
    second = capture.read()[1]
    expected = [
        cv2.cvtColor(np.uint8([[[y, 128], [y, 128]]]), cv2.COLOR_YUV2BGR_YUYV)[0, 0]
        for y in (150, 200)
    ]
    assert first.pixels[0, 0].tolist() == expected[0].tolist()
    assert second.pixels[0, 0].tolist() == expected[1].tolist()
    assert (first.missed, second.missed) == (0, 4)
    assert sorted(driver.queued) == [0, 1, 2], "the driver has all its buffers back"
    capture.release()


def test_a_driver_that_does_not_count_misses_nothing() -> None:
    shots = read_all(PlayedDriver(), [Filled(some_yuyv(), sequence=0) for _ in range(3)])
    assert [shot.missed for shot in shots] == [0, 0, 0]


def test_a_buffer_that_is_marked_damaged_or_is_short_is_a_torn_picture() -> None:
    whole = some_yuyv()
    given = [
        Filled(whole, flags=MONOTONIC | DAMAGED),
        Filled(whole[: 10 * 2 * WIDTH + 5]),
        Filled(b""),
        Filled(whole[:-1]),
        Filled(whole),
    ]
    shots = read_all(PlayedDriver(), given)
    assert [shot.fault for shot in shots] == ["torn", "torn", "torn", "torn", ""]
    assert shots[0].fault_detail == "the driver marked the buffer as damaged"
    assert shots[1].fault_detail == f"{10 * 2 * WIDTH + 5} of {len(whole)} bytes came"
    assert [len(shot.pixels) for shot in shots] == [HEIGHT, 10, 1, HEIGHT - 1, HEIGHT]


def test_what_is_given_is_not_written_again() -> None:
    given = [Filled(some_yuyv(level)) for level in (60, 70, 80, 90, 100)]
    shots = read_all(PlayedDriver(), given)
    levels = [int(shot.pixels[0, 0, 0]) for shot in shots]
    assert levels == sorted(set(levels))


def test_a_camera_that_says_nothing_gives_nothing_when_its_time_is_up() -> None:
    capture = open_played(PlayedDriver())
    assert capture.read() == (False, None)


def test_a_camera_that_is_unplugged_says_so_and_can_be_released() -> None:
    driver = PlayedDriver(errno.ENODEV)
    capture = open_played(driver)
    with pytest.raises(DeviceError, match=r"camera:9: stopped \(played\); look"):
        capture.read()
    driver.fails[v4l2.STREAMOFF] = errno.ENODEV
    capture.release()
    assert driver.is_closed


def test_the_jpegs_of_a_camera_are_decoded_and_a_cut_one_is_torn() -> None:
    whole = as_jpeg(some_picture())
    given = [
        Filled(whole),
        Filled(whole[:-30], sequence=3),
        Filled(whole, flags=MONOTONIC | DAMAGED),
        Filled(whole),
    ]
    shots = read_all(PlayedDriver(), given, CameraMode("MJPG"))
    assert [shot.fault for shot in shots] == ["", "torn", "torn", ""]
    assert "cut short" in shots[1].fault_detail
    assert shots[1].missed == 2
    assert "marked" in shots[2].fault_detail
    expected = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(shots[0].pixels, expected)
    np.testing.assert_array_equal(shots[3].pixels, expected)


def read_jpeg(data: bytes) -> Any:
    return read_all(PlayedDriver(), [Filled(data)], CameraMode("MJPG"))[0]


def test_a_jpeg_without_huffman_tables_as_webcams_send_it_is_whole() -> None:
    data = as_jpeg(some_picture())
    bare, position = bytearray(data[:2]), 2
    while data[position + 1] != 0xDA:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] != 0xC4:
            bare += data[position : position + 2 + length]
        position += 2 + length
    bare += data[position:]
    without, with_tables = read_jpeg(bytes(bare) + b"\0" * 100), read_jpeg(data)
    assert without.fault == ""
    np.testing.assert_array_equal(without.pixels, with_tables.pixels)


def test_a_grey_jpeg_has_three_equal_channels() -> None:
    shot = read_jpeg(as_jpeg(np.full((16, 16), 77, np.uint8)))
    assert shot.pixels.shape == (16, 16, 3)


@pytest.mark.parametrize("end", range(1, 1200, 7))
def test_a_jpeg_cut_anywhere_is_never_a_picture_with_made_up_parts(end: int) -> None:
    whole = as_jpeg(some_picture())
    expected = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR)
    for cut in (whole[:end], whole[:end] + b"\xff\xd9"):
        shot = read_jpeg(cut)
        assert shot.fault == "torn" or np.array_equal(shot.pixels, expected)
