"""What types cannot say about a manifest: ranges, and that its parts agree with each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, prod

from edge.bundle.bundle_paths import (
    MANIFEST_NAME,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    check_paths,
)
from edge.bundle.faults import FaultList, shown
from edge.bundle.manifest import (
    Artifact,
    Evidence,
    FileEntry,
    GoldenExample,
    GoldenOutput,
    ImageInput,
    Manifest,
    Metric,
    Output,
    Resize,
)

__all__ = ["MAX_NAME_CHARACTERS", "MAX_SIDE_PIXELS", "check_manifest", "check_tensors"]

MAX_NAME_CHARACTERS = 200
MAX_SIDE_PIXELS = 8192
_MAX_RANK = 8
_MAX_INT = 2**31 - 1
_MAX_PIXEL = 255

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Names are printed: no control characters, no line or paragraph separators, and nothing that is
# invisible or turns the direction of writing, which lets one label be read as another.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_UNPRINTABLE_PROSE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_ACTIVATIONS = {
    "classification": ("softmax", "none"),
    "multilabel": ("sigmoid", "none"),
    "regression": ("none", "sigmoid"),
}


@dataclass(frozen=True, slots=True)
class _Names:
    """What the parts of one manifest may refer to."""

    files: frozenset[str]
    outputs: dict[str, Output]
    artifacts: frozenset[str]


def check_manifest(manifest: Manifest, faults: FaultList) -> None:
    """Find every value out of its range and every part that contradicts another.

    Args:
        manifest: typed, otherwise untrusted.
        faults: takes one entry for each fault, its path written like `inputs[0].resize.width`.
    """
    names = _Names(
        files=frozenset(each.path for each in manifest.files),
        outputs={each.name: each for each in manifest.outputs},
        artifacts=frozenset(each.path for each in manifest.artifacts),
    )
    _check_identity(manifest, faults)
    _check_files(manifest.files, faults)
    check_tensors(manifest.inputs, manifest.outputs, faults)
    _check_filled([each.path for each in manifest.artifacts], "artifacts", "path", faults)
    for index, artifact in enumerate(manifest.artifacts):
        _check_artifact(artifact, names, f"artifacts[{index}]", faults)
    for index, example in enumerate(manifest.golden):
        _check_golden(example, names, f"golden[{index}]", faults)
    if manifest.evidence is not None:
        _check_evidence(manifest.evidence, names, faults)


def check_tensors(
    inputs: tuple[ImageInput, ...], outputs: tuple[Output, ...], faults: FaultList
) -> None:
    """Find every fault in what a model takes and gives; as `check_manifest`."""
    _check_filled([each.name for each in inputs], "inputs", "name", faults)
    _check_filled([each.name for each in outputs], "outputs", "name", faults)
    for index, each in enumerate(inputs):
        _check_input(each, f"inputs[{index}]", faults)
    for index, output in enumerate(outputs):
        _check_output(output, f"outputs[{index}]", faults)


def _check_filled(keys: list[str], path: str, noun: str, faults: FaultList) -> None:
    faults.check(keys, path, "must have at least one element")
    _check_unique(keys, path, noun, faults)


def _check_identity(manifest: Manifest, faults: FaultList) -> None:
    for name in ("name", "version", "task"):
        _check_name(getattr(manifest, name), name, faults)
    for name in ("intended_use", "licence"):
        _check_prose(getattr(manifest, name), name, faults)
    for name in ("limits", "attribution"):
        for index, text in enumerate(getattr(manifest, name)):
            _check_prose(text, f"{name}[{index}]", faults)


def _check_name(text: str, path: str, faults: FaultList, *, may_be_empty: bool = False) -> None:
    if not text.strip() and not (may_be_empty and not text):
        faults.add(path, "must not be empty")
    elif len(text) > MAX_NAME_CHARACTERS:
        faults.add(path, f"has {len(text)} characters; at most {MAX_NAME_CHARACTERS} are allowed")
    elif _UNPRINTABLE.search(text):
        faults.add(path, f"{text[:60]!a} has control or invisible characters")


def _check_prose(text: str, path: str, faults: FaultList) -> None:
    faults.check(text.strip(), path, "must not be empty")
    faults.check(not _UNPRINTABLE_PROSE.search(text), path, f"{shown(text)} has control characters")


def _check_unique(values: list[str], path: str, noun: str, faults: FaultList) -> None:
    seen: set[str] = set()
    for index, value in enumerate(values):
        where = f"{path}[{index}].{noun}" if noun else f"{path}[{index}]"
        faults.check(value not in seen, where, f"{shown(value)} is given twice")
        seen.add(value)


def _check_sha256(text: str, path: str, faults: FaultList) -> None:
    faults.check(
        _SHA256.fullmatch(text), path, f"must be 64 lower-case hex digits, not {shown(text, 70)}"
    )


def _check_within(value: float, bounds: tuple[float, float], path: str, faults: FaultList) -> None:
    low, high = bounds
    faults.check(low <= value <= high, path, f"must be {low} to {high}, not {shown(value)}")


def _check_finite(value: float, path: str, faults: FaultList) -> None:
    faults.check(isfinite(value), path, f"must be finite, not {shown(value)}")


def _check_positive(value: float, path: str, faults: FaultList) -> None:
    is_right = isfinite(value) and value > 0
    faults.check(is_right, path, f"must be finite and above 0, not {shown(value)}")


def _check_files(files: tuple[FileEntry, ...], faults: FaultList) -> None:
    faults.check(len(files) <= MAX_FILES, "files", f"has {len(files)}; at most {MAX_FILES}")
    check_paths(((f"files[{index}].path", each.path) for index, each in enumerate(files)), faults)
    for index, each in enumerate(files):
        path = f"files[{index}]"
        if each.path.casefold() == MANIFEST_NAME:
            faults.add(f"{path}.path", f"{MANIFEST_NAME} cannot hold its own digest; leave it out")
        _check_sha256(each.sha256, f"{path}.sha256", faults)
        _check_within(each.size_bytes, (0, MAX_FILE_BYTES), f"{path}.size_bytes", faults)
    total = sum(each.size_bytes for each in files)
    faults.check(
        total <= MAX_TOTAL_BYTES, "files", f"sizes sum to more than {MAX_TOTAL_BYTES} bytes"
    )


def _check_input(each: ImageInput, path: str, faults: FaultList) -> None:
    _check_name(each.name, f"{path}.name", faults)
    _check_resize(each.resize, f"{path}.resize", faults)
    channels = 1 if each.colour == "grey" else 3
    size = (each.resize.height, each.resize.width)
    expected = (1, channels, *size) if each.layout == "NCHW" else (1, *size, channels)
    faults.check(
        each.shape == expected,
        f"{path}.shape",
        f"must be {list(expected)} by layout, colour and resize, not {_listed(each.shape)}",
    )
    for name in ("mean", "std"):
        count = len(getattr(each, name))
        faults.check(
            count in {1, channels},
            f"{path}.{name}",
            f"must have 1 value or one a channel ({channels}), not {count}",
        )
    for index, mean in enumerate(each.mean):
        _check_finite(mean, f"{path}.mean[{index}]", faults)
    for index, std in enumerate(each.std):
        _check_positive(std, f"{path}.std[{index}]", faults)
    faults.check(
        isfinite(each.scale) and each.scale != 0,
        f"{path}.scale",
        f"must be finite and not 0, not {shown(each.scale)}",
    )
    faults.check(
        each.dtype != "uint8" or each.normalisation_in_graph,
        f"{path}.dtype",
        "uint8 cannot hold normalised values; set normalisation_in_graph or use float32",
    )


def _listed(sizes: tuple[int, ...]) -> str:
    return f"[{', '.join(map(shown, sizes))}]"


def _check_resize(resize: Resize, path: str, faults: FaultList) -> None:
    _check_within(resize.width, (1, MAX_SIDE_PIXELS), f"{path}.width", faults)
    _check_within(resize.height, (1, MAX_SIDE_PIXELS), f"{path}.height", faults)
    _check_within(resize.pad_value, (0, _MAX_PIXEL), f"{path}.pad_value", faults)
    fraction = resize.crop_fraction
    faults.check(
        0 < fraction <= 1,
        f"{path}.crop_fraction",
        f"must be above 0 and at most 1, not {shown(fraction)}",
    )


def _check_output(output: Output, path: str, faults: FaultList) -> None:
    _check_name(output.name, f"{path}.name", faults)
    faults.check(output.labels, f"{path}.labels", "must have at least one element")
    for index, label in enumerate(output.labels):
        _check_name(label, f"{path}.labels[{index}]", faults)
    _check_unique(list(output.labels), f"{path}.labels", "", faults)
    allowed = _ACTIVATIONS[output.kind]
    faults.check(
        output.activation in allowed,
        f"{path}.activation",
        f"must be {' or '.join(allowed)} for {output.kind}, not {output.activation}",
    )
    _check_positive(output.temperature, f"{path}.temperature", faults)
    faults.check(
        output.temperature == 1 or output.activation != "none",
        f"{path}.temperature",
        f"{shown(output.temperature)} needs an activation to act before; use 1.0",
    )
    _check_name(output.unit, f"{path}.unit", faults, may_be_empty=True)
    faults.check(
        not output.unit or output.kind == "regression",
        f"{path}.unit",
        f"{shown(output.unit)} belongs to regression only, not to {output.kind}",
    )
    _check_thresholds(output, f"{path}.thresholds", faults)


def _check_thresholds(output: Output, path: str, faults: FaultList) -> None:
    if output.thresholds is None:
        return
    faults.check(
        output.kind == "multilabel", path, f"belong to multilabel only, not to {output.kind}"
    )
    count = len(output.thresholds)
    faults.check(
        count == len(output.labels), path, f"has {count} values for {len(output.labels)} labels"
    )
    for index, threshold in enumerate(output.thresholds):
        _check_within(threshold, (0, 1), f"{path}[{index}]", faults)


def _check_reference(
    value: str, allowed: Iterable[str], path: str, what: str, faults: FaultList
) -> None:
    faults.check(value in allowed, path, f"{shown(value)} is not {what}")


def _check_artifact(artifact: Artifact, names: _Names, path: str, faults: FaultList) -> None:
    _check_reference(artifact.path, names.files, f"{path}.path", "among files", faults)
    _check_within(artifact.tolerance_steps, (0, _MAX_INT), f"{path}.tolerance_steps", faults)
    for name in names.outputs:
        if name not in artifact.output_steps:
            faults.add(f"{path}.output_steps", f"has no step for output {shown(name)}")
    for name, step in artifact.output_steps.items():
        where = f"{path}.output_steps[{shown(name)}]"
        faults.check(name in names.outputs, where, "is not an output")
        faults.check(
            isfinite(step) and step >= 0, where, f"must be finite and at least 0, not {shown(step)}"
        )


def _check_golden(example: GoldenExample, names: _Names, path: str, faults: FaultList) -> None:
    _check_reference(example.input, names.files, f"{path}.input", "among files", faults)
    _check_sha256(example.tensor_sha256, f"{path}.tensor_sha256", faults)
    if example.label is not None:
        _check_name(example.label, f"{path}.label", faults)
    faults.check(example.outputs, f"{path}.outputs", "must have at least one element")
    seen: set[tuple[str, str]] = set()
    for index, output in enumerate(example.outputs):
        where = f"{path}.outputs[{index}]"
        faults.check(
            (output.artifact, output.name) not in seen, where, "is given twice for its artifact"
        )
        seen.add((output.artifact, output.name))
        _check_golden_output(output, names, where, faults)


def _check_golden_output(output: GoldenOutput, names: _Names, path: str, faults: FaultList) -> None:
    _check_reference(
        output.artifact, names.artifacts, f"{path}.artifact", "among artifacts", faults
    )
    _check_reference(output.name, names.outputs, f"{path}.name", "among outputs", faults)
    count = len(output.values)
    shape = output.shape
    if not 0 < len(shape) <= _MAX_RANK or not all(0 < each <= _MAX_INT for each in shape):
        faults.add(f"{path}.shape", f"must be 1 to {_MAX_RANK} positive sizes")
    elif prod(shape) != count:
        faults.add(f"{path}.values", f"has {count} values for shape {_listed(shape)}")
    if output.name in names.outputs:
        labels = len(names.outputs[output.name].labels)
        faults.check(count == labels, f"{path}.values", f"has {count} values for {labels} labels")
    faults.check(all(map(isfinite, output.values)), f"{path}.values", "must all be finite")


def _check_evidence(evidence: Evidence, names: _Names, faults: FaultList) -> None:
    path = "evidence"
    for name in ("source_model_sha256", "calibration_sha256"):
        _check_sha256(getattr(evidence, name), f"{path}.{name}", faults)
    _check_within(
        evidence.calibration_examples, (0, _MAX_INT), f"{path}.calibration_examples", faults
    )
    for tool, version in evidence.tools.items():
        _check_name(tool, f"{path}.tools", faults)
        _check_name(version, f"{path}.tools[{shown(tool)}]", faults)
    for index, parity in enumerate(evidence.parity):
        where = f"{path}.parity[{index}]"
        _check_reference(
            parity.artifact, names.artifacts, f"{where}.artifact", "among artifacts", faults
        )
        _check_finite(parity.snr_db, f"{where}.snr_db", faults)
        difference = parity.max_abs_difference
        _check_finite(difference, f"{where}.max_abs_difference", faults)
        faults.check(difference >= 0, f"{where}.max_abs_difference", "must be at least 0")
        _check_within(parity.agreement, (0, 1), f"{where}.agreement", faults)
        _check_within(parity.examples, (0, _MAX_INT), f"{where}.examples", faults)
    for index, metric in enumerate(evidence.metrics):
        _check_metric(metric, names, f"{path}.metrics[{index}]", faults)


def _check_metric(metric: Metric, names: _Names, path: str, faults: FaultList) -> None:
    _check_reference(
        metric.artifact,
        names.artifacts | {"source"},
        f"{path}.artifact",
        "among artifacts, nor 'source'",
        faults,
    )
    _check_name(metric.name, f"{path}.name", faults)
    _check_within(metric.examples, (0, _MAX_INT), f"{path}.examples", faults)
    _check_finite(metric.value, f"{path}.value", faults)
    if metric.low is None and metric.high is None:
        return
    if metric.low is None or metric.high is None:
        faults.add(path, "has one end of its interval; give low and high, or neither")
        return
    _check_finite(metric.low, f"{path}.low", faults)
    _check_finite(metric.high, f"{path}.high", faults)
    faults.check(metric.low <= metric.high, path, "has an interval whose low is above its high")
