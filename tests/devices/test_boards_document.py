"""docs/boards.md says what the profiles say."""

from pathlib import Path

import pytest

from devices.load import load_profile, profile_names
from devices.profile import BoardProfile

DOCUMENT = Path(__file__).parents[2] / "docs" / "boards.md"


def row(profile: BoardProfile) -> str:
    cores = ", ".join(
        f"{each.count} x {each.kind} {each.clock_max_mhz} MHz" for each in profile.cores
    )
    instructions = ", ".join(profile.instructions.names) if profile.instructions else ""
    memory = profile.memory.bandwidth_gb_per_s if profile.memory else None
    heat = profile.thermal
    limits = (
        [f"{each:g}" if each else "-" for each in (heat.throttle_start_c, heat.hard_limit_c)]
        if heat
        else []
    )
    power = ", ".join(profile.power.sensors) or "none" if profile.power else ""
    recommended = profile.recommended
    cells = (
        profile.title,
        f"`{profile.name}`",
        cores,
        instructions,
        f"{memory:g}" if memory else "",
        " / ".join(limits),
        power,
        recommended.engine,
        recommended.threads,
        recommended.activation,
    )
    return f"| {' | '.join(str(cell or '-') for cell in cells)} |"


@pytest.mark.parametrize("name", profile_names())
def test_a_boards_row_is_that_of_its_profile(name: str) -> None:
    assert row(load_profile(name)) in DOCUMENT.read_text(encoding="utf-8").splitlines()
