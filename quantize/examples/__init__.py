"""Real inputs for the toolchain, read and prepared by the runtime itself."""

from __future__ import annotations

__all__: list[str] = []
