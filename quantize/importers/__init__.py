"""Readers of other people's model files; each gives a checked `FloatGraph`."""

from __future__ import annotations

__all__: list[str] = []
