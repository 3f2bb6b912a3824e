"""What an evaluation found: plain values, no arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from edge.results import OutputKind
from quantize.evaluation.calibration_error import ReliabilityBin
from quantize.evaluation.regression import RegressionFigures

__all__ = [
    "Agreement",
    "CalibrationFigures",
    "Comparison",
    "Evaluation",
    "Figure",
    "FlippedExample",
    "Flips",
    "ModelFigures",
    "OperatingPoint",
    "RocCurve",
    "SensitivityAt",
    "ThresholdRule",
]

ThresholdRule = Literal["specificity", "youden", "keep"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with its 95 % interval.

    Attributes:
        value: of the sample.
        low: lower bound; None where there is no interval.
        high: upper bound.
        interval: how the interval was made: "bootstrap", "wilson" or "".
    """

    value: float
    low: float | None = None
    high: float | None = None
    interval: str = ""


@dataclass(frozen=True, slots=True)
class SensitivityAt:
    """Sensitivity of one label at no less than a specificity."""

    label: str
    specificity: float
    figure: Figure


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """Whether probabilities mean what they say; lower is better in all of them.

    Attributes:
        expected: calibration error over 15 bins of equal width (Guo et al. 2017).
        adaptive: the same over bins of equally many examples.
        brier: Brier score: summed over labels for classification, mean over labels for multilabel.
        log_loss: in nats.
    """

    expected: float
    adaptive: float
    brier: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class RocCurve:
    """A ROC curve thinned for drawing: false positive share and sensitivity, both rising."""

    false_positive: tuple[float, ...]
    sensitivity: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """Figures of one model on the reported examples.

    Attributes:
        model: its name.
        auroc: by label, one against the rest; labels without both classes are missing.
        macro_auroc: mean over those labels.
        accuracy: classification: share of right answers; multilabel: of right decisions.
        sensitivity: at fixed specificities.
        calibration: at the output's own temperature; None where scores are no probabilities.
        refitted_calibration: at the refitted temperature; None where nothing was refitted.
        reliability: bins of the reliability diagram, at the temperature in force.
        regression: by value.
        mean_absolute_error: by value, with interval.
        curves: ROC curve by label.
    """

    model: str
    auroc: Mapping[str, Figure] = field(default_factory=dict)
    macro_auroc: Figure | None = None
    accuracy: Figure | None = None
    sensitivity: tuple[SensitivityAt, ...] = ()
    calibration: CalibrationFigures | None = None
    refitted_calibration: CalibrationFigures | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    regression: Mapping[str, RegressionFigures] = field(default_factory=dict)
    mean_absolute_error: Mapping[str, Figure] = field(default_factory=dict)
    curves: Mapping[str, RocCurve] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FlippedExample:
    """An example that two models decide differently.

    Attributes:
        index: 0-based position in the labelled data.
        name: its file, where naming was allowed; else "".
        label: which label's decision it is; "" for classification.
        truth: the true label, or "yes", "no", "not known".
        before: what the reference decides.
        after: what the other model decides.
    """

    index: int
    name: str
    label: str
    truth: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Flips:
    """Decisions that changed.

    Attributes:
        label: "" for classification.
        examples: how many decisions there are.
        changed: how many changed.
        lost: right before, wrong after.
        won: wrong before, right after.
        switched_on: no before, yes after; multilabel only.
        switched_off: yes before, no after; multilabel only.
        p_value: McNemar's exact test on `lost` against `won`; 1 where nothing changed.
        share: `changed` / `examples`, with interval.
    """

    label: str
    examples: int
    changed: int
    lost: int
    won: int
    switched_on: int
    switched_off: int
    p_value: float
    share: Figure


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far outputs lie from the reference's, whatever is true.

    Attributes:
        snr_db: centred signal-to-noise ratio of the raw outputs, at most 120.
        cosine: of the raw outputs, each centred over the examples, -1 to 1.
        agreement: share of examples with the same decision.
        max_abs_difference: of the raw outputs.
        examples: how many.
    """

    snr_db: float
    cosine: float
    agreement: float
    max_abs_difference: float
    examples: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One model against the reference, on the same examples.

    Attributes:
        reference: its name.
        model: the other's name.
        agreement: without labels.
        auroc_difference: model - reference by label, paired interval.
        macro_auroc_difference: of the means over labels.
        flips: at the reference's operating point, one entry a label (one for classification).
        refitted_flips: the model at the refitted operating point; empty where none was.
        flipped: the examples behind `flips`.
        error_difference: regression: mean absolute error, model - reference, by value.
    """

    reference: str
    model: str
    agreement: Agreement
    auroc_difference: Mapping[str, Figure] = field(default_factory=dict)
    macro_auroc_difference: Figure | None = None
    flips: tuple[Flips, ...] = ()
    refitted_flips: tuple[Flips, ...] = ()
    flipped: tuple[FlippedExample, ...] = ()
    error_difference: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Temperature and thresholds fitted on quantized outputs, for the manifest.

    Attributes:
        temperature: for all quantized files.
        thresholds: one a label, on scores at that temperature; None for classification.
        rule: how thresholds were chosen.
        examples: how many it was fitted on; none of them is reported.
        kept: labels with too few examples, whose float threshold was carried over.
    """

    temperature: float
    thresholds: tuple[float, ...] | None
    rule: ThresholdRule
    examples: int
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything found.

    Attributes:
        kind: of the output.
        labels: of the output.
        examples: how many are reported.
        groups: how many groups (patients) they are of.
        class_counts: reported examples by label; empty for regression and without labels.
        models: figures by model, in the order given; the reference first.
        comparisons: of every other model with the reference.
        operating_point: refitted; None where nothing could be.
        left_out: why, by name of an example that gave no answer.
        findings: what a reader has to know about these figures, one sentence each.
    """

    kind: OutputKind
    labels: tuple[str, ...]
    examples: int
    groups: int
    class_counts: Mapping[str, int]
    models: tuple[ModelFigures, ...]
    comparisons: tuple[Comparison, ...]
    operating_point: OperatingPoint | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    def figures(self, model: str) -> ModelFigures:
        """The figures of a model.

        Raises:
            KeyError: it was not evaluated.
        """
        for each in self.models:
            if each.model == model:
                return each
        raise KeyError(model)
