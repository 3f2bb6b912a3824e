"""Normalisation inside the model: bytes go in, and the answer stays the same."""

import hashlib
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from litert_samples import flatten_model
from onnx import TensorProto, helper
from record_samples import artifact, model_bytes, open_model, tensor_info, write_sample

import edge
from edge.bundle.manifest import ImageInput, Output, Resize
from edge.engines.base import EngineOptions
from edge.engines.litert_engine import LiteRtEngine
from edge.model_parts import ModelParts
from edge.pipeline import Model
from edge.selftest import run_selftest

SCALE, MEAN, STD = 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LABELS = tuple("abcd")
OUTPUT = Output(name="logits", kind="classification", labels=LABELS, activation="softmax")
FLOAT = ImageInput(
    name="image",
    shape=(1, 3, 8, 8),
    layout="NCHW",
    colour="rgb",
    resize=Resize(width=8, height=8),
    scale=SCALE,
    mean=MEAN,
    std=STD,
)
BYTES = msgspec.structs.replace(FLOAT, dtype="uint8", normalisation_in_graph=True)


def network(*, is_inside: bool) -> bytes:
    """A convolution and a mean; with the normalisation before it, or without."""
    random = np.random.default_rng(2)
    source, before = "image", []
    if is_inside:
        source = "normal"
        before = [
            helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["levels", "scale"], ["scaled"]),
            helper.make_node("Sub", ["scaled", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "std"], ["normal"]),
        ]
    constants = {
        "scale": np.float32(SCALE),
        "mean": np.array(MEAN, np.float32).reshape(1, 3, 1, 1),
        "std": np.array(STD, np.float32).reshape(1, 3, 1, 1),
        "w": random.normal(0, 1, (4, 3, 3, 3)).astype(np.float32),
    }
    kept = constants if is_inside else {"w": constants["w"]}
    return model_bytes(
        [
            *before,
            helper.make_node("Conv", [source, "w"], ["maps"]),
            helper.make_node("Relu", ["maps"], ["positive"]),
            helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["logits"]),
        ],
        [tensor_info("image", (1, 3, 8, 8), TensorProto.UINT8 if is_inside else TensorProto.FLOAT)],
        {"logits": (1, 4)},
        kept,
    )


def photograph(dtype: str = "uint8") -> edge.Frame:
    pixels = np.random.default_rng(7).integers(0, 256, (21, 30, 3), np.uint8)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 2)
    deep: dict[str, Any] = {
        "uint8": pixels,
        "uint16": pixels.astype(np.uint16) * 257,
        "float32": (pixels / 255).astype(np.float32),
    }
    return edge.Frame(deep[dtype], "rgb")


def scores(model: Model, frame: edge.Frame) -> list[float]:
    return [each.score for each in model.run(frame).outputs[0].scores]


def test_bytes_give_the_answer_that_normalised_values_give() -> None:
    with (
        open_model(network(is_inside=False), (FLOAT,), (OUTPUT,)) as outside,
        open_model(network(is_inside=True), (BYTES,), (OUTPUT,)) as inside,
    ):
        assert scores(inside, photograph()) == pytest.approx(
            scores(outside, photograph()), abs=1e-6
        )


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_deeper_picture_is_rounded_to_the_nearest_level(dtype: str) -> None:
    with open_model(network(is_inside=True), (BYTES,), (OUTPUT,)) as inside:
        assert scores(inside, photograph(dtype)) == pytest.approx(
            scores(inside, photograph()), abs=5e-3
        )


def test_the_golden_digest_is_of_the_bytes_and_the_self_test_passes(tmp_path: Path) -> None:
    picture = bytes(cv2.imencode(".png", photograph().pixels[:8, :8, ::-1])[1])
    path = write_sample(
        tmp_path / "bytes.edge",
        network(is_inside=True),
        (BYTES,),
        (OUTPUT,),
        {"golden/00.png": picture},
    )
    assert [check.is_passed for check in run_selftest(path)] == [True]
    levels = photograph().pixels[:8, :8].transpose(2, 0, 1)
    with edge.load(path) as model:
        digest = hashlib.sha256(levels.tobytes()).hexdigest()
        assert model.tensor_sha256(picture) == digest
        assert model.parts.golden[0].tensor_sha256 == digest


@pytest.mark.parametrize(("dtype", "zero"), [("uint8", 0), ("int8", -128)])
@pytest.mark.parametrize("step", [1 / 255, 0.0371])
def test_bytes_pass_straight_through_to_a_quantized_tflite_input(
    dtype: str, zero: int, step: float
) -> None:
    spec = ImageInput(
        name="pixels",
        shape=(1, 1, 4, 4),
        layout="NCHW",
        colour="grey",
        resize=Resize(width=4, height=4),
        dtype="uint8",
        normalisation_in_graph=True,
    )
    labels = tuple(f"pixel {index}" for index in range(16))
    output = Output(name="flat", kind="regression", labels=labels, activation="none")
    parts = ModelParts(
        identity=edge.ModelIdentity("flatten", "1", "0" * 64),
        inputs=(spec,),
        outputs=(output,),
        artifact=msgspec.structs.replace(artifact((output,)), engine="litert", layout="NHWC"),
        engine=LiteRtEngine(flatten_model(dtype, (step, zero)), EngineOptions(threads=1)),
    )
    pixels = np.arange(0, 256, 16, dtype=np.uint8).reshape(4, 4)
    with Model(parts) as model:
        values = model.output_values(edge.Frame(pixels[..., None], "grey"))["flat"]
    np.testing.assert_allclose(values[0], pixels.ravel() * step, rtol=1e-6)


def test_on_the_pixel_grid_bytes_and_quantized_values_are_the_same_tensor() -> None:
    """An int8 file whose input steps are the pixels' own takes either description."""
    from edge.preprocess.image import ImagePreprocessor

    for zero, mean in ((0, 0.0), (128, 128 / 255)):
        target = edge.TensorSpec("image", (1, 3, 8, 8), "uint8", 1 / 255, zero)
        values = msgspec.structs.replace(FLOAT, mean=(mean,), std=(1.0,))
        one = ImagePreprocessor(BYTES, target, "NCHW").prepare(photograph())
        other = ImagePreprocessor(values, target, "NCHW").prepare(photograph())
        np.testing.assert_array_equal(one, other)


def test_a_float_model_does_not_take_bytes() -> None:
    with pytest.raises(edge.ModelMismatchError, match=r"float32 .*uint8 pixels cannot be written"):
        open_model(network(is_inside=False), (BYTES,), (OUTPUT,))
