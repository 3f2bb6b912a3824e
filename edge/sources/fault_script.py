"""What goes wrong with a fake camera, and when: a JSON file."""

from __future__ import annotations

import math
import os
import threading
import time
from bisect import bisect_right
from typing import Literal

import msgspec

from edge.errors import InputError
from edge.source_name import show_source
from edge.sources.file_bytes import read_file_bytes

__all__ = [
    "Fault",
    "FaultKind",
    "FaultSchedule",
    "FaultScript",
    "parse_fault_script",
    "read_faults",
]

FaultKind = Literal["lost", "hang", "frozen", "torn", "black", "saturated", "slow", "stale"]

_MOST_BYTES = 8 * 1024 * 1024
_NS_PER_S = 1_000_000_000

_first_opened_ns: dict[str, int] = {}
_first_opened_lock = threading.Lock()


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault.

    Attributes:
        at_s: seconds after the origin when it begins.
        for_s: seconds that it lasts.
        fault: "lost": reading fails, and so does opening; "hang": reading does not return before
            it is over; "frozen": the same pixels again and again; "torn": part of a picture;
            "black" and "saturated": all pixels 0, or 255; "slow": a frame every `interval_s`;
            "stale": the time of capture is `age_s` ago.
        interval_s: seconds between frames while "slow".
        age_s: seconds by which frames are older while "stale".
    """

    at_s: float
    for_s: float
    fault: FaultKind
    interval_s: float = 2.0
    age_s: float = 60.0


class FaultScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults on a clock.

    Attributes:
        faults: in the order of their times, none before the one before it is over.
        repeat_s: seconds after which they begin again; null: they do not.
        origin_monotonic_ns: the zero of the clock in CLOCK_MONOTONIC, which all processes of a
            machine share, so that a process that is restarted goes on with the script; null: the
            first time that this process opened this script.
    """

    faults: tuple[Fault, ...]
    repeat_s: float | None = None
    origin_monotonic_ns: int | None = None


class FaultSchedule:
    """A fault script that has begun."""

    def __init__(self, script: FaultScript, origin_ns: int) -> None:
        """Start.

        Args:
            script: what goes wrong.
            origin_ns: its zero, in the nanoseconds of time.monotonic_ns().
        """
        self._script = script
        self._origin_ns = origin_ns
        self._starts_s = [fault.at_s for fault in script.faults]

    def find(self, now_ns: int) -> tuple[Fault, float] | None:
        """The fault of this moment and the seconds until it is over; None where all is well.

        Args:
            now_ns: time.monotonic_ns().
        """
        at_s = (now_ns - self._origin_ns) / _NS_PER_S
        if self._script.repeat_s is not None and at_s >= 0:
            at_s %= self._script.repeat_s
        place = bisect_right(self._starts_s, at_s) - 1
        if place < 0:
            return None
        fault = self._script.faults[place]
        left_s = fault.at_s + fault.for_s - at_s
        return (fault, left_s) if left_s > 0 else None


def parse_fault_script(data: bytes, *, shown: str) -> FaultScript:
    """Parse a script.

    Args:
        data: JSON.
        shown: what messages call it.

    Raises:
        InputError: it is no such script; the message says where.
    """
    try:
        script = msgspec.json.decode(data, type=FaultScript)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{shown}: is no fault script ({error}); see docs/sources.md") from error
    end_s = 0.0
    for place, fault in enumerate(script.faults):
        _check_fault(fault, place, end_s, shown)
        end_s = fault.at_s + fault.for_s
    repeat_s = script.repeat_s
    if repeat_s is not None and not (math.isfinite(repeat_s) and 0 < repeat_s >= end_s):
        raise InputError(
            f"{shown}: repeat_s is {repeat_s:g} and the last fault ends at {end_s:g} s; make it "
            "a positive number that is no less",
        )
    return script


def read_faults(path: str) -> FaultSchedule:
    """Read a script and start it; one that was started in this process goes on.

    Args:
        path: a JSON file.

    Raises:
        InputError: it cannot be read, or is no such script.
    """
    data = read_file_bytes(path, limit=_MOST_BYTES, advice="write fewer faults and repeat them")
    script = parse_fault_script(data, shown=show_source(path))
    if script.origin_monotonic_ns is not None:
        return FaultSchedule(script, script.origin_monotonic_ns)
    key = os.path.abspath(path)  # noqa: PTH100 - a link stays a link
    with _first_opened_lock:
        return FaultSchedule(script, _first_opened_ns.setdefault(key, time.monotonic_ns()))


def _check_fault(fault: Fault, place: int, end_s: float, shown: str) -> None:
    for name in ("at_s", "for_s", "interval_s", "age_s"):
        value = getattr(fault, name)
        if not (math.isfinite(value) and value >= 0):
            raise InputError(
                f"{shown}: faults[{place}].{name} is {value:g}; make it a number from 0 on",
            )
    if fault.for_s == 0:
        raise InputError(f"{shown}: faults[{place}].for_s is 0; make it longer, or leave it out")
    if fault.at_s < end_s:
        raise InputError(
            f"{shown}: faults[{place}] begins at {fault.at_s:g} s and the one before it ends at "
            f"{end_s:g} s; write them in order, one at a time",
        )
