"""Keras models without Keras: configuration and weights in, ONNX out; no code of the file runs."""

from __future__ import annotations

from quantize.importers.keras.build_model import load_keras_model

__all__ = ["load_keras_model"]
