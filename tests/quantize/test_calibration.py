"""Calibration finds the range of every activation, and says which one is not finite."""

import tracemalloc

import numpy as np
import pytest
import tiny_onnx_models as tiny

from edge.errors import InputError, UsageError
from quantize.calibration import CalibrationOptions, RangeMethod, TensorRange, calibrate
from quantize.graph import FloatGraph, Node
from quantize.importers.onnx_importer import import_model
from quantize.quantized_graph import Precision
from quantize.same_scale import materialised_tensors, same_scale_groups
from quantize.uniform import activation_params, dequantize, quantize_activation


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
    assert ranges["out"].high >= 120.0


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


def test_equal_examples_are_refused(concat_graph: FloatGraph) -> None:
    with pytest.raises(InputError, match="all 3 calibration examples are the same"):
        calibrate(concat_graph, tiny.pictures(1) * 3)


def test_one_example_is_little_but_not_refused(concat_graph: FloatGraph) -> None:
    assert calibrate(concat_graph, tiny.pictures(1)).examples == 1


@pytest.mark.parametrize("count", [1, 3])
def test_constant_examples_are_refused(concat_graph: FloatGraph, count: int) -> None:
    blank = [{"image": np.full((1, 3, 16, 16), 0.25, np.float32)}] * count
    with pytest.raises(InputError, match=r"are the same|every value is 0\.25; give real inputs"):
        calibrate(concat_graph, blank)


class Nothing:
    """Examples that are counted before it shows that none can be used."""

    def __len__(self) -> int:
        return 4

    def __iter__(self):
        return iter(())


def test_examples_none_of_which_can_be_used_are_refused(concat_graph: FloatGraph) -> None:
    with pytest.raises(InputError, match="no calibration example could be used"):
        calibrate(concat_graph, Nothing())


def test_an_example_that_cannot_be_read_stops_with_its_own_error(concat_graph: FloatGraph) -> None:
    class Failing:
        def __len__(self) -> int:
            return 3

        def __iter__(self):
            yield from tiny.pictures(1)
            raise InputError("picture 2 is gone")

    with pytest.raises(InputError, match="picture 2 is gone"):
        calibrate(concat_graph, Failing())


def test_a_tensor_tells_what_was_seen_and_what_was_made_of_it(concat_graph: FloatGraph) -> None:
    examples = tiny.pictures(4)
    found = calibrate(concat_graph, examples)
    image = found.tensors["image"]
    seen = np.concatenate([each["image"].reshape(-1) for each in examples])
    assert image.observed == (float(seen.min()), float(seen.max()))
    assert image.method is RangeMethod.MINMAX
    assert image.chosen == found["image"]
    assert image.histogram.total == seen.size
    params = activation_params(image.chosen.low, image.chosen.high)
    quantized = quantize_activation(seen, params)
    back = dequantize(quantized, scale=params.scale, zero_point=params.zero_point)
    real = 10 * np.log10(seen.var() / np.square(back - seen).mean())
    assert image.expected_snr_db == pytest.approx(real, abs=0.5)


@pytest.mark.parametrize("method", RangeMethod)
def test_every_method_keeps_inputs_and_outputs_whole(
    concat_graph: FloatGraph, method: RangeMethod
) -> None:
    found = calibrate(concat_graph, tiny.pictures(6), options=CalibrationOptions(method=method))
    low, high = found.tensors["image"].observed
    assert found["image"] == TensorRange(low, high)
    low, high = found.tensors["logits"].observed
    assert 1.25 * low <= found["logits"].low <= low
    assert high <= found["logits"].high <= 1.25 * high
    inner = [each for name, each in found.tensors.items() if name in ("norm_relu", "both")]
    assert {each.method for each in inner} == {method}


def test_only_what_integer_nodes_touch_is_calibrated(concat_graph: FloatGraph) -> None:
    chosen = {
        node.name: Precision.FLOAT for node in concat_graph.nodes if node.op in ("Gemm", "Conv")
    }
    found = calibrate(concat_graph, tiny.pictures(3), precisions=chosen)
    assert set(found) == set(materialised_tensors(concat_graph, chosen))
    assert "image" not in found


