"""Real bundles of small models that take series, tables and several inputs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edge.bundle.manifest import (
    Artifact,
    GoldenExample,
    GoldenOutput,
    ImageInput,
    Input,
    Manifest,
    Output,
    Resize,
    SeriesInput,
    TableInput,
    VectorInput,
)
from edge.bundle.writer import write_bundle
from edge.engines.base import EngineOptions
from edge.engines.onnxruntime_engine import OnnxRuntimeEngine
from edge.model_parts import ModelParts
from edge.pipeline import Model
from edge.results import ModelIdentity

TIMES, CHANNELS = 24, 41
NAMES = tuple(f"measure {index}" for index in range(CHANNELS))
MEANS = tuple(float(index) for index in range(CHANNELS))
STDS = tuple(1.0 + index / 10 for index in range(CHANNELS))


def model_bytes(
    nodes: list[Any], inputs: list[Any], outputs: Mapping[str, Sequence[int]], constants: Any
) -> bytes:
    """An ONNX file; outputs are float32."""
    graph = helper.make_graph(
        nodes,
        "sample",
        inputs,
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in outputs.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def tensor_info(name: str, shape: Sequence[int], kind: int = TensorProto.FLOAT) -> Any:
    """A graph input."""
    return helper.make_tensor_value_info(name, kind, list(shape))


def lstm_model(hidden: int = 8) -> bytes:
    """[1, 24, 41] -> LSTM -> last state -> one logit [1, 1]."""
    random = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return random.normal(0, 0.2, shape).astype(np.float32)

    return model_bytes(
        [
            helper.make_node("Transpose", ["labs"], ["steps"], perm=[1, 0, 2]),
            helper.make_node("LSTM", ["steps", "w", "r", "b"], ["", "last"], hidden_size=hidden),
            helper.make_node("Squeeze", ["last", "axes"], ["state"]),
            helper.make_node("Gemm", ["state", "head", "bias"], ["risk"]),
        ],
        [tensor_info("labs", (1, TIMES, CHANNELS))],
        {"risk": (1, 1)},
        {
            "w": weights(1, 4 * hidden, CHANNELS),
            "r": weights(1, 4 * hidden, hidden),
            "b": weights(1, 8 * hidden),
            "axes": np.array([0], np.int64),
            "head": weights(hidden, 1) * 10,
            "bias": weights(1),
        },
    )


def labs_input(**changes: Any) -> SeriesInput:
    """The series that `lstm_model` takes."""
    fields: dict[str, Any] = {
        "name": "labs",
        "shape": (1, TIMES, CHANNELS),
        "axes": "TC",
        "channels": NAMES,
        "step": "1 h",
        "gap_rule": "forward_fill",
        "fill": MEANS,
        "mean": MEANS,
        "std": STDS,
    }
    return SeriesInput(**(fields | changes))


RISK = Output(name="risk", kind="multilabel", labels=("death",), activation="sigmoid")


def labs(seed: int = 1, *, gaps: float = 0.3) -> np.ndarray:
    """Measurements around their means, some of them missing; (24, 41) float32."""
    random = np.random.default_rng(seed)
    values = random.normal(MEANS, STDS, (TIMES, CHANNELS))
    values[random.random(values.shape) < gaps] = np.nan
    return values.astype(np.float32)


def npz(**arrays: Any) -> bytes:
    """A .npz file."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array: Any) -> bytes:
    """A .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def open_model(data: bytes, inputs: Sequence[Input], outputs: Sequence[Output]) -> Model:
    """A model outside any bundle, on onnxruntime."""
    return Model(
        ModelParts(
            identity=ModelIdentity("sample", "1", "0" * 64),
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            artifact=artifact(outputs),
            engine=OnnxRuntimeEngine(data, EngineOptions(threads=1)),
        )
    )


def artifact(outputs: Sequence[Output]) -> Artifact:
    """The manifest's entry for the model file."""
    return Artifact(
        path="model.onnx",
        engine="onnxruntime",
        precision="float32",
        layout="NCHW",
        tolerance_steps=1,
        output_steps={each.name: 1e-4 for each in outputs},
    )


