"""How large and how old a journal may grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.errors import UsageError

__all__ = ["JournalLimits", "Piece", "count_removable"]

_MIB = 1 << 20
_DAY_NS = 24 * 3600 * 1_000_000_000
_SEGMENTS_AT_LEAST = 4
_ROLLS_PER_AGE = 8


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """Bounds of a journal.

    Attributes:
        max_bytes: what all its files together take at most, chains set aside included. The
            oldest are removed, whole segments at a time, never the newest.
        max_age_days: entries that are older are removed likewise; None for no bound. Counted
            by `ElapsedClock`, so time may be counted too short, never too long.
        segment_bytes: a segment is closed before it grows over this.
        min_free_bytes: nothing is written where less is left on the disk, so that a full disk
            shows while there is still room to act.
        max_waiting: more entries than this may not wait to be written.
    """

    max_bytes: int = 512 * _MIB
    max_age_days: float | None = None
    segment_bytes: int = 8 * _MIB
    min_free_bytes: int = 16 * _MIB
    max_waiting: int = 256

    def __post_init__(self) -> None:
        values = {
            "max_bytes": self.max_bytes,
            "max_age_days": 1 if self.max_age_days is None else self.max_age_days,
            "segment_bytes": self.segment_bytes,
            "max_waiting": self.max_waiting,
        }
        for name, value in values.items():
            if not value > 0:
                raise UsageError(f"the journal's {name} is {value}; it must be above 0")
        if self.min_free_bytes < 0:
            raise UsageError(
                f"the journal's min_free_bytes is {self.min_free_bytes}; it must be 0 or more"
            )

    @property
    def roll_bytes(self) -> int:
        """Where a segment is closed: small enough that the bound can be kept by whole ones."""
        return max(1, min(self.segment_bytes, self.max_bytes // _SEGMENTS_AT_LEAST))

    @property
    def max_age_ns(self) -> int | None:
        """The bound on age in nanoseconds."""
        return None if self.max_age_days is None else int(self.max_age_days * _DAY_NS)

    @property
    def roll_age_ns(self) -> int | None:
        """What a segment may span, so that its old entries do not wait long for its young ones."""
        return None if self.max_age_ns is None else max(1, self.max_age_ns // _ROLLS_PER_AGE)


@dataclass(frozen=True, slots=True)
class Piece:
    """What is removed as a whole.

    Attributes:
        size_bytes: what it takes.
        ended_ns: the journal's time at its last line.
    """

    size_bytes: int
    ended_ns: int


def count_removable(pieces: Sequence[Piece], now_ns: int, limits: JournalLimits) -> int:
    """How many of the oldest pieces have to go when a new segment is begun.

    Args:
        pieces: all but the new segment, the oldest first.
        now_ns: the journal's time.
        limits: the bounds.
    """
    # Twice: the next new segment is written before what it displaces is removed.
    room = limits.max_bytes - 2 * limits.roll_bytes
    total = sum(each.size_bytes for each in pieces)
    count = 0
    while count < len(pieces):
        piece = pieces[count]
        is_old = limits.max_age_ns is not None and now_ns - piece.ended_ns > limits.max_age_ns
        if total <= room and not is_old:
            break
        total -= piece.size_bytes
        count += 1
    return count
