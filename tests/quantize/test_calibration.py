"""Calibration finds the range of every activation, and says which one is not finite."""

import tracemalloc

import numpy as np
import pytest
import tiny_onnx_models as tiny

from edge.errors import InputError
from quantize.calibration import TensorRange, calibrate
from quantize.graph import FloatGraph, Node
from quantize.importers.onnx_importer import import_model
from quantize.same_scale import materialised_tensors, same_scale_groups


@pytest.fixture(scope="module")
def concat_graph() -> FloatGraph:
    return import_model(tiny.concat_cnn())


def _line(*nodes: Node, constants: dict | None = None, shape: tuple = (1, 2, 4, 4)) -> FloatGraph:
    names = [node.outputs[0] for node in nodes]
    shapes = dict.fromkeys(["image", *names], shape)
    return FloatGraph(nodes, ("image",), (names[-1],), constants or {}, shapes)


def test_tensors_inside_a_fusion_are_not_materialised() -> None:
    graph = import_model(tiny.residual_cnn())
    names = materialised_tensors(graph)
    fused = [graph.producer(node.inputs[0]) for node in graph.nodes if node.op == "Relu"]
    assert len(fused) == 3
    assert all(host.outputs[0] not in names for host in fused)
    assert names[0] == "image"
    assert names[-1] == "logits"


def test_what_moves_integers_shares_a_scale(concat_graph: FloatGraph) -> None:
    groups = same_scale_groups(concat_graph)
    concat = next(node for node in concat_graph.nodes if node.op == "Concat")
    assert set(groups[concat.outputs[0]]) == {*concat.inputs, concat.outputs[0]}
    pool = next(node for node in concat_graph.nodes if node.op == "AveragePool")
    assert groups[pool.outputs[0]] == groups[pool.inputs[0]]
    assert groups["image"] == ("image",)


def test_every_materialised_tensor_gets_a_range_and_a_group_one(concat_graph: FloatGraph) -> None:
    ranges = calibrate(concat_graph, tiny.pictures(4))
    assert set(ranges) == set(materialised_tensors(concat_graph))
    for members in same_scale_groups(concat_graph).values():
        assert len({ranges[name] for name in members}) == 1


def test_a_range_holds_zero_and_lies_within_what_was_seen(concat_graph: FloatGraph) -> None:
    examples = tiny.pictures(4)
    ranges = calibrate(concat_graph, examples)
    seen = np.concatenate([each["image"].reshape(-1) for each in examples])
    assert ranges["image"] == TensorRange(float(seen.min()), float(seen.max()))
    assert all(each.low <= 0 <= each.high for each in ranges.values())


def test_an_outlier_is_clipped_inside_but_never_at_the_output() -> None:
    graph = _line(
        Node("Add", ("image", "image"), ("inside",), name="first"),
        Node("Add", ("inside", "image"), ("out",), name="second"),
        shape=(1, 2, 64, 64),
    )
    random = np.random.default_rng(0)
    examples = [
        {"image": random.normal(0, 1, (1, 2, 64, 64)).astype(np.float32)} for _ in range(50)
    ]
    examples[5]["image"][0, 0, 0, 0] = 40.0
    ranges = calibrate(graph, examples)
    assert ranges["inside"].high < 75.0
    assert ranges["out"].high == pytest.approx(120.0)


def test_calibrating_twice_gives_the_same(concat_graph: FloatGraph) -> None:
    first = calibrate(concat_graph, tiny.pictures(3))
    assert calibrate(concat_graph, tiny.pictures(3)) == first


def test_the_order_of_the_examples_does_not_matter(concat_graph: FloatGraph) -> None:
    examples = tiny.pictures(4)
    assert calibrate(concat_graph, examples) == calibrate(concat_graph, examples[::-1])


def test_progress_counts_the_examples(concat_graph: FloatGraph) -> None:
    told: list[tuple[int, int]] = []
    calibrate(concat_graph, tiny.pictures(3), progress=lambda done, all_: told.append((done, all_)))
    assert told == [(done, 3) for done in range(1, 4)]


def test_no_examples_are_refused(concat_graph: FloatGraph) -> None:
    with pytest.raises(InputError, match="no calibration examples"):
        calibrate(concat_graph, [])


def test_an_activation_that_overflows_is_named_with_its_layer() -> None:
    graph = _line(
        Node("Mul", ("image", "huge"), ("big",), name="amplifier"),
        Node("Mul", ("big", "big"), ("bigger",), name="square"),
        constants={"huge": np.array(1e30, np.float32)},
    )
    with pytest.raises(InputError, match=r"'bigger' of layer 'square' \(Mul\) is not finite"):
        calibrate(graph, tiny.pictures(2, (1, 2, 4, 4)))


def test_an_input_that_is_not_a_number_is_named(concat_graph: FloatGraph) -> None:
    examples = tiny.pictures(2)
    examples[1]["image"][0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="'image' of the input is not finite on example 2"):
        calibrate(concat_graph, examples)


def test_memory_does_not_grow_with_the_examples(concat_graph: FloatGraph) -> None:
    def peak(count: int) -> int:
        class Stream:
            def __len__(self) -> int:
                return count

            def __iter__(self):
                return iter(tiny.pictures(2) * (count // 2))

        tracemalloc.start()
        calibrate(concat_graph, Stream())
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak_bytes

    peak(2)
    assert peak(40) < 1.2 * peak(4)
