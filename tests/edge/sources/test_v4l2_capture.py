"""A Video4Linux camera behind OpenCV: what it is asked for, and pictures that are not whole.

The camera is played here by an object with the methods of `cv2.VideoCapture`; a real driver (the
kernel's vivid) is tried in tests/on_arm.
"""

import logging
import time
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import DeviceError
from edge.sources.address import Size
from edge.sources.jpeg_frames import JpegFrames
from edge.sources.v4l2_capture import CameraMode, V4l2Capture, set_mode

SHOWN = "camera:9"


def code(text: str) -> int:
    return cv2.VideoWriter.fourcc(*text)


class PlayedCamera:
    """Has YUYV and MJPG at 640x480 and 30 a second, whatever it is asked for beyond."""

    def __init__(self, *buffers: Any, stamp_ms: float = 0.0) -> None:
        self.buffers = list(buffers)
        self.stamp_ms = stamp_ms
        self.properties = {
            cv2.CAP_PROP_FOURCC: code("YUYV"),
            cv2.CAP_PROP_FRAME_WIDTH: 640,
            cv2.CAP_PROP_FRAME_HEIGHT: 480,
            cv2.CAP_PROP_FPS: 30,
        }
        self.asked: list[int] = []

    def set(self, key: int, value: float) -> bool:
        self.asked.append(key)
        if key == cv2.CAP_PROP_FOURCC and value in (code("YUYV"), code("MJPG")):
            self.properties[key] = int(value)
        return True

    def get(self, key: int) -> float:
        if key == cv2.CAP_PROP_POS_MSEC:
            return self.stamp_ms
        return float(self.properties[key])

    def grab(self) -> bool:
        return bool(self.buffers)

    def retrieve(self) -> tuple[bool, Any]:
        buffer = self.buffers.pop(0)
        if isinstance(buffer, Exception):
            raise buffer
        return buffer is not None, buffer

    def release(self) -> None:
        pass


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    return cv2.imencode(".jpg", pixels)[1].reshape(1, -1)


def some_picture() -> np.ndarray:
    rows, columns = np.mgrid[0:48, 0:64]
    return np.stack([rows * 4, columns * 3, (rows * columns) % 200], axis=2).astype(np.uint8)


def test_a_camera_that_gives_what_it_is_asked_for_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    camera = PlayedCamera()
    set_mode(cv2, camera, CameraMode("MJPG", Size(640, 480), 30.0), shown=SHOWN)
    assert caplog.messages == []
    assert camera.asked.index(cv2.CAP_PROP_FOURCC) < camera.asked.index(cv2.CAP_PROP_FRAME_WIDTH)


def test_a_size_and_a_rate_that_a_camera_lacks_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        set_mode(cv2, PlayedCamera(), CameraMode("", Size(1280, 720), 60.0), shown=SHOWN)
    assert caplog.messages == [
        "camera:9: the camera gives 640 x 480 instead",
        "camera:9: the camera gives 30 frames per second instead",
    ]


def test_a_camera_that_cannot_be_asked_for_a_rate_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    camera = PlayedCamera()
    camera.properties[cv2.CAP_PROP_FPS] = -1
    with caplog.at_level(logging.WARNING):
        set_mode(cv2, camera, CameraMode("", None, 60.0), shown=SHOWN)
    assert caplog.messages == ["camera:9: the camera takes no wishes as to its frames per second"]


def test_a_format_that_a_camera_lacks_is_refused() -> None:
    with pytest.raises(DeviceError, match="camera:9: the camera gives 'YUYV', not H264; ask for"):
        set_mode(cv2, PlayedCamera(), CameraMode("H264"), shown=SHOWN)


def test_a_camera_that_is_asked_for_nothing_is_left_as_it_is() -> None:
    camera = PlayedCamera()
    set_mode(cv2, camera, CameraMode(), shown=SHOWN)
    assert camera.asked == [cv2.CAP_PROP_BUFFERSIZE]


