"""Readers of image headers, one module a format; `edge.image_header` chooses among them."""

from __future__ import annotations

__all__: list[str] = []
