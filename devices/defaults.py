"""What to run with on this machine, unless the user says otherwise."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.profile import Recommendation

__all__ = ["recommended_here"]


def recommended_here(root: Path = Path("/")) -> Recommendation | None:
    """The recommendation of this board's profile, where it has one that names anything.

    Generic profiles recommend neither engine nor threads, and x86-64 has no other, so there
    nothing is read or imported, which spares every start some milliseconds.

    Args:
        root: where `proc` and `sys` are.
    """
    if platform.machine() == "x86_64":
        return None
    from devices.detect import detect_board, find_profile

    profile = find_profile(detect_board(root))
    return profile.recommended if profile else None
