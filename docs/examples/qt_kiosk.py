"""A kiosk of one's own in Qt: the camera's picture, and the answer or why there is none.

    pip install 'edgedx[litert]' PySide6-Essentials
    python qt_kiosk.py camera:0

Capture and inference have threads of their own in `edge.stream`; one more here takes the answers
and hands them to Qt as signals, so that the window never waits.
"""

from __future__ import annotations

import sys
import threading

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

import edge

NEWEST_WITHIN_MS = 2000
"""An answer that no newer one replaces within this is shown no longer."""


class Answers(QObject):
    """Takes answers from a stream in a thread and tells Qt of each.

    Args:
        model: from `edge.load`.
        address: of the camera.
    """

    came = Signal(object)
    failed = Signal(str)
    trouble = Signal(str)

    def __init__(self, model: edge.Model, address: str) -> None:
        super().__init__()
        self._stream = edge.stream(model, address, on_event=self._tell)
        self._thread = threading.Thread(target=self._take, daemon=True)

    def start(self) -> None:
        """Begin; connect the signals first."""
        self._thread.start()

    def _take(self) -> None:
        try:
            for answer in self._stream:
                self.came.emit(answer)
        except edge.EdgeError as error:
            self.failed.emit(str(error))

    def _tell(self, event: object) -> None:
        if event.code == "source_lost":
            self.trouble.emit(event.message)

    def close(self) -> None:
        """Let go of the camera."""
        self._stream.close()
        self._thread.join(5.0)


class KioskWindow(QWidget):
    """Shows the newest picture and its answer. No picture, no answer: never an old one."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.setWindowTitle("edgedx")
        self.picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.answer = QLabel("Waiting for the camera", alignment=Qt.AlignmentFlag.AlignCenter)
        self.answer.setStyleSheet("font-size: 28px; padding: 12px")
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        note = QLabel("research software, not a medical device")
        layout = QVBoxLayout(self)
        for widget in (self.picture, self.answer, note):
            layout.addWidget(widget)
        # An answer may be on its way while the camera is lost: what clears it is its age.
        self._age = QTimer(self, singleShot=True, interval=NEWEST_WITHIN_MS)
        self._age.timeout.connect(lambda: self.show_no_result("no new picture has come"))
        self._answers = answers
        answers.came.connect(self.show_answer)
        answers.failed.connect(self.show_no_result)
        answers.trouble.connect(self.show_no_result)
        answers.start()

    def show_answer(self, answer: object) -> None:
        """Show one answer, or the reason why there is none."""
        self._age.start()
        self.picture.setPixmap(_pixmap(answer.frame))
        result = answer.result
        if result.status == "ok":
            self.answer.setText(f"{result.top.label}, {result.top.score:.0%}")
        else:
            self.answer.setText(f"No result: {result.reason}")

    def show_no_result(self, reason: str) -> None:
        """Show that there is no picture; the last one would look as if it were live."""
        self.picture.clear()
        self.answer.setText(f"No result: {reason}")

    def closeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Let go of the camera."""
        self._answers.close()
        super().closeEvent(event)


def _pixmap(frame: edge.Frame) -> QPixmap:
    height, width = frame.pixels.shape[:2]
    image = QImage(frame.pixels.data, width, height, 3 * width, QImage.Format.Format_BGR888)
    return QPixmap.fromImage(image.copy())


if __name__ == "__main__":
    application = QApplication(sys.argv)
    window = KioskWindow(Answers(edge.load(), sys.argv[1] if len(sys.argv) > 1 else "camera:0"))
    window.show()
    sys.exit(application.exec())
