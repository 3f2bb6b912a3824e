"""Is there a reason not to quantize this model on these examples?

Each check is a pure function of what was measured, gives at most one finding, and keeps silent
where it cannot tell. A user may accept a finding by its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from edge.errors import GateError
from quantize.refusals.collapsed_answers import collapsed_answers
from quantize.refusals.finding import Finding
from quantize.refusals.input_scale import barely_moving, unlike_training, unusual_first_layer
from quantize.refusals.quantized_reference import (
    check_quantized_model,
    read_quantized_inputs,
    unlike_reference,
)
from quantize.refusals.source_statistics import SourceStatistics, measure_source
from quantize.refusals.untrained import constant_outputs, fresh_normalisation, fresh_weights
from quantize.run_examples import Examples

__all__ = [
    "Finding",
    "check_quantized_model",
    "find_refusals",
    "find_unlike_reference",
    "require_acceptable",
]


def find_refusals(
    model: Any, examples: Examples, *, most: int = 64, of_pictures: bool = True
) -> tuple[Finding, ...]:
    """Hold a source model and its calibration examples against each other.

    Args:
        model: the source as a static `onnx.ModelProto`, from `load_static_onnx`; not the
            canonical graph, in which batch normalisation is folded.
        examples: the calibration examples.
        most: look at no more than this many.
        of_pictures: whether the model takes pictures, for what is said.

    Returns:
        The findings, fatal ones first.

    Raises:
        InputError: onnxruntime does not take the model.
        EngineError: onnxruntime failed.
    """
    measured = measure_source(model, examples, most=most)
    found = [each for each in _check(model, measured, of_pictures=of_pictures) if each is not None]
    if of_pictures and (collapsed := collapsed_answers(model, examples, measured)) is not None:
        found = [collapsed, *(each for each in found if each.name != "unusual-first-layer")]
    return tuple(sorted(found, key=lambda each: not each.is_fatal))


def _check(
    model: Any, measured: SourceStatistics, *, of_pictures: bool
) -> Iterator[Finding | None]:
    fresh = fresh_normalisation(model)
    yield fresh
    yield fresh_weights(model)
    yield constant_outputs(measured.outputs, examples=measured.examples)
    for each in measured.rescaled:
        yield barely_moving(each)
    # Statistics of no training say nothing about the training data.
    if measured.normalisation is not None and fresh is None:
        yield unlike_training(measured.normalisation, of_pictures=of_pictures)
    if measured.layer is not None:
        yield unusual_first_layer(measured.layer, of_pictures=of_pictures)


def find_unlike_reference(examples: Examples, reference: Path) -> tuple[Finding, ...]:
    """Hold calibration examples against an int8 TFLite file that is known to be good.

    Inputs are matched by name, or where each side has one only.

    Args:
        examples: the calibration examples.
        reference: a .tflite file, or a bundle that holds one.

    Raises:
        InputError: the file is no TFLite file.
        BundleError: the bundle is refused, or holds no int8 TFLite file.
    """
    known = {each.name: each for each in read_quantized_inputs(reference)}
    ranges: dict[str, tuple[float, float]] = {}
    for example in examples:
        for name, values in example.items():
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
    if len(known) == len(ranges) == 1:
        known = dict(zip(ranges, known.values(), strict=True))
    found = (unlike_reference(name, *ranges[name], known[name]) for name in ranges if name in known)
    return tuple(each for each in found if each is not None)


def require_acceptable(
    findings: Collection[Finding], *, accepted: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Refuse where there is a fatal finding that the user has not accepted.

    Args:
        findings: from the functions of this module.
        accepted: names that the user overrules.

    Returns:
        The findings that do not stop: those accepted and those that are not fatal.

    Raises:
        GateError: the first that stops, with the name to accept it by.
    """
    for each in findings:
        if each.is_fatal and each.name not in accepted:
            raise GateError(f"{each.message} (to go on all the same: --accept {each.name})")
    return tuple(findings)
