"""Rounds: in each the limit and every server in turn, so that a busy neighbour disturbs all alike."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from serving.load import Load, Tally, quantile
from serving.loads import COMMON, Scenario, list_own
from serving.processes import Server, Usage, busy_seconds, own_cpu_seconds, run_server
from serving.results import Limits, Measured, Start
from serving.servers import BENCHMARKS, ROOT, Fount, Model, Target

IDLE_S = 1.5
SETTLE_S = 4.0


@dataclasses.dataclass
class Findings:
    """What has been measured so far."""

    limits: list[Limits] = dataclasses.field(default_factory=list)
    starts: list[Start] = dataclasses.field(default_factory=list)
    measured: list[Measured] = dataclasses.field(default_factory=list)
    broken: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured, and for how long."""

    model: Model
    fount: Fount
    peers: Sequence[Target]
    seconds: float
    limit_seconds: float


def measure_round(plan: Plan, number: int, findings: Findings) -> None:
    """Measure everything once; a server that does not start is left out of the rounds that follow."""
    findings.limits.append(measure_limit(plan, number))
    own = plan.fount.target()
    measure_server(own, [*COMMON, *list_own(plan.fount)], plan.seconds, number, findings)
    findings.limits.append(measure_limit(plan, number))
    for target in plan.peers:
        if target.title not in findings.broken:
            measure_server(target, COMMON, plan.seconds, number, findings)


def measure_limit(plan: Plan, number: int) -> Limits:
    """Measure plain loops, in a process that ends before the next server starts."""
    command = [sys.executable, "-m", "serving.limit", "--seconds", str(plan.limit_seconds)]
    command += ["--repository", plan.model.repository, "--model", plan.model.name]
    environment = os.environ | {"PYTHONPATH": f"{BENCHMARKS}{os.pathsep}{ROOT}"}  # noqa: TID251 - passed on, not read
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    limits = Limits(round=number, **json.loads(done.stdout))
    best = max(rate for by_size in limits.samples_per_second.values() for rate in by_size.values())
    _say(f"round {number}, limit: {best:,.0f} samples/s")
    return limits


def measure_server(
    target: Target, scenarios: Sequence[Scenario], seconds: float, number: int, findings: Findings
) -> None:
    """Start a server, put it under each load and end it."""
    try:
        with run_server(target.command, environment=target.environment, is_ready=target.is_ready) as server:
            findings.starts.append(_look_at_start(target, server, number))
            for scenario in scenarios:
                for measured in _measure_load(target, server, scenario, seconds, number):
                    findings.measured.append(measured)
                    _say(
                        f"round {number}, {target.title}, {scenario.title}, {measured.group}: "
                        f"{measured.samples_per_second:,.0f} samples/s, {measured.failures or 'none failed'}"
                    )
    except (RuntimeError, OSError) as error:
        findings.broken[target.title] = str(error)
        _say(f"round {number}, {target.title} is left out: {error}")


def _look_at_start(target: Target, server: Server, number: int) -> Start:
    """See what it uses while nobody asks."""
    time.sleep(SETTLE_S)
    before, began = server.usage(), time.perf_counter()
    time.sleep(IDLE_S)
    after = server.usage()
    return Start(
        round=number,
        server=target.name,
        setup=target.setup,
        start_s=server.start_s,
        idle_cores=(after.cpu_s - before.cpu_s) / (time.perf_counter() - began),
        memory_mib=after.memory_mib,
        processes=after.processes,
    )


@dataclasses.dataclass(frozen=True)
class _Meter:
    """Clocks of CPU time, read together."""

    server: Usage
    client_s: float
    busy_s: float
    wall_s: float

    @classmethod
    def read(cls, server: Server) -> "_Meter":
        return cls(server.usage(), own_cpu_seconds(), busy_seconds(), time.perf_counter())


def _measure_load(
    target: Target, server: Server, scenario: Scenario, seconds: float, number: int
) -> Iterator[Measured]:
    before: list[_Meter] = []
    load = Load(server.port, scenario.groups(target))
    tallies = load.run(seconds=seconds, on_warm=lambda: before.append(_Meter.read(server)))
    after = _Meter.read(server)
    wall = after.wall_s - before[0].wall_s
    server_s = after.server.cpu_s - before[0].server.cpu_s
    client_s = after.client_s - before[0].client_s
    samples = sum(tally.samples for tally in tallies.values())
    for group, tally in tallies.items():
        yield Measured(
            round=number,
            server=target.name,
            setup=target.setup,
            load=scenario.title,
            group=group,
            cpu_s_per_1000=1000 * server_s / max(samples, 1),
            client_cores=client_s / wall,
            foreign_cores=max(0.0, (after.busy_s - before[0].busy_s - server_s - client_s) / wall),
            **_figures(tally),
        )


def _figures(tally: Tally) -> dict[str, float | int | dict[str, int]]:
    return {
        "samples_per_second": tally.samples_per_second,
        "p50_ms": 1000 * quantile(tally.latencies, 0.5),
        "p99_ms": 1000 * quantile(tally.latencies, 0.99),
        "first_byte_ms": 1000 * quantile(tally.first_bytes, 0.5),
        "answers": len(tally.latencies),
        "failures": dict(tally.failures),
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr)
