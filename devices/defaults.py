"""What to run with on this machine, unless the user says otherwise."""

from __future__ import annotations

from pathlib import Path

from devices.detect import detect_board, find_profile
from devices.profile import Recommendation

__all__ = ["recommended_here"]


def recommended_here(root: Path = Path("/")) -> Recommendation | None:
    """The recommendation of this board's profile, where it has one that names anything.

    Generic profiles recommend neither engine nor threads, and x86-64 has no other, so there no
    file is read, which spares every start some milliseconds.

    Args:
        root: where `proc` and `sys` are.
    """
    board = detect_board(root)
    if board.architecture == "x86_64":
        return None
    profile = find_profile(board)
    return profile.recommended if profile else None
