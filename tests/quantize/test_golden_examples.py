"""Golden inputs go into the bundle as one file each, whatever they were made of."""

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_onnx_models import ModelBuilder

from edge.bundle.manifest import ImageInput, Output, Resize, TableInput
from edge.records.record_reader import decode_records, make_record
from quantize.artifacts import open_artifact, source_artifact
from quantize.examples.model_examples import Example
from quantize.golden_examples import golden_examples

INPUTS = (
    ImageInput(
        name="image",
        shape=(1, 1, 8, 8),
        layout="NCHW",
        colour="grey",
        resize=Resize(width=8, height=8),
        scale=1 / 255,
    ),
    TableInput(
        name="table",
        shape=(1, 2),
        columns=("age", "sex"),
        fill=(60.0, None),
        vocabularies={"sex": ("female", "male")},
    ),
)
OUTPUTS = (Output(name="logits", kind="classification", labels=("a", "b"), activation="softmax"),)


def two_branch_model() -> bytes:
    build = ModelBuilder()
    build.node("Flatten", ["image"], "pixels")
    build.node("Concat", ["pixels", "table"], "all", axis=1)
    build.gemm("all", "logits", (66, 2))
    model = build.model({"image": (1, 1, 8, 8), "table": (1, 2)}, {"logits": (1, 2)})
    return model.SerializeToString()


def write_record(folder: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 16), np.uint8)
    cv2.imwrite(str(folder / "film.png"), pixels)
    path = folder / "one.edge.json"
    table = {"age": None, "sex": "male"}
    path.write_text(json.dumps({"inputs": {"image": "film.png", "table": table}}))
    return path


def test_a_record_of_several_files_becomes_one_that_gives_the_same_tensors(tmp_path: Path) -> None:
    path = write_record(tmp_path)
    source = source_artifact(two_branch_model(), INPUTS, OUTPUTS)
    read = partial(make_record, path, INPUTS)
    ((entry, content),) = golden_examples([source], [(Example("one", read, path), read())])
    assert entry.input == "golden/00.npz"
    assert isinstance(content, bytes)
    (again,) = decode_records(content, INPUTS, source=entry.input)
    with open_artifact(source) as model:
        assert model.tensor_sha256(again) == entry.tensor_sha256
        values = model.output_values(again)["logits"].ravel().tolist()
    assert values == pytest.approx(list(entry.outputs[0].values), abs=1e-6)
