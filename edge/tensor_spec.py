"""What an engine says about one of its tensors."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TensorSpec"]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, shape and element type of a model input or output.

    Attributes:
        name: the tensor's name in the model file.
        shape: sizes from the outermost axis in; None where the model leaves it open.
        dtype: numpy name of the element type: "float32", "int8", "uint8", ...
        scale: step of an affine-quantized tensor (real = scale * (q - zero_point)), else None.
        zero_point: the integer that stands for 0.0; 0 where `scale` is None.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    scale: float | None = None
    zero_point: int = 0

    @property
    def is_quantized(self) -> bool:
        """Whether values are affine-quantized integers."""
        return self.scale is not None
