"""Frames of a live source that must not be answered, and from where on that is so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from edge.errors import UsageError
from edge.frame import Frame
from edge.streaming.frame_seams import SeamWatch
from edge.streaming.pixel_signs import count_filled_rows, find_share_within, take_rows
from edge.streaming.repeated_frames import RepeatWatch

__all__ = ["FrameGates", "GateLimits", "Refusal", "find_bad_pixels", "find_stale", "parse_limits"]

BRIGHT_SHARE = 0.01
"""Of a black frame: hot pixels, the glint of a lamp and light at a cover's edge may be brighter.
Of 9480 radiographs, fundus photographs, brain slices and skin photographs, each has at least 0.23
of its pixels above the default level."""

FULL_LEVEL = 252.0
"""Levels from here to 255 count as full scale: JPEG makes a clipped area ring."""

_ROWS_LOOKED_AT = 64
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class GateLimits:
    """From where on a frame is refused. 0 switches a gate off.

    Attributes:
        frozen_s: the same picture, bit for bit, for longer than this, from a camera on this
            machine: its sensor's noise never repeats, and 2 s are 60 frames, or 10 of a webcam
            in the dark.
        frozen_network_s: likewise over the network, where the encoder of a scene at rest repeats
            pictures bit for bit until its next key frame, 1 to 4 s later with most cameras.
        stale_s: captured longer ago than this when inference would start, or dated as far ahead;
            also a frame that comes after one that is newer.
        black_level: all but a hundredth of the pixels at this level of 255 or below.
        saturated_fraction: this share of the pixels or more at full scale in every channel (the
            highest of the 9480 pictures named at `BRIGHT_SHARE` is 0.47).
        filled_rows: so many rows or more at the bottom are what a decoder puts where no data
            came.
        seam_frames: frames in a row in which a camera on this machine must have shown its noise
            before one that ends in the rows of an earlier one is called torn.

    Raises:
        UsageError: a limit is negative, no number, or out of its range.
    """

    frozen_s: float = 2.0
    frozen_network_s: float = 5.0
    stale_s: float = 2.0
    black_level: float = 24.0
    saturated_fraction: float = 0.75
    filled_rows: float = 8
    seam_frames: float = 60

    def __post_init__(self) -> None:
        most = {"black_level": 255, "saturated_fraction": 1}
        for name in (each.name for each in fields(self)):
            value, limit = getattr(self, name), most.get(name, math.inf)
            if not (math.isfinite(value) and 0 <= value <= limit):
                allowed = "0 (off) or more" if limit == math.inf else f"0 (off) to {limit}"
                raise UsageError(f"the gates' limit {name} is {value}; give {allowed}")

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
        return replace(self, **changes)


def parse_limits(texts: Iterable[str], *, form: str = "NAME=VALUE") -> GateLimits:
    """Read limits that differ from the defaults.

    Args:
        texts: each "NAME=VALUE", such as "frozen_s=10" or "black_level=0".
        form: what the user's command calls that.

    Raises:
        UsageError: one is not so written, or means nothing.
    """
    changes = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            changes[name.strip()] = float(value)
        except ValueError as error:
            raise UsageError(
                f"{text!r} is no limit of a gate; write {form}, such as frozen_s=10"
            ) from error
    return GateLimits().changed(changes)


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
        self.restart()

    def restart(self) -> None:
        """Say that the source was opened anew; that a picture was frozen before is remembered."""
        self._newest_index = -1
        self._newest_ns = 0
        seam_frames = self._limits.seam_frames if self._limits else 0
        self._seams = SeamWatch(seam_frames) if seam_frames else None

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
        refusal = self._find_untimely(frame, limits, now_monotonic_ns) if is_live else None
        refusal = refusal or find_bad_pixels(frame, limits)
        # What is refused already is not remembered: a picture that was frozen before the lens
        # was covered, and is so afterwards, was frozen all the time.
        if refusal is None and is_live:
            refusal = self._find_seam(frame) or self._find_frozen(frame, limits, now_monotonic_ns)
        return refusal

    def _find_seam(self, frame: Frame) -> Refusal | None:
        if self._seams is None or _is_network(frame) or not self._seams.has_seam(frame.pixels):
            return None
        return Refusal("torn", "the lower part of the frame is left over from an earlier one")

    def _find_untimely(self, frame: Frame, limits: GateLimits, now_ns: int) -> Refusal | None:
        if not limits.stale_s:
            return None
        refusal = find_stale(frame, limits, now_ns)
        if refusal is not None:
            return refusal
        index, at_ns = self._newest_index, self._newest_ns
        if frame.index <= index:
            return Refusal("stale", f"frame {frame.index} came after frame {index}")
        if 0 < frame.capture_monotonic_ns < at_ns:
            late_s = (at_ns - frame.capture_monotonic_ns) / _NS_PER_S
            return Refusal("stale", f"the frame is {late_s:.3f} s older than the one before it")
        self._newest_index, self._newest_ns = frame.index, frame.capture_monotonic_ns or at_ns
        return None

    def _find_frozen(self, frame: Frame, limits: GateLimits, now_ns: int) -> Refusal | None:
        limit_s = limits.frozen_network_s if _is_network(frame) else limits.frozen_s
        if not limit_s:
            return None
        at_ns = frame.capture_monotonic_ns or now_ns
        unchanged_s = self._repeats.find_unchanged_ns(frame.pixels, at_ns) / _NS_PER_S
        if unchanged_s <= limit_s:
            return None
        return Refusal("frozen", f"the camera has given the same picture for {unchanged_s:.1f} s")


def _is_network(frame: Frame) -> bool:
    return "://" in frame.source


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
    age = f"{age_s:.1f} s old" if age_s > 0 else f"dated {-age_s:.1f} s ahead"
    return Refusal("stale", f"the frame is {age}, over the limit of {limits.stale_s:g}")


def find_bad_pixels(frame: Frame, limits: GateLimits) -> Refusal | None:
    """Why the pixels of a frame, looked at alone, are no picture; None where they may be one."""
    if limits.filled_rows:
        filled = count_filled_rows(frame.pixels)
        if filled >= limits.filled_rows:
            return Refusal("torn", f"the last {filled} rows hold no data")
    rows = take_rows(frame.pixels, _ROWS_LOOKED_AT)
    if limits.black_level and 1 - find_share_within(rows, 0, limits.black_level) < BRIGHT_SHARE:
        return Refusal("black", "the picture is black")
    if limits.saturated_fraction:
        share = find_share_within(rows, FULL_LEVEL, 255)
        if share >= limits.saturated_fraction:
            return Refusal("saturated", f"{share:.0%} of the picture is at full scale")
    return None
