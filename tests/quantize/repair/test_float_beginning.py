"""A beginning in float: as short as serves, little work, and only where answers need it."""

import tiny_onnx_models as tiny
from repair_networks import EXAMPLES, inverted_residuals, plain, snr_db

from quantize.importers.onnx_importer import import_model
from quantize.quantized_graph import Precision
from quantize.repair.float_beginning import find_beginnings, leave_beginning_in_float
from quantize.repair.ladder import LadderOptions, climb
from quantize.repair.output_error import OutputError
from quantize.repair.rungs import Rung
from quantize.repair.shortcut_folding import multiplications


def test_beginnings_end_where_one_tensor_holds_all_that_is_still_needed() -> None:
    graph = inverted_residuals()
    for nodes in find_beginnings(graph, most_share=1.0):
        inside = {node.name for node in nodes}
        written = {name for node in nodes for name in node.outputs}
        readers = [node for node in graph.nodes if node.name not in inside]
        read = {name for node in readers for name in node.inputs if name in written}
        assert len(read) == 1


def test_beginnings_grow_within_their_share_of_the_multiplications() -> None:
    graph = inverted_residuals()
    work = multiplications(graph)
    found = list(find_beginnings(graph, most_share=0.5))
    sizes = [sum(work.get(node.name, 0) for node in nodes) for nodes in found]
    assert sizes == sorted(sizes)
    assert 0 < sizes[0] <= sizes[-1] <= 0.5 * sum(work.values())
    assert not list(find_beginnings(graph, most_share=0.0))


def test_an_activation_is_not_parted_from_the_layer_that_computes_it() -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "stem", (3, 8))
    build.node("Relu", ["stem"], "act")
    build.conv("act", "out", (8, 4))
    graph = import_model(build.model({"image": (1, 3, 16, 16)}, {"out": None}))
    assert [nodes[-1].op for nodes in find_beginnings(graph, most_share=0.9)] == ["Relu"]


def test_a_beginning_in_float_brings_the_answers_nearer() -> None:
    graph = inverted_residuals()
    quantized = plain(graph)
    found = leave_beginning_in_float(quantized, OutputError(graph, EXAMPLES), most_share=0.6)
    in_float = [found.precision(node) is Precision.FLOAT for node in graph.nodes]
    assert in_float == sorted(in_float, reverse=True)
    assert any(in_float)
    assert not all(in_float)
    assert snr_db(graph, found) > snr_db(graph, quantized) + 1.0


def test_answers_that_are_near_enough_keep_every_layer_in_integers() -> None:
    graph = import_model(tiny.residual_cnn())
    quantized = plain(graph)
    error = OutputError(graph, EXAMPLES)
    assert error.snr_db(quantized) > 20.0
    assert leave_beginning_in_float(quantized, error, most_share=1.0) is quantized


def noisy_beginning():
    """First outputs of about 1 around 300, which no equalization brings nearer to 0."""
    build = tiny.ModelBuilder(seed=5)
    build.conv("image", "stem", (3, 4), kernel=1)
    build.node("Add", ["stem", build.constant("up", 300.0)], "high")
    build.node("Relu", ["high"], "kept")
    build.node("Add", ["kept", build.constant("down", -300.0)], "rare")
    build.conv("rare", "wide", (4, 32))
    build.node("Sigmoid", ["wide"], "gate")
    build.node("Mul", ["wide", "gate"], "act")
    build.conv("act", "last", (32, 8))
    build.node("GlobalAveragePool", ["last"], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    build.gemm("flat", "logits", (8, 4))
    return import_model(build.model({"image": (1, 3, 16, 16)}, {"logits": (1, 4)}))


def test_the_ladder_makes_the_rest_anew_behind_a_beginning_in_float() -> None:
    options = LadderOptions(rungs=(Rung.ROTATE, Rung.BEGINNING))
    result = climb(noisy_beginning(), EXAMPLES, options)
    found = result.quantized
    last = result.steps[-1]
    assert (last.rung, last.is_kept) == ("beginning", True)
    assert last.after > last.before + 10.0
    ops = [node.op for node in found.graph.nodes if found.precision(node) is Precision.FLOAT]
    assert ops == ["Conv", "Relu", "Add"]
