"""Lives and dies: forks a process that writes to a journal, and kills it at an instant.

    python killed_writer.py FOLDER

For each line on standard input, `BEFORE_MS AFTER_MS`: a child is forked, which opens the journal
and appends from two threads; it is killed AFTER_MS after its first receipt, or where BEFORE_MS
is not negative, that long after its start. Then a line of JSON on standard output: the receipts
that the child told. Forking spares each life the start of an interpreter.
"""

import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from journal_samples import answer

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.journal import Journal

LIMITS = JournalLimits(max_bytes=1 << 18, segment_bytes=16_384, min_free_bytes=0)


def write_for_ever(folder: Path, told: int) -> None:
    """Append, and tell each receipt as soon as it is there."""
    journal = Journal(folder, LIMITS)

    def append() -> None:
        while True:
            receipt = journal.append(answer())
            # Short enough to be written whole or not at all.
            os.write(told, f"{receipt.sequence} {receipt.digest}\n".encode())

    threads = [threading.Thread(target=append, daemon=True) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def live_and_die(folder: Path, before_ms: float, after_ms: float) -> list[str]:
    """One life: what it told until it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            write_for_ever(folder, writing)
        finally:
            os._exit(1)
    os.close(writing)
    if before_ms >= 0:
        time.sleep(before_ms / 1000)
    else:
        select.select([reading], [], [], 60)
        time.sleep(after_ms / 1000)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit(f"the child ended by itself: {status}")
    with os.fdopen(reading) as told:
        return told.read().splitlines()


def main() -> None:
    """Serve lives until standard input ends."""
    for line in sys.stdin:
        before_ms, after_ms = map(float, line.split())
        print(json.dumps(live_and_die(Path(sys.argv[1]), before_ms, after_ms)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
