"""Ribbon-cable cameras of a Raspberry Pi, with a played picamera2 (see played_picamera2.py)."""

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.errors import DeviceError, DeviceTimeoutError
from edge.sources.base import open_source

PLAYED = Path(__file__).with_name("played_picamera2.py")
PATIENT = {"open_timeout_s": 30, "read_timeout_s": 30}


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the played camera does and what was done to it."""
    shutil.copy(PLAYED, tmp_path / "picamera2.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    import picamera2

    yield picamera2.state
    # Not by monkeypatch, which would put it back for every later test.
    del sys.modules["picamera2"]


def test_its_frames_are_bgr_with_the_sensors_time_of_capture(played: dict[str, Any]) -> None:
    with open_source("picamera:?size=64x48&fps=100", **PATIENT) as source:
        before_ns = time.monotonic_ns()
        first, second = next(iter(source)), next(iter(source))
    assert first.pixels.shape == (48, 64, 3)
    assert first.pixels[0, 0].tolist() == [50, 100, 200]
    assert first.source == "picamera:?size=64x48&fps=100"
    assert before_ns - 10_000_000_000 < first.capture_monotonic_ns < second.capture_monotonic_ns
    assert abs((time.time_ns() - first.capture_time_ns) / 1e9) < 30
    assert played["opened"] == [0]
    assert played["closed"] == 1
    assert played["released"] >= 2


@pytest.mark.parametrize("name", ["RGB888", "BGR888", "XRGB8888", "XBGR8888"])
@pytest.mark.usefixtures("played")
def test_each_format_becomes_the_same_bgr(name: str) -> None:
    with open_source(f"picamera:0?size=64x48&fps=100&format={name}", **PATIENT) as source:
        frame = next(iter(source))
    assert frame.pixels[5, 7].tolist() == [50, 100, 200]
    assert frame.pixels.flags.c_contiguous


@pytest.mark.usefixtures("played")
def test_a_size_that_the_camera_lacks_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING),
        open_source("picamera:?size=2592x1944&fps=100", **PATIENT) as source,
    ):
        assert next(iter(source)).pixels.shape == (1080, 1920, 3)
    assert "picamera:?size=2592x1944&fps=100: the camera gives 1920 x 1080 instead" in caplog.text


@pytest.mark.usefixtures("played")
def test_a_number_that_no_camera_has_is_refused() -> None:
    with pytest.raises(DeviceError, match="picamera:3: there is no camera 3; check the ribbon"):
        open_source("picamera:3", **PATIENT)


def test_a_camera_in_use_is_refused_with_the_reason(played: dict[str, Any]) -> None:
    played["is_busy"] = True
    with pytest.raises(DeviceError, match=r"cannot be opened \(Failed to acquire.*busy\); check"):
        open_source("picamera:", **PATIENT)


def test_a_camera_that_falls_silent_meets_the_deadline_and_is_closed(
    played: dict[str, Any],
) -> None:
    with open_source("picamera:?size=64x48&fps=100", read_timeout_s=0.4) as source:
        next(iter(source))
        played["is_silent"] = True
        with pytest.raises(DeviceTimeoutError, match=r"picamera:.*gave no frame for 0\.4 s"):
            for _ in source:
                pass
    end_s = time.monotonic() + 20
    while played["closed"] == 0:
        assert time.monotonic() < end_s
        time.sleep(0.005)
    assert played["flushed"] == 1


def test_a_buffer_that_is_no_whole_picture_is_a_torn_frame(played: dict[str, Any]) -> None:
    played["broken_arrays"] = 1
    with open_source("picamera:?size=64x48&fps=20", **PATIENT) as source:
        frames = [next(iter(source)) for _ in range(2)]
    assert [frame.fault for frame in frames] == ["torn", ""]
    assert "cannot reshape" in frames[0].fault_detail


def test_without_picamera2_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(DeviceError, match=r"apt install python3-picamera2.*system-site"):
        open_source("picamera:")
