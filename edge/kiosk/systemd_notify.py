"""Tells systemd that the service is ready, alive or stopping; without systemd it does nothing.

Protocol: sd_notify(3), sd_watchdog_enabled(3) and systemd.service(5) of systemd 252, which
promise that it stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import socket

__all__ = ["notify", "ready", "status", "stopping", "watchdog", "watchdog_interval_s"]

_MICROSECONDS = 1_000_000
# A status is for one line of `systemctl status`; a datagram of any length could be refused whole.
_MOST_STATUS_BYTES = 512


def notify(message: str) -> bool:
    """Send one message to whoever supervises this process. Never waits and never raises.

    Args:
        message: assignments such as "READY=1", one a line.

    Returns:
        Whether it was handed over; False where nobody supervises, or the supervisor's queue is
        full: the next message is another chance.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    # "@" stands for the NUL that begins an abstract socket's name; other kinds of address
    # (vsock) are for virtual machines, not for services.
    if not address.startswith(("/", "@")) or len(address) == 1:
        return False
    name = f"\0{address[1:]}" if address.startswith("@") else address
    with contextlib.suppress(OSError, ValueError):
        # ValueError: a name that holds a NUL, or text that UTF-8 cannot write.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            channel.sendto(message.encode(), name)
        return True
    return False


def ready() -> bool:
    """The service answers now; systemd starts what waits for it."""
    return notify("READY=1")


def stopping() -> bool:
    """The service is ending because it was asked to."""
    return notify("STOPPING=1")


def status(text: str) -> bool:
    """Show one line in `systemctl status`.

    Args:
        text: for a person; line breaks become spaces, so that it cannot carry other messages.
    """
    line = " ".join(text.split()).encode(errors="replace")[:_MOST_STATUS_BYTES]
    return notify(f"STATUS={line.decode(errors='ignore')}")


def watchdog() -> bool:
    """The service is alive. Where this stays out for longer than WatchdogSec, it is killed."""
    return notify("WATCHDOG=1")


def watchdog_interval_s() -> float | None:
    """Seconds between two calls of `watchdog`: half of what systemd allows.

    Returns:
        None where systemd does not watch this very process.
    """
    limit = _positive_integer("WATCHDOG_USEC")
    if limit is None:
        return None
    # A child inherits the environment, but it is not what systemd watches.
    if "WATCHDOG_PID" in os.environ and _positive_integer("WATCHDOG_PID") != os.getpid():
        return None
    return limit / _MICROSECONDS / 2


def _positive_integer(variable: str) -> int | None:
    text = os.environ.get(variable, "")
    # Longer than any 64-bit number is no number of systemd's.
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(1 << 64))
    return int(text) or None if is_number else None
