"""Which processors multiply 8-bit integers without saturating."""

from pathlib import Path

import pytest

from edge.engines.x86_integers import has_exact_products


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("flags\t\t: fpu avx2 avx512_vnni\n", True, id="server with AVX-512 VNNI"),
        pytest.param("flags\t\t: fpu avx2 avx_vnni fma\n", True, id="desktop with AVX VNNI"),
        pytest.param("flags\t\t: fpu avx2 fma\n", False, id="AVX2 alone saturates"),
        pytest.param("Features\t: fp asimd asimddp\n", False, id="ARM has no such flags"),
        pytest.param("", False, id="nothing said"),
    ],
)
def test_only_vnni_is_taken_for_exact(text: str, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert has_exact_products(tmp_path / "cpuinfo") is expected


def test_a_machine_that_says_nothing_is_taken_for_one_that_saturates(tmp_path: Path) -> None:
    assert not has_exact_products(tmp_path / "missing")
