"""A comparison for a person to read."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.comparison.compare import Comparison, QuantileRatio

__all__ = ["format_comparison"]

_SURE = 0.001


def format_comparison(found: Comparison) -> Iterator[str]:
    """The lines for one pair."""
    yield f"{found.second}"
    yield f"  against {found.first}, by {found.counted}"
    for each in found.ratios:
        yield (
            f"  p{100 * each.quantile:<4g} {each.second_ms:9.3f} ms against {each.first_ms:9.3f} "
            f"ms: {each.ratio.value:.3f} [{each.ratio.low:.3f}, {each.ratio.high:.3f}] times, "
            f"{_words(each)}"
        )
    if not found.ratios:
        yield "  too few samples for any ratio; measure longer"
    yield (
        f"  ranks: an answer is slower than one of the first's {found.ranks.superiority:.0%} of "
        f"the time (Mann-Whitney p {_probability(found.ranks.probability)})"
    )
    for change in found.changes:
        yield f"  changed: {change}"
    for difference in found.allowed:
        yield f"  ALLOWED although unlike: {difference}"


def _words(each: QuantileRatio) -> str:
    if each.ratio.low > 1.0:
        return "slower"
    return "faster" if each.ratio.high < 1.0 else "no difference shown"


def _probability(value: float) -> str:
    return f"below {_SURE:g}" if value < _SURE else f"{value:.3f}"
