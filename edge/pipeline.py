"""Composes the stages: frame or record -> tensors -> engine outputs -> result. No arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.engines.base import Engine
from edge.errors import EngineError, InputError
from edge.frame import Frame
from edge.frame_reader import PictureInput, read_frame
from edge.model_parts import ModelParts, check_against_engine
from edge.postprocess.dequantize import dequantize_output
from edge.postprocess.read_output import read_output
from edge.record import Record
from edge.results import EVEN_GATE, INPUT_GATE, ModelIdentity, NoAnswer, OutputResult, Result
from edge.stage_timer import StageTimer

if TYPE_CHECKING:
    from edge.preprocess.image import ImagePreprocessor
    from edge.preprocess.record import RecordPreprocessor

__all__ = ["Model", "ModelInput"]

ModelInput = PictureInput | Record | Mapping[str, Any] | list[Any] | tuple[Any, ...]


class Model:
    """A loaded model. `run` gives one answer for one picture or record, as often as wanted.

    It reads its files once, when made; it may be used from several threads; it is closed by
    `close` or by leaving a `with` block. Made by `edge.load`.

    Args:
        parts: the model and how its inputs and outputs are read.

    Raises:
        ModelMismatchError: the model file disagrees with its manifest.
    """

    def __init__(self, parts: ModelParts) -> None:
        self.parts = parts
        self._engine: Engine | None = parts.engine
        targets, self._output_specs = check_against_engine(parts)
        self._input_name = targets[0].name
        # One of the two: a model that takes one picture does nothing for the sake of others.
        self._picture: ImagePreprocessor | None = None
        self._record: RecordPreprocessor | None = None
        if parts.takes_one_picture:
            from edge.preprocess.image import ImagePreprocessor

            spec: Any = parts.inputs[0]
            self._picture = ImagePreprocessor(spec, targets[0], parts.artifact.layout)
        else:
            from edge.preprocess.record import RecordPreprocessor

            self._record = RecordPreprocessor(parts.inputs, targets, parts.artifact.layout)

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and digest of the model."""
        return self.parts.identity

    def run(self, source: ModelInput) -> Result:
        """Answer for one picture or record.

        Args:
            source: for a model that takes one picture: a path to an image file; the bytes of
                one; a `Frame`; or a grey picture as an array (height, width), uint8, uint16 or
                float32 in 0..1. A colour array must be wrapped, so that its channel order is
                known: `Frame(pixels, "rgb")`.
                For any other: a path to a .npy, .npz, .csv or .edge.json file; the bytes of
                one; a mapping by input name; an array or lists for a model with one input; or a
                `Record`. `edge.record.Record.values` says what a value may be.

        Returns:
            The answer with its latency by stage; status "refused", with the reason, for what
            must not be answered (a picture of one even tone, a value that is missing).

        Raises:
            InputError: it cannot be read or is not what the model takes.
            EngineError: the engine failed, or the model is closed.
        """
        picture = self._picture
        if picture is None:
            return self._run_record(source)
        frame = read_frame(source)
        timer = StageTimer(capture_ns=frame.capture_ns, decode_ns=frame.decode_ns)
        tensor, refusal = picture.prepare_checked(frame)
        timer.end("preprocess")
        if refusal is not None:
            return self._result(frame, timer, NoAnswer("refused", EVEN_GATE, refusal))
        raw = self._infer({self._input_name: tensor})
        timer.end("infer")
        return self._result(frame, timer, self._read_outputs(raw, timer))

    def no_result(self, frame: Frame, why: NoAnswer) -> Result:
        """What is said of a frame that the model was not, or could not be, asked about.

        Args:
            frame: what came.
            why: what stood in the way.
        """
        timer = StageTimer(capture_ns=frame.capture_ns, decode_ns=frame.decode_ns)
        return self._result(frame, timer, why)

    def _run_record(self, source: ModelInput) -> Result:
        record = self._to_record(source)
        timer = StageTimer(capture_ns=record.capture_ns, decode_ns=record.decode_ns)
        tensors, refusal = self._records().prepare_checked(record)
        timer.end("preprocess")
        if refusal is not None:
            return self._result(record, timer, NoAnswer("refused", INPUT_GATE, refusal))
        raw = self._infer(tensors)
        timer.end("infer")
        return self._result(record, timer, self._read_outputs(raw, timer))

    def _read_outputs(
        self, raw: Mapping[str, NDArray[Any]], timer: StageTimer
    ) -> tuple[OutputResult, ...]:
        outputs = tuple(
            read_output(dequantize_output(raw[spec.name], spec), output)
            for spec, output in zip(self._output_specs, self.parts.outputs, strict=True)
        )
        timer.end("postprocess")
        return outputs

    def _to_record(self, source: ModelInput) -> Record:
        if isinstance(source, Record):
            return source
        from edge.records.record_reader import make_record

        return make_record(source, self.parts.inputs)

    def _records(self) -> RecordPreprocessor:
        if self._record is None:  # only ever asked of a model that takes records
            raise EngineError("the model takes one picture; give it one")
        return self._record

    def _result(
        self,
        frame: Frame | Record,
        timer: StageTimer,
        found: tuple[OutputResult, ...] | NoAnswer,
    ) -> Result:
        why = found if isinstance(found, NoAnswer) else None
        return Result(
            source=frame.source,
            index=frame.index,
            status="ok" if why is None else why.status,
            reason=None if why is None else why.reason,
            outputs=() if isinstance(found, NoAnswer) else found,
            model=self.parts.identity,
            engine=self.parts.engine.name,
            precision=self.parts.artifact.precision,
            latency_ns=timer.latency(),
            digest=frame.digest,
            capture_time_ns=frame.capture_time_ns,
            capture_monotonic_ns=getattr(frame, "capture_monotonic_ns", 0),
            gate="" if why is None else why.gate,
        )

    def output_values(self, source: ModelInput) -> dict[str, NDArray[np.float32]]:
        """What the model gives before activation: by output name, dequantized.

        Args:
            source: as for `run`.

        Returns:
            float32 arrays in the engine's shapes, keyed by the manifest's output names.

        Raises:
            InputError: as for `run`; and for a record with a value that is missing.
        """
        if self._picture is not None:
            frame = read_frame(source)
            raw = self._infer({self._input_name: self._picture.prepare(frame)})
        else:
            tensors, refusal = self._records().prepare_checked(self._to_record(source))
            if refusal is not None:
                raise InputError(f"{refusal}; complete it")
            raw = self._infer(tensors)
        return {
            output.name: dequantize_output(raw[spec.name], spec)
            for spec, output in zip(self._output_specs, self.parts.outputs, strict=True)
        }

    def tensor_sha256(self, source: ModelInput) -> str:
        """SHA-256 in hex of the tensors that preprocessing makes, as golden examples hold it."""
        if self._picture is not None:
            return self._picture.tensor_sha256(read_frame(source))
        return self._records().tensor_sha256(self._to_record(source))

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

    def _infer(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        engine = self._engine
        if engine is None:
            raise EngineError("the model is closed; load it again")
        return engine.run(tensors)
