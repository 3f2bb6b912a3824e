"""Composes the stages: frame -> tensor -> engine outputs -> result. Holds no arithmetic."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.engines.base import Engine
from edge.errors import EngineError, UnsupportedInputError
from edge.frame import Frame
from edge.model_parts import ModelParts, check_against_engine
from edge.postprocess.dequantize import dequantize_output
from edge.postprocess.read_output import read_output
from edge.results import ModelIdentity, OutputResult, Result
from edge.stage_timer import StageTimer

__all__ = ["Model", "ModelInput"]

ModelInput = Frame | str | os.PathLike[str] | bytes | NDArray[Any]

_GREY_DIMENSIONS = 2


class Model:
    """A loaded model. `run` gives one answer for one picture, as often as wanted.

    It reads its files once, when made; it may be used from several threads; it is closed by
    `close` or by leaving a `with` block. Made by `edge.load`.

    Args:
        parts: the model and how its input and outputs are read.

    Raises:
        ModelMismatchError: the model file disagrees with its manifest.
    """

    def __init__(self, parts: ModelParts) -> None:
        from edge.preprocess.image import ImagePreprocessor

        self.parts = parts
        self._engine: Engine | None = parts.engine
        target, self._output_specs = check_against_engine(
            parts.input,
            parts.outputs,
            parts.artifact,
            parts.engine,
        )
        self._input_name = target.name
        self._preprocessor = ImagePreprocessor(parts.input, target, parts.artifact.layout)

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and digest of the model."""
        return self.parts.identity

    def run(self, source: ModelInput) -> Result:
        """Answer for one picture.

        Args:
            source: a path to an image file; the bytes of one; a `Frame`; or a grey picture as
                an array (height, width), uint8, uint16 or float32 in 0..1. A colour array
                must be wrapped, so that its channel order is known: `Frame(pixels, "rgb")`.

        Returns:
            The answer with its latency by stage; status "refused", with the reason, for a
            picture that must not be answered (one even tone).

        Raises:
            InputError: the picture cannot be read or is not one the model takes.
            EngineError: the engine failed, or the model is closed.
        """
        frame = _to_frame(source)
        timer = StageTimer(capture_ns=frame.capture_ns, decode_ns=frame.decode_ns)
        tensor, refusal = self._preprocessor.prepare_checked(frame)
        timer.end("preprocess")
        if refusal is not None:
            return self._result(frame, timer, refusal, ())
        raw = self._infer(tensor)
        timer.end("infer")
        outputs = tuple(
            read_output(dequantize_output(raw[spec.name], spec), output)
            for spec, output in zip(self._output_specs, self.parts.outputs, strict=True)
        )
        timer.end("postprocess")
        return self._result(frame, timer, None, outputs)

    def _result(
        self,
        frame: Frame,
        timer: StageTimer,
        refusal: str | None,
        outputs: tuple[OutputResult, ...],
    ) -> Result:
        return Result(
            source=frame.source,
            index=frame.index,
            status="ok" if refusal is None else "refused",
            reason=refusal,
            outputs=outputs,
            model=self.parts.identity,
            engine=self.parts.engine.name,
            precision=self.parts.artifact.precision,
            latency_ns=timer.latency(),
            digest=frame.digest,
            capture_time_ns=frame.capture_time_ns,
        )

    def output_values(self, frame: Frame) -> dict[str, NDArray[np.float32]]:
        """What the model gives for a frame before activation: by output name, dequantized.

        Args:
            frame: a decoded picture.

        Returns:
            float32 arrays in the engine's shapes, keyed by the manifest's output names.
        """
        raw = self._infer(self._preprocessor.prepare(frame))
        return {
            output.name: dequantize_output(raw[spec.name], spec)
            for spec, output in zip(self._output_specs, self.parts.outputs, strict=True)
        }

    def tensor_sha256(self, frame: Frame) -> str:
        """SHA-256 in hex of the float32 tensor that preprocessing makes of a frame."""
        return self._preprocessor.tensor_sha256(frame)

    def close(self) -> None:
        """Release the engine. Calling it twice is harmless; `run` fails afterwards."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _infer(self, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        engine = self._engine
        if engine is None:
            raise EngineError("the model is closed; load it again")
        return engine.run({self._input_name: tensor})


def _to_frame(source: ModelInput) -> Frame:
    if isinstance(source, Frame):
        return source
    if isinstance(source, np.ndarray):
        if source.ndim != _GREY_DIMENSIONS:
            raise UnsupportedInputError(
                f"an array of shape {source.shape} does not say what its channels are; "
                'wrap it: edge.Frame(pixels, "rgb") or "bgr"',
            )
        return Frame(
            pixels=np.ascontiguousarray(source)[:, :, np.newaxis],
            colour="grey",
            capture_time_ns=time.time_ns(),
        )
    from edge.decode import decode_image
    from edge.sources.image_files import read_image_bytes

    if isinstance(source, bytes):
        return decode_image(source, source="memory")
    start = time.perf_counter_ns()
    data = read_image_bytes(Path(source))
    reading_ns = time.perf_counter_ns() - start
    return replace(decode_image(data, source=os.fspath(source)), capture_ns=reading_ns)
