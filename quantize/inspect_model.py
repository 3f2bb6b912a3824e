"""`edge-quantize inspect`: the layers that lose most, and why."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.bundle.reader import open_bundle
from edge.errors import BundleError, GateError
from quantize.build_bundle import StageProgress, layers_of
from quantize.build_request import BuildRequest
from quantize.evaluation.layer_loss import LayerLoss
from quantize.refusals.quantized_reference import check_quantized_model, read_quantized_inputs

__all__ = ["inspect_bundle", "inspect_model", "inspect_tflite", "layer_lines"]

_REPORT = "report/report.json"


def inspect_bundle(path: Path) -> tuple[LayerLoss, ...]:
    """Read the layers from the report in a bundle.

    Raises:
        BundleError: it is no bundle, or holds no report of its layers.
    """
    with open_bundle(path) as bundle:
        if _REPORT not in {each.path for each in bundle.manifest.files}:
            raise BundleError(
                f"{path}: it holds no report; quantize the model again, or inspect the float model"
            )
        content: dict[str, Any] = json.loads(bundle.read(_REPORT))
    return tuple(LayerLoss(**layer) for layer in content["layers"])


def inspect_model(
    request: BuildRequest, *, progress: StageProgress | None = None
) -> tuple[LayerLoss, ...]:
    """Quantize a float model plainly and measure its layers; nothing is written.

    Raises:
        EdgeError: as `build_bundle`.
    """
    with tempfile.TemporaryDirectory(prefix="edge-quantize-") as scratch:
        return layers_of(request, scratch=Path(scratch), progress=progress)


def inspect_tflite(path: Path) -> str:
    """Look at an int8 TFLite file that somebody else made.

    Args:
        path: the file.

    Returns:
        One sentence where nothing is wrong with it.

    Raises:
        GateError: it was calibrated on inputs that it is not meant for.
        InputError: it cannot be read, or is no int8 TFLite file.
    """
    inputs = read_quantized_inputs(path)
    for finding in check_quantized_model(path):
        raise GateError(f"{path}: {finding.message}")
    if not inputs:
        return f"{path}: no input is quantized; nothing can be said"
    names = ", ".join(f"'{each.name}' {each.low:.4g} to {each.high:.4g}" for each in inputs)
    return f"{path}: takes {names}; no sign of wrongly scaled calibration"


def layer_lines(layers: Sequence[LayerLoss], *, worst: int, as_json: bool = False) -> list[str]:
    """What is printed: the worst first, with why."""
    chosen = sorted(layers, key=lambda each: each.snr_db)[:worst]
    if as_json:
        return [
            json.dumps({name: getattr(each, name) for name in LayerLoss.__dataclass_fields__})
            for each in chosen
        ]
    lines = [f"{'SNR':>9}{'alone':>9}  layer"]
    for each in chosen:
        name = f"{each.name} ({each.op}, {each.precision})"
        lines.append(f"{each.snr_db:>6.1f} dB{each.lone_snr_db:>6.1f} dB  {name}")
        if each.cause:
            lines.append(f"{'':20}{each.cause}")
    return lines
