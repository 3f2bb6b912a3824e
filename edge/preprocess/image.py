"""Frames to the tensor of an image model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from edge.errors import ModelMismatchError
from edge.frame import Frame
from edge.preprocess.gates import find_refusal
from edge.preprocess.geometry import plan_geometry
from edge.preprocess.planes import make_planes
from edge.preprocess.tensor_writer import Normalisation, Quantization, TensorWriter
from edge.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edge.bundle.manifest import ImageInput

__all__ = ["ImagePreprocessor"]

Layout = Literal["NCHW", "NHWC"]

_QUANTIZED = ("int8", "uint8")
_LEVELS = Quantization(1.0, 0)
_SIGNED_LEVELS = Quantization(1.0, -128)


class ImagePreprocessor:
    """Turns frames of any size, depth and colour into one model's input.

    The steps, in this order: crop, grey from colour where the model is grey, resize and pad in
    the frame's own depth (`edge.preprocess.planes`), then look-up or normalisation and, where
    the engine's tensor is an integer one, quantization (`edge.preprocess.tensor_writer`). Every
    step gives the same bits on every machine. It may be used from several threads.

    Args:
        spec: the picture as the manifest describes it.
        target: the engine's tensor: float32; int8 or uint8 with a scale; or, where the
            manifest's own dtype is uint8, uint8 with any scale (bytes pass straight through) or
            int8 (the same levels less 128).
        layout: where `target` has its channels.

    Raises:
        ModelMismatchError: `target` cannot hold what `spec` describes.
    """

    def __init__(self, spec: ImageInput, target: TensorSpec, layout: Layout) -> None:
        self._spec = spec
        channels = 1 if spec.colour == "grey" else 3
        _check_target(spec, target, layout, channels)
        normalisation = None
        if not spec.normalisation_in_graph:
            normalisation = Normalisation(
                spec.scale,
                _for_each_channel(spec.mean, channels),
                _for_each_channel(spec.std, channels),
            )
        self._canonical = TensorWriter(
            spec.layout,
            spec.dtype,
            normalisation,
            _LEVELS if spec.dtype == "uint8" else None,
            channels,
        )
        self._writer = TensorWriter(
            layout, target.dtype, normalisation, _find_quantization(spec, target), channels
        )

    def prepare(self, frame: Frame) -> NDArray[Any]:
        """Make the engine's tensor of a frame.

        Returns:
            A fresh C-contiguous array of the target's shape and dtype; the caller owns it.

        Raises:
            InputError: the frame is not what `Frame` promises.
            UnsupportedInputError: the model takes one size only and the frame has another.
        """
        return self._writer.write(make_planes(frame, self._spec.colour, self._spec.resize))

    def prepare_checked(self, frame: Frame) -> tuple[NDArray[Any], str | None]:
        """Do as `prepare`, and look whether there is anything to see in what the model is shown.

        Returns:
            The tensor of `prepare`, and why the frame must not be answered, or None where it may
            be (`edge.preprocess.gates`).

        Raises:
            InputError: as for `prepare`.
        """
        resize = self._spec.resize
        planes = make_planes(frame, self._spec.colour, resize)
        height, width, _ = frame.pixels.shape
        refusal = find_refusal(planes, plan_geometry(width, height, resize))
        return self._writer.write(planes), refusal

    def __call__(self, frame: Frame) -> NDArray[Any]:
        """Do as `prepare`."""
        return self.prepare(frame)

    def canonical_tensor(self, frame: Frame) -> NDArray[Any]:
        """Make the canonical tensor of a frame: in the manifest's own dtype and layout.

        It is the same for every artifact of a bundle, and the same bits on every machine.

        Raises:
            InputError: as for `prepare`.
        """
        return self._canonical.write(make_planes(frame, self._spec.colour, self._spec.resize))

    def tensor_sha256(self, frame: Frame) -> str:
        """Return the digest of `canonical_tensor`: SHA-256 in hex of its values, little-endian.

        Raises:
            InputError: as for `prepare`.
        """
        values = self.canonical_tensor(frame)
        values = values.astype(values.dtype.newbyteorder("<"), copy=False)
        return hashlib.sha256(values.tobytes()).hexdigest()


def _check_target(spec: ImageInput, target: TensorSpec, layout: Layout, channels: int) -> None:
    size = (spec.resize.height, spec.resize.width)
    expected = (1, channels, *size) if layout == "NCHW" else (1, *size, channels)
    shape = target.shape
    fits = len(shape) == len(expected) and all(
        given in (None, wanted) for given, wanted in zip(shape, expected, strict=True)
    )
    if not fits:
        raise ModelMismatchError(
            f"input {target.name!r} of the model has shape {list(shape)} and its manifest "
            f"describes {list(expected)} in {layout}; make the bundle again"
        )
    if spec.dtype == "uint8":
        is_right = target.dtype in _QUANTIZED
    else:
        is_raw = target.dtype == "uint8" and spec.normalisation_in_graph
        is_integer = target.dtype in _QUANTIZED and (target.is_quantized or is_raw)
        is_right = target.dtype == "float32" or is_integer
    if is_right:
        return
    scale = "a" if target.is_quantized else "no"
    raise ModelMismatchError(
        f"input {target.name!r} of the model is {target.dtype} with {scale} scale, which "
        f"{spec.dtype} pixels cannot be written to; make the bundle again"
    )


def _for_each_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Repeat a single value for every channel."""
    if len(values) not in (1, channels):
        raise ModelMismatchError(
            f"the manifest gives {len(values)} means or deviations for {channels} channels; "
            "make the bundle again"
        )
    return values if len(values) == channels else values * channels


def _find_quantization(spec: ImageInput, target: TensorSpec) -> Quantization | None:
    if spec.dtype == "uint8":
        return _LEVELS if target.dtype == "uint8" else _SIGNED_LEVELS
    if target.scale is not None:
        return Quantization(target.scale, target.zero_point)
    # Plain uint8 takes the levels themselves, rounded where the picture is deeper.
    return None if target.dtype == "float32" else _LEVELS
