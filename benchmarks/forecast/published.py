"""Latencies that others published, with what is known of how they were taken."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

__all__ = ["PUBLISHED", "PublishedFigure"]

XNNPACK = (
    "google/XNNPACK README, Raspberry Pi tables, 8 February 2022; end2end-bench, random weights"
)
NCNN = "Tencent/ncnn benchmark/README.md, July 2026; mean of 8 or 10 loops"


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One published latency.

    Attributes:
        board: name of a profile in `devices/boards`.
        clock_mhz: at which it was taken.
        network: one of `benchmarks.forecast.known_networks.NETWORKS`.
        precision: "float32" or "int8".
        threads: inside one inference.
        latency_ms: of one inference.
        source: where it stands, and how it was taken.
    """

    board: str
    clock_mhz: float
    network: str
    precision: str
    threads: int
    latency_ms: float
    source: str


def _figures(
    board: str, clock_mhz: float, threads: int, source: str, rows: dict[str, tuple[float, float]]
) -> list[PublishedFigure]:
    """Both precisions of each network; 0 where none was published."""
    return [
        PublishedFigure(board, clock_mhz, network, precision, threads, latency_ms, source)
        for network, pair in rows.items()
        for precision, latency_ms in zip(("float32", "int8"), pair, strict=True)
        if latency_ms
    ]


PUBLISHED = tuple(
    chain(
        _figures("raspberry_pi_4b", 1500, 4, XNNPACK, {
            "MobileNet v1": (77, 24), "MobileNet v2": (46, 17),
        }),
        _figures("raspberry_pi_3b_plus", 1400, 4, XNNPACK, {
            "MobileNet v1": (114, 46), "MobileNet v2": (79, 30),
        }),
        _figures("raspberry_pi_4b", 1800, 4, NCNN, {
            "MobileNet v1": (61, 34), "ResNet-18": (123, 84), "ResNet-50": (263, 197),
        }),
        _figures("raspberry_pi_zero_2_w", 1000, 4, NCNN, {
            "MobileNet v1": (163, 91), "ResNet-50": (783, 498),
        }),
        _figures("jetson_nano", 1430, 4, NCNN, {
            "MobileNet v1": (42, 31), "ResNet-50": (204, 159),
        }),
        # ncnn's float figures of these two are float16, which no artifact of ours is.
        _figures("raspberry_pi_5", 2400, 4, NCNN, {
            "MobileNet v1": (0, 8.7), "ResNet-18": (0, 16.7), "ResNet-50": (0, 40.8),
        }),
        _figures("raspberry_pi_5", 2400, 1, NCNN, {"ResNet-18": (0, 36.4)}),
        _figures("jetson_orin_nano", 1510, 6, NCNN, {"ResNet-50": (0, 29.9)}),
    )
)  # fmt: skip
