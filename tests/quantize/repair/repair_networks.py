"""Networks and helpers of the repair tests."""

from collections.abc import Mapping

import numpy as np
import tiny_onnx_models as tiny
from signal_to_noise import centred_snr_db

from quantize.calibration import calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import QuantizedGraph
from quantize.quantizer import quantize_graph

EXAMPLES = tiny.pictures(16)
TEST = tiny.pictures(32, seed=9)


def answers(graph: FloatGraph | QuantizedGraph, examples: list = TEST) -> np.ndarray:
    is_float = isinstance(graph, FloatGraph)
    model = export_onnx(graph).SerializeToString() if is_float else write_onnx_int8(graph)
    session = open_session(model)
    name = session.get_outputs()[0].name
    return np.concatenate([run_session(session, [name], each)[0] for each in examples])


def is_same(graph: FloatGraph, other: FloatGraph) -> bool:
    before, after = answers(graph, EXAMPLES), answers(other, EXAMPLES)
    return bool(np.abs(after - before).max() <= 1e-4 * (before.max() - before.min()))


def plain(graph: FloatGraph) -> QuantizedGraph:
    return quantize_graph(graph, calibrate(graph, EXAMPLES))


def snr_db(graph: FloatGraph, quantized: QuantizedGraph) -> float:
    return centred_snr_db(answers(graph), answers(quantized))


def parameters(quantized: QuantizedGraph) -> Mapping[str, bytes]:
    return {
        **{name: each.values.tobytes() for name, each in quantized.weights.items()},
        **{name: repr(each).encode() for name, each in quantized.activations.items()},
    }


def inverted_residuals(*, gate: str = "HardSwish") -> FloatGraph:
    """Two blocks of MobileNetV3 whose channels differ in size a hundredfold."""
    build = tiny.ModelBuilder(seed=3)
    sizes = np.geomspace(0.03, 3, 8)

    def activate(source: str, output: str) -> str:
        if gate == "HardSwish":
            return build.node("HardSwish", [source], output)
        build.node("Sigmoid", [source], f"{output}_gate")
        return build.node("Mul", [source, f"{output}_gate"], output)

    def conv(source: str, output: str, channels: tuple[int, int], **options: object) -> str:
        build.conv(source, f"{output}_plain", channels, **options)
        scale = np.resize(sizes, channels[1])
        build.node(
            "Mul",
            [f"{output}_plain", build.constant(f"{output}_s", scale.reshape(1, -1, 1, 1))],
            output,
        )
        return output

    source = activate(conv("image", "stem", (3, 8)), "stem_act")
    for block in ("a", "b"):
        wide = activate(conv(source, f"{block}_expand", (8, 24), kernel=1), f"{block}_wide")
        deep = activate(conv(wide, f"{block}_deep", (24, 24), group=24), f"{block}_deep_act")
        conv(deep, f"{block}_project", (24, 8), kernel=1)
        source = build.node("Add", [source, f"{block}_project"], f"{block}_out")
    build.conv(source, "last", (8, 8), kernel=1)
    build.node("GlobalAveragePool", ["last"], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    build.gemm("flat", "logits", (8, 4))
    return import_model(build.model({"image": ("N", 3, 16, 16)}, {"logits": ("N", 4)}))
