"""The scenario that the settings name."""

from __future__ import annotations

from benchmarks.records.record import RunSettings
from benchmarks.scenarios.base import Scenario
from benchmarks.scenarios.multi_stream import MultiStream
from benchmarks.scenarios.offline import Offline
from benchmarks.scenarios.server import Server
from benchmarks.scenarios.single_stream import SingleStream

__all__ = ["choose_scenario"]

_DEFAULT_LOAD = 0.5
_LAG_IN_BOUNDS = 20
_LEAST_LAG_NS = 5_000_000_000


def choose_scenario(settings: RunSettings, *, warm_ns: float) -> Scenario:
    """Make the scenario.

    Args:
        settings: which, and its numbers.
        warm_ns: median of the last warm calls; half the rate that it allows is the server
            scenario's where the settings give none.
    """
    if settings.scenario == "multi-stream":
        return MultiStream(settings.samples_per_query)
    if settings.scenario == "offline":
        return Offline()
    if settings.scenario == "server":
        return Server(
            rate_hz=settings.rate_hz or _DEFAULT_LOAD * 1e9 / max(1.0, warm_ns),
            seed=settings.seed,
            most_lag_ns=max(_LEAST_LAG_NS, _LAG_IN_BOUNDS * (settings.latency_bound_ns or 0)),
        )
    return SingleStream()
