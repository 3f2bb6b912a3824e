"""How many labelled examples a claim needs."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantize.refusals.claim_size import auroc_half_width, too_few_for_auroc


def test_the_standard_error_is_that_of_the_paper() -> None:
    """Hanley and McNeil 1982, table II: AUROC 0.893, 51 and 58 cases, standard error 0.032."""
    assert auroc_half_width(0.893, positives=51, negatives=58) / 1.96 == pytest.approx(
        0.032, abs=0.001
    )


def test_the_half_width_is_about_that_of_simulated_scores() -> None:
    """Exponential scores are what the paper's formula assumes."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(400):
        positives, negatives = random.exponential(4.0, 40), random.exponential(1.0, 60)
        found.append((positives[:, None] > negatives).mean())
    assert auroc_half_width(0.8, positives=40, negatives=60) == pytest.approx(
        1.96 * np.std(found), rel=0.15
    )


@given(st.floats(0.55, 0.98), st.integers(5, 500), st.integers(5, 500))
def test_more_examples_make_an_interval_narrower(auroc: float, with_: int, without: int) -> None:
    width = auroc_half_width(auroc, positives=with_, negatives=without)
    assert auroc_half_width(auroc, positives=2 * with_, negatives=2 * without) < width


def test_enough_examples_are_no_finding() -> None:
    assert too_few_for_auroc("mass", positives=400, negatives=600, half_width=0.05) is None


def missing(message: str) -> dict[str, int]:
    """How many more of each class a finding asks for."""
    found = re.findall(r"(\d+) more (with|without) it", message)
    return {which: int(count) for count, which in found}


@pytest.mark.parametrize(
    ("positives", "negatives", "asked"),
    [
        pytest.param(10, 1000, {"with"}, id="more of the rare class"),
        pytest.param(1000, 10, {"without"}, id="more of those without"),
        pytest.param(20, 20, {"with", "without"}, id="more of both"),
        pytest.param(10, 60, {"with", "without"}, id="the common class is short too"),
    ],
)
def test_too_few_examples_say_how_many_of_which_are_missing(positives, negatives, asked) -> None:
    finding = too_few_for_auroc("mass", positives=positives, negatives=negatives, half_width=0.05)
    assert finding is not None
    assert (finding.name, finding.is_fatal) == ("too-few-for-claim", True)
    assert f"{positives} patients or examples with and {negatives} without" in finding.message
    more = missing(finding.message)
    assert set(more) == asked
    enough = {"positives": positives + more.get("with", 0)}
    enough["negatives"] = negatives + more.get("without", 0)
    assert too_few_for_auroc("m", **enough, half_width=0.05) is None
    columns = {"with": "positives", "without": "negatives"}
    fewer = {**enough, **{columns[which]: enough[columns[which]] - 1 for which in asked}}
    assert too_few_for_auroc("m", **fewer, half_width=0.05) is not None


def test_what_thresholds_are_fitted_on_is_asked_for_too() -> None:
    """Of three examples labelled two are reported."""
    all_, part = (
        too_few_for_auroc("m", positives=20, negatives=20, half_width=0.05, of_all=share)
        for share in (1.0, 2 / 3)
    )
    assert missing(part.message)["with"] == pytest.approx(1.5 * missing(all_.message)["with"], 0.1)
    assert "in the 67% that are reported" in part.message


@pytest.mark.parametrize(("positives", "negatives"), [(0, 50), (50, 0), (0, 0)])
def test_one_class_alone_says_nothing(positives: int, negatives: int) -> None:
    finding = too_few_for_auroc("m", positives=positives, negatives=negatives, half_width=0.5)
    assert finding is not None
    assert "say nothing about an AUROC" in finding.message
