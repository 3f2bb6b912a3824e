"""What types cannot say about a manifest: ranges, and that its parts agree with each other."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod

from edge.bundle.bundle_paths import (
    MANIFEST_NAME,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    SIGNATURE_NAME,
    check_paths,
)
from edge.bundle.faults import FaultList, shown
from edge.bundle.input_checks import check_input, check_masks
from edge.bundle.manifest import (
    Artifact,
    Evidence,
    FileEntry,
    GoldenExample,
    GoldenOutput,
    Input,
    Manifest,
    Metric,
    Output,
)
from edge.bundle.value_checks import (
    check_filled,
    check_finite,
    check_name,
    check_positive,
    check_prose,
    check_reference,
    check_sha256,
    check_unique,
    check_within,
    listed,
)

__all__ = ["check_manifest", "check_tensors"]

_MAX_RANK = 8
_MAX_INT = 2**31 - 1

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
    check_filled([each.path for each in manifest.artifacts], "artifacts", "path", faults)
    for index, artifact in enumerate(manifest.artifacts):
        _check_artifact(artifact, names, f"artifacts[{index}]", faults)
    for index, example in enumerate(manifest.golden):
        _check_golden(example, names, f"golden[{index}]", faults)
    if manifest.evidence is not None:
        _check_evidence(manifest.evidence, names, faults)


def check_tensors(
    inputs: tuple[Input, ...], outputs: tuple[Output, ...], faults: FaultList
) -> None:
    """Find every fault in what a model takes and gives; as `check_manifest`."""
    check_filled([each.name for each in inputs], "inputs", "name", faults)
    check_filled([each.name for each in outputs], "outputs", "name", faults)
    for index, each in enumerate(inputs):
        check_input(each, f"inputs[{index}]", faults)
    check_masks(inputs, faults)
    for index, output in enumerate(outputs):
        _check_output(output, f"outputs[{index}]", faults)


def _check_identity(manifest: Manifest, faults: FaultList) -> None:
    for name in ("name", "version", "task"):
        check_name(getattr(manifest, name), name, faults)
    for name in ("intended_use", "licence"):
        check_prose(getattr(manifest, name), name, faults)
    for name in ("limits", "attribution"):
        for index, text in enumerate(getattr(manifest, name)):
            check_prose(text, f"{name}[{index}]", faults)


def _check_files(files: tuple[FileEntry, ...], faults: FaultList) -> None:
    faults.check(len(files) <= MAX_FILES, "files", f"has {len(files)}; at most {MAX_FILES}")
    check_paths(((f"files[{index}].path", each.path) for index, each in enumerate(files)), faults)
    for index, each in enumerate(files):
        path = f"files[{index}]"
        if each.path.casefold() == MANIFEST_NAME:
            faults.add(f"{path}.path", f"{MANIFEST_NAME} cannot hold its own digest; leave it out")
        if each.path.casefold() == SIGNATURE_NAME:
            faults.add(f"{path}.path", f"{SIGNATURE_NAME} signs the manifest; leave it out")
        check_sha256(each.sha256, f"{path}.sha256", faults)
        check_within(each.size_bytes, (0, MAX_FILE_BYTES), f"{path}.size_bytes", faults)
    total = sum(each.size_bytes for each in files)
    faults.check(
        total <= MAX_TOTAL_BYTES, "files", f"sizes sum to more than {MAX_TOTAL_BYTES} bytes"
    )


def _check_output(output: Output, path: str, faults: FaultList) -> None:
    check_name(output.name, f"{path}.name", faults)
    faults.check(output.labels, f"{path}.labels", "must have at least one element")
    for index, label in enumerate(output.labels):
        check_name(label, f"{path}.labels[{index}]", faults)
    check_unique(list(output.labels), f"{path}.labels", "", faults)
    allowed = _ACTIVATIONS[output.kind]
    faults.check(
        output.activation in allowed,
        f"{path}.activation",
        f"must be {' or '.join(allowed)} for {output.kind}, not {output.activation}",
    )
    check_positive(output.temperature, f"{path}.temperature", faults)
    faults.check(
        output.temperature == 1 or output.activation != "none",
        f"{path}.temperature",
        f"{shown(output.temperature)} needs an activation to act before; use 1.0",
    )
    check_name(output.unit, f"{path}.unit", faults, may_be_empty=True)
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
        check_within(threshold, (0, 1), f"{path}[{index}]", faults)


def _check_artifact(artifact: Artifact, names: _Names, path: str, faults: FaultList) -> None:
    check_reference(artifact.path, names.files, f"{path}.path", "among files", faults)
    check_within(artifact.tolerance_steps, (0, _MAX_INT), f"{path}.tolerance_steps", faults)
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
    check_reference(example.input, names.files, f"{path}.input", "among files", faults)
    check_sha256(example.tensor_sha256, f"{path}.tensor_sha256", faults)
    if example.label is not None:
        check_name(example.label, f"{path}.label", faults)
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
    check_reference(output.artifact, names.artifacts, f"{path}.artifact", "among artifacts", faults)
    check_reference(output.name, names.outputs, f"{path}.name", "among outputs", faults)
    count = len(output.values)
    shape = output.shape
    if len(shape) > _MAX_RANK or not all(0 < each <= _MAX_INT for each in shape):
        faults.add(f"{path}.shape", f"must be at most {_MAX_RANK} positive sizes")
    elif prod(shape) != count:
        faults.add(f"{path}.values", f"has {count} values for shape {listed(shape)}")
    if output.name in names.outputs:
        labels = len(names.outputs[output.name].labels)
        faults.check(count == labels, f"{path}.values", f"has {count} values for {labels} labels")
    faults.check(all(map(isfinite, output.values)), f"{path}.values", "must all be finite")


def _check_evidence(evidence: Evidence, names: _Names, faults: FaultList) -> None:
    path = "evidence"
    for name in ("source_model_sha256", "calibration_sha256"):
        check_sha256(getattr(evidence, name), f"{path}.{name}", faults)
    check_within(
        evidence.calibration_examples, (0, _MAX_INT), f"{path}.calibration_examples", faults
    )
    if evidence.calibration_method is not None:
        check_name(evidence.calibration_method, f"{path}.calibration_method", faults)
    for tool, version in evidence.tools.items():
        check_name(tool, f"{path}.tools", faults)
        check_name(version, f"{path}.tools[{shown(tool)}]", faults)
    for index, parity in enumerate(evidence.parity):
        where = f"{path}.parity[{index}]"
        check_reference(
            parity.artifact, names.artifacts, f"{where}.artifact", "among artifacts", faults
        )
        check_finite(parity.snr_db, f"{where}.snr_db", faults)
        difference = parity.max_abs_difference
        check_finite(difference, f"{where}.max_abs_difference", faults)
        faults.check(difference >= 0, f"{where}.max_abs_difference", "must be at least 0")
        check_within(parity.agreement, (0, 1), f"{where}.agreement", faults)
        if parity.cosine is not None:
            check_within(parity.cosine, (-1, 1), f"{where}.cosine", faults)
        check_within(parity.examples, (0, _MAX_INT), f"{where}.examples", faults)
    for index, metric in enumerate(evidence.metrics):
        _check_metric(metric, names, f"{path}.metrics[{index}]", faults)


def _check_metric(metric: Metric, names: _Names, path: str, faults: FaultList) -> None:
    check_reference(
        metric.artifact,
        names.artifacts | {"source"},
        f"{path}.artifact",
        "among artifacts, nor 'source'",
        faults,
    )
    check_name(metric.name, f"{path}.name", faults)
    check_within(metric.examples, (0, _MAX_INT), f"{path}.examples", faults)
    check_finite(metric.value, f"{path}.value", faults)
    if metric.low is None and metric.high is None:
        return
    if metric.low is None or metric.high is None:
        faults.add(path, "has one end of its interval; give low and high, or neither")
        return
    check_finite(metric.low, f"{path}.low", faults)
    check_finite(metric.high, f"{path}.high", faults)
    faults.check(metric.low <= metric.high, path, "has an interval whose low is above its high")
