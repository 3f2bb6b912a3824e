"""The kiosk of `page_kiosk.py` as a child process that a test gives orders to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["PlayedKiosk"]

_PROGRAM = Path(__file__).with_name("page_kiosk.py")


class PlayedKiosk:
    """Starts on making; `port` 0 takes a free one."""

    def __init__(self, port: int = 0, token: str | None = None) -> None:
        command = [sys.executable, str(_PROGRAM), "--port", str(port)]
        if token is not None:
            command += ["--token", token]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self._read()
        self.port = int(self.address.rpartition(":")[2])

    def order(self, **order: object) -> None:
        """See `ShownKiosk.obey`; returns when it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert self._read() == "done"

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the played kiosk ended"
        return line

    def kill(self) -> None:
        """As a crash would."""
        self._process.kill()
        self._close()

    def suspend(self) -> None:
        """It keeps its connections and says nothing more."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._close()

    def _close(self) -> None:
        self._process.wait(30)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
