"""SiLU and hard-swish become one float step in the file that boards run."""

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from signal_to_noise import centred_snr_db

from quantize.calibration import calibrate
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantizer import quantize_graph


def unit_cnn(unit: str) -> onnx.ModelProto:
    """Two convolutions with a gated unit after each."""
    build = tiny.ModelBuilder()
    source = "image"
    for at, channels in enumerate(((3, 8), (8, 8))):
        build.conv(source, f"conv{at}", channels)
        if unit == "HardSwish":
            source = build.node("HardSwish", [f"conv{at}"], f"unit{at}")
        else:
            build.node("Sigmoid", [f"conv{at}"], f"gate{at}")
            source = build.node("Mul", [f"conv{at}", f"gate{at}"], f"unit{at}")
    build.node("GlobalAveragePool", [source], "pooled")
    build.node("Flatten", ["pooled"], "out")
    return build.model({"image": (1, 3, 16, 16)}, {"out": None})


def outputs(model: bytes, examples: list) -> np.ndarray:
    session = open_session(model)
    return np.concatenate([run_session(session, ["out"], each)[0] for each in examples])


@pytest.mark.parametrize(("unit", "op"), [("HardSwish", "HardSwish"), ("SiLU", "QuickGelu")])
def test_each_unit_is_one_node_and_the_answer_comes_no_further_from_float(
    unit: str, op: str
) -> None:
    graph = import_model(unit_cnn(unit))
    quantized = quantize_graph(graph, calibrate(graph, tiny.pictures(32)))
    joined, apart = (write_onnx_int8(quantized, joins_units=each) for each in (True, False))
    counts = [node.op_type for node in onnx.load_from_string(joined).graph.node]
    assert counts.count(op) == 2
    assert not {"Sigmoid", "Clip", "Add"} & set(counts)
    test = tiny.pictures(48, seed=9)
    wanted = outputs(export_onnx(graph).SerializeToString(), test)
    snr = [centred_snr_db(wanted, outputs(each, test)) for each in (joined, apart)]
    assert snr[0] > snr[1] - 0.5
    assert snr[0] > 20


def test_a_gate_that_others_read_too_stays_as_it_is() -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "conv", (3, 4))
    build.node("Sigmoid", ["conv"], "gate")
    build.node("Mul", ["conv", "gate"], "unit")
    build.node("Add", ["unit", "gate"], "out")
    graph = import_model(build.model({"image": (1, 3, 8, 8)}, {"out": None}))
    quantized = quantize_graph(graph, calibrate(graph, tiny.pictures(8, (1, 3, 8, 8))))
    model = onnx.load_from_string(write_onnx_int8(quantized, joins_units=True))
    assert "QuickGelu" not in {node.op_type for node in model.graph.node}
