"""Warm-up and repeats, with a model whose answers are known."""

import itertools

from benchmarks.measure import STAGES, Picture, WarmUpRule, measure_warm
from edge.results import LatencyNs, ModelIdentity, OutputResult, Result, Score

MS = 1_000_000
PICTURES = (Picture("a.png", b"a", "aa"), Picture("b.png", b"b", "bb"))


class CountingModel:
    """Answers with how often it was asked; stage times are that number too."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def run(self, source: bytes, /) -> Result:
        self.asked.append(source)
        count = len(self.asked)
        output = OutputResult("out", "classification", (Score("x", 1.0),), ("x",))
        return Result(
            source="memory",
            index=count,
            status="ok",
            reason=None,
            outputs=(output,),
            model=ModelIdentity("counting", "", ""),
            engine="replay",
            precision="int8",
            latency_ns=LatencyNs(decode=count, infer=count, total=2 * count),
        )


def test_warm_up_goes_on_until_latency_has_settled() -> None:
    rule = WarmUpRule(answers_min=4, time_min_ns=0, window=2)
    falling = [100 * MS, 50 * MS, 30 * MS, 22 * MS, 20 * MS, 20 * MS, 20 * MS]
    states = [rule.state(falling[:count]) for count in range(len(falling) + 1)]
    assert states == ["running"] * 7 + ["settled"]


def test_warm_up_takes_its_least_time_and_answers() -> None:
    steady = [20 * MS] * 40
    assert WarmUpRule(time_min_ns=0).state(steady[:9]) == "running"
    assert WarmUpRule(time_min_ns=0).state(steady[:10]) == "settled"
    assert WarmUpRule().state(steady[:24]) == "running"
    assert WarmUpRule().state(steady[:25]) == "settled"


def test_warm_up_that_does_not_settle_ends_unsettled() -> None:
    rule = WarmUpRule(time_min_ns=0, window=1, answers_max=30)
    restless = list(itertools.islice(itertools.cycle([10 * MS, 30 * MS]), 30))
    assert rule.state(restless[:29]) == "running"
    assert rule.state(restless) == "unsettled"


def test_warm_up_calls_are_in_no_sample() -> None:
    model = CountingModel()
    rule = WarmUpRule(time_min_ns=0, tolerance=float("inf"))
    warm = measure_warm(model, PICTURES, duration_ns=MS, is_expected=lambda _, __: True, rule=rule)
    warmed = len(warm.warm_up_calls_ns)
    answers = len(warm.pictures)
    assert warmed + answers == len(model.asked)
    assert warm.stages_ns["infer"] == tuple(range(warmed + 1, warmed + answers + 1))
    assert set(warm.stages_ns) == set(STAGES)


def test_pictures_are_answered_in_turn_and_each_answer_is_checked_against_its_own() -> None:
    model = CountingModel()
    rule = WarmUpRule(time_min_ns=0, tolerance=float("inf"))
    seen: list[tuple[int, bytes]] = []

    def is_expected(index: int, _: Result) -> bool:
        seen.append((index, model.asked[-1]))
        return index == 0

    warm = measure_warm(model, PICTURES, duration_ns=5 * MS, is_expected=is_expected, rule=rule)
    assert {source for index, source in seen if index == 0} == {b"a"}
    assert {source for index, source in seen if index == 1} == {b"b"}
    assert warm.pictures == tuple(index for index, _ in seen)
    assert warm.wrong_answers == sum(index == 1 for index in warm.pictures) > 0


def test_one_answer_is_taken_however_short_the_time() -> None:
    rule = WarmUpRule(time_min_ns=0, tolerance=float("inf"))
    warm = measure_warm(
        CountingModel(), PICTURES, duration_ns=0, is_expected=lambda _, __: True, rule=rule
    )
    assert len(warm.stages_ns["call"]) == 1
