"""Parity says how far answers lie apart."""

import numpy as np
import pytest
from signal_to_noise import centred_snr_db

from edge.bundle.manifest import Output
from quantize.evaluation.signal_to_noise import SNR_LIMIT_DB
from quantize.parity import ParityMeter

CLASSES = Output(name="scores", kind="classification", labels=("a", "b", "c"), activation="softmax")
FINDINGS = Output(
    name="scores",
    kind="multilabel",
    labels=("a", "b", "c"),
    activation="sigmoid",
    thresholds=(0.5, 0.5, 0.9),
)


def measured(reference: np.ndarray, other: np.ndarray, output: Output = CLASSES):
    meter = ParityMeter("model", (output,))
    for first, second in zip(reference, other, strict=True):
        meter.update({"scores": first}, {"scores": second})
    return meter.result()


def test_streamed_figures_equal_those_of_the_whole() -> None:
    random = np.random.default_rng(0)
    reference = (random.normal(5, 2, (50, 1, 3))).astype(np.float32)
    other = (reference + random.normal(0, 0.1, reference.shape)).astype(np.float32)
    found = measured(reference, other)
    assert found.snr_db == pytest.approx(centred_snr_db(reference, other), abs=1e-6)
    centred = [each - each.mean(axis=0) for each in (reference, other)]
    lengths = np.linalg.norm(centred[0]) * np.linalg.norm(centred[1])
    assert found.cosine == pytest.approx((centred[0] * centred[1]).sum() / lengths, abs=1e-6)
    wide = other.astype(np.float64) - reference.astype(np.float64)
    assert found.max_abs_difference == pytest.approx(np.abs(wide).max())
    same = (reference.argmax(-1) == other.argmax(-1)).mean()
    assert found.agreement == pytest.approx(same)
    assert (found.examples, found.artifact) == (50, "model")


def test_equal_answers_have_a_finite_figure() -> None:
    same = np.ones((3, 1, 3), np.float32)
    found = measured(same, same)
    assert (found.snr_db, found.agreement, found.max_abs_difference) == (SNR_LIMIT_DB, 1.0, 0.0)


def test_a_constant_output_is_no_signal() -> None:
    same = np.ones((3, 1, 3), np.float32)
    assert measured(same, same + np.float32(0.1)).snr_db == -SNR_LIMIT_DB


def test_findings_agree_only_where_every_threshold_is_met_alike() -> None:
    reference = np.array([[[2.0, -2.0, 2.0]], [[2.0, -2.0, 2.0]]], np.float32)
    other = np.array([[[2.0, -2.0, 2.1]], [[2.0, -2.0, 2.3]]], np.float32)
    assert measured(reference, other, FINDINGS).agreement == 0.5


def test_nothing_measured_is_no_result() -> None:
    with pytest.raises(ValueError, match="at least one example"):
        ParityMeter("model", (CLASSES,)).result()
