"""A disk that hangs while it is told to."""

import threading

from edge.kiosk.journal.disk import Disk

__all__ = ["HangingDisk"]


class HangingDisk(Disk):
    """Syncs only while it may."""

    def __init__(self) -> None:
        self.may_sync = threading.Event()
        self.may_sync.set()

    def sync(self, descriptor: int) -> None:
        self.may_sync.wait(60)
        super().sync(descriptor)
