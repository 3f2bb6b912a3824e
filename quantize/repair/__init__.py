"""The repair ladder: one file a rung, each usable alone."""

from __future__ import annotations

__all__: list[str] = []
