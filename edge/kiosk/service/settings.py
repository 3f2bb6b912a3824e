"""What a kiosk is told at its start."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import UsageError
from edge.kiosk.journal.entry import DeviceState
from edge.kiosk.journal.journal import JournalLimits

__all__ = ["ServiceSettings", "WorkerLimits"]


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """When a worker is replaced.

    Attributes:
        start_s: it must have loaded its model and shown its golden answers within this.
        infer_s: one inference must come back within this.
        silence_s: it must say that it is alive at least so often.
        memory_mib: resident memory that it may take; None for any.
        abandoned_threads: so many threads may be left behind in a camera's library.
    """

    start_s: float = 120.0
    infer_s: float = 30.0
    silence_s: float = 10.0
    memory_mib: float | None = None
    abandoned_threads: int = 8

    def __post_init__(self) -> None:
        for name in ("start_s", "infer_s", "silence_s"):
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds > 0):
                raise UsageError(f"{name} is {seconds}, not a positive number of seconds")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What a kiosk is told at its start.

    Attributes:
        source: address of the source, credentials included; "" for uploads alone.
        bundle: the model; None where `slots` says which.
        slots: folder of the two model slots; None without updates.
        journal: folder of the journal; None switches it off.
        policy: which frames are answered, as `parse_policy` reads it.
        gates: gate limits that differ from the defaults, by the names of `GateLimits`.
        answer_limit_s: an answer older than this is no longer shown; None for 2 seconds and
            three times as long as the last inference took, and for ever where the source is a
            folder, whose pictures do not age.
        trusted_keys: raw Ed25519 public keys; where there are any, only bundles signed with one
            of them are loaded.
        read_device: what the board says of itself, for the journal: temperature, throttling.
    """

    source: str
    bundle: Path | None = None
    slots: Path | None = None
    journal: Path | None = None
    journal_limits: JournalLimits = field(default_factory=JournalLimits)
    policy: str = "newest"
    gates: Mapping[str, float] = field(default_factory=dict)
    engine: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    open_timeout_s: float = 4.0
    read_timeout_s: float = 5.0
    answer_limit_s: float | None = None
    trusted_keys: tuple[bytes, ...] = ()
    worker: WorkerLimits = field(default_factory=WorkerLimits)
    read_device: Callable[[], DeviceState | None] = lambda: None

    def __post_init__(self) -> None:
        if (self.bundle is None) == (self.slots is None):
            raise UsageError("name a bundle or a folder of model slots, one of the two")
