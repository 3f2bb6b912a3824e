"""A result of the pipeline -> what the worker says of it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

from edge.errors import EngineError, InputError
from edge.kiosk.messages import LabelScore, Latency, ModelName, Output
from edge.kiosk.worker.watched_model import ENGINE_GATE, WatchedModel
from edge.kiosk.worker.wire import UPLOAD, Answered
from edge.kiosk.worker.wording import Wording
from edge.pipeline import Model
from edge.results import INPUT_GATE, LatencyNs, NoAnswer, OutputResult, Result
from edge.streaming.answer_stream import StreamAnswer

__all__ = ["answer_upload", "answered", "stream_answered"]


def stream_answered(answer: StreamAnswer, wording: Wording) -> Answered:
    """What is said of a frame of the source."""
    code = "" if answer.error is None else answer.error.code
    return answered(answer.result, wording, error_code=code, file_name=answer.frame.file_name)


def answered(
    result: Result, wording: Wording, *, error_code: str = "", file_name: str = ""
) -> Answered:
    """What is said of a result.

    Args:
        result: of a frame or an upload.
        wording: makes its reason fit to be told.
        error_code: `EdgeError.code` of what went wrong.
        file_name: that its reason may name.
    """
    latency, gate = result.latency_ns, result.gate
    if result.status != "ok":
        gate = gate or INPUT_GATE
    return Answered(
        source=wording.clean(result.source),
        index=result.index,
        status=result.status,
        gate=gate,
        error_code=error_code or (EngineError.code if gate == ENGINE_GATE else ""),
        reason=None if result.reason is None else wording.clean(result.reason, file_name=file_name),
        model=ModelName(result.model.name, result.model.version, result.model.digest),
        engine=result.engine,
        precision=result.precision,
        outputs=tuple(_output(output) for output in result.outputs),
        latency_ns=Latency(
            capture=latency.capture,
            decode=latency.decode,
            preprocess=latency.preprocess,
            infer=latency.infer,
            postprocess=latency.postprocess,
            total=latency.total,
        ),
        capture_time_ns=result.capture_time_ns,
        capture_monotonic_ns=result.capture_monotonic_ns,
        input_digest=result.digest,
    )


def _output(output: OutputResult) -> Output:
    return Output(
        name=output.name,
        kind=output.kind,
        scores=tuple(LabelScore(each.label, each.score) for each in output.scores),
        decision=output.decision,
        unit=output.unit,
    )


def answer_upload(model: WatchedModel, data: bytes, wording: Wording) -> Answered:
    """Answer for the bytes of a picture or record; what cannot be read is said in the answer.

    Raises:
        EngineError: the engine has failed again and again.
    """
    arrived_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    code = ""
    try:
        result = model.run_bytes(data)
    except InputError as error:
        result = _no_result(model.model, NoAnswer("error", INPUT_GATE, str(error)))
        code = error.code
    except EngineError as error:
        result = _no_result(model.model, model.engine_failure(error))
    result = replace(
        result,
        source=UPLOAD,
        index=0,
        capture_time_ns=wall_ns,
        capture_monotonic_ns=arrived_ns,
        digest=hashlib.sha256(data).hexdigest(),
    )
    return answered(result, wording, error_code=code)


def _no_result(model: Model, why: NoAnswer) -> Result:
    parts = model.parts
    return Result(
        source=UPLOAD,
        index=0,
        status=why.status,
        reason=why.reason,
        outputs=(),
        model=parts.identity,
        engine=parts.engine.name,
        precision=parts.artifact.precision,
        latency_ns=LatencyNs(),
        gate=why.gate,
    )
