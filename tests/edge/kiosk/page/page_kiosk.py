"""A kiosk that says what it is told, served with the real HTTP API, for tests of the page.

It prints its address and then obeys lines of JSON on its standard input, see `ShownKiosk.obey`,
writing "done" for each. It ends when that input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import click
import msgspec
from page_scenes import card_for, latest_for

from edge.kiosk.api.app import create_app
from edge.kiosk.api.http_server import HttpServer
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.messages import Health, Latest, ModelCard, ServiceHealth
from edge.kiosk.view import Snapshot

sys.path.insert(0, str(Path(__file__).parents[1]))

from fake_kiosk import FakeKiosk


class ShownKiosk(FakeKiosk):
    """A kiosk whose messages are set from outside."""

    def __init__(self) -> None:
        super().__init__("answered")
        self._shown = latest_for("waiting")
        self._card: ModelCard | None = card_for("classification")
        self._picture: bytes | None = None
        self._picture_age_ms = 40
        self._version = "0.1.0"
        self._scene_shown = "waiting"
        self.rate_hz = 0.0

    def obey(self, order: dict[str, object]) -> None:
        """Do what an order says.

        Keys: "scene", a name of `page_scenes`; "latest", a Latest message; "picture", path of a
        JPEG or "" for none; "picture_age_ms"; "rate_hz", how often an answer comes anew;
        "version" of the service; "event", arguments of `announce`.
        """
        if "scene" in order:
            self._scene_shown = str(order["scene"])
            self._card = card_for(self._scene_shown)
            self._shown = latest_for(self._scene_shown)
        if "latest" in order:
            self._shown = msgspec.convert(order["latest"], Latest)
        if "picture" in order:
            self._picture = Path(str(order["picture"])).read_bytes() if order["picture"] else None
        self._picture_age_ms = int(str(order.get("picture_age_ms", self._picture_age_ms)))
        self._version = str(order.get("version", self._version))
        self.rate_hz = float(str(order.get("rate_hz", self.rate_hz)))
        if "event" in order:
            self.announce(*order["event"])  # type: ignore[misc]
        self._bump()

    async def repeat(self) -> None:
        """Answer the same again and again, each time for another frame."""
        index = 0
        while True:
            await asyncio.sleep(1 / self.rate_hz if self.rate_hz else 0.02)
            if self.rate_hz:
                index += 1
                self._shown = latest_for(self._scene_shown, index)
                self._bump()

    def latest(self) -> Latest:
        """What was ordered."""
        return self._shown

    def model_card(self) -> ModelCard | None:
        """The card of the scene."""
        return self._card

    def health(self) -> Health:
        """In order, with the ordered version."""
        health = super().health()
        service = ServiceHealth(self._version, health.service.pid, health.service.uptime_ms)
        return msgspec.structs.replace(health, service=service)

    def snapshot(self) -> Snapshot | None:
        """The ordered picture."""
        if self._picture is None:
            return None
        return Snapshot(self._picture, time.monotonic_ns() // 10**8, self._picture_age_ms)


async def _obey_input(kiosk: ShownKiosk) -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        kiosk.obey(json.loads(line))
        print("done", flush=True)  # noqa: T201 - a program


async def _serve(settings: ApiSettings) -> None:
    kiosk = ShownKiosk()
    server = HttpServer(create_app(kiosk, settings), settings)
    await server.start()
    print(f"http://{settings.host}:{server.port}", flush=True)  # noqa: T201 - a program
    repeating = asyncio.create_task(kiosk.repeat())
    try:
        await _obey_input(kiosk)
    finally:
        repeating.cancel()
        await server.stop(1.0)


@click.command()
@click.option("--port", default=0)
@click.option("--token", default=None)
def main(port: int, token: str | None) -> None:
    """Serve until standard input ends."""
    asyncio.run(_serve(ApiSettings(port=port, token=token)))


if __name__ == "__main__":
    main()
