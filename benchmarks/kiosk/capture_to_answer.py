"""How soon after a frame's capture its answer is there, and how near throughput comes to one stage.

    python -m benchmarks.kiosk.capture_to_answer BUNDLE... -o OUT.json

Latency: a real `edge-kiosk serve` with a fake camera at 30 frames a second, the newest-frame
policy and a journal on the disk; what is read is the time from capture to an answer that is
durable in the journal, less inference itself, in frame intervals.

Throughput: capture, inference and output overlap in one `AnswerStream`; its answers a second are
held against those of the slowest stage alone, alternating in one run, as a ratio with its
interval. Each of the three stages is the slowest once. The stages that are not looked at cost
next to no processor time, so that two processors are enough for what is claimed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import edge
from benchmarks.atomic_file import write_file
from benchmarks.environment import describe_machine, read_state
from benchmarks.kiosk.running_kiosk import RunningKiosk, run_kiosk
from benchmarks.statistics.bootstrap import Interval, block_bootstrap_quantile
from edge.command_line import run_command
from edge.sources.base import FrameSource, open_source
from edge.streaming.answer_stream import AnswerStream, StreamSettings
from edge.streaming.frame_policy import FramePolicy

__all__ = ["command"]

FPS = 30.0
MOST_INTERVALS = 1.5
LEAST_SHARE = 0.9
_NS = 1e9
_ROUNDS = 8
_ROUND_S = 4.0
_OUTPUT_S = 0.04


@dataclass(frozen=True, slots=True)
class Latency:
    """Capture to answer of one model, raw.

    Attributes:
        bundle: name and version.
        capture_to_answer_ns: of each answer that the event stream told.
        infer_ns: of the same answers.
        excess_intervals: median of the difference, in frame intervals.
        dropped_share: of the captured frames.
    """

    bundle: str
    capture_to_answer_ns: list[int]
    infer_ns: list[int]
    excess_intervals: Interval
    dropped_share: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """One stage as the slowest.

    Attributes:
        slowest: "capture", "inference" or "output".
        alone_per_s: answers, or frames, a second of that stage alone, by round.
        stream_per_s: answers a second of the stream, by round.
        share: median of their ratios.
    """

    slowest: str
    alone_per_s: list[float]
    stream_per_s: list[float]
    share: Interval


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--films", type=click.Path(path_type=Path), default=Path("docs/samples"))
@click.option("--answers", type=click.IntRange(min=100), default=1500, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(
    bundles: tuple[Path, ...], films: Path, answers: int, output: Path, *, debug: bool
) -> int:
    """Measure both; exit code 1 where a bar is missed."""
    del debug
    machine, before = describe_machine(), read_state()
    latencies = [_measure_latency(bundle, films, answers) for bundle in bundles]
    throughputs = [
        _measure_throughput("capture", bundles[0], films),
        _measure_throughput("inference", bundles[-1], films),
        _measure_throughput("output", bundles[0], films),
    ]
    bars = _bars(latencies, throughputs)
    record = {
        "format": 1,
        "bars": bars,
        "latency": [asdict(each) for each in latencies],
        "throughput": [asdict(each) for each in throughputs],
        "machine": asdict(machine),
        "before": asdict(before),
        "after": asdict(read_state()),
    }
    write_file(output, json.dumps(record).encode())
    write_file(output.with_suffix(".md"), _report(latencies, throughputs).encode())
    for name, is_met in bars.items():
        click.echo(f"{'met   ' if is_met else 'MISSED'}  {name}")
    return 0 if all(bars.values()) else 1


def _bars(latencies: list[Latency], throughputs: list[Throughput]) -> dict[str, bool]:
    bars = {
        f"{each.bundle}: from capture to answer, less inference, {each.excess_intervals.value:.2f} "
        f"frame intervals in the median (at most {MOST_INTERVALS})": each.excess_intervals.value
        <= MOST_INTERVALS
        for each in latencies
    }
    return bars | {
        f"throughput with {each.slowest} slowest: {each.share.value:.3f} of it alone "
        f"(at least {LEAST_SHARE})": each.share.value >= LEAST_SHARE
        for each in throughputs
    }


def _report(latencies: list[Latency], throughputs: list[Throughput]) -> str:
    lines = [
        "# From capture to answer, and throughput",
        "",
        (
            f"A camera at {FPS:g} frames a second, the newest-frame policy, every answer durable "
            "in the journal first. Medians; in brackets their 95 % intervals."
        ),
        "",
        (
            "| model | inference, ms | beyond inference, frame intervals "
            f"(at most {MOST_INTERVALS}) | its p90, p99 | answers | frames dropped |"
        ),
        "|---|---:|---:|---:|---:|---:|",
    ]
    for each in latencies:
        excess = _excess(each.capture_to_answer_ns, each.infer_ns)
        p90, p99 = np.quantile(excess, (0.9, 0.99))
        infer_ms = float(np.median(each.infer_ns)) / 1e6
        lines.append(
            f"| {each.bundle} | {infer_ms:.1f} | {_shown(each.excess_intervals)} "
            f"| {p90:.2f}, {p99:.2f} | {excess.size} | {each.dropped_share:.0%} |"
        )
    lines += [
        "",
        f"| slowest stage | answers a second, of that stage alone (at least {LEAST_SHARE}) |",
        "|---|---:|",
        *(f"| {each.slowest} | {_shown(each.share)} |" for each in throughputs),
    ]
    return "\n".join(lines) + "\n"


def _shown(interval: Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _excess(waited_ns: list[int], infer_ns: list[int]) -> NDArray[np.float64]:
    """Time beyond inference in frame intervals."""
    beyond: NDArray[np.float64] = (np.array(waited_ns) - np.array(infer_ns)) / _NS * FPS
    return beyond


def _median(samples: NDArray[np.float64]) -> Interval:
    found = block_bootstrap_quantile(samples, 0.5, np.random.default_rng(0))
    low, high = np.quantile(found, (0.025, 0.975))
    return Interval(float(np.median(samples)), float(low), float(high))


def _measure_latency(bundle: Path, films: Path, count: int) -> Latency:
    with tempfile.TemporaryDirectory() as folder:
        source = f"fake:{films}?fps={FPS:g}"
        arguments = ["--model", str(bundle), "--source", source]
        with run_kiosk([*arguments, "--journal", f"{folder}/journal"]) as kiosk:
            waited, inferred = _follow(kiosk, count)
            health = kiosk.get("/v1/health")
    model, counts = health["model"], health["source"]
    return Latency(
        bundle=f"{model['name']} {model['version']}",
        capture_to_answer_ns=waited,
        infer_ns=inferred,
        excess_intervals=_median(_excess(waited, inferred)),
        dropped_share=counts["dropped"] / max(1, counts["captured"]),
    )


def _follow(kiosk: RunningKiosk, count: int) -> tuple[list[int], list[int]]:
    """Both times of so many answers, the first second left out."""
    waited, inferred = [], []
    seen = -1
    with urllib.request.urlopen(kiosk.base + "/v1/events", timeout=60) as stream:  # noqa: S310
        begun_s = time.monotonic()
        for line in stream:
            answer = _answer_in(line)
            if answer is None or answer["index"] == seen or time.monotonic() < begun_s + 1.0:
                continue
            seen = answer["index"]
            waited.append(int(answer["capture_to_answer_ns"]))
            inferred.append(int(answer["latency_ns"]["infer"]))
            if len(waited) == count:
                break
    return waited, inferred


def _answer_in(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"data:") or b'"answer"' not in line:
        return None
    latest = json.loads(line[len(b"data:") :])
    answer: dict[str, Any] | None = latest.get("answer")
    return answer if latest.get("state") == "answered" else None


def _measure_throughput(slowest: str, bundle: Path, films: Path) -> Throughput:
    fps = FPS if slowest == "capture" else 240.0
    output_s = _OUTPUT_S if slowest == "output" else 0.0
    address = f"fake:{films}?fps={fps:g}"
    alone, stream = [], []
    with edge.load(bundle, threads=1) as model:
        stages: dict[str, Callable[[], float]] = {
            "capture": lambda: _capture_alone(address),
            "inference": lambda: _infer_alone(model, address),
            "output": lambda: _output_alone(output_s),
        }
        for _ in range(_ROUNDS):
            alone.append(stages[slowest]())
            stream.append(_stream(model, address, output_s))
    ratios = np.array(stream) / np.array(alone)
    return Throughput(slowest, alone, stream, _median(ratios))


def _per_second(turns: Iterator[object]) -> float:
    """Turns a second, after the first."""
    next(turns)
    begun_s = now_s = time.perf_counter()
    count = 0
    while now_s - begun_s < _ROUND_S:
        next(turns)
        count += 1
        now_s = time.perf_counter()
    return count / (now_s - begun_s)


def _capture_alone(address: str) -> float:
    with open_source(address) as source:
        return _per_second(iter(source))


def _infer_alone(model: edge.Model, address: str) -> float:
    with open_source(address) as source:
        frame = next(iter(source))

    def infer() -> Iterator[object]:
        while True:
            yield model.run(frame)

    return _per_second(infer())


def _output_alone(output_s: float) -> float:
    def put_out() -> Iterator[object]:
        while True:
            time.sleep(output_s)
            yield None

    return _per_second(put_out())


def _stream(model: edge.Model, address: str, output_s: float) -> float:
    def opener() -> FrameSource:
        return open_source(address)

    settings = StreamSettings(policy=FramePolicy("newest"))
    with AnswerStream(model, opener, settings) as stream:

        def put_out() -> Iterator[object]:
            for answer in stream:
                time.sleep(output_s)
                yield answer

        return _per_second(put_out())


if __name__ == "__main__":
    run_command(command, sys.argv[1:], name="capture_to_answer")
