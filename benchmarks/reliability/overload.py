"""More is asked for than the device can do: how much of its work goes on, who waits how long, and who pays for it."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from serving.load import Request

from app.api.keys import AccessScope, StoredKey, draw_key, hash_key, write_keys_file
from app.repository.manifest import utc_now
from app.serving.cores import count_cores
from reliability.arrivals import Order, Stage
from reliability.liveness import Liveness
from reliability.pinning import give_worker_a_core
from reliability.report import Bar, Findings, at_least, at_most
from reliability.service import Service, run_service
from reliability.setting import ROOT, Setting
from reliability.usage import Watch

WAIT_S = 2.0
FACTORS = (2, 5, 10, 50)
NUM_SAMPLES = 64
REFUSAL_MS = 50.0
RECOVERY_S = 5.0
MOST_MEMORY_MIB = 1024.0
_AFTER = 0.7  # of the peak, when the load has fallen
_FLOOD = 10  # times the peak, by one key beside another
_CLOSED_CLIENTS = 16
_CONNECTIONS = 1000
_WARM_S = WAIT_S
_PEAK_WARM_S = 1.0
_GAP_S = 0.5
_KEYS = ("calm", "flood")


@dataclasses.dataclass(frozen=True)
class _Target:
    """A running service, and what it is asked for with each key."""

    service: Service
    requests: dict[str, str]

    @contextlib.contextmanager
    def ask(self, key: str, stages: list[Stage], connections: int = _CONNECTIONS) -> Iterator[list[dict[str, Any]]]:
        """Let a client of a key run beside what is done meanwhile; what it found is there at the end."""
        order = Order(self.service.port, self.requests[key], connections, stages)
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'benchmarks'}"}  # noqa: TID251 - passed on, not read
        command = [sys.executable, "-m", "reliability.arrivals", json.dumps(dataclasses.asdict(order))]
        found: list[dict[str, Any]] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
            try:
                yield found
                told, _ = process.communicate()
                found += json.loads(told)
            finally:
                process.kill()

    def measure(self, key: str, stages: list[Stage], connections: int = _CONNECTIONS) -> list[dict[str, Any]]:
        """Let a client of a key run alone; returns what became of each stage."""
        with self.ask(key, stages, connections) as found:
            pass
        time.sleep(_GAP_S)
        return found


def overload_service(setting: Setting) -> Findings:
    """Ask for several times as much as the service can do, then for less; then let one key flood another."""
    keys = {name: draw_key() for name in _KEYS}
    settings = {
        "FOUNT_QUEUE__WAIT_S": str(WAIT_S),
        "FOUNT_KEYS_FILE": str(_write_keys(setting.folder, keys)),
        # A core for the API and its callers, as where the device is not the processor: else who asks slows the device.
        "FOUNT_WORKER__THREADS": str(max(1, count_cores() - 1)),
        **setting.settings,
    }
    liveness = Liveness()
    with run_service(setting.repository, setting.folder, settings) as service:
        give_worker_a_core(service)
        target = _Target(service, {name: _ask(setting, key) for name, key in keys.items()})
        target.measure("calm", [Stage(1.0, 0)], _CLOSED_CLIENTS)
        watch = Watch(service)
        with liveness.watch(service.port), watch.watching():
            loads = [_overload(target, factor, setting.seconds) for factor in FACTORS]
            alone, beside, flood = _flood(target, max(load["peak"] for load in loads), setting.seconds)
    most_mib = max(usage["api"].rss for _, usage in watch.samples)
    return Findings(
        bars=[
            *(bar for load in loads for bar in _judge(load)),
            at_least(
                "goodput of a key beside one that floods, of that alone", beside["goodput"] / alone["goodput"], 0.95
            ),
            at_most("memory of the API process, at most", most_mib, MOST_MEMORY_MIB, "MiB"),
            *liveness.bars(),
        ],
        figures={
            "num_samples": NUM_SAMPLES,
            "wait_s": WAIT_S,
            "loads": loads,
            "key alone": alone,
            "key beside a flood": beside,
            "flood": flood,
            "p99 beside a flood, of that alone": beside["accepted_p99_ms"] / alone["accepted_p99_ms"],
            **watch.figures(),
            **liveness.figures(),
        },
    )


def _find_peak(target: _Target, seconds: float) -> float:
    """Find what a closed loop gets: requests per second."""
    found = target.measure("calm", [Stage(_PEAK_WARM_S + seconds, 0, _PEAK_WARM_S)], _CLOSED_CLIENTS)
    return float(found[0]["goodput"])


def _overload(target: _Target, factor: int, seconds: float) -> dict[str, Any]:
    """Ask for so many times the peak, then for less than it at once."""
    peak = _find_peak(target, seconds)  # before each load: what others do on the machine changes
    stages = [Stage(_WARM_S + seconds, factor * peak, _WARM_S), Stage(RECOVERY_S + 1, _AFTER * peak)]
    during, after = target.measure("calm", stages)
    return during | {
        "factor": factor,
        "peak": peak,
        "goodput_ratio": during["goodput"] / peak,
        "full_speed_after_s": after["last_refused_s"],
    }


def _judge(load: dict[str, Any]) -> list[Bar]:
    name = f"{load['factor']}x:"
    return [
        at_least(f"{name} goodput, of {load['peak']:.3g}/s", load["goodput_ratio"], 0.9),
        at_most(f"{name} p99 of accepted", load["accepted_p99_ms"], 1000 * WAIT_S, "ms"),
        at_most(f"{name} p99 of refusals", load["refused_p99_ms"], REFUSAL_MS, "ms"),
        at_most(f"{name} full speed after", load["full_speed_after_s"], RECOVERY_S, "s"),
        at_most(f"{name} requests without an answer", load["lost"], 0),
        at_most(f"{name} requests that the client could not send", load["unsent"] / load["due"], 0.01),
    ]


def _flood(target: _Target, peak: float, seconds: float) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Let a key ask for half of its share, alone and beside one that asks for much more than all."""
    half_share = Stage(_WARM_S + seconds, peak / 4, _WARM_S)
    alone = target.measure("calm", [half_share])[0]
    with target.ask("flood", [Stage(_WARM_S + seconds, _FLOOD * peak, _WARM_S)]) as flood:
        beside = target.measure("calm", [half_share])[0]
    return alone, beside, flood[0]


def _write_keys(folder: Path, keys: dict[str, str]) -> Path:
    path = folder / "keys.json"
    entries = [
        StoredKey(id=name, sha256=hash_key(key), scopes=list(AccessScope), created=utc_now())
        for name, key in keys.items()
    ]
    write_keys_file(path, entries)
    return path


def _ask(setting: Setting, key: str) -> str:
    body = {"model": f"{setting.model}@1", "num_samples": NUM_SAMPLES, "seed": setting.seed, "format": "npy"}
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {key}"))
    return Request("/v1/samples", json.dumps(body).encode(), headers).render().decode("latin-1")
