"""Energy by answer, where the board reads its power."""

from __future__ import annotations

import numpy as np

from benchmarks.records.measurement import AnswerSamples, EnergyUse, SensorLog
from benchmarks.records.sample_column import MISSING
from benchmarks.sensors_log import PMIC_SUM

__all__ = ["energy_by_answer"]

_LEAST_READINGS = 3
# Rails that carry the whole board or module, in the order of trust; others carry parts of it.
_WHOLE_RAILS = ("VDD_IN", "POM_5V_IN", "VDDIN", PMIC_SUM)


def energy_by_answer(log: SensorLog, timed: AnswerSamples | None) -> EnergyUse:
    """Mean power over the timed phase, by answers a second.

    Args:
        log: readings of the power rails among others.
        timed: the answers; None where there are none.
    """
    rails = {
        name.removeprefix("power_mw "): column
        for name, column in log.traces.items()
        if name.startswith("power_mw ")
    }
    if not rails:
        return EnergyUse(None, "", "no power can be read on this machine")
    rail = next((name for name in _WHOLE_RAILS if name in rails), "")
    if not rail:
        seen = ", ".join(sorted(rails))
        return EnergyUse(None, "", f"no rail that can be read feeds all of the board: {seen}")
    if timed is None or not timed.count:
        return EnergyUse(None, rail, "nothing was timed")
    started = timed.values("started")
    begin, end = int(started[0]), int(started[-1] + timed.values("call")[-1])
    times, power = log.times.values(), rails[rail].values()
    during = power[(times >= begin) & (times <= end) & (power != MISSING)]
    if during.size < _LEAST_READINGS:
        return EnergyUse(
            None, rail, f"power was read {during.size} times while timed; raise --min-duration"
        )
    joules = float(np.mean(during)) / 1e3 * (end - begin) / 1e9
    return EnergyUse(joules / timed.taken, rail, "")
