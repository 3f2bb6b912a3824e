"""Switching models under a service that runs, with real bundles and real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kiosk_bundles import ENDLESS, GOOD, brightness_bundle
from real_service import RealService, run_service, wait_until
from record_samples import risk_bundle
from slot_samples import ANY, quick_store, state_of

from edge.kiosk.slots.store import SlotStore, UpdateRequirements

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> SlotStore:
    """Slots that hold version 1."""
    store = quick_store(tmp_path / "slots", trial_s=2.0)
    store.install(brightness_bundle(tmp_path / "one.edge", "1.0"), ANY)
    return store


@pytest.fixture
def service(store: SlotStore, tmp_path: Path) -> Iterator[RealService]:
    arguments = ("--source", "none", "--infer-timeout", "1", "--state", str(store.folder))
    with run_service(tmp_path / "log", *arguments) as service:
        service.wait_ready()
        yield service


def answering_version(service: RealService) -> str | None:
    """Version of the model that answers a picture now; None where none does."""
    status, answer = service.infer(GOOD)
    return answer["model"]["version"] if status == 200 else None


def wait_for_version(service: RealService, version: str) -> None:
    wait_until(lambda: answering_version(service) == version, f"an answer of {version}")


def test_a_new_bundle_is_taken_up_tried_and_confirmed_while_the_service_runs(
    service, store, tmp_path
):
    assert answering_version(service) == "1.0"
    assert service.health()["update"]["state"] == "confirmed"
    two = brightness_bundle(tmp_path / "two.edge", "2.0")
    command = [sys.executable, "-m", "edge.kiosk", "update", "apply", str(two)]
    command += ["--state", str(store.folder), "--trial-minutes", "0.03"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    wait_for_version(service, "2.0")
    service.wait_event("update_confirmed")
    assert service.health()["update"] == {"state": "confirmed", "slot": "b", "trial_left_ms": 0}
    wanted = ["worker_started", "model_changing", "update_begun", "worker_started"]
    assert service.codes() == [*wanted, "update_confirmed"]
    assert service.process.poll() is None


def test_a_bundle_that_answers_its_golden_examples_wrongly_is_left_at_once(
    service, store, tmp_path
):
    store.install(brightness_bundle(tmp_path / "two.edge", "2.0", is_right=False), ANY)
    service.wait_event("update_rolled_back")
    wait_for_version(service, "1.0")
    assert service.codes().count("golden") == 1
    assert state_of(store).active.model_version == "1.0"


def test_a_bundle_that_takes_no_picture_is_left_for_the_one_before(store, tmp_path):
    store.install(risk_bundle(tmp_path / "risk.edge"), UpdateRequirements(may_be_other_model=True))
    arguments = ("--source", "fake:pattern", "--state", str(store.folder))
    with run_service(tmp_path / "log", *arguments) as service:
        service.wait_event("update_rolled_back")
        assert service.wait_answered()["answer"]["model"]["version"] == "1.0"


def test_a_bundle_whose_worker_dies_again_and_again_in_its_trial_is_left(service, store, tmp_path):
    slow = quick_store(store.folder, trial_s=600.0)
    slow.install(brightness_bundle(tmp_path / "two.edge", "2.0"), ANY)
    wait_for_version(service, "2.0")
    for _ in range(3):
        os.kill(service.wait_ready(), signal.SIGKILL)
        service.wait_event("worker_died", 1 + service.codes().count("worker_died"))
    service.wait_event("update_rolled_back")
    wait_for_version(service, "1.0")


def test_a_bundle_that_hangs_in_its_trial_is_left_too(service, store, tmp_path):
    slow = quick_store(store.folder, trial_s=600.0, most_failures=0)
    slow.install(brightness_bundle(tmp_path / "two.edge", "2.0"), ANY)
    wait_for_version(service, "2.0")
    status, problem = service.infer(ENDLESS)
    assert (status, problem["code"]) == (503, "busy")
    service.wait_event("update_rolled_back")
    wait_for_version(service, "1.0")


def test_a_service_that_is_stopped_in_a_trial_is_no_crash(store, tmp_path):
    slow = quick_store(store.folder, trial_s=600.0, most_failures=0)
    slow.install(brightness_bundle(tmp_path / "two.edge", "2.0"), ANY)
    for _ in range(2):
        arguments = ("--source", "none", "--state", str(store.folder))
        with run_service(tmp_path / "log", *arguments) as service:
            service.wait_ready()
            assert service.health()["update"]["state"] == "trial"
            assert service.stop() == 0
    state = state_of(store)
    assert (state.active.model_version, state.failures_in_trial) == ("2.0", 0)


def test_a_roll_back_by_hand_is_taken_up(service, store, tmp_path):
    store.install(brightness_bundle(tmp_path / "two.edge", "2.0"), ANY)
    wait_for_version(service, "2.0")
    store.roll_back("somebody said so")
    wait_for_version(service, "1.0")
    assert "somebody said so" in service.wait_event("update_rolled_back")["message"]


def test_a_service_without_a_bundle_says_so_and_takes_the_first_that_is_installed(tmp_path):
    store = quick_store(tmp_path / "slots")
    arguments = ("--source", "none", "--state", str(store.folder))
    with run_service(tmp_path / "log", *arguments) as service:
        event = service.wait_event("model_unusable")
        assert "edge-kiosk update apply" in event["message"]
        assert service.latest()["gate"] == "worker"
        assert service.health()["status"] == "down"
        store.install(brightness_bundle(tmp_path / "one.edge", "1.0"), ANY)
        wait_for_version(service, "1.0")
