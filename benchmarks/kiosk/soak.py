"""Runs a real kiosk for an hour while its camera, its disk, its clients and its worker fail.

    python -m benchmarks.kiosk.soak --minutes 60 -o benchmarks/results/kiosk/soak.json

The camera is `edge.sources.fake_camera` playing three films, so that every answer can be held
against the lab's; everything else is real: processes, sockets, the journal on a file system of
its own that is filled to the last byte. Needs `unshare` (util-linux) with user namespaces.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmarks.atomic_file import write_file
from benchmarks.environment import describe_machine, read_state
from benchmarks.kiosk.footprint import engine_alone_mib
from benchmarks.kiosk.lab_answers import LabAnswers
from benchmarks.kiosk.running_kiosk import RunningKiosk, run_kiosk
from benchmarks.kiosk.soak_faults import (
    CYCLE_S,
    ServiceFault,
    camera_faults,
    service_faults,
    write_script,
)
from benchmarks.kiosk.soak_findings import SoakFindings, examine_soak
from benchmarks.kiosk.soak_report import format_soak
from benchmarks.kiosk.soak_watch import SoakWatch
from edge.command_line import run_command
from edge.errors import DeviceError
from edge.model_loader import DEFAULT_BUNDLE

__all__ = ["command"]

JOURNAL_DISK_MIB = 400
MOST_OVER_ENGINE_MIB = 150.0
_INSIDE = "EDGEDX_SOAK_DISK"
_START_S = 20.0
"""From the start of the service to the zero of the faults' clock."""

_UPLOAD_EVERY_S = 10.0
_CHUNK = b"\0" * (1 << 16)


@click.command()
@click.option("--minutes", type=click.IntRange(min=1), default=60, show_default=True)
@click.option("--films", type=click.Path(path_type=Path), default=Path("docs/samples"))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep log and journal here.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(minutes: int, films: Path, output: Path, keep: Path | None, *, debug: bool) -> int:  # noqa: ARG001
    """Soak a kiosk in faults; exit code 1 where a bar is missed."""
    if _INSIDE not in os.environ:
        return _again_with_a_disk_of_its_own()
    folder = Path(os.environ[_INSIDE])
    try:
        record = _soak(folder, minutes, films)
    finally:
        if keep is not None:
            shutil.copytree(folder, keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("fill"))
    write_file(output, json.dumps(record).encode())
    write_file(output.with_suffix(".md"), format_soak(record).encode())
    bars = record["bars"]
    for name, is_met in bars.items():
        click.echo(f"{'met   ' if is_met else 'MISSED'}  {name}")
    return 0 if all(bars.values()) else 1


def _again_with_a_disk_of_its_own() -> int:
    """Start over in a mount namespace, where a small file system can be had without root."""
    with tempfile.TemporaryDirectory(prefix="edgedx-soak-") as folder:
        mount = f"mount -t tmpfs -o size={JOURNAL_DISK_MIB}m soak {folder}"
        words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
        words += [f'{mount} && exec "$@"', "sh", sys.executable, "-m", "benchmarks.kiosk.soak"]
        environment = {**os.environ, _INSIDE: folder}
        return subprocess.run([*words, *sys.argv[1:]], env=environment, check=False).returncode


def _soak(folder: Path, minutes: int, films: Path) -> dict[str, Any]:
    lab = LabAnswers.of(DEFAULT_BUNDLE, films)
    engine_mib = engine_alone_mib(DEFAULT_BUNDLE, min(films.glob("*.png")))
    origin_ns = time.monotonic_ns() + round(_START_S * 1e9)
    origin_s = origin_ns / 1e9
    camera, service = camera_faults(minutes), service_faults(minutes)
    script = folder / "faults.json"
    write_script(script, camera, origin_ns)
    machine, before = describe_machine(), read_state()
    journal = folder / "journal"
    arguments = ["--source", f"fake:{films}?fps=30&faults={script}", "--journal", str(journal)]
    arguments += ["--infer-timeout", "8"]
    with run_kiosk(arguments, log=folder / "service.log") as kiosk:
        watch = SoakWatch(kiosk, origin_s)
        watch.start()
        with _uploading(kiosk, lab, films) as wrong_uploads:
            for fault in service:
                _wait_until(origin_s + fault.at_s)
                _cause(fault, kiosk, folder)
            _wait_until(origin_s + minutes * CYCLE_S)
        stays = kiosk.get("/v1/health")["service"]["pid"] == kiosk.pid
        watch.stop()
    verified = _journal_command("verify", journal)
    exported = folder.parent / f"{folder.name}.jsonl"
    _journal_command("export", journal, "--format", "jsonl", "-o", str(exported))
    with exported.open(encoding="utf-8") as lines:
        findings = examine_soak(watch, map(json.loads, lines), lab, camera, service)
    exported.unlink()
    return {
        "format": 1,
        "minutes": minutes,
        "bars": _bars(findings, wrong_uploads, engine_mib, stays=stays, verified=verified == 0),
        "engine_alone_mib": engine_mib,
        "findings": asdict(findings),
        "wrong_uploads": wrong_uploads,
        "footprints": [asdict(each) for each in watch.footprints],
        "machine": asdict(machine),
        "before": asdict(before),
        "after": asdict(read_state()),
    }


