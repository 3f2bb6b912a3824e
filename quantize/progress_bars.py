"""What `edge-quantize` shows while it works."""

from __future__ import annotations

import sys
from typing import Any

import click

__all__ = ["ProgressBars"]


class ProgressBars:
    """One progress bar a stage, on a terminal only; with the time left.

    Args:
        is_shown: whether standard error is a terminal.
    """

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._stage = ""
        self._done = 0
        self._bar: Any = None

    def update(self, stage: str, done: int, total: int) -> None:
        """Say how much of a stage is done."""
        if not self._is_shown:
            return
        if stage != self._stage or done < self._done:
            self.close()
            self._stage, self._done = stage, 0
            self._bar = click.progressbar(length=total, label=stage, file=sys.stderr, show_pos=True)
            self._bar.__enter__()
        self._bar.update(done - self._done)
        self._done = done

    def close(self) -> None:
        """End the current bar."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
