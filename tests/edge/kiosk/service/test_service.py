"""A real service, asked over its API while things are done to it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from kiosk_bundles import ENDLESS, GOOD, brightness_bundle, picture
from real_service import RealService, run_service, wait_until

pytestmark = pytest.mark.slow

ENGINES = ("cv2", "onnxruntime", "libopencv", "litert", "tflite", "libpython-numpy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    return brightness_bundle(folder / "brightness.edge")


@pytest.fixture(scope="module")
def service(folder: Path, bundle: Path) -> Iterator[RealService]:
    """One for all tests that leave it as it was: it answers from a pattern, with a journal."""
    arguments = ("--source", "fake:pattern?size=64x48&fps=20", "--model", str(bundle))
    journal = ("--journal", str(folder / "journal"), "--infer-timeout", "1")
    with run_service(folder / "log", *arguments, *journal) as service:
        service.wait_answered()
        yield service


def entries(journal: Path) -> list[dict[str, object]]:
    """All lines of a journal, oldest first."""
    found = [
        json.loads(line)
        for path in journal.rglob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return sorted(found, key=lambda each: each["sequence"])


def has_answers(journal: Path, count: int) -> bool:
    return sum(bool(each.get("status")) for each in entries(journal)) >= count


def test_what_is_shown_is_in_the_journal(service, folder):
    answer = service.wait_answered()["answer"]
    found = [each for each in entries(folder / "journal") if each["sequence"] == answer["sequence"]]
    assert [each["input_digest"] for each in found] == [answer["input_digest"]]


def test_the_service_process_holds_neither_opencv_nor_an_engine(service):
    maps = Path(f"/proc/{service.process.pid}/maps").read_text(encoding="utf-8").lower()
    assert [name for name in ENGINES if name in maps] == []


def test_an_upload_is_answered_beside_the_camera(service):
    status, answer = service.infer(GOOD)
    assert (status, answer["status"], answer["source"]) == (200, "ok", "upload")


def test_what_cannot_be_read_is_an_answer_that_says_so(service):
    status, answer = service.infer(b"no picture at all")
    assert (status, answer["status"], answer["gate"]) == (200, "error", "input")
    assert answer["outputs"] == []


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_shown_meanwhile(service):
    pid = service.wait_ready()
    died = service.codes().count("worker_died")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: service.latest()["state"] != "answered", "the answer's end")
    service.wait_event("worker_died", died + 1)
    assert service.wait_ready() != pid
    captured_ns = service.wait_answered()["answer"]["capture_time_ns"]
    assert captured_ns > service.wait_event("worker_died", died + 1)["time_ns"]


def test_uploads_that_wait_when_the_worker_dies_are_told(service):
    service.wait_ready()
    replies: list[int] = []
    threads = [
        threading.Thread(target=lambda: replies.append(service.infer(ENDLESS)[0])) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)  # so that the uploads are under way; it matters little if they are not
    os.kill(service.wait_ready(), signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert replies == [503, 503, 503]


def test_an_inference_that_never_returns_ends_its_worker_alone(service):
    pid = service.wait_ready()
    stuck = service.codes().count("worker_stuck")
    status, problem = service.infer(ENDLESS)
    assert (status, problem["code"]) == (503, "busy")
    service.wait_event("worker_stuck", stuck + 1)
    assert service.wait_ready() != pid
    service.wait_answered()


def test_a_preview_is_given_while_the_camera_is_open(service):
    wait_until(lambda: service.request("/v1/snapshot")[0] == 200, "a snapshot")
    status, jpeg = service.request("/v1/snapshot")
    assert status == 200
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)


def test_totals_never_go_back_when_workers_are_replaced(service):
    before = service.health()["source"]["captured"]
    os.kill(service.wait_ready(), signal.SIGKILL)
    counts = [before]
    while len(counts) < 20 or service.health()["worker"]["state"] != "ready":
        counts.append(service.health()["source"]["captured"])
    assert counts == sorted(counts)


def test_every_fault_is_an_event_in_the_journal_too(service, folder):
    os.kill(service.wait_ready(), signal.SIGKILL)
    service.wait_event("worker_died")
    wait_until(
        lambda: "worker_died" in [each.get("code") for each in entries(folder / "journal")],
        "the event in the journal",
    )


def test_a_service_that_is_stopped_ends_with_code_0_without_its_worker_and_says_so(
    bundle, tmp_path
):
    arguments = ("--source", "fake:pattern", "--model", str(bundle))
    with run_service(tmp_path / "log", *arguments, "--journal", str(tmp_path / "j")) as service:
        pid = service.wait_ready()
        service.wait_answered()
        assert service.stop() == 0
    assert not Path(f"/proc/{pid}").exists()
    kinds = [each["kind"] for each in entries(tmp_path / "j")]
    assert ("start" in kinds, kinds[-1]) == (True, "stop")


def test_a_service_that_is_interrupted_ends_in_the_same_good_order_with_code_130(bundle, tmp_path):
    arguments = ("--source", "none", "--model", str(bundle), "--journal", str(tmp_path / "j"))
    with run_service(tmp_path / "log", *arguments) as service:
        service.wait_ready()
        assert service.stop(signal.SIGINT) == 130
    assert entries(tmp_path / "j")[-1]["kind"] == "stop"
    assert service.said().endswith("edge-kiosk: interrupted\n")


def test_a_worker_does_not_outlive_a_service_that_is_killed(bundle, tmp_path):
    with run_service(tmp_path / "log", "--source", "none", "--model", str(bundle)) as service:
        pid = service.wait_ready()
        service.process.kill()
        service.process.wait()
    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists(), "the worker's end")


def test_a_journal_that_cannot_be_written_withholds_answers_until_it_can(bundle, tmp_path):
    in_the_way = tmp_path / "j"
    in_the_way.write_text("a file, no folder")
    arguments = ("--source", "fake:pattern", "--model", str(bundle), "--journal", str(in_the_way))
    with run_service(tmp_path / "log", *arguments) as service:
        wait_until(lambda: service.latest()["gate"] == "journal", "the gate")
        assert service.health()["journal"]["state"] == "failing"
        status, answer = service.infer(GOOD)
        assert (status, answer["gate"], answer["outputs"]) == (200, "journal", [])
        in_the_way.unlink()
        service.wait_event("journal_back")
        service.wait_answered()
        assert service.infer(GOOD)[1]["status"] == "ok"
    codes = [each.get("code") for each in entries(in_the_way)]
    assert "journal_failing" in codes


def test_nothing_is_shown_from_before_a_camera_was_lost(bundle, tmp_path):
    script = tmp_path / "faults.json"
    script.write_text(json.dumps({"faults": [{"at_s": 3, "for_s": 2, "fault": "lost"}]}))
    source = f"fake:pattern?fps=10&faults={script}"
    with run_service(tmp_path / "log", "--source", source, "--model", str(bundle)) as service:
        before = service.wait_answered()["answer"]["index"]
        service.wait_event("source_lost")
        looks = []
        while (latest := service.latest())["state"] != "answered":
            looks.append(latest)
        assert {each["gate"] for each in looks} <= {"source", ""}
        assert latest["answer"]["capture_time_ns"] > service.wait_event("source_lost")["time_ns"]
        assert latest["answer"]["index"] > before


def test_a_password_is_neither_shown_nor_logged(bundle, tmp_path):
    source = "rtsp://nurse:opensesame@127.0.0.1:9/ward"
    with run_service(tmp_path / "log", "--source", source, "--model", str(bundle)) as service:
        service.wait_event("source_lost")
        shown = [
            service.request(path)[1]
            for path in ("/v1/health", "/v1/latest", "/v1/events?follow=false")
        ]
    assert "opensesame" not in service.said()
    assert all(b"opensesame" not in each for each in shown)


def test_names_of_files_in_a_watched_folder_are_neither_logged_nor_in_the_journal(bundle, tmp_path):
    watched = tmp_path / "incoming"
    watched.mkdir()
    arguments = ("--source", f"watch:{watched}?give_up=1", "--model", str(bundle))
    with run_service(tmp_path / "log", *arguments, "--journal", str(tmp_path / "j")) as service:
        wait_until(lambda: "source_opening" in service.codes(), "the folder")
        service.wait_ready()
        time.sleep(0.5)
        pictures = {"a": picture(90), "b": picture(90)[:-40], "c": b"\x89PNG"}
        for count, (name, data) in enumerate(pictures.items(), start=1):
            (watched / f"MUSTERMANN-{name}.png").write_bytes(data)
            wait_until(partial(has_answers, tmp_path / "j", count), f"an answer to {name}")
        events = service.events()
        assert service.stop() == 0
    told = service.said() + json.dumps(events) + json.dumps(entries(tmp_path / "j"))
    assert "MUSTERMANN" not in told
