"""drive_qt_kiosk.py EXAMPLES ADDRESS SCREENSHOT: runs the Qt example without a screen.

Waits for an answer, takes a picture of the window, waits until the camera is lost, and prints
what the window showed as JSON.
"""

import json
import sys
import time
from collections.abc import Callable

sys.path.insert(0, sys.argv[1])

import qt_kiosk
from PySide6.QtWidgets import QApplication

import edge

PATIENCE_S = 60.0


def wait(application: QApplication, is_done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_done():
        if time.monotonic() > deadline_s:
            sys.exit("what was waited for did not come")
        application.processEvents()
        time.sleep(0.01)


def main() -> None:
    application = QApplication([])
    window = qt_kiosk.KioskWindow(qt_kiosk.Answers(edge.load(), sys.argv[2]))
    window.show()
    wait(application, lambda: "%" in window.answer.text())
    seen = {"answer": window.answer.text(), "had_picture": not window.picture.pixmap().isNull()}
    window.grab().save(sys.argv[3])
    wait(application, lambda: window.answer.text().startswith("No result"))
    seen["afterwards"] = window.answer.text()
    seen["has_picture_afterwards"] = not window.picture.pixmap().isNull()
    window.close()
    sys.stdout.write(json.dumps(seen))


main()
