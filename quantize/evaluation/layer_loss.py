"""Where a quantized graph loses: the signal-to-noise ratio after every layer, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from quantize.evaluation.layer_causes import (
    LayerEvidence,
    is_inherited,
    name_cause,
    weight_evidence,
)
from quantize.evaluation.lone_layers import QuantizedLayer, lone_layers, quantized_layers
from quantize.evaluation.signal_to_noise import SNR_LIMIT_DB, SignalToNoise
from quantize.evaluation.tensor_meters import RangeMeter
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.operators import OPERATORS
from quantize.quantized_graph import ActivationParams, Precision, QuantizedGraph
from quantize.run_examples import Examples, Progress, ignore_progress, require_examples
from quantize.uniform import dequantize

__all__ = ["LayerLoss", "measure_layer_losses"]


@dataclass(frozen=True, slots=True)
class LayerLoss:
    """What one quantized layer loses.

    Attributes:
        name: of the layer.
        op: ONNX operator.
        precision: "int8" or "dynamic".
        snr_db: centred, of its output, with the whole graph quantized; at most 120.
        cause: why, one sentence; "" where it loses nothing worth a reason.
        lone_snr_db: the same with this layer alone quantized.
        clipped_share: of its output's values, outside the range, 0 to 1.
        effective_bits: of the levels that most of its values fall on, 0 to 8.
        is_inherited: whether it was lost in the layers before.
    """

    name: str
    op: str
    precision: str
    snr_db: float
    cause: str
    lone_snr_db: float = SNR_LIMIT_DB
    clipped_share: float = 0.0
    effective_bits: float = 8.0
    is_inherited: bool = False


@dataclass(slots=True)
class _Meters:
    """Sums of one layer."""

    layer: str
    ranges: RangeMeter
    losses: SignalToNoise = field(default_factory=lambda: SignalToNoise(2))

    @property
    def snr_db(self) -> float:
        """With everything quantized."""
        return self.losses.db(0)

    @property
    def lone_snr_db(self) -> float:
        """With this layer alone quantized."""
        return self.losses.db(1)


def measure_layer_losses(
    quantized: QuantizedGraph, examples: Examples, progress: Progress | None = None
) -> tuple[LayerLoss, ...]:
    """Run the float graph, each layer's quantized twin and the int8 model over the examples.

    One example is held at a time. Layers that only move integers are left out.

    Args:
        quantized: the graph that both writers write.
        examples: real inputs; some tens are enough.
        progress: told after each example.

    Returns:
        One entry a layer, in the graph's order.

    Raises:
        InputError: no examples.
        EngineError: onnxruntime failed.
    """
    require_examples(examples)
    report = progress or ignore_progress
    layers = quantized_layers(quantized)
    if not layers:
        return ()
    doubled = lone_layers(quantized, layers)
    references = open_session(write_onnx_int8(doubled))
    whole = open_session(_with_outputs(quantized, layers))
    stored = {each.output: _stored_name(quantized, each) for each in layers}
    meters = {
        each.output: _Meters(each.node.name, RangeMeter(_params(quantized, each)))
        for each in layers
    }
    names = list(doubled.graph.outputs)
    for done, example in enumerate(examples, start=1):
        values = dict(zip(names, run_session(references, names, example), strict=True))
        found = run_session(whole, list(stored.values()), example)
        for each, raw in zip(layers, found, strict=True):
            _update(meters[each.output], each, values, _real(raw, _params(quantized, each)))
        report(done, len(examples))
    return tuple(_loss(quantized, each, meters) for each in layers)


def _update(
    meters: _Meters,
    layer: QuantizedLayer,
    values: Mapping[str, NDArray[Any]],
    quantized: NDArray[Any],
) -> None:
    wanted = values[layer.output]
    meters.ranges.update(wanted)
    meters.losses.update(wanted, quantized, values[layer.lone_output])


def _params(quantized: QuantizedGraph, layer: QuantizedLayer) -> ActivationParams | None:
    """Parameters of a layer's output where it is stored in 8 bit."""
    if quantized.precision(layer.node) is not Precision.INT8:
        return None
    return quantized.activations[layer.output]


def _stored_name(quantized: QuantizedGraph, layer: QuantizedLayer) -> str:
    """The tensor of the int8 ONNX model that holds a layer's output."""
    return layer.output if _params(quantized, layer) is None else f"{layer.output}/int8"


def _real(raw: NDArray[Any], params: ActivationParams | None) -> NDArray[Any]:
    if params is None:
        return raw
    return dequantize(raw, scale=params.scale, zero_point=params.zero_point)


def _with_outputs(quantized: QuantizedGraph, layers: tuple[QuantizedLayer, ...]) -> bytes:
    """The int8 model with every layer's stored output given out."""
    import onnx

    model = onnx.load_model_from_string(write_onnx_int8(quantized))
    present = {each.name for each in model.graph.output}
    for each in layers:
        name = _stored_name(quantized, each)
        if name in present:
            continue
        is_float = _params(quantized, each) is None
        kind = onnx.TensorProto.FLOAT if is_float else onnx.TensorProto.UINT8
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
    return bytes(model.SerializeToString())


def _loss(
    quantized: QuantizedGraph, layer: QuantizedLayer, meters: Mapping[str, _Meters]
) -> LayerLoss:
    own = meters[layer.output]
    source, source_snr = _worst_source(layer, meters)
    weight_snr, peak = _weights(quantized, layer)
    seen = LayerEvidence(
        op=layer.node.op,
        snr_db=own.snr_db,
        lone_snr_db=own.lone_snr_db,
        source=source,
        source_snr_db=source_snr,
        clipped_share=own.ranges.clipped_share,
        clipping_share_of_noise=own.ranges.clipping_noise / max(own.losses.noise[1], 1e-300),
        effective_bits=own.ranges.effective_bits,
        centred_share=own.losses.centred_share,
        output_to_input_power=_power_ratio(layer, meters),
        weight_snr_db=weight_snr,
        weight_peak=peak,
    )
    return LayerLoss(
        name=layer.node.name,
        op=layer.node.op,
        precision=quantized.precision(layer.node).value,
        snr_db=seen.snr_db,
        cause=name_cause(seen),
        lone_snr_db=seen.lone_snr_db,
        clipped_share=seen.clipped_share,
        effective_bits=seen.effective_bits,
        is_inherited=is_inherited(seen),
    )


def _worst_source(layer: QuantizedLayer, meters: Mapping[str, _Meters]) -> tuple[str, float]:
    """The measured layer among those that write a layer's inputs which has lost most."""
    found = [
        (meters[name].snr_db, meters[name].layer) for name in layer.node.inputs if name in meters
    ]
    if not found:
        return "", SNR_LIMIT_DB
    snr, name = min(found)
    return name, snr


def _power_ratio(layer: QuantizedLayer, meters: Mapping[str, _Meters]) -> float:
    powers = [meters[name].ranges.mean_square for name in layer.node.inputs if name in meters]
    largest = max(powers, default=0.0)
    return meters[layer.output].ranges.mean_square / largest if largest > 0 else 1.0


def _weights(quantized: QuantizedGraph, layer: QuantizedLayer) -> tuple[float, float]:
    operator, node = OPERATORS[layer.node.op], layer.node
    if quantized.precision(node) is Precision.DYNAMIC:
        names = [node.inputs[at] for at in operator.dynamic_weights]
    else:
        names = [operator.weight_input(node)]
    found = [weight_evidence(quantized, name) for name in names if name in quantized.weights]
    if not found:
        return SNR_LIMIT_DB, 0.0
    return min(snr for snr, _ in found), max(peak for _, peak in found)
