"""Intervals come from drawing whole groups, the same draws for every figure."""

import numpy as np
import pytest

from quantize.evaluation.bootstrap import (
    bootstrap,
    bootstrap_intervals,
    group_draws,
    percentile_interval,
)
from quantize.evaluation.ranking import RankedScores, auroc


@pytest.fixture(scope="module")
def sample():
    random = np.random.default_rng(5)
    positive = random.random(200) < 0.4
    scores = np.round(random.normal(size=200) + positive, 1)
    groups = np.array([f"patient {at // 3}" for at in range(200)])
    return scores, positive, groups


def test_a_group_is_drawn_whole(sample) -> None:
    groups = sample[2]
    for counts in group_draws(groups, 20, seed=1):
        for group in np.unique(groups):
            assert len(set(counts[groups == group])) == 1


def test_as_many_groups_are_drawn_as_there_are(sample) -> None:
    groups = sample[2]
    _, first = np.unique(groups, return_index=True)
    assert {int(counts[first].sum()) for counts in group_draws(groups, 20, seed=1)} == {len(first)}


def test_counting_gives_what_copying_the_drawn_examples_gives(sample) -> None:
    scores, positive, groups = sample
    ranked = RankedScores(scores, positive)
    draws = bootstrap(
        [lambda counts: {"auroc": ranked.measure(counts, ())[0]}], groups, repeats=100, seed=7
    )
    copied = bootstrap_intervals(
        lambda at: {"auroc": auroc(scores[at], positive[at])}, groups, 100, 7
    )
    assert percentile_interval(draws["auroc"]) == pytest.approx(copied["auroc"])


def test_the_difference_of_a_model_and_itself_has_no_width(sample) -> None:
    scores, positive, groups = sample
    statistics = [
        lambda counts, name=name: {name: RankedScores(scores, positive).measure(counts, ())[0]}
        for name in ("first", "second")
    ]
    draws = bootstrap(statistics, groups, repeats=50, seed=1)
    assert percentile_interval(draws["first"] - draws["second"]) == (0.0, 0.0)


def test_the_interval_of_a_mean_has_the_width_that_theory_gives() -> None:
    values = np.random.default_rng(0).normal(size=400)
    draws = bootstrap(
        [lambda counts: {"mean": values @ counts / counts.sum(axis=0)}],
        np.arange(400),
        repeats=2000,
        seed=1,
    )
    low, high = percentile_interval(draws["mean"])
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.06)


def test_the_number_of_draws_held_at_once_changes_nothing(sample, monkeypatch) -> None:
    scores, positive, groups = sample
    statistic = [lambda counts: {"a": RankedScores(scores, positive).measure(counts, ())[0]}]
    whole = bootstrap(statistic, groups, repeats=40, seed=2)
    monkeypatch.setattr("quantize.evaluation.bootstrap._BLOCK_COUNTS", 200 * 7)
    np.testing.assert_array_equal(whole["a"], bootstrap(statistic, groups, repeats=40, seed=2)["a"])


def test_resamples_without_a_figure_are_passed_over() -> None:
    assert percentile_interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert percentile_interval(np.array([np.nan])) is None


@pytest.mark.parametrize("patients", [1, 2, 9])
def test_a_few_patients_give_no_interval(patients: int, sample) -> None:
    """All draws of one patient are the same: an interval of them would look like certainty."""
    scores, positive, _ = sample
    groups = np.arange(200) % patients
    ranked = RankedScores(scores, positive)
    draws = bootstrap(
        [lambda counts: {"auroc": ranked.measure(counts, ())[0]}], groups, repeats=100, seed=7
    )
    assert percentile_interval(draws["auroc"]) is None
    copied = bootstrap_intervals(
        lambda at: {"auroc": auroc(scores[at], positive[at])}, groups, 100, 7
    )
    assert np.isnan(copied["auroc"]).all()


def test_ten_patients_give_one(sample) -> None:
    scores, positive, _ = sample
    copied = bootstrap_intervals(
        lambda at: {"auroc": auroc(scores[at], positive[at])}, np.arange(200) % 10, 100, 7
    )
    assert copied["auroc"][0] < auroc(scores, positive) < copied["auroc"][1]
