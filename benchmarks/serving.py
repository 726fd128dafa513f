"""Throughput of the running service, as a share of the same generator in a plain loop, measured in turns.

Starts its own service on a free port of loopback and stops it. ``--write`` puts the table into docs/benchmarks.md.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from load import LoadResult, run_load
from machine import look_at_machine
from page import PAGE, write_section

HERE = Path(__file__).parent
SCENARIOS: list[tuple[str, dict[str, object], int, bool]] = [
    ("n=1, 32 clients, npy", {"num_samples": 1, "format": "npy"}, 32, False),
    ("n=1, 32 clients, npy, seeded", {"num_samples": 1, "format": "npy"}, 32, True),
    ("n=1, 32 clients, png", {"num_samples": 1, "format": "png"}, 32, False),
    ("n=16, 32 clients, npy", {"num_samples": 16, "format": "npy"}, 32, False),
    ("n=1000, 4 clients, npz, seeded", {"num_samples": 1000, "format": "npz"}, 4, True),
    ("n=1000, 4 clients, zip of png", {"num_samples": 1000, "format": "zip"}, 4, False),
    ("n=4096, 1 client, npy", {"num_samples": 4096, "format": "npy"}, 1, False),
]


def main() -> None:
    """Measure in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", default="models")
    parser.add_argument("--model", default="mnist-gan")
    parser.add_argument("--seconds", type=float, default=3.0, help="per measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    with _serve(arguments.repository) as service:
        rounds = [_measure_round(arguments, service) for _ in range(arguments.rounds)]
        memory = {process: _resident_mib(pid) for process, pid in service.pids().items()}
    section = _render(arguments, service, rounds, memory)
    print(section)
    if arguments.write:
        write_section(PAGE, "serving", section)


class Service:
    """A service of our own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, start_s: float) -> None:
        self.process = process
        self.port = port
        self.start_s = start_s

    def pids(self) -> dict[str, int]:
        """Find the API process and its worker."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split()
        return {"API process": self.process.pid, "worker": int(children[0])}


@contextlib.contextmanager
def _serve(repository: str) -> Iterator[Service]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app", "serve", "--port", str(port), "--repository", repository]
    began = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(port, began + 120)
            yield Service(process, port, time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_until_ready(port: int, deadline: float) -> None:
    while time.perf_counter() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError("the service did not become ready")


def _measure_round(arguments: argparse.Namespace, service: Service) -> dict[str, Any]:
    loads: dict[str, LoadResult] = {}
    limits = [_measure_limit(arguments)]
    for name, body, clients, seeded in SCENARIOS:
        request = {"model": arguments.model} | body
        loads[name] = asyncio.run(
            run_load(service.port, request, clients=clients, seconds=arguments.seconds, seeded=seeded)
        )
    limits.append(_measure_limit(arguments))
    return {"limit": max(statistics.mean(rates) for rates in zip(*limits, strict=True)), "loads": loads}


def _measure_limit(arguments: argparse.Namespace) -> list[float]:
    """Return samples/s of the plain loop per batch size, from a process that ends before the next load."""
    command = [sys.executable, HERE / "limit.py", "--repository", arguments.repository, "--model", arguments.model]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}  # noqa: TID251 - passed on, not read
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    return list(json.loads(done.stdout)["samples_per_second"].values())


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no memory")


def _render(
    arguments: argparse.Namespace, service: Service, rounds: list[dict[str, Any]], memory: dict[str, float]
) -> str:
    limit = statistics.median(one["limit"] for one in rounds)
    conditions = (
        f"`make bench` · {dt.datetime.now(dt.UTC):%Y-%m-%d} · commit {_commit()} · {look_at_machine().describe()} · "
        f"`{arguments.model}` · medians of {len(rounds)} rounds of {arguments.seconds:g} s, limit and loads in turns."
    )
    meaning = (
        "The limit is the same generator in a plain loop in one process, at its fastest batch size, with no service "
        f"around it: **{limit:,.0f} samples/s**. The load generator runs on the same cores."
    )
    lines = [conditions, "", meaning, ""]
    lines += ["| load | samples/s | share of the limit | p50 ms | p99 ms | failed |", "|---|---:|---:|---:|---:|---:|"]
    for name, *_ in SCENARIOS:
        loads = [one["loads"][name] for one in rounds]
        rate = statistics.median(load.samples_per_second for load in loads)
        share = statistics.median(one["loads"][name].samples_per_second / one["limit"] for one in rounds)
        p50, p99 = (statistics.median(load.quantile_ms(q) for load in loads) for q in (0.5, 0.99))
        failed = sum(load.failures for load in loads)
        lines.append(f"| {name} | {rate:,.0f} | {share:.2f} | {p50:.1f} | {p99:.1f} | {failed} |")
    lines += ["", f"Start to ready: {service.start_s:.1f} s. Resident memory after the run: "]
    lines[-1] += ", ".join(f"{process} {mib:.0f} MiB" for process, mib in memory.items()) + "."
    return "\n".join(lines) + "\n"


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
