"""Does this processor add 8-bit products without losing any?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["has_exact_products"]

_CPU_INFO = Path("/proc/cpuinfo")
_MOST_BYTES = 1 << 16
_EXACT = frozenset({"avx512_vnni", "avx_vnni"})


@cache
def has_exact_products(cpu_info: Path = _CPU_INFO) -> bool:
    """Whether an x86 processor has the VNNI instructions, which add products in 32 bits.

    Args:
        cpu_info: Linux's description of the processors.

    Returns:
        False where it cannot be told.
    """
    try:
        with cpu_info.open(encoding="ascii", errors="replace") as file:
            text = file.read(_MOST_BYTES)
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not _EXACT.isdisjoint(flags.split())