def test_a_picture_carries_the_time_that_its_driver_stamped_on_it() -> None:
    stamp_ns = time.monotonic_ns() - 20_000_000
    camera = PlayedCamera(some_picture(), stamp_ms=stamp_ns / 1e6)
    has_picture, shot = V4l2Capture(cv2, camera, shown=SHOWN).read()
    assert has_picture
    assert abs(shot.capture_monotonic_ns - stamp_ns) < 1000


def test_a_buffer_that_opencv_cannot_turn_into_pixels_is_a_torn_picture() -> None:
    good = some_picture()
    capture = V4l2Capture(cv2, PlayedCamera(cv2.error("reshape"), None, good), shown=SHOWN)
    shots = [capture.read()[1] for _ in range(3)]
    assert [shot.fault for shot in shots] == ["torn", "torn", ""]
    assert "no whole picture (reshape)" in shots[0].fault_detail
    assert shots[0].pixels.shape == (1, 1, 3)
    assert shots[2].pixels is good
    assert capture.read() == (False, None)


def test_a_grab_that_fails_in_opencv_is_an_error_of_ours() -> None:
    class Broken(PlayedCamera):
        def grab(self) -> bool:
            raise cv2.error("queue")

    with pytest.raises(DeviceError, match=r"camera:9: OpenCV failed to read a frame \(queue\)"):
        V4l2Capture(cv2, Broken(), shown=SHOWN).read()


def test_the_jpegs_of_a_camera_are_decoded_and_a_cut_one_is_torn() -> None:
    pixels = some_picture()
    whole = as_jpeg(pixels)
    camera = PlayedCamera(whole, whole[:, :-30], whole)
    capture = JpegFrames(V4l2Capture(cv2, camera, shown=SHOWN), shown=SHOWN)
    shots = [capture.read()[1] for _ in range(3)]
    assert [shot.fault for shot in shots] == ["", "torn", ""]
    assert "cut short" in shots[1].fault_detail
    expected = cv2.imdecode(whole[0], cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(shots[0].pixels, expected)
    np.testing.assert_array_equal(shots[2].pixels, expected)


def test_a_jpeg_without_huffman_tables_as_webcams_send_it_is_whole() -> None:
    whole = as_jpeg(some_picture())
    data = whole.tobytes()
    bare, position = bytearray(data[:2]), 2
    while data[position + 1] != 0xDA:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] != 0xC4:
            bare += data[position : position + 2 + length]
        position += 2 + length
    bare += data[position:]
    buffers = [np.frombuffer(bytes(bare) + b"\0" * 100, np.uint8).reshape(1, -1), whole]
    capture = JpegFrames(V4l2Capture(cv2, PlayedCamera(*buffers), shown=SHOWN), shown=SHOWN)
    without, with_tables = capture.read()[1], capture.read()[1]
    assert without.fault == ""
    np.testing.assert_array_equal(without.pixels, with_tables.pixels)


def test_a_grey_jpeg_has_three_equal_channels() -> None:
    grey = as_jpeg(np.full((16, 16), 77, np.uint8))
    shot = JpegFrames(V4l2Capture(cv2, PlayedCamera(grey), shown=SHOWN), shown=SHOWN).read()[1]
    assert shot.pixels.shape == (16, 16, 3)


@pytest.mark.parametrize("end", range(0, 1200, 7))
def test_a_jpeg_cut_anywhere_is_never_a_picture_with_made_up_parts(end: int) -> None:
    whole = as_jpeg(some_picture())
    expected = cv2.imdecode(whole[0], cv2.IMREAD_COLOR)
    for cut in (whole[:, :end], np.hstack([whole[:, :end], [[0xFF, 0xD9]]]).astype(np.uint8)):
        capture = JpegFrames(V4l2Capture(cv2, PlayedCamera(cut), shown=SHOWN), shown=SHOWN)
        shot = capture.read()[1]
        assert shot.fault == "torn" or np.array_equal(shot.pixels, expected)
