"""New versions while the service is asked: what callers notice of it, and whether memory grows."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving.load import Group, Load, quantile
from serving.processes import Server, run_server
from serving.servers import BENCHMARKS, ROOT, Fount

CLIENTS = 32
REST_S = 4.0  # before memory is read: a worker without work gives back what it does not need


def measure_reloads(fount: Fount, repository: Path, name: str, count: int, seconds: float) -> dict[str, Any]:
    """Measure a service of its own.

    Args:
        fount: The service to start.
        repository: Of its models; new versions are published there.
        name: Of the model.
        count: New versions.
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
        memory = [_rest(server)]
        options = ["--repository", str(repository), "--name", name, "--count", str(count), "--port", str(server.port)]
        with _publish([*options, "--key", fount.key]) as served:
            while len(served) < count:
                tally = Load(server.port, groups).run(seconds=seconds)["n=1"]
                latencies += tally.latencies
                failed += tally.failed
        memory.append(_rest(server))
    return {
        "reloads": len(served),
        "answers": len(latencies),
        "failed": failed,
        "p99_ms_alone": 1000 * quantile(alone.latencies, 0.99),
        "p99_ms": 1000 * quantile(latencies, 0.99),
        "memory_mib_before": memory[0],
        "memory_mib_after": memory[1],
    }


def _rest(server: Server) -> float:
    time.sleep(REST_S)
    return server.usage().memory_mib


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
