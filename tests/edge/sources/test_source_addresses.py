"""The addresses of sources: their kinds, their places and their options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.sources.address import (
    Size,
    one_of,
    parse_address,
    parse_count,
    parse_fps,
    parse_seconds,
    parse_size,
    parse_text,
)
from edge.sources.base import has_source_prefix, is_stream_address, open_source
from edge.sources.camera import parse_camera
from edge.sources.v4l2_mode import CameraMode

PARSERS = {
    "format": one_of("MJPG", "YUYV"),
    "size": parse_size,
    "fps": parse_fps,
    "settle": parse_seconds,
    "hold": parse_count,
    "faults": parse_text,
}
KINDS = ("camera", "picamera", "csi", "sequence", "watch", "fake")


@pytest.mark.parametrize(
    "text",
    [
        "camera:0?format=MJPG&size=1280x720",
        "picamera:",
        "csi:0",
        "sequence:folder",
        "watch:folder",
        "fake:pattern",
        "frames/%05d.png",
        "%d.JPG",
        "frames/film_%d_left.tif",
        "fake:pattern?faults=a.mp4",
    ],
)
def test_each_kind_of_source_is_a_stream_address(text: str) -> None:
    assert is_stream_address(text)


@pytest.mark.parametrize(
    "text",
    ["./camera:0", "CAMERA:0", "cameras:0", "100%.png", "%s.png", "%d", "%d/a.png", "%d_%d.png"],
)
def test_what_only_looks_like_one_is_a_file_name(text: str) -> None:
    assert not is_stream_address(text)
    assert not has_source_prefix(text)


def test_a_video_file_is_a_stream_but_its_name_has_no_prefix() -> None:
    assert is_stream_address("clip?.mp4")
    assert not has_source_prefix("clip?.mp4")
    assert has_source_prefix("camera:0?size=64x48")
    assert has_source_prefix("RTSP://host/a?b")


def test_the_options_of_a_camera_are_its_format_size_and_rate() -> None:
    _, mode = parse_camera("camera:/dev/video0?format=MJPG&size=1280x720&fps=29.97")
    assert mode == CameraMode("MJPG", Size(1280, 720), 29.97)
    assert parse_camera("camera:0?format=Y16")[1] == CameraMode("Y16 ")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("siez=1x1", r"'siez' is no option of camera: \(there are: format, size, fps\)"),
        ("", r"'' is no option"),
        ("size", r"size is '' and must be WIDTHxHEIGHT"),
        ("size=0x0", r"size is '0x0' and must be"),
        ("size=640", r"size is '640'"),
        ("size=640x480x3", r"size is"),
        ("size=16384x16384", r"at most 50000000 pixels"),
        ("size=\u0661x\u0661", r"size is"),
        ("fps=0", r"fps is '0' and must be a number from 1 to 240"),
        ("fps=nan", r"fps is 'nan'"),
        ("fps=-5", r"fps is '-5'"),
        ("fps=1e2", r"fps is '1e2'"),
        ("format=mjpg", r"format is 'mjpg' and must be a four-character code"),
        ("format=MJPEG", r"format is 'MJPEG'"),
        ("fps=30&fps=30", r"fps is given twice"),
        ("fps=x&size=y", r"fps is 'x'.*; size is 'y'"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(query: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        open_source(f"camera:0?{query}")


@given(kind=st.sampled_from(KINDS), rest=st.text())
def test_any_text_is_an_address_or_a_usage_error_on_one_line(kind: str, rest: str) -> None:
    try:
        place, options = parse_address(f"{kind}:{rest}", kind, PARSERS)
    except UsageError as error:
        message = str(error)
        assert message.isprintable()
    else:
        assert rest.startswith(place)
        assert set(options) <= set(PARSERS)


@given(
    place=st.text(st.characters(exclude_characters="?")),
    width=st.integers(2, 7000),
    height=st.integers(2, 7000),
    fps=st.integers(1, 240),
    hold=st.integers(1, 1_000_000),
)
def test_what_is_written_comes_back(
    place: str, width: int, height: int, fps: int, hold: int
) -> None:
    text = f"fake:{place}?hold={hold}&size={width}x{height}&fps={fps}"
    assert parse_address(text, "fake", PARSERS) == (
        place,
        {"hold": hold, "size": Size(width, height), "fps": float(fps)},
    )


def test_the_options_begin_at_the_last_question_mark() -> None:
    text = "watch:what? a=folder?settle=0.5"
    assert parse_address(text, "watch", PARSERS) == ("what? a=folder", {"settle": 0.5})


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("picamera:first", "write picamera: or picamera:1"),
        ("picamera:?format=YUV420", "must be one of RGB888"),
        ("picamera:?size=641x480", "must have even sides"),
        ("csi:", "write csi:0"),
        ("csi:a", "write csi:0"),
        ("csi:0?format=NV12&size=644x480", "a width that 8 divides"),
        ("watch:", "write watch:FOLDER"),
        ("watch:?settle=1", "write watch:FOLDER"),
        ("sequence:", "write sequence:FOLDER"),
        ("sequence:a?hold=2", "no option of sequence:"),
        ("fake:", "write fake:pattern"),
        ("fake:clip.avi?size=64x48", "leave the size out"),
        ("fake:pattern?faults=", "faults is '' and must be not empty"),
        ("fake:pattern?hold=0", "a whole number from 1"),
    ],
)
def test_each_kind_says_how_its_address_is_written(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_source(address)
