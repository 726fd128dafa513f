"""What must be looked at regularly: how late the event loop is, and how much room the repository has."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.api.monitoring.tallies import Tally
from app.core.clock import Clock, monotonic

PULSE_S = 0.25
LOOKS_EVERY_S = 30.0
LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Pulse(Collector):
    """Wakes a few times a second, and sees how much later than it asked for; nothing else may keep a loop that long.

    Args:
        find_free_bytes: Says how much room the repository has, in bytes; None where that is not known. Called in a
            thread, so that a slow disk is not waited for.
        clock: Monotonic time.
    """

    def __init__(self, find_free_bytes: Callable[[], int | None], clock: Clock = monotonic) -> None:
        self._find_free_bytes = find_free_bytes
        self._clock = clock
        self._lag = Tally(LAG_S)
        self._free_bytes: int | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._beat()), loop.create_task(self._look())]

    async def stop(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def collect(self) -> Iterable[Metric]:
        """Yield what was seen since the start."""
        yield HistogramMetricFamily(
            "fount_event_loop_lag_seconds",
            "How late the event loop was, four times a second.",
            buckets=self._lag.buckets(),
            sum_value=self._lag.total,
        )
        free = GaugeMetricFamily("fount_repository_free_bytes", "Room on the disk of the models.", labels=[])
        if self._free_bytes is not None:
            free.add_metric([], self._free_bytes)
        yield free

    async def _beat(self) -> None:
        while True:
            due = self._clock() + PULSE_S
            await asyncio.sleep(PULSE_S)
            self._lag.observe(max(0.0, self._clock() - due))

    async def _look(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                self._free_bytes = await asyncio.to_thread(self._find_free_bytes)
            await asyncio.sleep(LOOKS_EVERY_S)


def find_free_bytes(url: str) -> int | None:
    """Return the room on the disk of a repository that is a folder; None for any other.

    Raises:
        OSError: If the folder cannot be looked at.
    """
    return None if "://" in url else shutil.disk_usage(Path(url)).free
