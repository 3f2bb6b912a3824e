"""What works on this machine: every engine tried in a child process, so a crash is a sentence."""

from edge.doctor.examination import Examination, examine, format_examination

__all__ = ["Examination", "examine", "format_examination"]
