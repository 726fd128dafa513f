"""The processes of the service: memory, files and processor time; children that died; what was built."""

import platform
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app import __version__
from app.decoding.children import FAILURES
from app.serving.engine import Engine

_NO_PROCESS = 0


class ChildPool(Protocol):
    """Children that work for the API process."""

    @property
    def pids(self) -> list[int]:
        """Process ids of those that wait for work."""
        ...

    @property
    def failures(self) -> Mapping[str, int]:
        """How many failed, by how."""
        ...


class ChildrenCollector(Collector):
    """Counts children that failed.

    Args:
        **pools: By what they do.
    """

    def __init__(self, **pools: ChildPool) -> None:
        self._pools = pools

    def collect(self) -> Iterable[Metric]:
        """Yield how many wait for work, and how many failed."""
        idle = GaugeMetricFamily("fount_children_idle", "Children that wait for work.", labels=["kind"])
        failures = CounterMetricFamily(
            "fount_children_failed", "Children that crashed, were too slow or did not start.", labels=["kind", "reason"]
        )
        for kind, pool in self._pools.items():
            idle.add_metric([kind], len(pool.pids))
            for reason in FAILURES:
                failures.add_metric([kind, reason], pool.failures.get(reason, 0))
        return idle, failures


class BuildCollector(Collector):
    """Says what was built."""

    def collect(self) -> Iterable[Metric]:
        """Yield one series with the versions of Fount and Python."""
        info = GaugeMetricFamily("fount_build_info", "1, with the build's version.", labels=["version", "python"])
        info.add_metric([__version__, platform.python_version()], 1)
        return (info,)


def watch_processes(engine: Engine) -> list[Collector]:
    """Make what reads memory, files and processor time of this process and of the worker."""

    def find_worker() -> int:
        worker = engine.status().worker
        return _NO_PROCESS if worker is None else worker.pid

    return [ProcessCollector(registry=None), ProcessCollector("fount_worker", find_worker, registry=None)]
