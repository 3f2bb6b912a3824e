"""Our own toolchain's float TFLite form of a model."""

from __future__ import annotations

from benchmarks.peers.quantizers.float_conversion import convert
from benchmarks.peers.quantizers.workers.request import Request, serve

__all__ = ["make_float_tflite"]


def make_float_tflite(request: Request) -> None:
    """Write the file."""
    convert(request.model, request.destination)


if __name__ == "__main__":
    serve(make_float_tflite)
