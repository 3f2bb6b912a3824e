"""10 000 hostile requests to a running kiosk: no 5xx, no crash, memory bounded.

    python -m benchmarks.kiosk.hostile_requests --url http://127.0.0.1:8321 --pid PID \
        -o benchmarks/results/kiosk/hostile_requests.json

They come from many addresses of the loopback net at a pace under the kiosk's limits, so that it
has to look at each; only the flood is as fast as it can be. Needs the extra [test].
"""

from __future__ import annotations

import itertools
import json
import random
import socket
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from benchmarks.atomic_file import write_file
from benchmarks.environment import describe_machine
from benchmarks.kiosk.hostile_attacks import Attack, flood, foreign, malformed, oversized, slow
from benchmarks.kiosk.hostile_schema import ask_by_schema
from benchmarks.kiosk.hostile_uploads import HostileUploads
from benchmarks.kiosk.process_tree import TreeWatch
from edge.command_line import run_command
from edge.errors import GateError, UsageError

__all__ = ["command", "exchange", "missed_bars"]

SHARES = {"malformed": 0.34, "foreign": 0.12, "oversized": 0.04, "upload": 0.25, "slow": 0.02}
"""Of the count; schemathesis has 0.15 and the flood the rest."""

SCHEMA_SHARE = 0.15
MOST_GROWTH_MIB = 32.0
MOST_PEAK_MIB = 150.0

_ADDRESSES = tuple(f"127.0.0.{number}" for number in range(2, 42))
_THREADS = {"malformed": 8, "foreign": 4, "oversized": 4, "upload": 3, "slow": 24, "flood": 4}
_SETTLE_S = 5.0
_LEGEND = (
    "A number is an HTTP status. `closed`: the connection was closed without an answer; "
    "`waited`: the request was unfinished or its answer not taken, and the client left."
)
_EXAMPLES_KEPT = 5
_SERVER_FAULT = 500


