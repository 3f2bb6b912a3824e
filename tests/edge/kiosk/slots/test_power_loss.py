"""After a loss of power at any instant the old bundle or the new one is active, and whole."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from power_cuts import power_cuts
from slot_samples import (
    ANY,
    bundles,
    default_variant,
    make_bundle,
    passes,
    quick_store,
    state_of,
    versions,
)

from edge.kiosk.slots.store import SlotStore

UPDATE = [sys.executable, "-c", "from edge.kiosk.cli import main; main()", "update"]


def lay_out(folder: Path, files: dict[str, bytes]) -> SlotStore:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return quick_store(folder)


def active_version(files: dict[str, bytes], folder: Path) -> str:
    """The version that a kiosk starts with; "none" where nothing is installed yet."""
    store = lay_out(folder, files)
    if store.state() is None:
        return "none"
    state = store.begin()
    passes(state.active.path, ANY)
    if state.previous is not None:
        passes(state.previous.path, ANY)
    return state.active.model_version


def assert_turns(
    change: Callable[[SlotStore], object], folder: Path, before: str, after: str
) -> None:
    """The one or the other is active whenever the power goes, and what was done stays done."""
    with power_cuts(folder) as cuts:
        change(quick_store(folder))
    assert len(cuts.cases) > 5
    places = (folder.parent / f"after-{number}" for number in itertools.count())
    found = [active_version(files, next(places)) for files in cuts.cases]
    assert set(found) == {before, after}
    assert found[0] == before
    assert {active_version(files, next(places)) for files in cuts.last} == {after}


@pytest.fixture
def confirmed(on_trial: Path) -> Path:
    """A folder of slots in which 1.1.0 is confirmed, and 1.0.0 the way back."""
    store = quick_store(on_trial)
    store.begin()
    store.note_running(600)
    return on_trial


def test_during_the_first_installation(folder: Path, old: Path) -> None:
    assert_turns(lambda store: store.install(old, ANY), folder, "none", "1.0.0")


def test_during_the_next_installation(confirmed: Path, tmp_path: Path) -> None:
    third = make_bundle(tmp_path / "third.edge", "1.2.0")
    assert_turns(lambda store: store.install(third, ANY), confirmed, "1.1.0", "1.2.0")


def test_during_an_installation_from_a_folder(confirmed: Path, tmp_path: Path) -> None:
    third = make_bundle(tmp_path / "third", "1.2.0")
    assert_turns(lambda store: store.install(third, ANY), confirmed, "1.1.0", "1.2.0")


def test_during_an_installation_while_another_is_on_trial(on_trial: Path, tmp_path: Path) -> None:
    third = make_bundle(tmp_path / "third.edge", "1.2.0")
    assert_turns(lambda store: store.install(third, ANY), on_trial, "1.1.0", "1.2.0")


@pytest.mark.parametrize("is_first", [False, True])
def test_while_the_old_one_comes_back(on_trial: Path, is_first: bool) -> None:
    def fails(store: SlotStore) -> None:
        if is_first:
            store.begin()
        store.note_failure("wrong", is_golden=True)

    assert_turns(fails, on_trial, "1.1.0", "1.0.0")


def test_while_a_trial_is_confirmed(on_trial: Path) -> None:
    def runs(store: SlotStore) -> None:
        store.begin()
        store.note_running(600)

    assert_turns(runs, on_trial, "1.1.0", "1.1.0")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two versions of the bundle that comes with edgedx."""
    folder = tmp_path_factory.mktemp("pair")
    return [default_variant(folder / f"{each}.edge", f"1.{each}.0") for each in (1, 2)]


def apply(bundle: Path, folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*UPDATE, "apply", str(bundle), "--state", str(folder), "--allow-older", "--again"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def has_begun_to_switch(folder: Path) -> bool:
    """Whether the updater is past the self-test: its copy has got its last name."""
    return not (folder / "incoming.edge").exists() and len(list(folder.glob("*.edge"))) > 2


def wait_until(is_so: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None and not is_so():
        time.sleep(0.0002)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before the switch", "at the switch"])
def test_an_update_killed_at_any_instant_leaves_the_old_bundle_or_the_new_one(
    moment: str, folder: Path, pair: list[Path]
) -> None:
    """With real processes and the real self-test; the updater and its child die together."""
    for bundle in pair:
        began_s = time.monotonic()
        assert apply(bundle, folder).wait(300) == 0
        whole_s = time.monotonic() - began_s
    chance = random.Random(9)  # noqa: S311 - no secret
    for number in range(7):
        process = apply(pair[number % 2], folder)
        if moment == "at the switch":
            wait_until(lambda: has_begun_to_switch(folder), process)
            time.sleep(chance.uniform(0, 0.02))
        else:
            time.sleep(whole_s * chance.random())
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        store = SlotStore(folder)
        state = store.begin()
        store.note_stopped()
        assert set(versions(state)) <= {"1.1.0", "1.2.0"}
        passes(state.active.path, ANY)
        passes(state.previous.path, ANY)
    assert apply(pair[0], folder).wait(300) == 0
    state = state_of(SlotStore(folder))
    assert state.active.model_version == "1.1.0"
    assert bundles(folder) == {state.active.path.name, state.previous.path.name}
