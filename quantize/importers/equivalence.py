"""Does the imported graph answer as the file it came from?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from quantize.graph import FloatGraph
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session

__all__ = ["TOLERANCE", "check_same_answers"]

TOLERANCE = 1e-4
"""Largest difference allowed, as a share of the range of the source's output."""

_EXAMPLES = 8


def check_same_answers(
    model: Any, graph: FloatGraph, examples: Iterable[Mapping[str, NDArray[np.float32]]]
) -> None:
    """Run a model and the graph imported from it on real examples and compare.

    Args:
        model: the static `onnx.ModelProto`.
        graph: what `import_model` made of it.
        examples: the first 8 are used; at least one.

    Raises:
        InputError: no example, or the answers differ by more than `TOLERANCE` of their range.
    """
    source = open_session(model.SerializeToString())
    imported = open_session(export_onnx(graph).SerializeToString())
    pairs = [
        (run_session(source, graph.outputs, each), run_session(imported, graph.outputs, each))
        for each in islice(examples, _EXAMPLES)
    ]
    if not pairs:
        raise InputError("no readable example to compare the imported model on")
    for at, name in enumerate(graph.outputs):
        wanted = np.stack([pair[0][at] for pair in pairs]).astype(np.float64)
        found = np.stack([pair[1][at] for pair in pairs]).astype(np.float64)
        difference = _difference(wanted, found)
        if not difference <= TOLERANCE:
            raise InputError(
                f"output '{name}' of the imported graph differs from the source model by "
                f"{difference:.2g} of its range (allowed {TOLERANCE:g}); the model uses an "
                "operator in a way that is not understood, so it is refused"
            )


def _difference(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Largest difference as a share of the range of what is wanted.

    Masked scores may be infinite: the same infinity, or NaN in both, is no difference.
    """
    finite = wanted[np.isfinite(wanted)]
    span = float(np.ptp(finite) or np.abs(finite).max() or 1.0) if finite.size else 1.0
    is_same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    with np.errstate(invalid="ignore"):
        apart = np.where(is_same, 0.0, np.abs(found - wanted))
    return float(apart.max()) / span if apart.size else 0.0
