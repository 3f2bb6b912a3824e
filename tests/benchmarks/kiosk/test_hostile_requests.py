"""The hostile requests are hostile, the same for the same seed, and a weak kiosk is found out."""

import json
import os
import random
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from benchmarks.kiosk.hostile_attacks import flood, foreign, malformed, oversized, slow
from benchmarks.kiosk.hostile_requests import exchange, missed_bars
from benchmarks.kiosk.hostile_uploads import HostileUploads
from benchmarks.kiosk.process_tree import TreeWatch
from edge.errors import DeviceError, InputNotFoundError

ROOT = Path(__file__).parents[3]
PICTURE = ROOT / "docs" / "samples" / "normal.png"
FAKE = ROOT / "tests" / "edge" / "kiosk" / "fake_kiosk.py"
MEMORY = {"service": {"before": 50.0, "peak": 60.0, "after": 51.0}}
FACTS = {"pid_kept": True, "answers_after": "ok"}


@pytest.mark.parametrize(
    "family", [malformed, foreign, oversized, slow, flood, HostileUploads(PICTURE).attack]
)
def test_a_family_is_varied_and_the_same_for_the_same_seed(family):
    def first_pieces(seed):
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not secret
        return [next(family(chance).pieces(), b"") for _ in range(30)]

    assert first_pieces(1) == first_pieces(1)
    assert len(set(first_pieces(1))) > 1
    assert all(isinstance(piece, bytes) for piece in first_pieces(2))


def test_what_is_no_picture_cannot_be_made_into_uploads(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no picture")
    with pytest.raises(InputNotFoundError, match="no picture that OpenCV reads"):
        HostileUploads(path)


def test_an_answer_of_5xx_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def fail():
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 500 Internal Server Error\r\n\r\n")

        failing = threading.Thread(target=fail)
        failing.start()
        attack = foreign(random.Random(1))  # noqa: S311 - same
        with socket.create_connection(server.getsockname()) as client:
            assert exchange(client, attack) == "500"
        failing.join()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pid_kept": False}, "started anew"),
        ({"answers_after": "error"}, "answered 'error' afterwards"),
    ],
)
def test_a_kiosk_that_did_not_stand_it_is_told(changed, words):
    assert missed_bars(FACTS, MEMORY, {}) == []
    assert words in missed_bars(FACTS | changed, MEMORY, {})[0]


@pytest.mark.parametrize(("peak", "after"), [(250.0, 51.0), (90.0, 90.0)])
def test_memory_that_is_not_bounded_is_told(peak, after):
    memory = {"service": {"before": 50.0, "peak": peak, "after": after}}
    assert len(missed_bars(FACTS, memory, {})) == 1


def test_a_faulty_family_is_told_with_its_first_fault():
    family = {"faults": ["upload cut: 500"], "fault_count": 3}
    assert missed_bars(FACTS, MEMORY, {"upload": family}) == [
        "upload: 3 faults, the first upload cut: 500"
    ]


def test_memory_is_watched_of_a_service_and_its_children():
    with TreeWatch(os.getpid()) as watch:
        words = [sys.executable, "-c", "print(1, flush=True); input()"]
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        watch.read()
        child.communicate(b"\n")
    summary = watch.summary()
    assert summary["service"]["peak"] >= summary["service"]["before"] > 0
    assert summary["workers"]["peak"] > summary["workers"]["after"]


def test_a_process_that_is_not_there_is_one_line():
    with pytest.raises(DeviceError, match="there is no process"), TreeWatch(2**22 - 1):
        pass


@pytest.mark.slow
def test_a_kiosk_that_stands_them_gets_a_record(tmp_path):
    pytest.importorskip("schemathesis", reason="needs schemathesis, of the extra test")
    kiosk = subprocess.Popen(
        [sys.executable, str(FAKE), "--port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kiosk.stdout is not None
    address = kiosk.stdout.readline().split()[0]
    record = tmp_path / "hostile.json"
    try:
        words = [sys.executable, "-m", "benchmarks.kiosk.hostile_requests", "--count", "100"]
        words += ["--url", address, "--pid", str(kiosk.pid), "-o", str(record)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        kiosk.terminate()  # SIGINT is ignored below a shell that runs tests in the background
        kiosk.communicate()
    assert done.returncode == 0, done.stderr
    found = json.loads(record.read_text())
    assert found["requests"] == 100
    assert found["missed"] == []
    assert "| flood |" in record.with_suffix(".md").read_text()
