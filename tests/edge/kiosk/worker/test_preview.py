"""Small pictures for eyes, at a pace."""

import itertools

import cv2
import numpy as np
import pytest

from edge.frame import Frame
from edge.kiosk.worker import preview
from edge.kiosk.worker.preview import (
    IDLE_INTERVAL_S,
    MOST_HEIGHT,
    MOST_WIDTH,
    WATCHED_INTERVAL_S,
    PreviewPace,
    encode_preview,
)
from edge.kiosk.worker.wire import MOST_PREVIEW_BYTES


def shown(frame: Frame) -> np.ndarray:
    data = encode_preview(frame)
    assert 0 < len(data) < MOST_PREVIEW_BYTES
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((480, 640), (480, 640)),
        ((1080, 1920), (360, 640)),
        ((1, 1), (1, 1)),
        ((1, 5000), (1, 640)),
        ((5000, 1), (1280, 1)),
        ((30, 40), (30, 40)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_any_size_fits(shape, size, channels):
    pixels = np.zeros((*shape, channels), np.uint8)
    frame = Frame(pixels, "grey" if channels == 1 else "bgr")
    found = shown(frame).shape
    assert found[:2] == size
    assert found[0] <= MOST_HEIGHT
    assert found[1] <= MOST_WIDTH


@pytest.mark.parametrize(
    ("pixels", "level"),
    [
        (np.full((20, 20, 1), 200, np.uint8), 200),
        (np.full((20, 20, 1), 200 * 257, np.uint16), 200),
        (np.full((20, 20, 1), 200 / 255, np.float32), 200),
        (np.full((20, 20, 1), 7.0, np.float32), 255),
    ],
)
def test_every_depth_is_shown_as_bright_as_it_is(pixels, level):
    assert abs(int(shown(Frame(pixels, "grey")).mean()) - level) <= 1


def test_red_stays_red_whatever_the_order_of_channels():
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 250
    assert shown(Frame(red, "rgb"))[10, 10, 2] > 230
    assert shown(Frame(red, "bgr"))[10, 10, 0] > 230


def test_what_cannot_be_shown_is_no_picture_and_no_error():
    assert encode_preview(Frame(np.zeros((8, 8, 2), np.uint8), "bgr")) == b""


def test_a_picture_is_sent_seldom_until_somebody_looks(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr(preview.time, "monotonic", lambda: now_s[0])
    pace = PreviewPace()

    def count(seconds: float) -> int:
        end_s = now_s[0] + seconds
        sent = 0
        for _ in itertools.takewhile(lambda _: now_s[0] < end_s, itertools.count()):
            sent += pace.is_due()
            now_s[0] += 0.01
        return sent

    assert count(10 * IDLE_INTERVAL_S) == pytest.approx(10, abs=1)
    pace.watch(5.0)
    assert count(5.0) == pytest.approx(5.0 / WATCHED_INTERVAL_S, rel=0.15)
    assert count(10 * IDLE_INTERVAL_S) == pytest.approx(10, abs=2)
