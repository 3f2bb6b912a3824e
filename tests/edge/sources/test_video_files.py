"""Video files: every frame in order, and what is no video is refused before OpenCV sees it."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import (
    DecodeError,
    DeviceTimeoutError,
    InputNotFoundError,
    InputTooLargeError,
    UnsupportedInputError,
)
from edge.sources.base import open_source

COUNT = 12
STEP = 20
WAIT_S = 20


def picture(index: int) -> np.ndarray:
    """A grey that says which frame it is, whatever the codec does to it."""
    return np.full((48, 64, 3), index * STEP, np.uint8)


def frame_numbers(path: Path | str) -> list[int]:
    with open_source(str(path)) as source:
        return [round(float(frame.pixels.mean()) / STEP) for frame in source]


def write_video(
    path: Path,
    codec: str,
    frames: Iterator[np.ndarray] | None = None,
    rate: float = 10,
) -> Path:
    shape = (64, 48)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), rate, shape)
    if not writer.isOpened():
        pytest.skip(f"this OpenCV cannot write {codec}")
    for pixels in frames or map(picture, range(COUNT)):
        writer.write(pixels)
    writer.release()
    return path


def write_jpegs(path: Path, before_each: Callable[[bytes], bytes] = lambda _: b"") -> Path:
    jpegs = [cv2.imencode(".jpg", picture(index))[1].tobytes() for index in range(COUNT)]
    path.write_bytes(b"".join(before_each(jpeg) + jpeg for jpeg in jpegs))
    return path


@pytest.fixture
def avi(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.avi", "MJPG")


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in capture_threads():
        thread.join(WAIT_S)
        assert not thread.is_alive()


def capture_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("capture ")]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.avi", "MJPG"),
        ("CLIP.AVI", "MJPG"),
        ("clip.mkv", "MJPG"),
        ("clip.mov", "mp4v"),
        ("clip.mp4", "mp4v"),
        ("clip.mp4", "avc1"),
        ("clip.webm", "VP90"),
    ],
)
def test_a_video_file_gives_every_frame_in_order(tmp_path: Path, name: str, codec: str) -> None:
    path = write_video(tmp_path / name, codec)
    assert frame_numbers(path) == list(range(COUNT))


def test_jpeg_pictures_one_after_another_are_a_video(tmp_path: Path) -> None:
    assert frame_numbers(write_jpegs(tmp_path / "clip.mjpg")) == list(range(COUNT))


def test_a_saved_mjpeg_stream_is_a_video(tmp_path: Path) -> None:
    def part(jpeg: bytes) -> bytes:
        header = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        return b"\r\n" + header.encode()

    assert frame_numbers(write_jpegs(tmp_path / "clip.mjpeg", part)) == list(range(COUNT))


def test_a_frame_says_what_it_is_and_where_it_came_from(avi: Path) -> None:
    before_ns = time.time_ns()
    with open_source(str(avi)) as source:
        frames = list(source)
    after_ns = time.time_ns()
    assert [frame.index for frame in frames] == list(range(COUNT))
    assert {frame.source for frame in frames} == {str(avi)}
    assert {frame.colour for frame in frames} == {"bgr"}
    assert {(frame.pixels.shape, frame.pixels.dtype) for frame in frames} == {
        ((48, 64, 3), np.dtype(np.uint8)),
    }
    times = [frame.capture_time_ns for frame in frames]
    assert times == sorted(times)
    assert before_ns <= times[0]
    assert times[-1] <= after_ns
    assert all(frame.capture_ns > 0 for frame in frames)


def test_a_slow_consumer_of_a_file_misses_nothing(avi: Path) -> None:
    with open_source(str(avi), read_timeout_s=30) as source:
        indices = []
        for frame in source:
            time.sleep(0.02)
            indices.append(frame.index)
    assert indices == list(range(COUNT))
    assert source.dropped == 0


def test_each_frame_owns_its_pixels(avi: Path) -> None:
    with open_source(str(avi)) as source:
        first, *others = source
    before = [frame.pixels.copy() for frame in others]
    first.pixels[:] = 255
    assert not any(np.shares_memory(first.pixels, frame.pixels) for frame in others)
    for frame, pixels in zip(others, before, strict=True):
        np.testing.assert_array_equal(frame.pixels, pixels)


def test_bgr_means_blue_first(tmp_path: Path) -> None:
    blue = np.zeros((48, 64, 3), np.uint8)
    blue[:, :, 0] = 255
    path = write_video(tmp_path / "blue.avi", "MJPG", iter([blue] * 3))
    with open_source(str(path)) as source:
        pixel = next(iter(source)).pixels[24, 32]
    assert pixel[0] > 200
    assert pixel[2] < 50


def test_closing_early_ends_the_thread_and_the_iteration(avi: Path) -> None:
    source = open_source(str(avi))
    frames = iter(source)
    next(frames)
    assert capture_threads()
    source.close()
    source.close()
    assert capture_threads() == []
    assert list(frames) == []


def test_the_end_of_a_file_ends_the_thread(avi: Path) -> None:
    source = open_source(str(avi))
    assert len(list(source)) == COUNT
    assert capture_threads() == []


def test_a_percent_sign_in_a_name_is_no_pattern(tmp_path: Path) -> None:
    write_video(tmp_path / "clip000.avi", "MJPG")
    with pytest.raises(InputNotFoundError, match=r"clip%03d\.avi: No such file"):
        open_source(str(tmp_path / "clip%03d.avi"))
    literal = write_video(
        tmp_path / "clip%03d.avi",
        "MJPG",
        iter([picture(index) for index in (5, 4, 3)]),
    )
    assert frame_numbers(literal) == [5, 4, 3]


def test_jpegs_are_no_numbered_pictures(tmp_path: Path) -> None:
    for index in range(3):
        write_jpegs(tmp_path / f"clip{index}.mjpg")
    with pytest.raises(InputNotFoundError, match="No such file"):
        open_source(str(tmp_path / "clip%d.mjpg"))


@pytest.mark.parametrize("name", ["concat:a|b.avi", "http:x.avi", "-clip.avi", "pipe:.avi"])
def test_a_name_that_ffmpeg_takes_for_an_address_is_a_file_name(
    avi: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(avi.parent)
    avi.rename(name)
    assert frame_numbers(name) == list(range(COUNT))


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="No such file or directory; check the path"):
        open_source(str(tmp_path / "missing.mp4"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "films.mp4").mkdir()
    with pytest.raises(InputNotFoundError, match="is not a file"):
        open_source(str(tmp_path / "films.mp4"))


def test_a_name_with_a_nul_is_not_found() -> None:
    with pytest.raises(InputNotFoundError) as caught:
        open_source("a\0b.mp4")
    assert str(caught.value).isprintable()


def test_an_unreadable_file_is_not_found(avi: Path) -> None:
    avi.chmod(0)
    if os.access(avi, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(InputNotFoundError, match=r"cannot be read \(Permission denied\)"):
        open_source(str(avi))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.avi").touch()
    with pytest.raises(DecodeError, match=r"is empty \(0 bytes\)"):
        open_source(str(tmp_path / "empty.avi"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"not a video at all", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n0000", id="image"),
        pytest.param(b"#EXTM3U\n#EXTINF:3,\n/etc/passwd\n", id="playlist"),
        pytest.param(b"ffconcat version 1.0\nfile x.avi\n", id="list of files"),
        pytest.param(b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", id="session description"),
    ],
)
def test_what_is_no_video_is_refused_by_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(UnsupportedInputError, match="which no AVI, MP4"):
        open_source(str(path))


def test_a_name_that_is_not_utf8_is_refused_on_one_printable_line(avi: Path) -> None:
    """OpenCV would crash the process."""
    name = os.fsencode(avi.parent) + b"/clip\xff\n.avi"
    os.rename(os.fsencode(avi), name)  # noqa: PTH104 - Path cannot hold bytes
    with pytest.raises(UnsupportedInputError, match="its name is not UTF-8") as caught:
        open_source(os.fsdecode(name))
    assert str(caught.value).isprintable()


def test_a_message_about_a_name_with_a_line_break_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError) as caught:
        open_source(str(tmp_path / "two\nlines.avi"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("clip.avi", "MJPG"), ("clip.mp4", "mp4v"), ("clip.mkv", "MJPG")],
)
def test_a_file_cut_off_before_its_first_frame_cannot_be_decoded(
    tmp_path: Path,
    name: str,
    codec: str,
) -> None:
    path = write_video(tmp_path / name, codec)
    path.write_bytes(path.read_bytes()[:300])
    with (
        pytest.raises(DecodeError, match="damaged or of an unknown codec"),
        open_source(
            str(path),
        ) as source,
    ):
        list(source)


def test_a_file_whose_frames_are_all_damaged_cannot_be_decoded(avi: Path) -> None:
    content = bytearray(avi.read_bytes())
    start = content.index(b"movi")
    content[start + 4 :] = bytes(len(content) - start - 4)
    avi.write_bytes(content)
    with pytest.raises(DecodeError), open_source(str(avi)) as source:
        list(source)


def frames_before_the_fault(path: Path, match: str) -> list[np.ndarray]:
    """The frames that came before the one error, which is one line and ends the iteration."""
    given: list[np.ndarray] = []
    with open_source(str(path)) as source:
        frames = iter(source)
        with pytest.raises(DecodeError, match=match) as caught:
            given.extend(frame.pixels for frame in frames)
        assert list(frames) == []
    assert "\n" not in str(caught.value)
    return given


def avi_chunks(content: bytes) -> list[int]:
    start = content.index(b"movi")
    return [at for at in range(start, len(content)) if content.startswith(b"00dc", at)][:COUNT]


def noise(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.mark.parametrize("codec", ["MJPG", "mp4v"])
@pytest.mark.parametrize("beyond_bytes", [0, 60])
def test_an_avi_cut_off_gives_the_frames_that_are_certainly_whole_and_says_so(
    tmp_path: Path,
    codec: str,
    beyond_bytes: int,
) -> None:
    """FFMPEG decodes the half frame before the cut, and makes up the rest of it."""
    path = write_video(tmp_path / "clip.avi", codec, map(noise, range(COUNT)))
    with open_source(str(path)) as source:
        whole = [frame.pixels for frame in source]
    assert len(whole) == COUNT
    content = path.read_bytes()
    path.write_bytes(content[: avi_chunks(content)[7] + beyond_bytes])
    given = frames_before_the_fault(path, r"ends after [78] of 12 frames; .*copy the file again")
    assert len(given) in (6, 7)
    for pixels, expected in zip(given, whole, strict=False):
        np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(("name", "codec"), [("clip.mkv", "MJPG"), ("clip.webm", "VP90")])
def test_a_matroska_file_cut_off_says_so_and_keeps_the_last_frame_back(
    tmp_path: Path,
    name: str,
    codec: str,
) -> None:
    path = write_video(tmp_path / name, codec, map(noise, range(COUNT)))
    with open_source(str(path)) as source:
        whole = [frame.pixels for frame in source]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    given = frames_before_the_fault(path, r"frames and is not whole \(it has \d+ bytes and says")
    assert 0 < len(given) < COUNT
    for pixels, expected in zip(given, whole, strict=False):
        np.testing.assert_array_equal(pixels, expected)


def test_an_mp4_cut_off_behind_its_index_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", "MJPG", map(noise, range(COUNT)))
    path.write_bytes(with_index_first(path.read_bytes()))
    with open_source(str(path)) as source:
        assert len(list(source)) == COUNT
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    given = frames_before_the_fault(path, r"frames and is not whole|cut short")
    assert 0 < len(given) < COUNT


def with_index_first(content: bytes) -> bytes:
    """The MP4 as it is prepared for streaming: its moov box before its mdat box."""
    at = content.rindex(b"moov") - 4
    size = int.from_bytes(content[at : at + 4], "big")
    moov = bytearray(content[at : at + size])
    data_at = content.index(b"mdat") - 4
    offsets = moov.index(b"stco") + 8
    for entry in range(int.from_bytes(moov[offsets : offsets + 4], "big")):
        place = slice(offsets + 4 + 4 * entry, offsets + 8 + 4 * entry)
        moov[place] = (int.from_bytes(moov[place], "big") + size).to_bytes(4, "big")
    return content[:data_at] + bytes(moov) + content[data_at:at] + content[at + size :]


def test_a_jpeg_frame_that_lacks_its_end_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    jpegs = [cv2.imencode(".jpg", noise(index))[1].tobytes() for index in range(COUNT)]
    path = tmp_path / "clip.mjpg"
    path.write_bytes(b"".join([*jpegs[:5], jpegs[5][:-400]]))
    given = frames_before_the_fault(path, r"clip\.mjpg: frame 5: the JPEG is cut short")
    assert len(given) == 5


def test_a_grey_jpeg_video_gives_colour_frames(tmp_path: Path) -> None:
    grey = cv2.imencode(".jpg", np.full((48, 64), 100, np.uint8))[1].tobytes()
    path = tmp_path / "grey.mjpg"
    path.write_bytes(grey * 5)
    with open_source(str(path)) as source:
        assert [frame.pixels.shape for frame in source] == [(48, 64, 3)] * 5


@pytest.mark.parametrize("count", [1, 2, 100])
@pytest.mark.parametrize("rate", [7.3, 29.97])
@pytest.mark.parametrize(
    ("name", "codec"),
    [("clip.avi", "MJPG"), ("clip.avi", "mp4v"), ("clip.mp4", "mp4v"), ("clip.mkv", "MJPG")],
)
def test_a_whole_file_of_any_length_and_rate_ends_normally(
    tmp_path: Path,
    name: str,
    codec: str,
    count: int,
    rate: float,
) -> None:
    path = write_video(tmp_path / name, codec, map(noise, range(count)), rate)
    with open_source(str(path)) as source:
        assert [frame.index for frame in source] == list(range(count))


def test_frames_over_the_size_limit_are_refused(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((7_072, 7_072), np.uint8))[1].tobytes()
    path = tmp_path / "huge.mjpg"
    path.write_bytes(jpeg * 2)
    with pytest.raises(InputTooLargeError, match="7072 x 7072, over the limit of 50000000"):
        open_source(str(path))


def test_a_silent_pipe_meets_the_deadline_and_holds_up_nobody_else(avi: Path) -> None:
    """OpenCV hangs in it whatever it is told; the thread ends when the pipe speaks or closes."""
    pipe = avi.with_name("pipe.mjpg")
    os.mkfifo(pipe)
    with pytest.raises(DeviceTimeoutError, match=r"pipe\.mjpg: did not open within 0\.3 s"):
        open_source(str(pipe), open_timeout_s=0.3)
    assert capture_threads(), "the thread is still inside OpenCV"
    assert frame_numbers(avi) == list(range(COUNT))
    pipe.open("wb").close()


def test_a_pipe_that_speaks_is_a_video(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mjpg"
    os.mkfifo(pipe)
    jpegs = write_jpegs(tmp_path / "clip.mjpg").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(jpegs,))
    writer.start()
    assert frame_numbers(pipe) == list(range(COUNT))
    writer.join(WAIT_S)