def _bars(
    found: SoakFindings, wrong_uploads: list[str], engine_mib: float, *, stays: bool, verified: bool
) -> dict[str, bool]:
    return {
        "no wrong answer": not found.wrong and not wrong_uploads and found.answers > 0,
        "no restart of the service": stays,
        "every fault visible in events": not found.unseen,
        "the journal verifies": verified,
        "memory slope of the service indistinguishable from zero": found.service_slope.low <= 0,
        "memory slope of the worker indistinguishable from zero": found.worker_slope.low <= 0,
        f"at most {MOST_OVER_ENGINE_MIB:g} MiB over the engine's own": found.most_mib - engine_mib
        <= MOST_OVER_ENGINE_MIB,
        "a camera that comes back is picked up within 5 s": bool(found.back_s)
        and max(found.back_s) <= 5.0,  # noqa: PLR2004 - the bar
    }


def _journal_command(name: str, folder: Path, *words: str) -> int:
    program = [sys.executable, "-m", "edge.kiosk", "journal", name, str(folder)]
    return subprocess.run([*program, *words], check=False).returncode


def _wait_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.monotonic()))


def _cause(fault: ServiceFault, kiosk: RunningKiosk, folder: Path) -> None:
    """Do to the kiosk what the plan says; what lasts goes on in a thread."""
    if fault.kind in ("worker_killed", "worker_stopped"):
        number = signal.SIGKILL if fault.kind == "worker_killed" else signal.SIGSTOP
        with contextlib.suppress(ProcessLookupError):
            os.kill(kiosk.worker_pid(), number)
        return
    body = _fill_disk if fault.kind == "disk_full" else _read_nothing
    threading.Thread(target=body, args=(kiosk, folder, fault.for_s), daemon=True).start()


def _fill_disk(kiosk: RunningKiosk, folder: Path, for_s: float) -> None:
    del kiosk
    path = folder / "fill"
    deadline_s = time.monotonic() + for_s
    with path.open("wb", buffering=0) as file:
        while time.monotonic() < deadline_s:
            try:
                file.write(_CHUNK)
            except OSError:
                time.sleep(0.05)
    path.unlink()


def _read_nothing(kiosk: RunningKiosk, folder: Path, for_s: float) -> None:
    """Ask for the events and never read them."""
    del folder
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", kiosk.port))
        client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(for_s)


@contextlib.contextmanager
def _uploading(kiosk: RunningKiosk, lab: LabAnswers, films: Path) -> Iterator[list[str]]:
    """Send a film in now and then; what is answered must be the lab's answer."""
    stopped, wrong = threading.Event(), []
    pictures = [path.read_bytes() for path in sorted(films.glob("*.png"))]

    def send() -> None:
        count = 0
        while not stopped.wait(_UPLOAD_EVERY_S):
            count += 1
            try:
                status, reply = kiosk.infer(pictures[count % len(pictures)])
            except OSError as error:
                wrong.append(f"upload {count}: {error}")
                continue
            is_answered = status == 200 and reply["status"] == "ok"  # noqa: PLR2004 - HTTP
            if is_answered and not lab.is_right(reply["input_digest"], reply["outputs"]):
                wrong.append(f"upload {count}: {reply['outputs']}")

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield wrong
    finally:
        stopped.set()
        thread.join()


if __name__ == "__main__":
    if shutil.which("unshare") is None:
        raise DeviceError("there is no unshare here; install util-linux")
    run_command(command, sys.argv[1:], name="soak")
