"""Frames of a live source that must not be answered, and from where on that is so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from edge.errors import UsageError
from edge.frame import Frame
from edge.streaming.pixel_signs import count_filled_rows, find_share_above, take_sample
from edge.streaming.repeated_frames import RepeatWatch

__all__ = ["FrameGates", "GateLimits", "Refusal", "find_bad_pixels", "find_stale"]

BRIGHT_SHARE = 0.001
"""Of a black frame: hot pixels and the glint of a lamp may be brighter."""

FULL_LEVEL = 251.0
"""Levels above this, of 255, count as full scale: JPEG makes a clipped area ring."""

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class GateLimits:
    """From where on a frame is refused. 0 switches a gate off.

    Attributes:
        frozen_s: the same picture, bit for bit, for longer than this.
        stale_s: captured longer ago than this when inference would start.
        black_level: all but a thousandth of the pixels at this level of 255 or below.
        saturated_share: this share of the pixels or more at full scale in every channel.
        filled_rows: as many rows or more at the bottom are what a decoder puts where no data
            came.

    Raises:
        UsageError: a limit is negative, no number, or out of its range.
    """

    frozen_s: float = 2.0
    stale_s: float = 2.0
    black_level: float = 24.0
    saturated_share: float = 0.9
    filled_rows: int = 8

    def __post_init__(self) -> None:
        most = {"black_level": 255.0, "saturated_share": 1.0}
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= most.get(name, math.inf)):
                raise UsageError(
                    f"the gate's limit {name} is {value}; give a number from 0 (off) to "
                    f"{most.get(name, 'what you need'):g}"
                )

    def changed(self, changes: Mapping[str, float]) -> GateLimits:
        """The same limits but for some, by name.

        Raises:
            UsageError: there is no limit of a name, or a value is none that it takes.
        """
        names = [each.name for each in fields(self)]
        unknown = sorted(set(changes) - set(names))
        if unknown:
            raise UsageError(
                f"no gate has the limit {', '.join(unknown)}; there are {', '.join(names)}"
            )
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a frame must not be answered.

    Attributes:
        gate: stable word: "torn", "stale", "black", "saturated" or "frozen".
        reason: one line.
    """

    gate: str
    reason: str


class FrameGates:
    """Looks at the frames of one source, one after another; remembers what it needs.

    Args:
        limits: None for no limits: then only a frame that its source calls faulty is refused.
    """

    def __init__(self, limits: GateLimits | None) -> None:
        self._limits = limits
        self._repeats = RepeatWatch()
        self._newest_index = -1
        self._newest_ns = 0

    def check(self, frame: Frame, now_monotonic_ns: int, *, is_live: bool = True) -> Refusal | None:
        """Look at the next frame.

        Args:
            frame: as the source gave it; its pixels are kept, and not to be written to.
            now_monotonic_ns: time.monotonic_ns().
            is_live: whether it came when it came; else its time says nothing.

        Returns:
            Why it must not be answered, or None where it may be.
        """
        if frame.fault:
            detail = f" ({frame.fault_detail})" if frame.fault_detail else ""
            return Refusal("torn", f"only part of the frame came{detail}")
        limits = self._limits
        if limits is None:
            return None
        refusal = self._find_untimely(frame, now_monotonic_ns) if is_live else None
        refusal = refusal or find_bad_pixels(frame, limits)
        # What is refused already is not remembered: a picture that was frozen before the lens
        # was covered, and is so afterwards, was frozen all the time.
        if refusal is None and is_live:
            refusal = self._find_frozen(frame, now_monotonic_ns)
        return refusal

    def _find_untimely(self, frame: Frame, now_ns: int) -> Refusal | None:
        index, at_ns = self._newest_index, self._newest_ns
        if frame.index <= index:
            return Refusal("stale", f"frame {frame.index} came after frame {index}")
        if 0 < frame.capture_monotonic_ns < at_ns:
            late_s = (at_ns - frame.capture_monotonic_ns) / _NS_PER_S
            return Refusal("stale", f"the frame is {late_s:.3f} s older than the one before it")
        self._newest_index, self._newest_ns = frame.index, frame.capture_monotonic_ns or at_ns
        return find_stale(frame, self._limits, now_ns)

    def _find_frozen(self, frame: Frame, now_ns: int) -> Refusal | None:
        limits = self._limits
        if limits is None or not limits.frozen_s:
            return None
        at_ns = frame.capture_monotonic_ns or now_ns
        unchanged_s = self._repeats.find_unchanged_ns(frame.pixels, at_ns) / _NS_PER_S
        if unchanged_s <= limits.frozen_s:
            return None
        return Refusal("frozen", f"the camera has given the same picture for {unchanged_s:.1f} s")


def find_stale(frame: Frame, limits: GateLimits | None, now_monotonic_ns: int) -> Refusal | None:
    """Why a frame is too old to be answered now.

    Args:
        frame: one that does not say when it was captured is not called old.
        limits: None for no limit.
        now_monotonic_ns: time.monotonic_ns().

    Returns:
        The reason, also for one that is dated as far in the future: its age cannot be told.
    """
    if limits is None or not limits.stale_s or not frame.capture_monotonic_ns:
        return None
    age_s = (now_monotonic_ns - frame.capture_monotonic_ns) / _NS_PER_S
    if abs(age_s) <= limits.stale_s:
        return None
    return Refusal("stale", f"the frame is {age_s:.1f} s old, over the limit of {limits.stale_s:g}")


def find_bad_pixels(frame: Frame, limits: GateLimits) -> Refusal | None:
    """Why the pixels of a frame, looked at alone, are no picture; None where they may be one."""
    if limits.filled_rows:
        rows = count_filled_rows(frame.pixels)
        if rows >= limits.filled_rows:
            return Refusal("torn", f"the last {rows} rows hold no data")
    if limits.black_level or limits.saturated_share:
        sample = take_sample(frame.pixels)
        if limits.black_level:
            bright, _ = find_share_above(sample, limits.black_level)
            if bright < BRIGHT_SHARE:
                return Refusal("black", "the picture is black")
        if limits.saturated_share:
            _, full = find_share_above(sample, FULL_LEVEL)
            if full >= limits.saturated_share:
                return Refusal("saturated", f"{full:.0%} of the picture is at full scale")
    return None
