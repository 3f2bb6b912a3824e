"""Says in words what was laid down or taken away."""

from __future__ import annotations

from collections.abc import Sequence

from devices.kiosk.lay_down import Step

__all__ = ["describe_steps"]

_DONE = {
    "unchanged": "unchanged {path}",
    "written": "wrote {path}",
    "replaced": "replaced {path}",
    "set_aside": "{path} had been changed: kept as {saved}",
    "removed": "removed {path}",
}
_WOULD_DO = {
    "unchanged": "would leave {path} as it is",
    "written": "would write {path}",
    "replaced": "would replace {path}",
    "set_aside": "would keep {path}, which has been changed, as {path}.saved",
    "removed": "would remove {path}",
}


def describe_steps(steps: Sequence[Step], *, is_rehearsal: bool) -> list[str]:
    """One line a path; what stayed as it was is only told in a rehearsal, or where all did.

    Args:
        steps: what was done, or would be.
        is_rehearsal: which of them.
    """
    if is_rehearsal:
        return [_line(_WOULD_DO, step) for step in steps]
    changed = [step for step in steps if step.kind != "unchanged"]
    if steps and not changed:
        return [f"{len(steps)} files are as they should be"]
    return [_line(_DONE, step) for step in changed]


def _line(texts: dict[str, str], step: Step) -> str:
    return texts[step.kind].format(path=step.path, saved=step.saved)
