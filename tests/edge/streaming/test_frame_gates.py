"""Frames that must not be answered, and true pictures that must."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scripted_stream import noise

from edge.errors import UsageError
from edge.frame import Frame
from edge.streaming.frame_gates import FrameGates, GateLimits, find_stale
from edge.streaming.frame_seams import SeamWatch
from edge.streaming.pixel_signs import count_filled_rows, find_share_within
from edge.streaming.repeated_frames import RepeatWatch, is_same_picture

SECOND = 1_000_000_000
FRAME_NS = SECOND // 30
PICTURES = ("cxr-kermany", "cxr-nih", "fundus-dr", "brain-mri", "skin-ham10000")
OFF = GateLimits(0, 0, 0, 0, 0, 0, 0)


def gates_of(
    pictures: Iterable[NDArray],
    *,
    limits: GateLimits | None = OFF,
    source: str = "camera:0",
    interval_ns: int = FRAME_NS,
    is_live: bool = True,
) -> list[str]:
    """Which gate refuses each picture of a stream, "" for none."""
    gates = FrameGates(limits)
    found = []
    for index, pixels in enumerate(pictures):
        at_ns = (index + 1) * interval_ns
        frame = Frame(pixels, "bgr", source, index, capture_monotonic_ns=at_ns)
        refusal = gates.check(frame, at_ns, is_live=is_live)
        found.append(refusal.gate if refusal else "")
    return found


def only(**limits: float) -> GateLimits:
    return OFF.changed(limits)


def level(value: float, *, spread: float = 0, seed: int = 0) -> NDArray[np.uint8]:
    pixels = np.random.default_rng(seed).normal(value, spread, (48, 64, 3))
    return np.clip(pixels, 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("spread", [0, 3])
def test_a_covered_lens_is_black_for_all_its_noise(spread: float) -> None:
    assert gates_of([level(8, spread=spread)], limits=GateLimits()) == ["black"]
    with_hot_pixels = level(8, spread=spread)
    with_hot_pixels[5, 5:9] = 255
    assert gates_of([with_hot_pixels], limits=GateLimits()) == ["black"]


def test_a_dark_picture_with_something_lit_in_it_is_not_black() -> None:
    lit = level(5, spread=2)
    lit[10:20, 10:30] = 90
    assert gates_of([lit], limits=GateLimits()) == [""]
    assert gates_of([level(8)], limits=only(saturated_fraction=0.75)) == [""]


def test_an_overexposed_picture_is_saturated_and_a_film_with_white_borders_is_not() -> None:
    white = level(255, spread=2)
    assert gates_of([white], limits=only(saturated_fraction=0.75)) == ["saturated"]
    half = noise()
    half[:, :32] = 255
    assert gates_of([half], limits=GateLimits()) == [""]
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 2] = 255
    red[::2, ::2, 1] = 90
    assert gates_of([red], limits=GateLimits()) == [""]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_levels_mean_the_same_at_any_depth(dtype: str, channels: int) -> None:
    full = {"uint8": 255, "uint16": 65535, "float32": 1.0}[dtype]
    for share in (0.02, 0.5, 1.0):
        pixels = np.full((48, 64, channels), share * full).astype(dtype)
        assert find_share_within(pixels, 0, share * 255 - 2) == 0
        assert find_share_within(pixels, share * 255 - 2, 255) == 1
    gates = gates_of(
        [np.zeros((48, 64, channels), dtype), np.full((48, 64, channels), full, dtype)],
        limits=GateLimits(),
    )
    assert gates == ["black", "saturated"]


def test_the_same_picture_is_frozen_past_the_limit_and_answered_again_once_it_moves() -> None:
    still = noise(1)
    pictures = [still.copy() for _ in range(100)] + [noise(2), noise(3)]
    gates = gates_of(pictures, limits=GateLimits())
    assert gates == [""] * 61 + ["frozen"] * 39 + ["", ""]


def test_a_network_stream_may_repeat_a_picture_for_longer() -> None:
    still = noise(1)
    gates = gates_of([still] * 200, limits=GateLimits(), source="rtsp://cam/stream")
    assert gates == [""] * 151 + ["frozen"] * 49


def test_a_covered_lens_does_not_start_the_clock_of_a_frozen_picture_anew() -> None:
    still = noise(1)
    pictures = [still] * 10 + [level(5)] * 70 + [still] * 2 + [noise(2)]
    gates = gates_of(pictures, limits=GateLimits())
    assert gates == [""] * 10 + ["black"] * 70 + ["frozen"] * 2 + [""]


def test_one_pixel_that_changes_by_one_level_is_another_picture() -> None:
    changed = noise(1)
    changed[30, 17, 1] ^= 1
    watch = RepeatWatch()
    assert watch.find_unchanged_ns(noise(1), 100) == 0
    assert watch.find_unchanged_ns(noise(1), 300) == 200
    assert watch.find_unchanged_ns(changed, 400) == 0


PIXELS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 200), st.integers(1, 4), st.just(3)))


@given(one=PIXELS, where=st.integers(0), by=st.integers(1, 255))
def test_pictures_are_the_same_exactly_where_every_level_is(
    one: NDArray[np.uint8], where: int, by: int
) -> None:
    other = one.copy()
    assert is_same_picture(one, other)
    other.reshape(-1)[where % one.size] ^= by
    assert not is_same_picture(one, other)
    assert not is_same_picture(one, one[:, :, :1])


def test_a_frame_that_is_too_old_or_dated_ahead_is_stale() -> None:
    limits = GateLimits(stale_s=2)
    frame = Frame(noise(), "bgr", capture_monotonic_ns=10 * SECOND)
    assert find_stale(frame, limits, 12 * SECOND) is None
    assert "2.5 s old, over the limit of 2" in str(
        find_stale(frame, limits, 12 * SECOND + SECOND // 2)
    )
    assert "dated 3.0 s ahead, over the limit of 2" in str(find_stale(frame, limits, 7 * SECOND))
    assert find_stale(frame, only(frozen_s=2), 99 * SECOND) is None
    assert find_stale(Frame(noise(), "bgr"), limits, 99 * SECOND) is None


@pytest.mark.parametrize(("index", "at_ns"), [(5, 11), (4, 11), (6, 9)])
def test_a_frame_that_goes_back_in_order_or_time_is_stale(index: int, at_ns: int) -> None:
    gates = FrameGates(GateLimits())
    first = Frame(noise(1), "bgr", "camera:0", 5, capture_monotonic_ns=10)
    back = Frame(noise(2), "bgr", "camera:0", index, capture_monotonic_ns=at_ns)
    assert gates.check(first, 10) is None
    refusal = gates.check(back, 11)
    assert refusal is not None
    assert refusal.gate == "stale"
    gates.restart()
    assert gates.check(back, 11) is None


def test_a_limit_itself_is_reached_by_a_share_and_not_by_an_age() -> None:
    quarter = noise(1)
    quarter[:, :48] = 255
    assert gates_of([quarter], limits=only(saturated_fraction=0.75)) == ["saturated"]
    lit = level(0)
    lit.reshape(-1, 3)[:31] = 90  # of 3072, just over a hundredth
    assert gates_of([lit], limits=only(black_level=24)) == [""]
    lit.reshape(-1, 3)[30] = 0
    assert gates_of([lit], limits=only(black_level=24)) == ["black"]
    still = noise(1)
    second_by_second = gates_of([still] * 4, limits=only(frozen_s=2), interval_ns=SECOND)
    assert second_by_second == ["", "", "", "frozen"]


def test_a_frame_without_a_time_does_not_hide_that_the_next_one_goes_back() -> None:
    gates = FrameGates(GateLimits())
    times = (20, 0, 10, 30)
    found = [
        gates.check(Frame(noise(at), "bgr", "camera:0", at, capture_monotonic_ns=each), 30)
        for at, each in enumerate(times)
    ]
    assert [each and each.gate for each in found] == [None, None, "stale", None]


def test_one_frame_dated_far_ahead_does_not_make_those_after_it_old() -> None:
    gates = FrameGates(GateLimits())
    ahead = Frame(noise(1), "bgr", "camera:0", 0, capture_monotonic_ns=10**15)
    after = Frame(noise(2), "bgr", "camera:0", 1, capture_monotonic_ns=20)
    refusal = gates.check(ahead, 10)
    assert refusal is not None
    assert refusal.gate == "stale"
    assert gates.check(after, 30) is None


def test_the_time_of_a_file_says_nothing_but_its_pixels_do() -> None:
    still = noise(1)
    assert gates_of([still] * 300, limits=GateLimits(), is_live=False) == [""] * 300
    assert gates_of([level(2)], limits=GateLimits(), is_live=False) == ["black"]


@pytest.mark.parametrize("rows", [8, 100, 224])
def test_a_film_of_which_a_decoder_made_up_the_last_rows_is_torn(
    sample_films: list[Path], rows: int
) -> None:
    """Middle grey is what libjpeg gives for the blocks that a cut JPEG lacks."""
    film = cv2.imread(str(sample_films[0]))
    film[224 - rows :] = 128
    assert gates_of([film], limits=GateLimits()) == ["torn"]


@pytest.mark.parametrize("rows", [8, 100, 480])
def test_a_yuv_buffer_that_was_filled_in_part_is_torn(rows: int) -> None:
    luma_chroma = np.random.default_rng(0).integers(16, 235, (480, 640, 2), dtype=np.uint8)
    luma_chroma[480 - rows :] = 0
    pixels = cv2.cvtColor(luma_chroma, cv2.COLOR_YUV2BGR_YUYV)
    assert gates_of([pixels], limits=GateLimits()) == ["torn"]


@given(rows=st.integers(0, 40), above=st.integers(0, 255))
def test_filled_rows_are_counted_from_the_bottom(rows: int, above: int) -> None:
    pixels = noise(3)
    pixels[: 48 - rows] = np.where(pixels[: 48 - rows] == 128, 127, pixels[: 48 - rows])
    pixels[48 - rows :] = 128
    assert count_filled_rows(pixels) == rows
    # Black and white rows are true borders.
    pixels[48 - rows :] = above
    assert count_filled_rows(pixels) == (rows if above == 128 else 0)


def sensor(count: int, *, static: slice | None = None) -> Iterator[NDArray[np.uint8]]:
    """Frames of a still scene from a sensor with noise; the rows of `static` never change."""
    scene = cv2.GaussianBlur(noise(0, height=160, width=64), (0, 0), 5).astype(np.int16)
    rng = np.random.default_rng(1)
    for _ in range(count):
        frame = np.clip(scene + rng.normal(0, 3, scene.shape), 0, 255).astype(np.uint8)
        if static is not None:
            frame[static] = noise(7, height=160, width=64)[static]
        yield frame


@pytest.mark.parametrize("buffers", [1, 4, 8])
@pytest.mark.parametrize("seam", [1, 80, 149])
def test_a_frame_that_ends_in_the_rows_of_an_earlier_one_is_torn(buffers: int, seam: int) -> None:
    pictures = list(sensor(100))
    for at in (70, 71, 90):
        pictures[at] = np.concatenate((pictures[at][:seam], pictures[at - buffers][seam:]))
    gates = gates_of(pictures, limits=only(seam_frames=60))
    assert [at for at, gate in enumerate(gates) if gate] == [70, 71, 90]
    assert gates[70] == "torn"
    network = gates_of(pictures, limits=only(seam_frames=60), source="http://cam/mjpeg")
    assert network == [""] * 100


@pytest.mark.parametrize("static", [slice(100, 160), slice(159, 160), slice(0, 160)])
def test_what_never_showed_noise_at_its_end_is_not_called_torn(static: slice) -> None:
    """A tool bar, a test pattern, a screen."""
    assert not any(gates_of(sensor(200, static=static), limits=only(seam_frames=60)))


def test_clipped_rows_and_whole_repetitions_are_not_called_torn() -> None:
    clipped = list(sensor(100))
    for frame in clipped[70:]:
        frame[120:] = 0
    assert not any(gates_of(clipped, limits=only(seam_frames=60)))
    twice = [frame for frame in sensor(100) for _ in range(2)]
    assert not any(gates_of(twice, limits=only(seam_frames=60)))


def test_a_camera_that_was_opened_anew_must_show_its_noise_again() -> None:
    watch = SeamWatch(20)
    pictures = list(sensor(30))
    assert not any(watch.has_seam(frame) for frame in pictures[:-1])
    torn = np.concatenate((pictures[-1][:80], pictures[-2][80:]))
    assert watch.has_seam(torn)
    assert not SeamWatch(20).has_seam(torn)


@given(
    pixels=hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])),
    ),
    count=st.integers(1, 3),
)
def test_pictures_of_any_shape_are_looked_at(pixels: NDArray, count: int) -> None:
    gates = FrameGates(GateLimits(seam_frames=1))
    for index in range(count):
        frame = Frame(pixels, "bgr", "camera:0", index, capture_monotonic_ns=index + 1)
        gates.check(frame, index + 1)


def test_one_black_pixel_with_a_fault_is_torn_whatever_the_limits() -> None:
    pixel = np.zeros((1, 1, 3), np.uint8)
    for limits in (None, OFF, GateLimits()):
        frame = Frame(pixel, "bgr", fault="torn", fault_detail="0 of 10 bytes")
        refusal = FrameGates(limits).check(frame, 1)
        assert refusal is not None
        assert (refusal.gate, refusal.reason) == (
            "torn",
            "only part of the frame came (0 of 10 bytes)",
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frozen_s", -1),
        ("stale_s", float("nan")),
        ("black_level", 256),
        ("saturated_fraction", 1.1),
    ],
)
def test_a_limit_out_of_its_range_is_wrong_use(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        GateLimits().changed({name: value})


def test_a_limit_that_there_is_not_is_wrong_use_and_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"colour.*frozen_s.*saturated_fraction"):
        GateLimits().changed({"colour": 1.0})


def as_camera(paths: Iterable[Path]) -> Iterator[NDArray[np.uint8]]:
    """Each picture that can be read, as a frame."""
    for path in paths:
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if pixels is not None:
            yield pixels


def test_true_films_pass_every_gate(sample_films: list[Path]) -> None:
    assert gates_of(as_camera(sample_films), limits=GateLimits()) == [""] * len(sample_films)


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("name", PICTURES)
def test_true_pictures_of_every_kind_pass_every_gate(shared_data: Path, name: str) -> None:
    paths = sorted(
        path
        for path in (shared_data / name).rglob("*")
        if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    )
    gates = gates_of(as_camera(paths[::5]), limits=GateLimits())
    assert len(gates) > 40
    assert not any(gates)