def test_outputs_must_be_finite_where_nothing_is_quantized() -> None:
    graph = _line(
        Node("Mul", ("image", "huge"), ("big",), name="amplifier"),
        Node("Mul", ("big", "big"), ("bigger",), name="square"),
        constants={"huge": np.array(1e30, np.float32)},
    )
    chosen = {"amplifier": Precision.FLOAT, "square": Precision.FLOAT}
    with pytest.raises(InputError, match="'bigger' of layer 'square'"):
        calibrate(graph, tiny.pictures(2, (1, 2, 4, 4)), precisions=chosen)


def test_inputs_that_are_integers_are_not_calibrated() -> None:
    graph = FloatGraph(
        nodes=(
            Node("Gather", ("table", "rows"), ("picked",), {"axis": 0}, "lookup"),
            Node("Add", ("picked", "image"), ("out",), {}, "sum"),
        ),
        inputs=("rows", "image"),
        outputs=("out",),
        constants={"table": np.arange(12, dtype=np.float32).reshape(4, 3)},
        shapes={"rows": (2,), "image": (2, 3), "picked": (2, 3), "out": (2, 3)},
        dtypes={"rows": "int64"},
    )
    random = np.random.default_rng(0)
    examples = [
        {"rows": random.integers(0, 4, 2), "image": random.normal(0, 1, (2, 3)).astype(np.float32)}
        for _ in range(5)
    ]
    found = calibrate(graph, examples, precisions={"lookup": Precision.FLOAT})
    assert set(found) == {"image", "picked", "out"}


def test_few_values_an_example_find_about_the_same_ranges() -> None:
    """Extremes are exact whatever the number; the histogram is a fair sample."""
    graph = _line(
        Node("Add", ("image", "image"), ("inside",), name="first"),
        Node("Add", ("inside", "image"), ("out",), name="second"),
        shape=(1, 4, 64, 64),
    )
    random = np.random.default_rng(0)
    examples = [{"image": random.standard_normal((1, 4, 64, 64), np.float32)} for _ in range(10)]
    whole = calibrate(graph, examples).tensors["inside"]
    few = calibrate(graph, examples, options=CalibrationOptions(values_per_example=2000)).tensors[
        "inside"
    ]
    assert few.observed == whole.observed
    assert few.chosen.high == pytest.approx(whole.chosen.high, rel=0.1)
    assert few.expected_snr_db == pytest.approx(whole.expected_snr_db, abs=1.0)


@pytest.mark.parametrize(
    "options",
    [{"percentile": 0.0}, {"percentile": 101.0}, {"values_per_example": 0}]
    + [{"checkpoint_seconds": value} for value in (-1.0, float("nan"))],
)
def test_options_that_mean_nothing_are_refused(options: dict) -> None:
    with pytest.raises(UsageError, match="give"):
        CalibrationOptions(**options)


def test_an_output_has_room_for_surer_answers_than_were_seen(concat_graph: FloatGraph) -> None:
    few = calibrate(concat_graph, tiny.pictures(8)).tensors["logits"]
    many = calibrate(concat_graph, tiny.pictures(200)).tensors["logits"]
    assert few.chosen.high > few.observed[1]
    assert few.chosen.low < few.observed[0]
    stretch = [each.chosen.high / each.observed[1] for each in (few, many)]
    assert stretch[0] > stretch[1]


def test_an_output_with_bounds_of_its_own_gets_no_room() -> None:
    graph = _line(
        Node("Add", ("image", "image"), ("twice",), name="first"),
        Node("Sigmoid", ("twice",), ("out",), name="second"),
    )
    found = calibrate(graph, tiny.pictures(4, (1, 2, 4, 4))).tensors["out"]
    assert found.chosen == TensorRange(0.0, found.observed[1])
