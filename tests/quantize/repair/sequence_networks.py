"""Attention and recurrent networks of the repair tests, and how near their files come to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tiny_onnx_models as tiny
from onnx import helper
from signal_to_noise import centred_snr_db

from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.quantizer import quantize_graph

TOKENS, WIDTH, HEADS = 64, 64, 4
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
Examples = list[dict[str, np.ndarray]]


def series(count: int, shape: tuple[int, ...], *, seed: int = 1) -> Examples:
    """Correlated values, by the name of the only input."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(0, 1, (shape[-1], shape[-1])) / np.sqrt(shape[-1])
    mixing[: shape[-1] // 4] *= 4
    return [
        {"x": (random.normal(0, 1, shape) @ mixing.T + 0.2).astype(np.float32)}
        for _ in range(count)
    ]


def encoder(*, loud: float, activation: str = "Relu") -> FloatGraph:
    """A block of a transformer whose normalisations write three channels so many times larger."""
    build = tiny.ModelBuilder(seed=5)
    scale = np.ones(WIDTH)
    scale[[3, 20, 41]] = loud

    def normalise(source: str, name: str) -> str:
        parameters = [
            build.constant(f"{name}_scale", scale),
            build.constant(f"{name}_bias", 0.1 * scale),
        ]
        return build.node("LayerNormalization", [source, *parameters], name, axis=-1)

    def product(source: str, name: str, size: tuple[int, int]) -> str:
        values = build.random.normal(0, 1 / np.sqrt(size[0]), size)
        if size[0] == WIDTH and name != "merge":
            values /= scale[:, None]
        bias = build.constant(f"{name}_b", build.random.normal(0, 0.1, size[1]))
        build.node("MatMul", [source, build.constant(f"{name}_w", values)], f"{name}_product")
        return build.node("Add", [f"{name}_product", bias], name)

    build.constant("heads", [1, TOKENS, HEADS, WIDTH // HEADS], np.int64)
    build.constant("rows", [1, TOKENS, WIDTH], np.int64)
    normal = normalise("x", "first")
    for name, axes in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        build.node("Reshape", [product(normal, name, (WIDTH, WIDTH)), "heads"], f"{name}_heads")
        build.node("Transpose", [f"{name}_heads"], f"{name}_turned", perm=axes)
    build.node("MatMul", ["q_turned", "k_turned"], "likeness")
    build.node("Softmax", ["likeness"], "shares", axis=-1)
    build.node("MatMul", ["shares", "v_turned"], "mixed")
    build.node("Transpose", ["mixed"], "mixed_rows", perm=[0, 2, 1, 3])
    build.node("Reshape", ["mixed_rows", "rows"], "joined")
    build.node("Add", ["x", product("joined", "merge", (WIDTH, WIDTH))], "middle")
    wide = product(normalise("middle", "second"), "wide", (WIDTH, 2 * WIDTH))
    build.node(activation, [wide], "active")
    build.node("Add", ["middle", product("active", "narrow", (2 * WIDTH, WIDTH))], "y")
    shape = (1, TOKENS, WIDTH)
    return import_model(build.model({"x": shape}, {"y": shape}))


def recurrent(op: str, *, direction: str = "forward", reset: int = 1) -> FloatGraph:
    """A recurrent layer of 24 units behind a tangent, and its mean over time."""
    build = tiny.ModelBuilder(seed=6)
    directions = 2 if direction == "bidirectional" else 1
    rows = GATES[op] * 24
    weights = [
        build.weight("w", (directions, rows, 8)),
        build.constant("r", build.random.normal(0, 0.3, (directions, rows, 24))),
        build.constant("b", build.random.normal(0, 0.1, (directions, 2 * rows))),
    ]
    build.node("Tanh", ["x"], "bounded")
    build.node("Transpose", ["bounded"], "steps", perm=[1, 0, 2])
    extra = {"linear_before_reset": reset} if op == "GRU" else {}
    build.nodes.append(
        helper.make_node(
            op, ["steps", *weights], ["all"], hidden_size=24, direction=direction, **extra
        )
    )
    build.node("ReduceMean", ["all"], "y", axes=[0], keepdims=0)
    return import_model(build.model({"x": (1, 20, 8)}, {"y": None}))


def dynamic(graph: FloatGraph) -> dict[str, Precision]:
    """All layers with weights DYNAMIC."""
    weighted = {"Gemm", *GATES}
    return {
        node.name: Precision.DYNAMIC if node.op in weighted else Precision.FLOAT
        for node in graph.nodes
    }


def quantized(graph: FloatGraph) -> QuantizedGraph:
    return quantize_graph(graph, {}, dynamic(graph))


def answers(model: bytes, graph: FloatGraph, examples: Examples) -> np.ndarray:
    session = open_session(model)
    return np.concatenate([run_session(session, graph.outputs, each)[0] for each in examples])


def float_answers(graph: FloatGraph, examples: Examples) -> np.ndarray:
    return answers(export_onnx(graph).SerializeToString(), graph, examples)


def snr_db(graph: FloatGraph, case: QuantizedGraph, examples: Examples) -> float:
    """Of the int8 ONNX file."""
    found = answers(write_onnx_int8(case), graph, examples)
    return centred_snr_db(float_answers(graph, examples), found)


def weights_snr_db(graph: FloatGraph, case: QuantizedGraph, examples: Examples) -> float:
    """With the integers of the weights alone, activations in float."""
    rounded = {
        name: (each.values * each.scale.reshape(*each.values.shape[:-1], 1)).astype(np.float32)
        for name, each in case.weights.items()
    }
    changed = replace(graph, constants={**graph.constants, **rounded})
    return centred_snr_db(float_answers(graph, examples), float_answers(changed, examples))
