"""Runs that are killed, machines that change meanwhile, disks that are full: nothing is lost."""

import json
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.assemble import SubjectInProgress
from benchmarks.records.record import BenchmarkRecord, RunSettings
from benchmarks.records.record_file import read_record
from benchmarks.run import BenchmarkRequest, keep_record, run_benchmark
from benchmarks.subject_request import read_facts
from benchmarks.subjects import SubjectChoice
from edge.errors import OutputError
from edge.model_loader import DEFAULT_BUNDLE

ROOT = Path(__file__).parents[2]
RISK_BUNDLE = ROOT / "benchmarks/zoo/disease_risk_lstm/disease_risk_lstm.edge"
LONG = (
    *("run", "--engine", "onnxruntime", "--threads", "1", "--cold-starts", "0"),
    *("--min-duration", "60"),
)

sys.path.insert(0, str(ROOT / "tests" / "devices"))
from board_trees import change, lay_out_board, temperature_file  # noqa: E402

pytestmark = pytest.mark.skipif(
    not DEFAULT_BUNDLE.is_file(), reason=f"{DEFAULT_BUNDLE.name} has not been built yet"
)


def start(
    *words: str, folder: Path, file_limit: int | None = None, search: Path | None = None
) -> subprocess.Popen[str]:
    """`edge-bench`, whose temporary files lie in a folder of their own."""

    def limit_files() -> None:
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ
        | {"TMPDIR": str(scratch)}
        | ({"PYTHONPATH": str(search)} if search is not None else {}),
        preexec_fn=limit_files,  # noqa: PLW1509 - there are no threads here
    )


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Until something has happened; a failure where it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def is_timing(folder: Path) -> bool:
    """Whether the measuring process has begun to time, and its first answers are on the disk."""
    spools = list((folder / "scratch").glob("*/subject0/answers.bin"))
    if not spools:
        return False
    return read_facts(spools[0].parent).step == "timed" and spools[0].stat().st_size > 10_000


