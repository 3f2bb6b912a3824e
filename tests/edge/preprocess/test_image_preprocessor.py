"""Frames of any kind become exactly the tensor that the model takes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.bundle.manifest import ImageInput, Resize
from edge.errors import InputError, ModelMismatchError, UnsupportedInputError
from edge.frame import Frame
from edge.preprocess.image import ImagePreprocessor
from edge.preprocess.normalise import quantize_values
from edge.tensor_spec import TensorSpec

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
HEIGHT, WIDTH = 6, 10
LAYOUTS = ["NCHW", "NHWC"]

NOISE = np.random.default_rng(11).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
GREY = NOISE[:, :, :1]


def shape(layout: str, channels: int) -> tuple[int, int, int, int]:
    return (1, channels, HEIGHT, WIDTH) if layout == "NCHW" else (1, HEIGHT, WIDTH, channels)


def describe(colour: str = "rgb", layout: str = "NCHW", **fields: Any) -> ImageInput:
    channels = 1 if colour == "grey" else 3
    resize = {"width": WIDTH, "height": HEIGHT} | fields.pop("resize", {})
    return ImageInput(
        **{
            "name": "picture",
            "shape": shape(layout, channels),
            "layout": layout,
            "colour": colour,
            "resize": Resize(**resize),
            "mean": MEAN[:channels],
            "std": STD[:channels],
        }
        | fields
    )


def preprocessor(
    spec: ImageInput, target: TensorSpec | None = None, layout: str | None = None
) -> ImagePreprocessor:
    target = target or TensorSpec("picture", spec.shape, "float32")
    return ImagePreprocessor(spec, target, layout or spec.layout)


def planes_of(tensor: NDArray[Any], layout: str) -> NDArray[Any]:
    """Channels first, without the batch."""
    return tensor[0] if layout == "NCHW" else tensor[0].transpose(2, 0, 1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("model", ["rgb", "bgr"])
@pytest.mark.parametrize("given_as", ["rgb", "bgr"])
def test_colour_is_normalised_in_the_model_s_order(given_as: str, model: str, layout: str) -> None:
    spec = describe(model, layout)
    tensor = preprocessor(spec).prepare(Frame(NOISE, given_as))
    pixels = NOISE if given_as == model else NOISE[:, :, ::-1]
    expected = (pixels.astype(np.float32) - np.float32(MEAN)) / np.float32(STD)
    assert (tensor.shape, tensor.dtype) == (spec.shape, np.float32)
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(planes_of(tensor, layout), expected.transpose(2, 0, 1))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1.0, 1 / 255])
def test_grey_is_normalised(layout: str, scale: float) -> None:
    spec = describe("grey", layout, scale=scale, mean=(0.449,), std=(0.226,))
    tensor = preprocessor(spec)(Frame(GREY, "grey"))
    expected = (GREY * np.float32(scale) - np.float32(0.449)) / np.float32(0.226)
    np.testing.assert_array_equal(planes_of(tensor, layout)[0], expected[:, :, 0])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_grey_repeats_itself_for_a_colour_model(layout: str) -> None:
    tensor = preprocessor(describe("rgb", layout)).prepare(Frame(GREY, "grey"))
    threefold = Frame(np.repeat(GREY, 3, axis=2), "rgb")
    np.testing.assert_array_equal(tensor, preprocessor(describe("rgb", layout)).prepare(threefold))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_colour_becomes_grey_by_its_luma(colour: str, dtype: str) -> None:
    rgb = NOISE if colour == "rgb" else NOISE[:, :, ::-1]
    luma = rgb.astype(float) @ [0.299, 0.587, 0.114]
    pixels = {
        "uint8": NOISE,
        "uint16": NOISE.astype(np.uint16) * 257,
        "float32": (NOISE / 255).astype(np.float32),
    }[dtype]
    spec = describe("grey", mean=(0.0,), std=(1.0,))
    tensor = preprocessor(spec).prepare(Frame(pixels, colour))
    tolerance = 0.51 if dtype == "uint8" else 0.02
    assert np.abs(tensor[0, 0] - luma).max() <= tolerance


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (15, 33), (3, 4), (300, 200)])
@pytest.mark.parametrize("rule", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_deeper_frames_of_the_same_picture_give_nearly_the_same_tensor(
    colour: str, rule: str, size: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (*size, 3), np.uint8)
    spec = describe(colour, resize={"rule": rule, "pad_value": 77}, mean=(0.0,), std=(1.0,))
    shallow, deep, real = (
        preprocessor(spec).prepare(Frame(each, "rgb"))
        for each in (
            pixels,
            pixels.astype(np.uint16) * 257,
            (pixels / np.float32(255)).astype(np.float32),
        )
    )
    if size == (HEIGHT, WIDTH) and colour == "rgb":
        np.testing.assert_array_equal(shallow, deep)
        np.testing.assert_allclose(shallow, real, atol=1e-4)
    # OpenCV's weights for uint8 have 8 bits of fraction, and luma is rounded to levels.
    assert np.abs(shallow - deep).max() <= 3
    assert np.abs(deep - real).max() <= 0.05


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(2.0**-10, 0.5, width=32),
    zero_point=st.integers(-128, 127),
    signed=st.booleans(),
    mean=st.floats(-300, 300),
    std=st.floats(0.1, 300),
)
def test_a_quantized_tensor_is_the_float_one_quantized(
    layout: str, colour: str, depth: str, scale: float, zero_point: int, signed: bool,
    mean: float, std: float,
) -> None:  # fmt: skip
    """Tables and arithmetic agree to the last step, whatever the depth of the frame."""
    spec = describe(colour, "NCHW", mean=(mean,), std=(std,))
    dtype, zero = ("int8", zero_point) if signed else ("uint8", zero_point + 128)
    target = TensorSpec("picture", shape(layout, spec.shape[1]), dtype, scale, zero)
    pixels = NOISE
    if depth != "uint8":
        pixels = np.random.default_rng(2).integers(0, 65_536, NOISE.shape, np.uint16)
    if depth == "float32":
        pixels = (pixels / np.float32(65_535)).astype(np.float32)
    made = preprocessor(spec, target, layout)
    actual = made.prepare(Frame(pixels, "bgr"))
    assert (actual.shape, actual.dtype) == (target.shape, np.dtype(dtype))
    assert actual.flags.c_contiguous
    expected = quantize_values(made.canonical_tensor(Frame(pixels, "bgr")), scale, zero, dtype)
    np.testing.assert_array_equal(planes_of(actual, layout), expected[0])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_graph_that_normalises_gets_the_pixels_themselves(layout: str) -> None:
    spec = describe("rgb", layout, normalisation_in_graph=True)
    raw = TensorSpec("picture", spec.shape, "uint8")
    expected = NOISE.transpose(2, 0, 1)
    tensor = preprocessor(spec, raw).prepare(Frame(NOISE, "rgb"))
    np.testing.assert_array_equal(planes_of(tensor, layout), expected)
    as_float = preprocessor(spec).prepare(Frame(NOISE, "rgb"))
    np.testing.assert_array_equal(planes_of(as_float, layout), expected.astype(np.float32))


def test_a_deep_frame_is_rounded_for_a_graph_that_takes_bytes() -> None:
    spec = describe("grey", normalisation_in_graph=True)
    made = preprocessor(spec, TensorSpec("picture", spec.shape, "uint8"))
    deep = np.random.default_rng(1).integers(0, 65_536, (HEIGHT, WIDTH, 1), np.uint16)
    actual = made.prepare(Frame(deep, "grey"))[0, 0]
    np.testing.assert_array_equal(actual, np.rint(deep[:, :, 0] / 257))


@pytest.mark.parametrize("value", [0, 114, 255])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_padding_has_its_value_in_every_depth(depth: str, value: int) -> None:
    spec = describe(
        "grey", resize={"rule": "letterbox", "pad_value": value}, mean=(0.0,), std=(1.0,)
    )
    white = {"uint8": 255, "uint16": 65_535, "float32": 1.0}[depth]
    square = np.full((40, 40, 1), white, depth)
    tensor = preprocessor(spec).prepare(Frame(square, "grey"))[0, 0]
    np.testing.assert_allclose(tensor[:, :2], value, atol=1e-4)
    np.testing.assert_allclose(tensor[:, 2:8], 255, atol=1e-4)
    np.testing.assert_allclose(tensor[:, 8:], value, atol=1e-4)


def test_a_crop_resizes_only_what_it_shows() -> None:
    """What lies outside of the centre cannot bleed into it."""
    pixels = np.zeros((40, 100, 1), np.uint8)
    pixels[:, 30:70] = 200
    spec = describe("grey", resize={"rule": "crop", "crop_fraction": 0.6}, mean=(0.0,), std=(1.0,))
    tensor = preprocessor(spec).prepare(Frame(pixels, "grey"))
    assert (tensor == 200).all()


def test_an_artifact_may_have_another_layout_than_the_manifest() -> None:
    spec = describe("rgb", "NCHW")
    other = preprocessor(spec, TensorSpec("picture", shape("NHWC", 3), "float32"), "NHWC")
    frame = Frame(np.repeat(np.repeat(NOISE, 3, axis=0), 2, axis=1), "bgr")
    canonical = other.canonical_tensor(frame)
    assert canonical.shape == spec.shape
    np.testing.assert_array_equal(other.prepare(frame)[0].transpose(2, 0, 1), canonical[0])
    np.testing.assert_array_equal(canonical, preprocessor(spec).prepare(frame))


def test_the_digest_is_that_of_the_float_tensor() -> None:
    spec = describe("rgb")
    quantized = TensorSpec("picture", spec.shape, "int8", 0.02, 0)
    frame = Frame(NOISE, "rgb")
    expected = hashlib.sha256(preprocessor(spec).prepare(frame).astype("<f4").tobytes())
    for target in (None, quantized):
        assert preprocessor(spec, target).tensor_sha256(frame) == expected.hexdigest()


def test_the_caller_owns_every_tensor() -> None:
    made = preprocessor(describe("rgb"))
    first = made.prepare(Frame(NOISE, "rgb"))
    kept = first.copy()
    second = made.prepare(Frame(255 - NOISE, "rgb"))
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, NOISE)
    np.testing.assert_array_equal(first, kept)
    raw = describe("grey", normalisation_in_graph=True)
    bytes_ = preprocessor(raw, TensorSpec("picture", raw.shape, "uint8"))
    assert not np.shares_memory(bytes_.prepare(Frame(GREY, "grey")), NOISE)


def test_threads_do_not_disturb_each_other() -> None:
    made = preprocessor(describe("rgb"))
    rng = np.random.default_rng(3)
    frames = [
        Frame(rng.integers(0, 256, (*rng.integers(4, 90, 2), 3), np.uint8), "bgr")
        for _ in range(40)
    ]
    expected = [made.prepare(frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            for actual, wanted in zip(pool.map(made.prepare, frames), expected, strict=True):
                np.testing.assert_array_equal(actual, wanted)


def test_a_view_of_a_larger_array_is_read_as_it_looks() -> None:
    """Mirrored and cut-out arrays have odd strides, which OpenCV does not always take."""
    whole = np.random.default_rng(9).integers(0, 256, (40, 50, 3), np.uint8)
    for view in (whole[:, ::-1], whole[::-1, 5:30], whole[::2, ::2, ::-1], whole.swapaxes(0, 1)):
        for colour in ("grey", "rgb"):
            made = preprocessor(describe(colour))
            expected = made.prepare(Frame(np.ascontiguousarray(view), "bgr"))
            np.testing.assert_array_equal(made.prepare(Frame(view, "bgr")), expected)


@pytest.mark.parametrize("size", [(1, 30_000), (30_000, 1), (1, 1)])
@pytest.mark.parametrize("rule", ["stretch", "letterbox", "crop"])
def test_lines_and_points_fill_the_canvas(rule: str, size: tuple[int, int]) -> None:
    pixels = np.full((*size, 1), 9, np.uint8)
    spec = describe("grey", resize={"rule": rule, "pad_value": 9}, mean=(0.0,), std=(1.0,))
    assert (preprocessor(spec).prepare(Frame(pixels, "grey")) == 9).all()


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        pytest.param(Frame(NOISE, "grey"), "a grey frame of shape", id="three channels of grey"),
        pytest.param(Frame(GREY, "rgb"), "a rgb frame of shape", id="one channel of colour"),
        pytest.param(Frame(GREY[:, :, 0], "grey"), "shape", id="no channel axis"),
        pytest.param(Frame(NOISE.astype(np.int16), "rgb"), "int16", id="signed"),
        pytest.param(Frame(NOISE.astype(">u2"), "rgb"), ">u2", id="other byte order"),
        pytest.param(Frame(NOISE.astype(float), "rgb"), "float64", id="float64"),
        pytest.param(Frame(np.zeros((0, 5, 1), np.uint8), "grey"), "shape", id="empty"),
        pytest.param(Frame(NOISE.astype(np.float32), "rgb"), "0..1 and these lie in", id="levels"),
        pytest.param(Frame(np.full((4, 4, 1), np.nan, np.float32), "grey"), "nan", id="NaN"),
        pytest.param(Frame(np.full((4, 4, 1), np.inf, np.float32), "grey"), "inf", id="infinite"),
        pytest.param(Frame(np.full((4, 4, 1), -0.1, np.float32), "grey"), "-0.1", id="negative"),
    ],
)
def test_what_is_no_frame_is_refused_in_one_line(frame: Frame, words: str) -> None:
    for colour in ("grey", "rgb"):
        with pytest.raises(InputError, match=words) as caught:
            preprocessor(describe(colour)).prepare(frame)
        assert str(caught.value).isprintable()


def test_a_model_of_one_size_refuses_others() -> None:
    made = preprocessor(describe("grey", resize={"rule": "exact"}))
    assert made.prepare(Frame(GREY, "grey")).shape == shape("NCHW", 1)
    with pytest.raises(UnsupportedInputError, match="is 5 x 10 pixels"):
        made.prepare(Frame(np.zeros((10, 5, 1), np.uint8), "grey"))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        pytest.param(TensorSpec("x", shape("NHWC", 3), "float32"), "shape", id="layout"),
        pytest.param(TensorSpec("x", (1, 3, 6, 11), "float32"), "11", id="size"),
        pytest.param(TensorSpec("x", (2, 3, 6, 10), "float32"), "shape", id="batch"),
        pytest.param(TensorSpec("x", (1, 60), "float32"), "shape", id="flat"),
        pytest.param(TensorSpec("x", shape("NCHW", 3), "int8"), "no scale", id="int8, no scale"),
        pytest.param(TensorSpec("x", shape("NCHW", 3), "uint8"), "no scale", id="raw, unasked"),
        pytest.param(TensorSpec("x", shape("NCHW", 3), "float16"), "float16", id="float16"),
        pytest.param(TensorSpec("x", shape("NCHW", 3), "int16", 0.1), "int16", id="int16"),
    ],
)
def test_a_model_that_disagrees_with_its_manifest_is_refused(
    target: TensorSpec, words: str
) -> None:
    with pytest.raises(ModelMismatchError, match=words):
        preprocessor(describe("rgb"), target, "NCHW")


def test_a_model_may_leave_its_batch_open() -> None:
    open_batch = TensorSpec("x", (None, 3, HEIGHT, WIDTH), "float32")
    tensor = preprocessor(describe("rgb"), open_batch).prepare(Frame(NOISE, "rgb"))
    assert tensor.shape == (1, 3, HEIGHT, WIDTH)


def test_one_mean_serves_all_channels_and_two_serve_none() -> None:
    one = describe("rgb", mean=(100.0,), std=(50.0,))
    three = describe("rgb", mean=(100.0,) * 3, std=(50.0,) * 3)
    frame = Frame(NOISE, "rgb")
    np.testing.assert_array_equal(
        preprocessor(one).prepare(frame), preprocessor(three).prepare(frame)
    )
    with pytest.raises(ModelMismatchError, match="2 means"):
        preprocessor(describe("rgb", mean=(1.0, 2.0)))


def test_the_steps_are_those_that_one_would_write_by_hand() -> None:
    """A colour picture of 2 x 2 blocks, shrunk by 2, normalised: nothing else happens to it."""
    pixels = cv2.resize(NOISE, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_NEAREST)
    expected = (NOISE.astype(np.float32) - np.float32(MEAN)) / np.float32(STD)
    tensor = preprocessor(describe("rgb")).prepare(Frame(pixels, "rgb"))
    np.testing.assert_array_equal(tensor[0], expected.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("colour", "depth", "digest"),
    [
        ("grey", "uint8", "7e91b5cad225e716"),
        ("grey", "uint16", "d66d790e7714dd2e"),
        ("grey", "float32", "aed8473cdf15f707"),
        ("rgb", "uint8", "7d1eb96c8e3163e3"),
        ("rgb", "uint16", "aea5b581e5e9ffce"),
        ("rgb", "float32", "55cec2acd29b17c4"),
    ],
)
def test_every_machine_makes_this_tensor(colour: str, depth: str, digest: str) -> None:
    """Made on x86-64: grey, resizing, padding and normalisation in one digest."""
    assert golden(colour, depth)[:16] == digest


def golden(colour: str, depth: str) -> str:
    y, x = np.mgrid[0:431, 0:643].astype(np.int64)
    planes = [(x * x + y * y) // 97 % 256, (3 * x + 5 * y) % 256, (x * 31 ^ y * 17) % 256]
    pixels = np.stack(planes, axis=-1)
    if depth == "uint16":
        pixels = pixels * 251
    frame = pixels.astype(depth)
    if depth == "float32":
        frame = (pixels / np.float32(255)).astype(np.float32)
    spec = describe(
        colour, shape=(1, 1 if colour == "grey" else 3, 97, 129), layout="NCHW",
        resize={"width": 129, "height": 97, "rule": "letterbox", "pad_value": 114},
    )  # fmt: skip
    target = TensorSpec("picture", spec.shape, "float32")
    return ImagePreprocessor(spec, target, "NCHW").tensor_sha256(Frame(frame, "bgr"))