@dataclass(slots=True)
class _Tally:
    """What became of one family's requests, by status; "closed", "waited" or "hung" without one."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


class _Pace:
    """Turns for threads: so many a second, from one address after the other."""

    def __init__(self, per_second: float) -> None:
        self._gap_s = 1.0 / per_second
        self._next_s = time.monotonic()
        self._lock = threading.Lock()
        self._addresses = itertools.cycle(_ADDRESSES)

    def turn(self) -> str:
        """Wait for the turn; the address to ask from."""
        with self._lock:
            at_s = max(self._next_s, time.monotonic())
            self._next_s = at_s + self._gap_s
            address = next(self._addresses)
        time.sleep(max(0.0, at_s - time.monotonic()))
        return address


@click.command()
@click.option("--url", required=True, help="Of the running kiosk, such as http://127.0.0.1:8321.")
@click.option("--pid", type=int, required=True, help="Process number of its service.")
@click.option("--token", help="Where it asks for one.")
@click.option("--count", type=click.IntRange(min=100), default=10_000, show_default=True)
@click.option("--per-second", type=float, default=150.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=Path("docs/samples/normal.png"),
    help="A real one, which uploads are made from.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Record; .md beside it.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(**options: Any) -> int:
    """Ask a kiosk in every bad way; exit code 1 where it does not stand it."""
    run = _Run(options)
    record = run.record()
    text = json.dumps(record, indent=1)
    output = options["output"]
    if output is None:
        click.echo(text)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_file(output, text.encode() + b"\n")
        write_file(output.with_suffix(".md"), _report(record).encode())
    if record["missed"]:
        raise GateError("; ".join(record["missed"]))
    return 0


class _Run:
    def __init__(self, options: dict[str, Any]) -> None:
        parsed = urllib.parse.urlsplit(options["url"])
        if parsed.scheme != "http" or parsed.hostname is None:
            raise UsageError(f"{options['url']!r} is no address; such as http://127.0.0.1:8321")
        self._options = options
        self._base = options["url"].rstrip("/")
        self._server = (parsed.hostname, parsed.port or 80)
        token = options["token"]
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._pace = _Pace(options["per_second"])
        self._tallies: dict[str, _Tally] = {}

    def record(self) -> dict[str, Any]:
        """Do it all."""
        self._infer()
        before = self._health()
        with TreeWatch(self._options["pid"]) as watch:
            started_s = time.monotonic()
            self._attack()
            taken_s = time.monotonic() - started_s
            time.sleep(_SETTLE_S)
        after = self._health()
        memory = watch.summary()
        facts = {
            "pid_kept": before["service"]["pid"] == after["service"]["pid"],
            "worker_restarts": after["worker"]["restarts"] - before["worker"]["restarts"],
            "answers_after": self._infer(),
            "seconds": round(taken_s, 1),
            "requests": sum(each.outcomes.total() for each in self._tallies.values()),
        }
        families = {name: self._family(tally) for name, tally in self._tallies.items()}
        return {
            "schema_version": 1,
            "command": "benchmarks.kiosk.hostile_requests",
            "settings": {name: self._options[name] for name in ("count", "per_second", "seed")},
            "machine": _machine(),
            "kiosk": {"version": before["service"]["version"], "model": before["model"]},
            **facts,
            "memory_mib": memory,
            "families": families,
            "missed": missed_bars(facts, memory, families),
        }

    def _attack(self) -> None:
        count = self._options["count"]
        chance = random.Random(self._options["seed"])  # noqa: S311 - to be repeated, not secret
        uploads = HostileUploads(self._options["picture"])
        makers: dict[str, Callable[[random.Random], Attack]] = {
            "malformed": malformed,
            "foreign": foreign,
            "oversized": oversized,
            "upload": uploads.attack,
            "slow": slow,
        }
        attacks = {
            name: [maker(chance) for _ in range(round(count * SHARES[name]))]
            for name, maker in makers.items()
        }
        by_schema = round(count * SCHEMA_SHARE)
        rest = count - by_schema - sum(map(len, attacks.values()))
        # The slow ones take the whole time of the others, who must not notice.
        slowly = threading.Thread(target=self._family_of, args=("slow", attacks.pop("slow")))
        slowly.start()
        for name, family in attacks.items():
            self._family_of(name, family)
        self._ask_by_schema(by_schema)
        slowly.join()
        self._family_of("flood", [flood(chance) for _ in range(rest)])

    def _family_of(self, name: str, attacks: Sequence[Attack]) -> None:
        tally = self._tallies[name] = _Tally()
        started_s = time.monotonic()
        with ThreadPoolExecutor(_THREADS[name]) as pool:
            for attack, outcome in zip(attacks, pool.map(self._perform, attacks), strict=True):
                tally.outcomes[outcome] += 1
                if outcome == "hung" or (outcome.isdigit() and int(outcome) >= _SERVER_FAULT):
                    tally.faults.append(f"{attack.name}: {outcome}")
        tally.seconds = time.monotonic() - started_s

    def _ask_by_schema(self, count: int) -> None:
        started_s = time.monotonic()
        statuses, faults = ask_by_schema(self._base, count, self._pace.turn, self._headers)
        taken_s = time.monotonic() - started_s
        self._tallies["schemathesis"] = _Tally(statuses, faults, taken_s)

    def _perform(self, attack: Attack) -> str:
        """One connection; the status of its answer, or what became of it."""
        address = _ADDRESSES[0] if attack.name == "flood" else self._pace.turn()
        try:
            with socket.create_connection(self._server, 30.0, (address, 0)) as client:
                return exchange(client, attack)
        except TimeoutError:
            return "hung"
        except OSError:
            return "closed"

    def _family(self, tally: _Tally) -> dict[str, Any]:
        return {
            "outcomes": dict(sorted(tally.outcomes.items())),
            "faults": tally.faults[:_EXAMPLES_KEPT],
            "fault_count": len(tally.faults),
            "seconds": round(tally.seconds, 1),
        }

    def _health(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._ask("/v1/health"))
        return found

    def _infer(self) -> str:
        """Status of the answer for the real picture."""
        data = self._options["picture"].read_bytes()
        return str(json.loads(self._ask("/v1/infer", data))["status"])

    def _ask(self, path: str, data: bytes | None = None) -> bytes:
        asked = urllib.request.Request(self._base + path, data, self._headers)  # noqa: S310 - http
        with urllib.request.urlopen(asked, timeout=60) as reply:  # noqa: S310 - same
            body: bytes = reply.read()
        return body


def exchange(client: socket.socket, attack: Attack) -> str:
    """Send one attack; the status of the answer, or "closed", "waited" or "hung" without one.

    Args:
        client: connected.
        attack: that is sent on it.
    """
    received = b""
    client.settimeout(max(attack.pause_s, 0.001) if attack.pause_s else attack.patience_s)
    try:
        for piece in attack.pieces():
            client.sendall(piece)
            if attack.pause_s:
                try:
                    received += client.recv(4096)
                except TimeoutError:
                    continue
                break
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused while it was still sending: the answer may be there all the same
    if not attack.is_reading:
        time.sleep(attack.patience_s)
        return "waited"
    client.settimeout(attack.patience_s)
    try:
        while b"\r\n" not in received:
            data = client.recv(4096)
            if not data:
                return "closed"
            received += data
    except TimeoutError:
        return "hung" if attack.is_whole else "waited"
    return received.split(b" ", 2)[1].decode("ascii", "replace")


def _machine() -> dict[str, Any]:
    machine = describe_machine()
    return {
        "board": machine.board,
        "processor": machine.processor,
        "processors": machine.processors,
        "kernel": machine.kernel,
        "python": machine.python,
    }


def missed_bars(
    facts: dict[str, Any], memory: dict[str, Any], families: dict[str, Any]
) -> list[str]:
    """What a record misses, one line each.

    Args:
        facts: `pid_kept` and `answers_after` of the record.
        memory: `memory_mib` of the record.
        families: of the record.
    """
    missed = [
        f"{name}: {family['fault_count']} faults, the first {family['faults'][0]}"
        for name, family in families.items()
        if family["faults"]
    ]
    if not facts["pid_kept"]:
        missed.append("the service was started anew")
    if facts["answers_after"] != "ok":
        missed.append(f"the real picture is answered {facts['answers_after']!r} afterwards")
    service = memory["service"]
    if service["after"] - service["before"] > MOST_GROWTH_MIB:
        missed.append(f"the service grew by more than {MOST_GROWTH_MIB:g} MiB")
    if service["peak"] - service["before"] > MOST_PEAK_MIB:
        missed.append(f"the service took more than {MOST_PEAK_MIB:g} MiB at once")
    return missed


def _report(record: dict[str, Any]) -> str:
    memory = record["memory_mib"]
    lines = [
        "# Hostile requests",
        "",
        f"{record['requests']} requests in {record['seconds']:g} s. "
        + ("Missed: " + "; ".join(record["missed"]) if record["missed"] else "No bar missed.")
        + f" Worker replaced {record['worker_restarts']} times.",
        "",
        "| family | requests | outcomes |",
        "|---|---:|---|",
    ]
    for name, family in record["families"].items():
        outcomes = ", ".join(f"{key}: {number}" for key, number in family["outcomes"].items())
        lines.append(f"| {name} | {sum(family['outcomes'].values())} | {outcomes} |")
    lines += ["", "| resident memory, MiB | before | peak | after |", "|---|---:|---:|---:|"]
    for name, figures in memory.items():
        cells = " | ".join(f"{figures[key]:.1f}" for key in ("before", "peak", "after"))
        lines.append(f"| {name} | {cells} |")
    lines += ["", _LEGEND, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(command, sys.argv[1:], name="hostile_requests")
