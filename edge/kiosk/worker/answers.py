"""A result of the pipeline -> what the worker says of it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

from edge.errors import InputError
from edge.kiosk.messages import LabelScore, Latency, ModelName, Output
from edge.kiosk.worker.watched_model import WatchedModel
from edge.kiosk.worker.wire import UPLOAD, Answered
from edge.pipeline import Model
from edge.results import LatencyNs, OutputResult, Result

__all__ = ["answer_upload", "answered"]


def answered(result: Result, *, error_code: str = "") -> Answered:
    """What is said of a result; names of files stay as the source gave them."""
    latency = result.latency_ns
    return Answered(
        source=result.source,
        index=result.index,
        status=result.status,
        gate=result.gate or ("" if result.status == "ok" else "input"),
        error_code=error_code,
        reason=result.reason,
        model=_name(result),
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


def _name(result: Result) -> ModelName:
    return ModelName(result.model.name, result.model.version, result.model.digest)


def _output(output: OutputResult) -> Output:
    return Output(
        name=output.name,
        kind=output.kind,
        scores=tuple(LabelScore(each.label, each.score) for each in output.scores),
        decision=output.decision,
        unit=output.unit,
    )


def answer_upload(model: WatchedModel, data: bytes) -> Answered:
    """Answer for the bytes of a picture or record; what cannot be read is said in the answer.

    Raises:
        EngineError: the engine failed.
    """
    arrived_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    try:
        result, code = model.run(data), ""
    except InputError as error:
        result, code = _unread(model.model, str(error)), error.code
    result = replace(
        result,
        source=UPLOAD,
        capture_time_ns=wall_ns,
        capture_monotonic_ns=arrived_ns,
        digest=hashlib.sha256(data).hexdigest(),
    )
    return answered(result, error_code=code)


def _unread(model: Model, reason: str) -> Result:
    parts = model.parts
    return Result(
        source=UPLOAD,
        index=0,
        status="error",
        reason=reason,
        outputs=(),
        model=parts.identity,
        engine=parts.engine.name,
        precision=parts.artifact.precision,
        latency_ns=LatencyNs(),
        gate="input",
    )
