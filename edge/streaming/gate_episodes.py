"""Refusals that follow one another are one episode: told when it begins and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.streaming.events import StreamEvent

__all__ = ["QUIET_NS", "GateEpisodes"]

QUIET_NS = 1_000_000_000
"""How long a gate must let frames pass before its episode is over: a picture that flickers
between good and bad is one fault, not thirty a second."""

_NS_PER_S = 1e9


@dataclass(slots=True)
class _Episode:
    began_ns: int
    last_ns: int
    count: int


class GateEpisodes:
    """Follows the gates of one stage; for one thread.

    Args:
        tell: called with each event.
    """

    def __init__(self, tell: Callable[[StreamEvent], None]) -> None:
        self._tell = tell
        self._open: dict[str, _Episode] = {}

    def refused(self, gate: str, reason: str, now_ns: int) -> None:
        """A gate refused a frame; the first of an episode is told.

        Args:
            gate: as `Result.gate`.
            reason: one line.
            now_ns: time.monotonic_ns().
        """
        episode = self._open.get(gate)
        if episode is None:
            self._open[gate] = _Episode(now_ns, now_ns, 1)
            self._tell(StreamEvent("gate_closed", "warning", f"no result: {reason}", now_ns, gate))
        else:
            episode.last_ns = now_ns
            episode.count += 1

    def passed(self, now_ns: int) -> None:
        """Every gate let a frame pass; an episode that is over is told."""
        for gate, episode in list(self._open.items()):
            if now_ns - episode.last_ns > QUIET_NS:
                del self._open[gate]
                lasted_s = (episode.last_ns - episode.began_ns) / _NS_PER_S
                self._tell(
                    StreamEvent(
                        "gate_opened",
                        "info",
                        f"frames pass the gate '{gate}' again; it refused {episode.count} in "
                        f"{lasted_s:.1f} s",
                        now_ns,
                        gate,
                    ),
                )
