"""`edge-kiosk serve`: everything that runs, started in order and stopped in the reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Protocol

from edge.errors import EngineError, UsageError
from edge.kiosk import systemd_notify
from edge.kiosk.api.app import create_app
from edge.kiosk.api.http_server import HttpServer
from edge.kiosk.api.settings import ApiSettings, is_loopback
from edge.kiosk.journal.journal import Journal
from edge.kiosk.service.deadline import within
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.journal_link import JournalLink
from edge.kiosk.service.kiosk import Kiosk
from edge.kiosk.service.model_choice import FixedBundle, ModelChoice, SlottedBundle
from edge.kiosk.service.settings import ServiceSettings
from edge.kiosk.slots.store import SlotStore

__all__ = ["serve"]

logger = logging.getLogger(__name__)

_STOP_GRACE_S = 1.0
_END_S = 5.0
_WATCHDOG_LOOK_S = 1.0


def serve(settings: ServiceSettings, api: ApiSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        KeyboardInterrupt: SIGINT came, and all was ended in good order.
        UsageError: a setting can mean nothing.
        DeviceError: the port or the socket cannot be had.
        EdgeError: what was asked for cannot work, or the service failed.
    """
    if signal.SIGINT in asyncio.run(_serve(settings, api)):
        raise KeyboardInterrupt


async def _serve(settings: ServiceSettings, api: ApiSettings) -> set[signal.Signals]:
    """Serve until told to stop.

    Returns:
        The signals that told it.
    """
    stopped = asyncio.Event()
    heard: set[signal.Signals] = set()

    def stop(number: signal.Signals) -> None:
        heard.add(number)
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    events = EventLog()
    journal = JournalLink(_journal_opener(settings), events)
    kiosk = Kiosk(settings, _choose_model(settings, events), events, journal)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        await stack.enter_async_context(_running(journal, stopped))
        await stack.enter_async_context(_doors(kiosk, api))
        await stack.enter_async_context(_running(kiosk, stopped))
        await stack.enter_async_context(_running(_Watchdog(kiosk), stopped))
        systemd_notify.ready()
        await stopped.wait()
        systemd_notify.stopping()
    return heard


def _journal_opener(settings: ServiceSettings) -> Callable[[], Journal] | None:
    if settings.journal is None:
        return None
    return partial(Journal, settings.journal, settings.journal_limits)


def _choose_model(settings: ServiceSettings, events: EventLog) -> ModelChoice:
    if settings.slots is not None:
        return SlottedBundle(SlotStore(settings.slots), events)
    if settings.bundle is None:
        raise UsageError("name a bundle or a folder of model slots")
    return FixedBundle(settings.bundle)


@contextlib.asynccontextmanager
async def _doors(kiosk: Kiosk, api: ApiSettings) -> AsyncIterator[None]:
    """The HTTP API, and the Unix socket where one is asked for."""
    http = HttpServer(create_app(kiosk, api), api, kiosk.note_client)
    await http.start()
    try:
        logger.info("the page is at %s/", http.address)
        if not is_loopback(api.host):
            logger.warning(
                "other machines can ask it with the token that was set; nothing is encrypted"
            )
        if api.unix_socket is None:
            yield
            return
        from edge.kiosk.api.unix_socket import UnixSocketServer

        socket_server = UnixSocketServer(kiosk, api)
        await socket_server.start()
        try:
            yield
        finally:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(socket_server.stop(), _STOP_GRACE_S)
    finally:
        await http.stop(_STOP_GRACE_S)


class _Runner(Protocol):
    async def run(self) -> None: ...


@contextlib.asynccontextmanager
async def _running(runner: _Runner, stopped: asyncio.Event) -> AsyncIterator[None]:
    """Run something beside; should it end by itself, the service ends, to be started anew."""
    task = asyncio.ensure_future(runner.run())
    task.add_done_callback(lambda _: stopped.set())
    try:
        yield
    finally:
        is_failed = task.done()
        while not task.done():
            # Again, should a library have swallowed it.
            task.cancel()
            await asyncio.wait({task}, timeout=_END_S)
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
        if is_failed:
            raise EngineError("the service has lost its way; start it anew")


class _Watchdog:
    """Tells systemd that the event loop turns, and how the kiosk is.

    A kiosk whose worker is away is alive: it is the service's own work to replace it. Only a
    service that hangs is to be killed by systemd.
    """

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk

    async def run(self) -> None:
        """Go on until cancelled."""
        interval_s = systemd_notify.watchdog_interval_s()
        shown = ""
        while True:
            systemd_notify.watchdog()
            health = self._kiosk.health()
            text = "; ".join(problem.message for problem in health.problems) or "answering"
            if text != shown:
                systemd_notify.status(text)
                shown = text
            await asyncio.sleep(min(interval_s or _WATCHDOG_LOOK_S, _WATCHDOG_LOOK_S))
