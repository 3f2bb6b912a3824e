"""Reports to render: a full one, of figures that were computed from made-up answers."""

from __future__ import annotations

import numpy as np

from edge.bundle.manifest import Output, Parity
from quantize.evaluation.answers import Answers
from quantize.evaluation.evaluate import evaluate_answers
from quantize.evaluation.evaluation import Evaluation
from quantize.evaluation.layer_loss import LayerLoss
from quantize.evaluation.options import EvaluationOptions
from quantize.labelled_data import LabelledData
from quantize.report.model import (
    Finding,
    LadderStep,
    ModelFile,
    QuantizationReport,
    RangeEntry,
    SpeedEntry,
    SpeedGain,
)

NAMES = ("source", "model.float32.tflite", "model.int8.onnx", "model.int8.tflite")


def evaluation(kind: str = "multilabel", count: int = 300) -> Evaluation:
    """Four forms of a model, the int8 ones coarse, on examples with truth."""
    random = np.random.default_rng(4)
    labels = ("effusion", "<b>mass</b>")
    if kind == "regression":
        truth = random.normal(50, 10, (count, 2))
        values = truth + random.normal(0, 3, truth.shape)
    else:
        truth = (random.random((count, 2)) < 0.4).astype(np.float64)
        values = random.normal(0, 1, truth.shape) + 1.5 * truth - 0.5
    coarse = np.rint(values * 2) / 2
    outputs = dict(zip(NAMES, (values, values, coarse, coarse + 0.1), strict=True))
    if kind == "classification":
        truth = truth[:, 0]
    activation = {"multilabel": "sigmoid", "classification": "softmax", "regression": "none"}
    output = Output(name="o", kind=kind, labels=labels, activation=activation[kind])
    names = tuple(f"film{at}.png" for at in range(count))
    data = LabelledData(
        output=output, names=names, truth=truth, groups=names, splits=(), load=lambda at: at
    )
    options = EvaluationOptions(repeats=50)
    return evaluate_answers(Answers(outputs, np.arange(count)), data, output, options)


def full_report(kind: str = "multilabel") -> QuantizationReport:
    """Every section filled."""
    return QuantizationReport(
        name='chest <script>alert("x")</script>',
        version="1.2",
        task="findings on a film",
        files=tuple(
            ModelFile(name, size, name[0] * 64)
            for name, size in zip(NAMES, (4 << 20, 4 << 20, 1 << 20, 900_000), strict=True)
        ),
        calibration_examples=300,
        parity=tuple(
            Parity(
                artifact=name,
                snr_db=27.5,
                max_abs_difference=0.3,
                agreement=0.99,
                examples=300,
                cosine=0.99912,
            )
            for name in NAMES[2:]
        ),
        evaluation=evaluation(kind),
        layers=(
            LayerLoss("stem", "Conv", "int8", 40.1, "", 40.1),
            LayerLoss("block/excite", "Conv", "int8", 12.3, "its range clips 2 %", 13.0, 0.02, 6.1),
        ),
        ranges=(
            RangeEntry("stem", -1.0, 3.0, -0.5, 2.0, "mse"),
            RangeEntry("block/excite", 0.0, 6.0, 0.0, 6.0, "minimum-maximum"),
        ),
        ladder=(
            LadderStep("equalization", 20.0, 24.0, kept=True, seconds=3.2),
            LadderStep("learned rounding", 24.0, 23.9, kept=False, seconds=60.0),
        ),
        speed=(
            SpeedEntry("onnxruntime", "source", 38.1, 37.0, 44.0, 30),
            SpeedEntry("onnxruntime", "model.int8.onnx", 11.9, 11.2, 15.0, 30),
        ),
        speed_gains=(
            SpeedGain("onnxruntime", "source", "model.int8.onnx", 3.2, 3.1, 3.3, 30),
            SpeedGain("litert", "model.float32.tflite", "model.int8.tflite", 0.9, 0.88, 0.93, 30),
        ),
        machine="x86-64, 2 cores",
        findings=(
            Finding("overruled", "few examples"),
            Finding("note", "assumed --kind multilabel"),
        ),
        versions={"edgedx": "0.1.0"},
        digests={"calibration": "c" * 64},
    )
