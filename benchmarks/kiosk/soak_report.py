"""A soak's record as a page of Markdown."""

from __future__ import annotations

from typing import Any

__all__ = ["format_soak"]

_MOST_LISTED = 10


def format_soak(record: dict[str, Any]) -> str:
    """What was done to the kiosk, what it showed, and which bars were met.

    Args:
        record: as `benchmarks.kiosk.soak` writes it.
    """
    found = record["findings"]
    faults = ", ".join(f"{count} x {kind}" for kind, count in found["faults"].items())
    refused = ", ".join(f"{gate} {count}" for gate, count in sorted(found["refused"].items()))
    shown = ", ".join(f"{state} {count}" for state, count in sorted(found["shown"].items()))
    back = sorted(found["back_s"])
    most, own = found["most_mib"], record["engine_alone_mib"]
    lines = [
        f"# Soak of {record['minutes']} minutes",
        "",
        *(
            f"- {'met' if is_met else '**missed**'}: {bar}"
            for bar, is_met in record["bars"].items()
        ),
        "",
        f"Faults: {faults}.",
        "",
        (
            f"Answers in the journal: {found['answers']}, each held against the lab's to the last "
            f"bit of its scores; without a result: {refused}. Looks at `/v1/latest`: {shown}."
        ),
        "",
        (
            f"After a loss of the camera the next answer was shown within {back[-1]:.1f} s at "
            f"most, {back[len(back) // 2]:.1f} s in the median of {len(back)}."
        ),
        "",
        (
            f"Memory (proportional set size): at most {most:.0f} MiB of service and worker "
            f"together, {most - own:.0f} over the {own:.0f} that a process takes which only loads "
            "the model and answers. Slope of what is their own (anonymous memory): service "
            f"{_slope(found['service_slope'])}, the worker that lived longest "
            f"{_slope(found['worker_slope'])} MiB an hour."
        ),
        "",
        *_listed("Wrong", found["wrong"] + record["wrong_uploads"]),
        *_listed("Not told", found["unseen"]),
        *_listed("Requests without an answer", found["failures"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _slope(interval: dict[str, float]) -> str:
    return f"{interval['value']:.2f} [{interval['low']:.2f}, {interval['high']:.2f}]"


def _listed(what: str, items: list[str]) -> list[str]:
    if not items:
        return []
    more = [f"- and {len(items) - _MOST_LISTED} more"] if len(items) > _MOST_LISTED else []
    return [f"{what}:", "", *(f"- {item}" for item in items[:_MOST_LISTED]), *more, ""]