def measuring_process(parent: int) -> int:
    """The process that measures for another one."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            return int(stat.parent.name)
    raise AssertionError("no process measures")


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name
)
def test_a_run_that_is_stopped_keeps_what_it_measured(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "record.json"
    run = start(*LONG, "-o", str(path), folder=tmp_path)
    wait_for(lambda: is_timing(tmp_path))
    run.send_signal(number)
    report, complaints = run.communicate(timeout=60)
    assert run.returncode == 130
    assert complaints == ""
    assert "it was interrupted: interrupted while it was at: timed" in report
    assert report.splitlines()[-1].startswith("INCOMPLETE")
    record = read_record(path)
    (measurement,) = record.measurements
    assert not record.is_complete
    assert measurement.status == "interrupted"
    assert measurement.phases["timed"].count > 0
    assert not measurement.verdict.is_valid
    assert sorted(each.name for each in tmp_path.iterdir()) == ["record.json", "scratch"]
    assert list((tmp_path / "scratch").glob("edge-bench-*")) == []


def test_a_run_that_is_killed_leaves_what_it_measured_beside_the_records_place(
    tmp_path: Path,
) -> None:
    path = tmp_path / "record.json"
    path.write_text("an earlier record")
    run = start(*LONG, "-o", str(path), folder=tmp_path)
    partial = tmp_path / "record.json.partial"

    def has_answers() -> bool:
        measurements = json.loads(partial.read_bytes())["measurements"] if partial.is_file() else []
        return bool(measurements) and "timed" in measurements[0]["phases"]

    wait_for(has_answers)
    child = measuring_process(run.pid)
    run.kill()
    run.communicate(timeout=60)
    record = read_record(partial)
    assert not record.is_complete
    assert record.measurements[0].status == "interrupted"
    assert record.measurements[0].phases["timed"].count > 0
    assert path.read_text() == "an earlier record"
    # Nobody wants the answer any more: the process that measures sees it, and clears up.
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    wait_for(lambda: not list((tmp_path / "scratch").glob("edge-bench-*")))
    # The next run begins by keeping what this one measured.
    measured = partial.read_bytes()
    run = start(*LONG, "-o", str(path), folder=tmp_path)
    aside = tmp_path / "record.json.partial.1"
    wait_for(aside.is_file)
    run.terminate()
    _, complaints = run.communicate(timeout=60)
    assert aside.read_bytes() == measured
    assert complaints == (f"what an earlier run measured before it was killed is kept in {aside}\n")
    assert not partial.exists()


def test_a_measuring_process_that_is_killed_is_one_failed_measurement(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    run = start(*LONG, "-o", str(path), folder=tmp_path)
    wait_for(lambda: is_timing(tmp_path))
    os.kill(measuring_process(run.pid), signal.SIGKILL)
    report, complaints = run.communicate(timeout=60)
    assert run.returncode == 5
    assert complaints == ""
    failure = "the measuring process ended by SIGKILL at: timed; see edge-run doctor"
    assert f"it failed: {failure}" in report
    (measurement,) = read_record(path).measurements
    assert (measurement.status, measurement.failure) == ("failed", failure)
    assert measurement.phases["timed"].count > 0


def test_a_disk_that_is_full_ends_one_measurement_and_keeps_its_answers(tmp_path: Path) -> None:
    """No file may grow beyond 100 kB, which the answers of a small model reach in a second."""
    path = tmp_path / "record.json"
    run = start(*LONG, str(RISK_BUNDLE), "-o", str(path), folder=tmp_path, file_limit=100_000)
    report, complaints = run.communicate(timeout=60)
    assert run.returncode == 5
    assert complaints == ""
    assert "it failed: cannot keep answers in " in report
    (measurement,) = read_record(path).measurements
    assert measurement.status == "failed"
    assert measurement.phases["warm_up"].count > 0


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 KiB; making one takes root."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield tmp_path
    subprocess.run(["umount", str(folder)], check=True)


def test_a_file_system_without_room_for_a_last_word_is_told_too(tiny_disk: Path) -> None:
    path = tiny_disk / "record.json"
    run = start(*LONG, str(RISK_BUNDLE), "-o", str(path), folder=tiny_disk)
    report, complaints = run.communicate(timeout=60)
    assert (run.returncode, complaints) == (5, "")
    assert re.search(
        r"it failed: cannot (keep answers in|write) \S+: No space left on device; free the disk",
        report,
    )
    (measurement,) = read_record(path).measurements
    assert measurement.status == "failed"
    assert measurement.phases["warm_up"].count > 0


def test_a_temporary_folder_without_any_room_ends_it_at_once(tiny_disk: Path) -> None:
    (tiny_disk / "scratch/filled").write_bytes(bytes(590 * 1024))
    path = tiny_disk / "record.json"
    run = start(*LONG, str(RISK_BUNDLE), "-o", str(path), folder=tiny_disk)
    report, complaints = run.communicate(timeout=60)
    assert (run.returncode, report) == (5, "")
    assert re.fullmatch(r"edge-bench: cannot write to .*: No space left .*TMPDIR.*\n", complaints)
    assert not path.exists()


def test_a_library_that_talks_on_the_standard_output_disturbs_nothing(tmp_path: Path) -> None:
    """Every Python of the run says something as it starts, as some native libraries do."""
    (tmp_path / "sitecustomize.py").write_text("import os\nos.write(1, b'hello\\n')\n")
    path = tmp_path / "record.json"
    run = start(
        *("run", str(RISK_BUNDLE), "--engine", "litert", "--threads", "1", "--cold-starts", "1"),
        *("--min-duration", "0.2", "--sustained", "0", "-o", str(path)),
        folder=tmp_path,
        search=tmp_path,
    )
    report, complaints = run.communicate(timeout=120)
    assert (run.returncode, complaints) == (0, "")
    assert "hello" not in report.removeprefix("hello\n")
    record = read_record(path)
    assert record.is_complete
    assert len(record.measurements[0].cold_starts) == 1


def test_an_engine_that_is_not_installed_is_left_out_and_told(tmp_path: Path) -> None:
    """For every Python of the run there is no LiteRT."""
    absent = "import sys\nsys.modules.update(ai_edge_litert=None, tflite_runtime=None)\n"
    (tmp_path / "sitecustomize.py").write_text(absent)
    path = tmp_path / "record.json"
    run = start(
        *("run", str(RISK_BUNDLE), "--threads", "1", "--cold-starts", "0"),
        *("--min-duration", "0.2", "--sustained", "0", "-o", str(path)),
        folder=tmp_path,
        search=tmp_path,
    )
    report, complaints = run.communicate(timeout=120)
    assert (run.returncode, complaints) == (0, "")
    left_out = f"{RISK_BUNDLE.name} on litert: not installed"
    assert report.splitlines()[-1] == f"not measured: {left_out}"
    record = read_record(path)
    assert record.left_out == (left_out,)
    assert {each.subject.engine for each in record.measurements} == {"onnxruntime"}


def test_a_record_that_cannot_be_written_is_kept_elsewhere(
    record: BenchmarkRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(OutputError, match=r"the record is in .*edge-bench-.*\.json"):
        keep_record(record, tmp_path / "absent" / "record.json")
    (kept,) = tmp_path.glob("edge-bench-*.json")
    assert read_record(kept) == record


class ChangingBoard:
    """Looks on, and changes the board's files once the measuring process times."""

    def __init__(self, root: Path, files: dict[str, str | None]) -> None:
        self._root = root
        self._files = files
        self.is_changed = False

    def show(self, subject: SubjectInProgress, place: str, step: str = "") -> None:
        del place
        if not step and not self.is_changed and read_facts(subject.folder).step == "sustained":
            change(self._root, self._files)
            self.is_changed = True

    def clear(self) -> None:
        pass


