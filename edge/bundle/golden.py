"""Golden examples: does this machine answer as the lab did?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from edge.bundle.faults import shown
from edge.bundle.manifest import Artifact, GoldenExample, GoldenOutput
from edge.errors import BundleError, ModelMismatchError

__all__ = ["GoldenDifference", "compare_golden"]

_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class GoldenDifference:
    """How far one output lies from what the lab's machine gave.

    Attributes:
        output: the output's name in the manifest.
        steps: the largest difference of a value in output steps, rounded to 0.001; infinity
            where a value is not finite, or differs though the step is 0.
        max_abs_difference: the same in the output's own unit, not rounded.
        tolerance_steps: how many steps the artifact allows.
    """

    output: str
    steps: float
    max_abs_difference: float
    tolerance_steps: int

    @property
    def is_within(self) -> bool:
        """Whether the difference is allowed."""
        return self.steps <= self.tolerance_steps


def compare_golden(
    example: GoldenExample,
    artifact: Artifact,
    outputs: Mapping[str, NDArray[np.float32]],
) -> tuple[GoldenDifference, ...]:
    """Compare what an artifact gives for a golden input with what it gave in the lab.

    Args:
        example: the golden example whose input was run.
        artifact: the artifact that ran; its `output_steps` and `tolerance_steps` apply.
        outputs: dequantized values by the manifest's output names, in the golden shapes
            (leading and trailing axes of size 1 may differ).

    Returns:
        One difference for each output that the example holds of this artifact, at least one.

    Raises:
        BundleError: the example holds nothing of this artifact, so nothing can be said.
        ModelMismatchError: an output is missing or has another number of values.
    """
    golden = [each for each in example.outputs if each.artifact == artifact.path]
    if not golden:
        raise BundleError(
            f"golden example {shown(example.input)} has no outputs of {shown(artifact.path)}; "
            "rebuild the bundle with edge-quantize"
        )
    return tuple(_compare(each, artifact, outputs) for each in golden)


def _compare(
    golden: GoldenOutput,
    artifact: Artifact,
    outputs: Mapping[str, NDArray[np.float32]],
) -> GoldenDifference:
    got = outputs.get(golden.name)
    if got is None or got.size != len(golden.values):
        seen = "is missing" if got is None else f"has {got.size} values"
        raise ModelMismatchError(
            f"output {shown(golden.name)} of {shown(artifact.path)} {seen}, its golden output "
            f"has {len(golden.values)}; rebuild the bundle"
        )
    expected = np.asarray(golden.values, np.float64)
    difference = np.abs(got.astype(np.float64).ravel() - expected)
    largest = float(difference.max()) if np.isfinite(difference).all() else inf
    return GoldenDifference(
        output=golden.name,
        steps=_in_steps(largest, artifact.output_steps[golden.name]),
        max_abs_difference=largest,
        tolerance_steps=artifact.tolerance_steps,
    )


def _in_steps(difference: float, step: float) -> float:
    """Express a difference in steps; a step of 0 allows none at all."""
    if difference == 0:
        return 0.0
    if step == 0:
        return inf
    return round(difference / step, _DECIMALS)
