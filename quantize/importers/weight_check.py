"""A trained model's weights are numbers: NaN and infinity are refused by their layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from quantize.graph import Node

__all__ = ["check_weights"]

_LEARNED = frozenset(
    {
        "BatchNormalization",
        "Conv",
        "ConvTranspose",
        "GRU",
        "Gemm",
        "GroupNormalization",
        "InstanceNormalization",
        "LSTM",
        "LayerNormalization",
        "MatMul",
        "PRelu",
        "RNN",
    }
)
"""Operators whose constants are learned. Others may hold infinity on purpose, as masks do."""


def check_weights(nodes: Sequence[Node], constants: Mapping[str, NDArray[Any]]) -> None:
    """Refuse weights that are no numbers.

    Args:
        nodes: of the model, as it was given.
        constants: its constants by name.

    Raises:
        InputError: a constant holds NaN, or a learned one infinity; names it and its layer.
    """
    for node in nodes:
        for name in node.inputs:
            values = constants.get(name)
            if values is None or values.dtype.kind != "f" or np.isfinite(values).all():
                continue
            is_nan = bool(np.isnan(values).any())
            if is_nan or node.op in _LEARNED:
                raise InputError(
                    f"weight '{name}' of layer '{node.name}' ({node.op}) holds "
                    f"{'NaN' if is_nan else 'infinity'}: the training has diverged or the file is "
                    "damaged; export a checkpoint with finite weights"
                )
