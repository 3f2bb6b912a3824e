"""The layers that lose most, and why, on networks with a fault that was put there."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_onnx_models as tiny

from quantize.calibration import calibrate
from quantize.evaluation.layer_causes import LayerEvidence, name_cause
from quantize.evaluation.layer_loss import measure_layer_losses
from quantize.evaluation.signal_to_noise import SignalToNoise
from quantize.evaluation.tensor_meters import RangeMeter
from quantize.importers.onnx_importer import import_model, load_static_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import ActivationParams, QuantizedGraph
from quantize.quantizer import quantize_graph
from quantize.run_examples import run_examples

EXAMPLES = tiny.pictures(12)


def quantized(model, folder) -> QuantizedGraph:
    graph = import_model(load_static_onnx(tiny.save(model, folder / "model.onnx")))
    return quantize_graph(graph, calibrate(graph, EXAMPLES))


@pytest.fixture(scope="module")
def residual(tmp_path_factory) -> QuantizedGraph:
    return quantized(tiny.residual_cnn(), tmp_path_factory.mktemp("residual"))


def by_name(graph: QuantizedGraph) -> dict:
    return {each.name: each for each in measure_layer_losses(graph, EXAMPLES)}


def with_scale(graph: QuantizedGraph, tensor: str, factor: float) -> QuantizedGraph:
    old = graph.activations[tensor]
    changed = ActivationParams(float(np.float32(old.scale * factor)), old.zero_point)
    return replace(graph, activations={**graph.activations, tensor: changed})


@pytest.mark.parametrize("most_values", [1, 2000, 5000])
def test_the_figures_do_not_depend_on_how_many_layers_are_measured_at_once(
    residual, most_values: int
) -> None:
    """So few are held that memory does not grow with the depth of a network."""
    together = measure_layer_losses(residual, EXAMPLES)
    assert measure_layer_losses(residual, EXAMPLES, most_values=most_values) == together


def test_progress_counts_the_examples_of_every_group(residual) -> None:
    told = []
    measure_layer_losses(
        residual, EXAMPLES[:2], lambda done, total: told.append((done, total)), most_values=1
    )
    assert told == [(done, 12) for done in range(1, 13)]


def test_every_layer_that_computes_is_listed_in_order(residual) -> None:
    losses = measure_layer_losses(residual, EXAMPLES)
    assert [each.op for each in losses] == [
        "Conv",
        "Conv",
        "Conv",
        "Add",
        "GlobalAveragePool",
        "Gemm",
    ]
    assert {each.precision for each in losses} == {"int8"}


def test_the_last_layer_loses_what_the_whole_model_loses(residual) -> None:
    session = open_session(write_onnx_int8(residual))
    output = residual.graph.outputs[0]
    meter = SignalToNoise()
    references = run_examples(residual.graph, EXAMPLES, [output])
    for example, wanted in zip(EXAMPLES, references, strict=True):
        meter.update(wanted[output], run_session(session, [output], example)[0])
    assert measure_layer_losses(residual, EXAMPLES)[-1].snr_db == pytest.approx(meter.db())


def test_alone_a_layer_loses_no_more_than_with_all_before_it(residual) -> None:
    for each in measure_layer_losses(residual, EXAMPLES)[1:]:
        assert each.lone_snr_db > each.snr_db - 1.0


def test_a_range_that_is_too_narrow_is_called_clipping(residual) -> None:
    sound = by_name(residual)
    broken = by_name(with_scale(residual, residual.graph.producer("a_relu").outputs[0], 0.2))
    assert broken["a"].snr_db < sound["a"].snr_db - 10
    assert "clips" in broken["a"].cause
    assert broken["a"].clipped_share > 0.01


def test_the_layers_after_a_fault_are_told_where_it_comes_from(residual) -> None:
    broken = by_name(with_scale(residual, residual.graph.producer("a_relu").outputs[0], 0.2))
    assert "lost before it" in broken["b"].cause
    assert "'a'" in broken["b"].cause
    assert broken["stem"].snr_db > 30


def test_a_range_that_is_too_wide_is_called_few_levels(residual) -> None:
    broken = by_name(with_scale(residual, residual.graph.producer("a_relu").outputs[0], 30.0))
    assert "few levels" in broken["a"].cause
    assert broken["a"].effective_bits < 5


def test_progress_is_told_after_each_example(residual) -> None:
    told = []
    measure_layer_losses(residual, EXAMPLES[:3], lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_same_examples_give_the_same_losses(residual) -> None:
    assert measure_layer_losses(residual, EXAMPLES) == measure_layer_losses(residual, EXAMPLES)


@pytest.mark.parametrize(
    "model", [tiny.depthwise_cnn, tiny.concat_cnn, tiny.gated_cnn], ids=lambda each: each.__name__
)
def test_other_networks_are_measured_too(model, tmp_path) -> None:
    losses = measure_layer_losses(quantized(model(), tmp_path), EXAMPLES)
    assert len(losses) >= 5
    assert all(20 < each.snr_db <= 120 for each in losses)


CAUSES = [
    pytest.param({"snr_db": 36.0}, "", id="good"),
    pytest.param(
        {"snr_db": 10.0, "lone_snr_db": 30.0, "source": "x", "source_snr_db": 11.0},
        "lost before it, most of it by 'x' (11.0 dB); alone it keeps 30.0 dB",
        id="inherited",
    ),
    pytest.param(
        {"source": "x", "source_snr_db": 20.5},
        "lost before it, most of it by 'x' (20.5 dB)",
        id="read as the layer before left it",
    ),
    pytest.param(
        {"clipped_share": 0.0123, "clipping_share_of_noise": 0.9},
        "its range clips 1.23 % of the values",
        id="clipping",
    ),
    pytest.param(
        {"op": "Add", "output_to_input_power": 0.01}, "its inputs cancel", id="cancellation"
    ),
    pytest.param({"centred_share": 0.002}, "small signal on a large mean", id="mean"),
    pytest.param({"effective_bits": 3.2}, "few levels used: 3.2 of 8 bits", id="levels"),
    pytest.param(
        {"weight_snr_db": 19.0, "weight_peak": 40.0},
        "rounding of its weights (19.0 dB); a channel's largest is 40 times",
        id="weights",
    ),
    pytest.param({}, "rounding of its 256 levels", id="nothing special"),
]


@pytest.mark.parametrize(("seen", "said"), CAUSES)
def test_a_cause_is_named_by_what_explains_most(seen, said) -> None:
    evidence = {"op": "Conv", "snr_db": 20.0, "lone_snr_db": 21.0, **seen}
    assert name_cause(LayerEvidence(**evidence)).startswith(said)


def test_a_range_meter_counts_what_lies_outside() -> None:
    meter = RangeMeter(ActivationParams(scale=1.0, zero_point=0))
    meter.update(np.array([0.0, 100.0, 255.4, 260.0], np.float32))
    assert (meter.clipped, meter.clipped_share) == (1, 0.25)
    assert meter.clipping_noise == pytest.approx(4.5**2)
    assert (meter.low, meter.high) == (0.0, 260.0)


def test_a_signal_that_is_the_same_for_every_example_is_no_signal() -> None:
    meter = SignalToNoise()
    for noise in (0.1, -0.1):
        meter.update(np.array([5.0, -3.0]), np.array([5.0 + noise, -3.0]))
    assert meter.db() == -120.0
    assert meter.centred_share == pytest.approx(0.0, abs=1e-12)
