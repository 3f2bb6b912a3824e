"""A kiosk that is played: believable states, switched by a test, by standard input or by a clock.

`python tests/edge/kiosk/fake_kiosk.py --port 8321` serves it with the real HTTP API. A scene's
name on a line of its standard input switches to it; `--cycle 5` goes through all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import stat
import sys
import time
from collections import Counter, deque
from pathlib import Path

import click
import msgspec
from kiosk_scenes import SCENES, Scene

from edge.errors import EdgeError
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.messages import (
    Answer,
    Event,
    Health,
    JournalHealth,
    LabelScore,
    Latency,
    Latest,
    ModelCard,
    ModelName,
    Output,
    OutputCard,
    Problem,
    ServiceHealth,
    SourceHealth,
    UpdateHealth,
    WorkerHealth,
)
from edge.kiosk.view import KioskBusyError, KioskCounts, Snapshot

__all__ = ["MODEL", "SCENES", "FakeKiosk", "Scene"]

MODEL = ModelName("chest_xray", "2.1.0", hashlib.sha256(b"chest_xray").hexdigest())
_LABELS = ("Atelectasis", "Cardiomegaly", "Effusion", "Pneumonia", "Pneumothorax")
_EVENTS_KEPT = 256
_MAX_PIXEL_BYTES = 256 * 1024 * 1024


class FakeKiosk:
    """A `KioskView` whose state is what `show` says; frames go by once `play` runs.

    Args:
        scene: name of the first one.
    """

    def __init__(self, scene: str = "answered") -> None:
        self.scene_name = scene
        self.infer_gate: asyncio.Event | None = None
        """Where set, `infer` waits for it: a test holds uploads with it."""
        self.infer_error: EdgeError | None = None
        """Where set, `infer` raises it."""
        self._started_ns = time.monotonic_ns()
        self._frame_ns = self._started_ns
        self._index = 0
        self._sequence = 0
        self._events: deque[Event] = deque(maxlen=_EVENTS_KEPT)
        self._tally: Counter[str] = Counter()
        self._infer_seconds = 0.0
        self._revision = 0
        self._changed = asyncio.Event()
        self._pictures = _moving_pictures()
        self._answer = self._make_answer("camera:0", "")
        self.show(scene)

    def show(self, scene: str) -> None:
        """Switch to a scene and announce it; on the event loop's thread."""
        self.scene_name = scene
        event = SCENES[scene].event
        if event is not None:
            self.announce(*event)
        self._refresh()

    def announce(self, kind: str, level: str, code: str, message: str) -> None:
        """Add an event."""
        identity = self._events[-1].id + 1 if self._events else 1
        self._events.append(
            Event(identity, time.time_ns(), kind, level, code, message)  # type: ignore[arg-type]
        )
        self._bump()

    def next_frame(self) -> None:
        """A new frame is captured and answered (or refused) by the rules of the scene."""
        self._index += 1
        self._frame_ns = time.monotonic_ns()
        self._tally["captured"] += 1
        self._refresh()

    async def play(self, fps: float = 10.0, cycle_s: float = 0.0) -> None:
        """Frames go by for ever; where `cycle_s` is given, so do the scenes."""
        names = itertools.cycle(SCENES)
        next_scene = time.monotonic() + cycle_s
        while True:
            await asyncio.sleep(1 / fps)
            if cycle_s and time.monotonic() >= next_scene:
                next_scene = time.monotonic() + cycle_s
                self.show(next(names))
            if self._scene.source == "open" and self._scene.worker == "ready":
                self.next_frame()

    @property
    def _scene(self) -> Scene:
        return SCENES[self.scene_name]

    @property
    def _age_ms(self) -> int:
        return (time.monotonic_ns() - self._frame_ns) // 1_000_000

    def _refresh(self) -> None:
        scene = self._scene
        if scene.is_frame_shown:
            self._answer = self._make_answer("camera:0", scene.gate, scene.reason)
        self._bump()

    def _bump(self) -> None:
        self._revision += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _make_answer(
        self, source: str, gate: str, reason: str | None = None, data: bytes = b""
    ) -> Answer:
        self._sequence += 1
        self._tally["answered" if not gate else f"refused {gate}"] += 1
        self._infer_seconds += 0.021
        swing = (self._index % 100) / 100
        scores = tuple(
            LabelScore(label, round(abs(swing - place / 5) % 1, 4))
            for place, label in enumerate(_LABELS)
        )
        decision = tuple(each.label for each in scores if each.score >= 0.5)
        outputs = () if gate else (Output("findings", "multilabel", scores, decision),)
        seed = data or f"{self.scene_name} {self._index}".encode()
        return Answer(
            sequence=self._sequence,
            entry_digest=hashlib.sha256(f"entry {self._sequence}".encode()).hexdigest(),
            source=source,
            index=self._index,
            status="refused" if gate else "ok",
            gate=gate,
            reason=reason,
            model=MODEL,
            engine="onnxruntime",
            precision="int8",
            outputs=outputs,
            latency_ns=Latency(1_200_000, 0, 2_300_000, 21_000_000, 180_000, 24_680_000),
            capture_time_ns=time.time_ns(),
            capture_to_answer_ns=27_000_000,
            input_digest=hashlib.sha256(seed).hexdigest(),
        )

    def health(self) -> Health:
        """How it is, by the scene."""
        scene = self._scene
        problems = (
            () if scene.status == "ok" or scene.event is None else (Problem(*scene.event[2:]),)
        )
        uptime_ms = (time.monotonic_ns() - self._started_ns) // 1_000_000
        return Health(
            status=scene.status,  # type: ignore[arg-type]
            problems=problems,
            source=SourceHealth(
                "camera:0",
                scene.source,  # type: ignore[arg-type]
                uptime_ms,
                3 if scene.source == "lost" else 0,
                self._index,
                self._index // 20,
            ),
            worker=WorkerHealth(scene.worker, os.getpid(), 0, uptime_ms),  # type: ignore[arg-type]
            journal=JournalHealth(scene.journal, self._sequence, self._sequence * 900),  # type: ignore[arg-type]
            update=UpdateHealth(
                scene.update,  # type: ignore[arg-type]
                "a",
                540_000 if scene.update == "trial" else 0,
            ),
            service=ServiceHealth("0.1.0", os.getpid(), uptime_ms),
            model=None if scene.state == "waiting" else MODEL,
        )

    def model_card(self) -> ModelCard | None:
        """A believable model; None while nothing has been captured."""
        if self._scene.state == "waiting":
            return None
        return ModelCard(
            model=MODEL,
            task="multilabel",
            intended_use="Research on chest radiographs of adults, frontal view.",
            limits="Not for children. Not for diagnosis.",
            licence="Apache-2.0",
            engine="onnxruntime",
            engine_version="1.32.0",
            precision="int8",
            artifact="model_int8.onnx",
            outputs=(OutputCard("findings", "multilabel", _LABELS, dict.fromkeys(_LABELS, 0.5)),),
            selftest="passed",
        )

    def latest(self) -> Latest:
        """What may be shown, by the scene."""
        scene = self._scene
        shown = scene.is_frame_shown
        return Latest(
            state=scene.state,  # type: ignore[arg-type]
            gate=scene.gate,
            reason=scene.reason,
            age_ms=self._age_ms if shown else None,
            answer=self._answer if shown else None,
        )

    def snapshot(self) -> Snapshot | None:
        """A moving test picture, or None where the scene has no frame."""
        if not self._scene.is_frame_shown:
            return None
        picture = self._pictures[self._index % len(self._pictures)]
        return Snapshot(picture, self._index, self._age_ms)

    def counts(self) -> KioskCounts:
        """Totals of what was played."""
        refused = tuple(
            (name.removeprefix("refused "), number)
            for name, number in sorted(self._tally.items())
            if name.startswith("refused ")
        )
        return KioskCounts(
            captured=self._tally["captured"],
            answered=self._tally["answered"],
            refused=refused,
            journal_entries=self._sequence,
            uploads=self._tally["uploads"],
            infer_seconds_sum=self._infer_seconds,
            capture_to_answer_seconds_sum=self._infer_seconds * 1.3,
        )

    async def infer(self, data: bytes) -> Answer:
        """An answer for what OpenCV can read within 256 MB of pixels; "error" for the rest."""
        if self._scene.worker != "ready":
            raise KioskBusyError("the worker is being replaced; ask again in a moment")
        if self.infer_gate is not None:
            await self.infer_gate.wait()
        if self.infer_error is not None:
            raise self.infer_error
        self._tally["uploads"] += 1
        reason = await asyncio.to_thread(_fault, data)
        answer = self._make_answer("upload", "input" if reason else "", reason, data)
        return msgspec.structs.replace(answer, status="error") if reason else answer

    def events_after(self, last_id: int) -> tuple[Event, ...]:
        """The events kept with a higher id."""
        return tuple(event for event in self._events if event.id > last_id)

    def note_client(self, code: str, message: str) -> None:
        """Announce it, every time."""
        self.announce("service", "warning", code, message)

    @property
    def revision(self) -> int:
        """Grows with every frame, scene and event."""
        return self._revision

    async def wait_for_change(self, revision: int, timeout_s: float) -> int:
        """Wait for another revision."""
        if revision == self._revision:
            changed = self._changed
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(changed.wait(), timeout_s)
        return self._revision


