"""The writer by its first name; see `quantize.tflite_model`."""

from __future__ import annotations

from quantize.tflite_model import InputOutputType, write_tflite_int8

__all__ = ["InputOutputType", "write_tflite_int8"]
