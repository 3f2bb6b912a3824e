"""Where a quantized graph loses: the signal-to-noise ratio after every layer, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
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
from quantize.graph import FloatGraph
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


@dataclass(frozen=True, slots=True)
class _Sums:
    """What is kept of one layer when its group is done."""

    layer: str
    snr_db: float
    lone_snr_db: float
    lone_noise: float
    centred_share: float
    clipping_noise: float
    clipped_share: float
    effective_bits: float
    mean_square: float


class _Meters:
    """Sums of one layer while its group is measured."""

    def __init__(self, layer: str, params: ActivationParams | None) -> None:
        self._layer = layer
        self._ranges = RangeMeter(params)
        self._losses = SignalToNoise(2)

    def update(self, wanted: NDArray[Any], quantized: NDArray[Any], alone: NDArray[Any]) -> None:
        self._ranges.update(wanted)
        self._losses.update(wanted, quantized, alone)

    def result(self) -> _Sums:
        return _Sums(
            layer=self._layer,
            snr_db=self._losses.db(0),
            lone_snr_db=self._losses.db(1),
            lone_noise=self._losses.noise[1],
            centred_share=self._losses.centred_share,
            clipping_noise=self._ranges.clipping_noise,
            clipped_share=self._ranges.clipped_share,
            effective_bits=self._ranges.effective_bits,
            mean_square=self._ranges.mean_square,
        )


def measure_layer_losses(
    quantized: QuantizedGraph,
    examples: Examples,
    progress: Progress | None = None,
    *,
    most_values: int = 1 << 22,
) -> tuple[LayerLoss, ...]:
    """Run the float graph, each layer's quantized twin and the int8 model over the examples.

    One example is held at a time, and of it the outputs of a group of layers. Layers that only
    move integers are left out.

    Args:
        quantized: the graph that both writers write.
        examples: real inputs, the same each time they are walked; some tens are enough.
        progress: told after each example of each group.
        most_values: that the layers of a group write together, unless a single one writes more.

    Returns:
        One entry a layer, in the graph's order; the same whatever the groups.

    Raises:
        InputError: no examples.
        EngineError: onnxruntime failed.
    """
    require_examples(examples)
    report = progress or ignore_progress
    layers = quantized_layers(quantized)
    groups = _groups(quantized.graph, layers, most_values)
    sums: dict[str, _Sums] = {}
    done = 0
    for group in groups:
        meters = {each.output: _Meters(each.node.name, _params(quantized, each)) for each in group}
        for seen in _walk_group(quantized, group, examples):
            for output, (wanted, real, alone) in seen.items():
                meters[output].update(wanted, real, alone)
            done += 1
            report(done, len(groups) * len(examples))
        sums.update((output, each.result()) for output, each in meters.items())
    return tuple(_loss(quantized, each, sums) for each in layers)


def _groups(
    graph: FloatGraph, layers: tuple[QuantizedLayer, ...], most: int
) -> list[tuple[QuantizedLayer, ...]]:
    """Layers that follow each other, together writing at most so many values."""
    groups: list[list[QuantizedLayer]] = []
    room = 0
    for each in layers:
        size = prod(graph.shapes[each.output])
        if size > room:
            groups.append([])
            room = most
        groups[-1].append(each)
        room -= size
    return [tuple(each) for each in groups]


def _walk_group(
    quantized: QuantizedGraph, layers: tuple[QuantizedLayer, ...], examples: Examples
) -> Iterator[Mapping[str, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]]:
    """Of each example, by layer: in float, with everything quantized, with the layer alone."""
    doubled = lone_layers(quantized, layers)
    references = open_session(write_onnx_int8(doubled))
    whole = open_session(_with_outputs(quantized, layers))
    stored = [_stored_name(quantized, each) for each in layers]
    names = list(doubled.graph.outputs)
    for example in examples:
        values = dict(zip(names, run_session(references, names, example), strict=True))
        found = run_session(whole, stored, example)
        yield {
            each.output: (
                values[each.output],
                _real(raw, _params(quantized, each)),
                values[each.lone_output],
            )
            for each, raw in zip(layers, found, strict=True)
        }


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


def _loss(quantized: QuantizedGraph, layer: QuantizedLayer, sums: Mapping[str, _Sums]) -> LayerLoss:
    own = sums[layer.output]
    source, source_snr = _worst_source(layer, sums)
    weight_snr, peak = _weights(quantized, layer)
    seen = LayerEvidence(
        op=layer.node.op,
        snr_db=own.snr_db,
        lone_snr_db=own.lone_snr_db,
        source=source,
        source_snr_db=source_snr,
        clipped_share=own.clipped_share,
        clipping_share_of_noise=own.clipping_noise / max(own.lone_noise, 1e-300),
        effective_bits=own.effective_bits,
        centred_share=own.centred_share,
        output_to_input_power=_power_ratio(layer, sums),
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


def _worst_source(layer: QuantizedLayer, sums: Mapping[str, _Sums]) -> tuple[str, float]:
    """The measured layer among those that write a layer's inputs which has lost most."""
    found = [(sums[name].snr_db, sums[name].layer) for name in layer.node.inputs if name in sums]
    if not found:
        return "", SNR_LIMIT_DB
    snr, name = min(found)
    return name, snr


def _power_ratio(layer: QuantizedLayer, sums: Mapping[str, _Sums]) -> float:
    powers = [sums[name].mean_square for name in layer.node.inputs if name in sums]
    largest = max(powers, default=0.0)
    return sums[layer.output].mean_square / largest if largest > 0 else 1.0


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
