"""AUROC and sensitivities are what their definitions say, for a sample and for resamples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.evaluation.ranking import RankedScores, auroc

# Hanley and McNeil 1982, table I: 109 tomograms rated from 1 (definitely normal) to 5.
RATED_NORMAL = (33, 6, 6, 11, 2)
RATED_ABNORMAL = (3, 2, 2, 11, 33)

SAMPLES = st.lists(
    st.tuples(st.integers(-4, 4), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40
)


def area_by_pairs(scores, positive, counts) -> float:
    """Share of drawn pairs that are in the right order; a tie is half a pair."""
    won = total = 0.0
    for first in np.flatnonzero(positive):
        for second in np.flatnonzero(~positive):
            weight = counts[first] * counts[second]
            total += weight
            won += weight * (
                1.0 if scores[first] > scores[second] else 0.5 * (scores[first] == scores[second])
            )
    return won / total if total else float("nan")


def sensitivity_by_thresholds(scores, positive, counts, specificity) -> float:
    """The best over every threshold there is."""
    negatives, positives = counts[~positive].sum(), counts[positive].sum()
    if not negatives or not positives:
        return float("nan")
    best = 0.0
    for threshold in [*np.unique(scores), np.inf]:
        called = scores >= threshold
        if counts[~positive & ~called].sum() >= specificity * negatives - 1e-9:
            best = max(best, counts[positive & called].sum() / positives)
    return best


def arrays(sample):
    scores, positive, counts = (np.array(each) for each in zip(*sample, strict=True))
    return scores.astype(np.float64), positive.astype(np.bool_), counts


def test_the_published_example_has_the_published_area() -> None:
    ratings = np.arange(1.0, 6.0)
    scores = np.concatenate([ratings.repeat(RATED_NORMAL), ratings.repeat(RATED_ABNORMAL)])
    positive = np.arange(109) >= sum(RATED_NORMAL)
    assert round(auroc(scores, positive), 3) == 0.893


@settings(max_examples=40)
@given(SAMPLES)
def test_an_area_is_the_share_of_pairs_in_order(sample) -> None:
    scores, positive, counts = arrays(sample)
    area, _ = RankedScores(scores, positive).measure(counts.astype(np.int32)[:, None], ())
    assert area[0] == pytest.approx(area_by_pairs(scores, positive, counts), nan_ok=True)


@settings(max_examples=40)
@given(SAMPLES, st.sampled_from([0.0, 0.5, 0.8, 0.9, 0.95, 1.0]))
def test_a_sensitivity_is_the_best_over_all_thresholds(sample, specificity) -> None:
    scores, positive, counts = arrays(sample)
    _, found = RankedScores(scores, positive).measure(
        counts.astype(np.int32)[:, None], (specificity,)
    )
    wanted = sensitivity_by_thresholds(scores, positive, counts, specificity)
    assert found[0, 0] == pytest.approx(wanted, nan_ok=True)


@settings(max_examples=40)
@given(SAMPLES)
def test_resamples_are_measured_together_as_alone(sample) -> None:
    scores, positive, counts = arrays(sample)
    ranked = RankedScores(scores, positive)
    columns = np.stack([counts, counts[::-1], np.ones_like(counts)], axis=1).astype(np.int32)
    together = ranked.measure(columns, (0.9,))
    for at in range(3):
        alone = ranked.measure(columns[:, [at]], (0.9,))
        np.testing.assert_array_equal(together[0][at], alone[0][0])
        np.testing.assert_array_equal(together[1][:, at], alone[1][:, 0])


def test_the_area_under_the_drawn_curve_is_the_area() -> None:
    random = np.random.default_rng(3)
    scores = np.round(random.normal(size=300), 1)
    positive = random.random(300) < 0.3
    false_share, sensitivity, thresholds = RankedScores(scores, positive).curve()
    drawn = float(np.sum(np.diff(false_share) * (sensitivity[1:] + sensitivity[:-1]) / 2))
    assert drawn == pytest.approx(auroc(scores, positive))
    assert thresholds[0] == np.inf
    assert (false_share[-1], sensitivity[-1]) == (1.0, 1.0)


def test_one_class_alone_has_no_area() -> None:
    assert np.isnan(auroc(np.array([0.1, 0.2]), np.array([True, True])))
