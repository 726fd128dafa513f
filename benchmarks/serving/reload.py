"""New versions while the service is asked: what callers notice of it, and whether memory grows."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving.load import Group, Load, quantile
from serving.processes import run_server
from serving.servers import BENCHMARKS, ROOT, Fount

CLIENTS = 32
SETTLED = 5  # memory is compared from this reload on: by then every buffer has been needed once


def measure_reloads(fount: Fount, repository: Path, name: str, count: int, seconds: float) -> dict[str, Any]:
    """Measure a service of its own.

    Args:
        fount: The service to start.
        repository: Of its models; new versions are published there.
        name: Of the model.
        count: New versions, more than five.
        seconds: Of each measurement.

    Returns:
        The figures of ``serving.results.Reloads``.
    """
    target = fount.target()
    groups = [Group("n=1", fount.ask(1, model=name), CLIENTS, 1)]
    with run_server(target.command, environment=target.environment, is_ready=target.is_ready) as server:
        alone = Load(server.port, groups).run(seconds=seconds)["n=1"]
        latencies: list[float] = []
        failed = alone.failed
        memory: dict[int, float] = {}
        options = ["--repository", str(repository), "--name", name, "--count", str(count), "--port", str(server.port)]
        with _publish([*options, "--key", fount.key]) as served:
            while len(served) < count:
                tally = Load(server.port, groups).run(seconds=seconds)["n=1"]
                latencies += tally.latencies
                failed += tally.failed
                memory[len(served)] = server.usage().memory_mib
    settled = {number: mib for number, mib in memory.items() if number >= SETTLED}
    return {
        "reloads": len(served),
        "answers": len(latencies),
        "failed": failed,
        "p99_ms_alone": 1000 * quantile(alone.latencies, 0.99),
        "p99_ms": 1000 * quantile(latencies, 0.99),
        "memory_mib_first": settled[min(settled)],
        "memory_mib_last": settled[max(settled)],
    }


@contextmanager
def _publish(options: list[str]) -> Iterator[list[int]]:
    """Publish in a process of its own; yields the versions that are served so far."""
    served: list[int] = []
    environment = os.environ | {"PYTHONPATH": f"{BENCHMARKS}{os.pathsep}{ROOT}"}  # noqa: TID251 - passed on, not read
    command = [sys.executable, "-m", "serving.publisher", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        reader = threading.Thread(target=lambda: served.extend(map(int, process.stdout or ())), daemon=True)
        reader.start()
        try:
            yield served
        finally:
            process.terminate()
            reader.join()