@pytest.fixture
def short(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> RunSettings:
    """A short run on a board that says of itself, as a tree of files cannot, that it is ARM."""
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    return replace(settings, min_duration_s=0.5, min_queries=6, sustained_s=3.0, cold_starts=0)


def run_on(root: Path, settings: RunSettings, files: dict[str, str | None]) -> BenchmarkRecord:
    board = ChangingBoard(root, files)
    choice = SubjectChoice(engines=("onnxruntime",), threads=(1,))
    record = run_benchmark(BenchmarkRequest(settings, choice=choice, root=root), board)
    assert board.is_changed
    return record


@pytest.mark.slow
def test_a_sensor_that_vanishes_meanwhile_is_told_and_ends_nothing(
    tmp_path: Path, short: RunSettings
) -> None:
    root = lay_out_board(tmp_path, "pi5")
    record = run_on(root, short, {temperature_file("pi5"): None})
    (measurement,) = record.measurements
    assert record.is_complete
    assert record.machine.board.startswith("Raspberry Pi 5")
    assert record.limits.profile == "raspberry_pi_5"
    assert any(
        each.startswith("sensors vanished meanwhile: temperature_mc 0")
        for each in measurement.verdict.reasons
    )


@pytest.mark.slow
def test_a_board_that_becomes_too_hot_meanwhile_is_told(tmp_path: Path, short: RunSettings) -> None:
    root = lay_out_board(tmp_path, "pi4")
    record = run_on(root, short, {temperature_file("pi4"): "86000"})
    assert any(
        each.startswith("it became 86.0 degrees Celsius hot, raspberry_pi_4b slows down from")
        for each in record.measurements[0].verdict.reasons
    )


@pytest.mark.slow
def test_a_sensor_that_may_not_be_read_is_noted(tmp_path: Path, short: RunSettings) -> None:
    """As one that is not there: its reading is refused (EISDIR stands in for EACCES to root)."""
    root = lay_out_board(tmp_path, "pi5")
    change(root, {temperature_file("pi5"): None})
    (root / temperature_file("pi5")).mkdir()
    record = run_on(root, short, {})
    assert not any("temperature_mc 0" in each for each in record.measurements[0].sensors.traces)
    assert record.is_complete
