"""What this board's profile allows it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.records.record import BoardLimits
from devices.detect import detect_board, find_profile

__all__ = ["read_board_limits"]


def read_board_limits(root: Path = Path("/")) -> BoardLimits:
    """Find the board's profile and its thermal limit and signs of throttling.

    Args:
        root: where `proc` and `sys` are.
    """
    profile = find_profile(detect_board(root))
    if profile is None:
        return BoardLimits("", None, "")
    signals = profile.throttling.signals if profile.throttling is not None else ()
    if profile.thermal is None:
        return BoardLimits(profile.name, None, "", signals)
    return BoardLimits(
        profile.name, profile.thermal.throttle_start_c, profile.thermal.zone or "", signals
    )
