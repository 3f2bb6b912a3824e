"""How much a record may hold; all of it is checked before it is unpacked."""

from __future__ import annotations

__all__ = ["MAX_ARRAY_BYTES", "MAX_RANK", "MAX_TEXT_BYTES", "MAX_VALUES"]

MAX_ARRAY_BYTES = 256 * 2**20
"""A .npy or .npz file, packed and unpacked: a 16-bit picture of the largest size beside tables."""
MAX_TEXT_BYTES = 16 * 2**20
"""A CSV or JSON file: Python's objects for its cells take some twenty times as much."""
MAX_VALUES = 2**24
"""Numbers in one nested list."""
MAX_RANK = 8
