"""When a worker is replaced, and what is told of it."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import BundleError, EngineError, UsageError
from edge.kiosk.service.restart_pause import RestartPause
from edge.kiosk.service.settings import WorkerLimits
from edge.kiosk.service.worker_faults import FaultTally, WorkerFault, WorkerReading, find_fault
from edge.kiosk.worker.wire import Alive, Failed

LIMITS = WorkerLimits(start_s=100.0, infer_s=30.0, silence_s=10.0, memory_mib=500)


def reading(*, is_ready=True, waited_s=1.0, silent_s=0.0, **alive) -> WorkerReading:
    return WorkerReading(is_ready, waited_s, silent_s, Alive(**alive))


@pytest.mark.parametrize(
    ("now", "code"),
    [
        pytest.param(reading(), None, id="all is well"),
        pytest.param(reading(busy_ms=29_000, silent_s=9.0, rss_mib=499), None, id="nearly"),
        pytest.param(
            reading(busy_ms=30_000, silent_s=10.0, rss_mib=500, abandoned=8),
            None,
            id="at all limits",
        ),
        pytest.param(reading(is_ready=False, waited_s=99, silent_s=99), None, id="still loading"),
        pytest.param(reading(is_ready=False, waited_s=100), None, id="loading at its limit"),
        pytest.param(reading(is_ready=False, waited_s=101), "worker_slow_start", id="too long"),
        pytest.param(reading(busy_ms=30_001), "worker_stuck", id="stuck"),
        pytest.param(reading(silent_s=10.1), "worker_silent", id="silent"),
        pytest.param(reading(rss_mib=501), "worker_memory", id="memory"),
        pytest.param(reading(abandoned=9), "worker_threads", id="threads"),
    ],
)
def test_a_fault_is_found(now, code):
    fault = find_fault(now, LIMITS)
    assert (None if fault is None else fault.code) == code


def test_a_camera_library_that_hangs_is_not_laid_at_the_models_door():
    fault = find_fault(reading(abandoned=9), LIMITS)
    assert fault is not None
    assert (fault.is_model, fault.is_gentle) == (False, True)


def test_what_a_worker_says_of_its_end_is_kept():
    failed = Failed("digest", "it was changed", 4, is_model=True, is_hopeless=True)
    fault = WorkerFault.of_failure(failed)
    assert (fault.code, fault.is_hopeless) == ("digest", True)
    assert isinstance(fault.to_error(), BundleError)


@pytest.mark.parametrize(("code", "kind"), [(2, UsageError), (4, BundleError), (5, EngineError)])
def test_the_command_ends_with_the_faults_exit_code(code, kind):
    error = WorkerFault("a", "b", exit_code=code).to_error()
    assert (type(error), error.exit_code, str(error)) == (kind, code, "b")


def test_a_death_without_a_word_is_told_by_its_signal():
    assert "signal 9" in WorkerFault.of_death(-signal.SIGKILL).message
    assert "exit code 3" in WorkerFault.of_death(3).message


def test_faults_in_a_row_are_told_ever_more_seldom():
    tally = FaultTally()
    told = [number for number in range(1, 100) if tally.note(WorkerFault("worker_died", "died"))]
    assert told == [1, 2, 4, 8, 16, 32, 64]


def test_another_fault_or_a_good_worker_between_is_news():
    tally = FaultTally()
    died, stuck = WorkerFault("worker_died", "died"), WorkerFault("worker_stuck", "stuck")
    assert [tally.note(each) for each in (died, died)] == ["died", "died (2 times in a row)"]
    assert tally.note(stuck) == "stuck"
    assert tally.note(died) == "died"
    tally.note(died)
    tally.forget()
    assert tally.note(died) == "died"


@given(st.lists(st.floats(0, 1000), max_size=50))
def test_a_pause_before_a_new_worker_is_bounded(lives):
    pause = RestartPause()
    assert all(0.1 <= pause.after(lived_s) <= 10.0 for lived_s in lives)


def test_workers_that_die_young_are_waited_for_longer_and_a_good_life_ends_that():
    pause = RestartPause()
    young = [pause.after(1.0) for _ in range(6)]
    assert young == sorted(young)
    assert (young[0], young[-1]) == (0.1, 10.0)
    assert pause.after(31.0) == 0.1
