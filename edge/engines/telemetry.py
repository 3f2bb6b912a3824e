"""Keeps an engine from reporting its use to its maker."""

from __future__ import annotations

import os

__all__ = ["refuse_telemetry"]


def refuse_telemetry() -> None:
    """Tell onnxruntime, before it is imported, to report nothing.

    Its wheel 1.32.0 for Linux writes a device number and a database of events below the user's
    cache folder, and holds the address that they are for. `onnxruntime.disable_telemetry_events`
    comes too late for the files. Whoever sets the variable decides: "0" is left as it is.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
