"""The fake camera: what it shows, and that it fails as its script says."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decode import decode_image
from edge.errors import DeviceError, DeviceTimeoutError, InputNotFoundError, UnsupportedInputError
from edge.frame import Frame
from edge.sources.address import Size
from edge.sources.base import open_source
from edge.sources.capture import CaptureSettings, Deadlines
from edge.sources.captured_frames import (
    MOST_ABANDONED,
    CapturedFrames,
    count_abandoned_threads,
)
from edge.sources.fake_camera import draw_pattern

PATIENT = {"open_timeout_s": 60, "read_timeout_s": 60}
WAIT_S = 60


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("capture "):
            thread.join(WAIT_S)
            assert not thread.is_alive()


def take(address: str, count: int) -> list[Frame]:
    with open_source(address, **PATIENT) as source:
        frames = iter(source)
        return [next(frames) for _ in range(count)]


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Writes a script that begins now; returns an address with it."""

    def write(kind: str, at_s: float = 0.0, for_s: float = 1e6, **more: Any) -> str:
        path = tmp_path / "faults.json"
        fault = {"at_s": at_s, "for_s": for_s, "fault": kind, **more}
        content = {"origin_monotonic_ns": time.monotonic_ns(), "faults": [fault]}
        path.write_text(json.dumps(content))
        return f"fake:pattern?size=64x48&fps=100&faults={path}"

    return write


@settings(max_examples=30, deadline=None)
@given(width=st.integers(2, 300), height=st.integers(2, 200))
def test_the_pattern_moves_from_each_frame_to_the_next(width: int, height: int) -> None:
    pattern = draw_pattern(Size(width, height))
    before = next(pattern)
    for _ in range(5):
        now = next(pattern)
        assert (now.shape, now.dtype) == ((height, width, 3), np.uint8)
        assert not np.array_equal(now, before)
        before = now


def test_the_pattern_is_neither_black_nor_saturated_nor_even() -> None:
    pixels = next(draw_pattern(Size(640, 480)))
    assert pixels.min() >= 32
    assert pixels.max() <= 192
    assert min(pixels[:, :, channel].std() for channel in range(3)) > 20


def test_a_pattern_is_a_live_source_with_the_time_of_each_frame() -> None:
    before_ns = time.monotonic_ns()
    with open_source("fake:pattern?size=64x48&fps=50", **PATIENT) as source:
        frames = [next(iter(source)) for _ in range(5)]
        assert source.is_live
    stamps = [frame.capture_monotonic_ns for frame in frames]
    assert before_ns < stamps[0]
    assert stamps == sorted(set(stamps))
    assert frames[0].pixels.shape == (48, 64, 3)
    assert {frame.source for frame in frames} == {"fake:pattern?size=64x48&fps=50"}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    folder = tmp_path / "recording"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
        suffix = ".jpg" if number == 1 else ".png"
        (folder / f"{number}{suffix}").write_bytes(cv2.imencode(suffix, pixels)[1].tobytes())
    return folder


def test_recorded_pictures_are_played_round_and_round_bit_for_bit(recording: Path) -> None:
    files = sorted(recording.iterdir())
    expected = [decode_image(path.read_bytes(), source="").pixels for path in files]
    with open_source(f"fake:{recording}?fps=20", **PATIENT) as source:
        for _, frame in zip(range(8), source, strict=False):
            np.testing.assert_array_equal(frame.pixels, expected[frame.index % 3])
            assert frame.file_name == ""


