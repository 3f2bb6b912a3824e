"""Measured metrics, as JSON, for the manifest's evidence."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.bundle.manifest import Metric
from edge.errors import InputNotFoundError, UsageError

__all__ = ["read_metrics"]


def read_metrics(path: Path) -> tuple[Metric, ...]:
    """Read a JSON list of the manifest's `Metric` objects.

    Raises:
        InputNotFoundError: there is no such file.
        UsageError: it is not such a list; the message says where.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Metric, ...])
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path}: no such metrics file") from error
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{path}: not a JSON list of metrics: {' '.join(str(error).split())}"
        ) from error