def write_sample(
    destination: Path,
    data: bytes,
    inputs: Sequence[Input],
    outputs: Sequence[Output],
    golden: Mapping[str, bytes],
) -> Path:
    """Write a bundle whose golden outputs are what the model gives here."""
    from edge.selftest import read_golden

    examples = []
    with open_model(data, inputs, outputs) as model:
        for path, content in golden.items():
            given = read_golden(content, model.parts, path)
            answers = tuple(
                GoldenOutput(
                    artifact="model.onnx",
                    name=name,
                    shape=values.shape,
                    values=tuple(map(float, values.ravel())),
                )
                for name, values in model.output_values(given).items()
            )
            digest = model.tensor_sha256(given)
            examples.append(GoldenExample(input=path, tensor_sha256=digest, outputs=answers))
    manifest = Manifest(
        format=1,
        name="sample",
        version="1",
        task="test",
        intended_use="tests",
        limits=(),
        licence="Apache-2.0",
        attribution=(),
        files=(),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        artifacts=(artifact(outputs),),
        golden=tuple(examples),
    )
    write_bundle(manifest, {"model.onnx": data, **golden}, destination)
    return destination


def risk_bundle(destination: Path) -> Path:
    """The LSTM with one golden record in each form."""
    return write_sample(
        destination,
        lstm_model(),
        (labs_input(),),
        (RISK,),
        {"golden/00.npz": npz(labs=labs(1)), "golden/01.npy": npy(labs(2))},
    )


SCAN = ImageInput(
    name="scan",
    shape=(1, 1, 8, 8),
    layout="NCHW",
    colour="grey",
    resize=Resize(width=8, height=8),
    scale=1 / 255,
)
PATIENT = TableInput(
    name="patient",
    shape=(1, 3),
    columns=("age", "sex", "size"),
    units=("a", "", "mm"),
    fill=(60.0, None, 10.0),
    mean=(60.0, 0.0, 10.0),
    std=(20.0, 1.0, 5.0),
    vocabularies={"sex": ("female", "male")},
)
GENES = VectorInput(name="genes", shape=(1, 4), dtype="int64")
STAGE = Output(name="stage", kind="classification", labels=("I", "II", "III"), activation="softmax")
SURVIVAL = Output(
    name="survival", kind="regression", labels=("months",), activation="none", unit="months"
)


def fusion_model() -> bytes:
    """A picture, a table and four gene numbers -> a stage [1, 3] and a survival [1, 1]."""
    random = np.random.default_rng(3)
    return model_bytes(
        [
            helper.make_node("Flatten", ["scan"], ["pixels"]),
            helper.make_node("Gather", ["embedding", "genes"], ["rows"], axis=0),
            helper.make_node("Flatten", ["rows"], ["embedded"]),
            helper.make_node("Concat", ["pixels", "patient", "embedded"], ["all"], axis=1),
            helper.make_node("MatMul", ["all", "w"], ["stage"]),
            helper.make_node("MatMul", ["all", "v"], ["survival"]),
        ],
        [
            tensor_info("scan", (1, 1, 8, 8)),
            tensor_info("patient", (1, 3)),
            tensor_info("genes", (1, 4), TensorProto.INT64),
        ],
        {"stage": (1, 3), "survival": (1, 1)},
        {
            "embedding": random.normal(0, 1, (5, 2)).astype(np.float32),
            "w": random.normal(0, 0.3, (75, 3)).astype(np.float32),
            "v": random.normal(0, 0.3, (75, 1)).astype(np.float32),
        },
    )


def fusion_inputs() -> tuple[Input, ...]:
    """What `fusion_model` takes."""
    return SCAN, PATIENT, GENES
