"""What speaks against versions: batches that nobody should see, and requests that ended workers. Pure; knows no worker.

A worker dies of many things that no version can be blamed for. Blamed is a version only where a request of it ran alone
and the worker died once more, for several requests of it, with no batch of it computed in between: a worker that is
killed from outside, however often, computes some between two such deaths.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from app.core.clock import Clock
from app.core.settings import HealthSettings
from app.schemas.jobs import ModelRef


@dataclass(slots=True)
class _Record:
    unhealthy: int = 0
    crashes: deque[float] = field(default_factory=deque)


class Health:
    """Counts per version, and tells when it is enough.

    Args:
        settings: How much is enough.
        clock: Monotonic time.
    """

    def __init__(self, settings: HealthSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._records: defaultdict[ModelRef, _Record] = defaultdict(_Record)

    @property
    def crashes(self) -> int:
        """How many deaths of a worker that loads a version, and does nothing else, are enough."""
        return self._settings.crashes

    def add_unhealthy(self, model: ModelRef, detail: str) -> str | None:
        """Note a batch that nobody should see; return why the version has to go, if it has to."""
        record = self._records[model]
        record.unhealthy += 1
        if record.unhealthy < self._settings.unhealthy_batches:
            return None
        return f"{detail} ({_count(record.unhealthy, 'batch', 'batches')})"

    def add_crash(self, model: ModelRef) -> str | None:
        """Note a request that ended two workers, the second alone; return why the version has to go, if it has to."""
        crashes = self._records[model].crashes
        now = self._clock()
        crashes.append(now)
        while crashes[0] < now - self._settings.window_s:
            crashes.popleft()
        if len(crashes) < self._settings.crashes:
            return None
        return f"workers die of it ({_count(len(crashes), 'request', 'requests')}, two workers each)"

    def add_success(self, model: ModelRef) -> None:
        """Note a batch that was computed: deaths until now were of something else."""
        if model in self._records:
            self._records[model].crashes.clear()

    def forget(self, model: ModelRef) -> None:
        """Forget what speaks against a version."""
        self._records.pop(model, None)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
