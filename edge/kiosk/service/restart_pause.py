"""How long to wait before a worker is started anew."""

from __future__ import annotations

__all__ = ["RestartPause"]

_FIRST_S = 0.1
_LONGEST_S = 10.0
_FACTOR = 3.0
_GOOD_LIFE_S = 30.0


class RestartPause:
    """At once after a good life; longer and longer where workers die young."""

    def __init__(self) -> None:
        self._next_s = _FIRST_S

    def after(self, lived_s: float) -> float:
        """Seconds to wait after a worker that lived so long: 0.1 to 10."""
        if lived_s >= _GOOD_LIFE_S:
            self._next_s = _FIRST_S
        pause_s = self._next_s
        self._next_s = min(self._next_s * _FACTOR, _LONGEST_S)
        return pause_s