def test_each_picture_stands_for_as_many_frames_as_it_is_held(recording: Path) -> None:
    files = sorted(recording.iterdir())
    expected = [decode_image(path.read_bytes(), source="").pixels for path in files]
    with open_source(f"fake:{recording}?hold=2&fps=20", **PATIENT) as source:
        for _, frame in zip(range(8), source, strict=False):
            np.testing.assert_array_equal(frame.pixels, expected[frame.index // 2 % 3])


def test_what_is_done_to_a_frame_does_not_reach_the_next_round(recording: Path) -> None:
    with open_source(f"fake:{recording / '0.png'}?fps=20", **PATIENT) as source:
        frames = iter(source)
        first = next(frames).pixels
        kept = first.copy()
        first[:] = 0
        np.testing.assert_array_equal(next(frames).pixels, kept)


def test_a_recorded_video_is_played_round_and_round(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(3):
        writer.write(np.full((48, 64, 3), number * 60 + 20, np.uint8))
    writer.release()
    with open_source(str(path)) as video:
        expected = [frame.pixels for frame in video]
    with open_source(f"fake:{path}?fps=20", **PATIENT) as source:
        for _, frame in zip(range(7), source, strict=False):
            np.testing.assert_array_equal(frame.pixels, expected[frame.index % 3])


def test_a_recording_of_16_bits_is_none_that_a_camera_could_give(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(cv2.imencode(".png", np.zeros((4, 4), np.uint16))[1].tobytes())
    with (
        open_source(f"fake:{path}", **PATIENT) as source,
        pytest.raises(UnsupportedInputError, match=r"deep\.png: it is uint16"),
    ):
        next(iter(source))


def test_a_recording_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no such file or folder; check the name, or wri"):
        open_source(f"fake:{tmp_path}/none")


def test_a_lost_camera_does_not_open_and_comes_back(script: Callable[..., str]) -> None:
    address = script("lost", for_s=1.0)
    with pytest.raises(DeviceError, match="cannot be opened; wait until its script"):
        open_source(address, **PATIENT)
    end_s = time.monotonic() + WAIT_S
    while True:
        try:
            frames = take(address, 2)
        except DeviceError:
            assert time.monotonic() < end_s
            time.sleep(0.05)
        else:
            break
    assert [frame.fault for frame in frames] == ["", ""]


def test_a_camera_that_is_lost_while_it_is_read_stops(script: Callable[..., str]) -> None:
    with (
        open_source(script("lost", at_s=1.0), **PATIENT) as source,
        pytest.raises(DeviceError, match="stopped giving frames after"),
    ):
        for _ in source:
            pass


def test_a_camera_that_hangs_is_left_behind_and_counted_until_it_returns(
    script: Callable[..., str],
) -> None:
    before = count_abandoned_threads()
    address = script("hang", at_s=0.0, for_s=2.0)
    with (
        open_source(address, open_timeout_s=WAIT_S, read_timeout_s=0.2) as source,
        pytest.raises(DeviceTimeoutError, match=r"gave no frame for 0\.2 s"),
    ):
        next(iter(source))
    assert count_abandoned_threads() == before + 1
    end_s = time.monotonic() + WAIT_S
    while count_abandoned_threads() > before:
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_a_camera_that_hangs_for_days_does_not_collect_threads_without_end() -> None:
    let_go = threading.Event()

    def open_never() -> None:
        assert let_go.wait(WAIT_S)

    settings = CaptureSettings(
        source="camera:9", is_live=True, way_out="look", deadlines=Deadlines(0.001, 0.001)
    )
    before = threading.active_count()
    with ThreadPoolExecutor(MOST_ABANDONED) as attempts:
        made = [
            attempts.submit(CapturedFrames, open_never, settings) for _ in range(MOST_ABANDONED)
        ]
        for each in made:
            assert isinstance(each.exception(WAIT_S), DeviceTimeoutError)
    for _ in range(3):
        with pytest.raises(DeviceError, match="16 attempts before still hang"):
            CapturedFrames(open_never, settings)
    assert threading.active_count() <= before + MOST_ABANDONED
    other = replace(settings, source="camera:8")
    with pytest.raises(DeviceError, match="camera:8: cannot be opened"):
        CapturedFrames(lambda: None, replace(other, deadlines=Deadlines()))
    let_go.set()
    end_s = time.monotonic() + WAIT_S
    while threading.active_count() > before:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    with pytest.raises(DeviceError, match="cannot be opened"):
        CapturedFrames(lambda: None, replace(settings, deadlines=Deadlines()))


def test_a_frozen_camera_gives_the_same_pixels_with_new_times(script: Callable[..., str]) -> None:
    frames = take(script("frozen"), 4)
    for frame in frames[1:]:
        np.testing.assert_array_equal(frame.pixels, frames[0].pixels)
    assert len({frame.capture_monotonic_ns for frame in frames}) == 4


def test_a_torn_frame_says_so_and_holds_what_came(script: Callable[..., str]) -> None:
    frame = take(script("torn"), 1)[0]
    assert (frame.fault, frame.fault_detail) == ("torn", "16 of 48 rows came")
    assert frame.pixels.shape == (16, 64, 3)


@pytest.mark.parametrize(("kind", "level"), [("black", 0), ("saturated", 255)])
def test_a_black_or_saturated_frame_has_one_level(
    script: Callable[..., str], kind: str, level: int
) -> None:
    frame = take(script(kind), 1)[0]
    assert (frame.pixels == level).all()
    assert (frame.fault, frame.pixels.shape) == ("", (48, 64, 3))


def test_a_slow_camera_takes_its_time_for_each_frame(script: Callable[..., str]) -> None:
    stamps = [frame.capture_monotonic_ns for frame in take(script("slow", interval_s=0.3), 3)]
    assert all(later - earlier > 0.29e9 for earlier, later in pairwise(stamps))


def test_a_stale_frame_was_taken_long_ago_by_both_clocks(script: Callable[..., str]) -> None:
    frame = take(script("stale", age_s=30), 1)[0]
    assert time.monotonic_ns() - frame.capture_monotonic_ns >= 30e9
    assert time.time_ns() - frame.capture_time_ns >= 29e9


def test_after_a_fault_all_is_well_again(script: Callable[..., str]) -> None:
    with open_source(script("black", for_s=0.5), **PATIENT) as source:
        for frame in source:
            if frame.pixels.any():
                break
    assert frame.index > 0
