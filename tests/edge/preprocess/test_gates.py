"""A picture with nothing to see in it is refused, whatever the model makes of its pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.bundle.manifest import ImageInput, Resize
from edge.decode import decode_image
from edge.frame import Frame
from edge.preprocess.gates import EVEN_LEVELS
from edge.preprocess.image import ImagePreprocessor
from edge.tensor_spec import TensorSpec

SIDE = 16
LAYOUTS = ["NCHW", "NHWC"]
RESIZES = [
    pytest.param({"rule": "stretch"}, id="stretch"),
    pytest.param({"rule": "letterbox", "pad_value": 0}, id="letterbox, black"),
    pytest.param({"rule": "letterbox", "pad_value": 114}, id="letterbox, grey"),
    pytest.param({"rule": "crop"}, id="crop"),
]
DEPTHS = {"uint8": 255, "uint16": 65_535, "float32": 1.0}


def refusal(
    pixels: NDArray[Any],
    *,
    colour: str = "rgb",
    layout: str = "NCHW",
    resize: dict[str, Any] | None = None,
) -> str | None:
    channels = 1 if colour == "grey" else 3
    shape = (1, channels, SIDE, SIDE) if layout == "NCHW" else (1, SIDE, SIDE, channels)
    spec = ImageInput(
        name="picture",
        shape=shape,
        layout=layout,
        colour=colour,
        resize=Resize(width=SIDE, height=SIDE, **(resize or {"rule": "stretch"})),
        mean=(123.675, 116.28, 103.53)[:channels],
        std=(58.395, 57.12, 57.375)[:channels],
    )
    made = ImagePreprocessor(spec, TensorSpec("picture", shape, "float32"), layout)
    frame = Frame(pixels, "grey" if pixels.shape[2] == 1 else "rgb")
    tensor, reason = made.prepare_checked(frame)
    np.testing.assert_array_equal(tensor, made.prepare(frame))
    return reason


def solid(*levels: float, depth: str = "uint8") -> NDArray[Any]:
    """A wide picture, so that letterboxing pads it."""
    pixels = np.empty((24, 40, len(levels)))
    pixels[:] = levels
    return (pixels / 255 * DEPTHS[depth]).astype(depth)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("level", [0, 114, 255])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_one_tone_is_refused_under_any_normalisation_and_padding(
    colour: str, level: int, layout: str, resize: dict[str, Any], depth: str
) -> None:
    for channels in (1, 3):
        pixels = solid(*[level] * channels, depth=depth)
        reason = refusal(pixels, colour=colour, layout=layout, resize=resize)
        assert "one even tone" in str(reason)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_solid_colour_is_refused(layout: str) -> None:
    assert "one even tone" in str(refusal(solid(200, 30, 0), layout=layout))


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_the_noise_of_a_covered_lens_is_refused(colour: str, resize: dict[str, Any]) -> None:
    noise = np.random.default_rng(4).integers(0, EVEN_LEVELS + 1, (SIDE, SIDE, 3), np.uint8)
    assert noise.min() < noise.max()
    assert "one even tone" in str(refusal(noise, colour=colour, resize=resize))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_one_pixel_of_one_channel_decides_just_above_the_noise(channel: int, depth: str) -> None:
    above = EVEN_LEVELS + (1 if depth == "uint8" else 0.5)
    for levels, is_refused in ((EVEN_LEVELS, True), (above, False)):
        pixels = np.full((SIDE, SIDE, 3), 0.25 * DEPTHS[depth]).astype(depth)
        # A hair less than the limit in float, whose pixels are not whole.
        step = levels / 255 * DEPTHS[depth] * (1 - 1e-6 * (depth == "float32"))
        pixels[5, 7, channel] += np.dtype(depth).type(step)
        assert (refusal(pixels) is not None) == is_refused


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_an_ordinary_film_is_answered(
    colour: str, layout: str, resize: dict[str, Any], sample_films: list[Path]
) -> None:
    for film in sample_films:
        pixels = decode_image(film.read_bytes(), source=film.name).pixels
        assert refusal(pixels, colour=colour, layout=layout, resize=resize) is None


def test_what_is_cropped_away_is_no_reason_to_answer() -> None:
    pixels = solid(9)
    pixels[:, 0] = 200
    assert refusal(pixels, resize={"rule": "crop"}) is not None
    assert refusal(pixels, resize={"rule": "letterbox"}) is None