def _fault(data: bytes) -> str | None:
    """Why the bytes are no picture; None where they are one."""
    from edge.decode import decode_image

    try:
        decode_image(data, source="upload")
    except EdgeError as error:
        return str(error)
    return None


def _moving_pictures() -> list[bytes]:
    """Eight JPEG pictures, 640 x 480, with a bright square that moves."""
    import cv2
    import numpy as np

    pictures = []
    for step in range(8):
        ramp = np.tile(np.linspace(40, 160, 640, dtype=np.uint8), (480, 1))
        picture = np.dstack([ramp, ramp[:, ::-1], np.full_like(ramp, 90)])
        left = 40 + 60 * step
        picture[180:300, left : left + 120] = (230, 235, 240)
        pictures.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())
    return pictures


async def _follow_input(kiosk: FakeKiosk) -> None:
    """Switch scenes by lines on standard input, until it ends."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or sys.stdin.isatty()):
        return  # a plain file or /dev/null: nobody will write to it
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        name = line.decode(errors="replace").strip()
        if name in SCENES:
            kiosk.show(name)
        print(f"scene {kiosk.scene_name}; one of {' '.join(SCENES)}", flush=True)  # noqa: T201 - a program


async def _serve(settings: ApiSettings, scene: str, fps: float, cycle_s: float) -> None:
    from edge.kiosk.api.app import create_app
    from edge.kiosk.api.http_server import HttpServer
    from edge.kiosk.api.unix_socket import UnixSocketServer

    kiosk = FakeKiosk(scene)
    server = HttpServer(create_app(kiosk, settings), settings)
    await server.start()
    unix_socket = None
    if settings.unix_socket is not None:
        unix_socket = UnixSocketServer(kiosk, settings)
        await unix_socket.start()
    print(f"{server.address}/ pid {os.getpid()}", flush=True)  # noqa: T201 - a program
    try:
        await asyncio.gather(kiosk.play(fps, cycle_s), _follow_input(kiosk))
    finally:
        await server.stop(1.0)
        if unix_socket is not None:
            await unix_socket.stop()


@click.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=8321)
@click.option("--token", default=None)
@click.option("--scene", type=click.Choice(list(SCENES)), default="answered")
@click.option("--fps", default=10.0)
@click.option("--cycle", "cycle_s", default=0.0, help="Seconds a scene; 0 stays in the first.")
@click.option("--unix-socket", type=click.Path(path_type=Path), default=None)
@click.option("--requests-per-second", default=50.0)
def main(
    host: str,
    port: int,
    token: str | None,
    scene: str,
    fps: float,
    cycle_s: float,
    unix_socket: Path | None,
    requests_per_second: float,
) -> None:
    """Serve the pretended kiosk until interrupted."""
    settings = ApiSettings(
        host=host,
        port=port,
        token=token,
        unix_socket=unix_socket,
        requests_per_second=requests_per_second,
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings, scene, fps, cycle_s))


if __name__ == "__main__":
    main()
