"""How far a run is from its end: by steps, or by the clock."""

import time
from collections.abc import Callable

from app.training.compute.lanes import Lanes
from app.training.config import ScheduleConfig

_CLOCKS = {"wall": time.monotonic, "cpu": time.process_time}


class Horizon:
    """Tells what part of a run is over, and when it ends.

    By the clock, the schedules follow the time that has gone by, so a slow or busy machine ends with a complete
    schedule too; such a run cannot be repeated bit for bit.

    Args:
        schedule: Steps, and perhaps a time budget in their place.
        elapsed_s: Seconds that the run took before it was resumed.
        lanes: All lanes are given the same time.
        clock: Seconds; by default what the schedule says.
    """

    def __init__(
        self, schedule: ScheduleConfig, *, elapsed_s: float, lanes: Lanes, clock: Callable[[], float] | None = None
    ) -> None:
        self._steps = schedule.steps
        self._budget_s = schedule.time_budget_s
        self._clock = clock or _CLOCKS[schedule.clock]
        self._lanes = lanes
        self._start = self._clock() - elapsed_s

    def elapsed_s(self) -> float:
        """Return seconds of training, also before the run was resumed."""
        return self._clock() - self._start

    def progress(self, step: int) -> float:
        """Return the part of the run that is over before a step, in [0, 1]."""
        if self._budget_s is None:
            return step / self._steps
        return min(self._lanes.average(self.elapsed_s()) / self._budget_s, 1.0)

    def is_last(self, step: int, progress: float) -> bool:
        """Tell whether a step that began at this progress was the last one."""
        return step + 1 >= self._steps if self._budget_s is None else progress >= 1.0
