"""Ranges with room to spare, where a node prescribes what its scale is."""

import logging
from pathlib import Path

import tiny_onnx_models as tiny
from repair_networks import EXAMPLES, inverted_residuals, parameters

from quantize.importers.onnx_importer import import_model
from quantize.repair.ladder import LadderOptions, climb


def sigmoid_then_pooling():
    """A Sigmoid, whose scale is given, and a pooling that shares it."""
    build = tiny.ModelBuilder()
    build.conv("image", "stem", (3, 8))
    build.node("Sigmoid", ["stem"], "gate")
    build.node("MaxPool", ["gate"], "down", kernel_shape=[2, 2], strides=[2, 2])
    build.conv("down", "last", (8, 8))
    build.node("GlobalAveragePool", ["last"], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    build.gemm("flat", "logits", (8, 4))
    return import_model(build.model({"image": (1, 3, 16, 16)}, {"logits": (1, 4)}))


def test_what_shares_a_prescribed_scale_gets_no_more_room_than_it() -> None:
    quantized = climb(sigmoid_then_pooling(), EXAMPLES, LadderOptions(rungs=())).quantized
    pooling = next(node for node in quantized.graph.nodes if node.op == "MaxPool")
    before, after = (
        quantized.activations[name] for name in (pooling.inputs[0], pooling.outputs[0])
    )
    assert before == after
    assert before.scale == 1 / 256


def test_an_interrupted_climb_goes_on_in_every_rung(tmp_path: Path, caplog) -> None:
    """What one rung kept is not taken for another's, and nothing is said of it."""
    plain = climb(inverted_residuals(), EXAMPLES).quantized
    options = LadderOptions(checkpoint=tmp_path / "climb")
    with caplog.at_level(logging.WARNING):
        kept = [climb(inverted_residuals(), EXAMPLES, options).quantized for _ in range(2)]
    assert caplog.records == []
    assert {path.name[:6] for path in tmp_path.iterdir()} == {"climb-"}
    assert parameters(plain) == parameters(kept[0]) == parameters(kept[1])
