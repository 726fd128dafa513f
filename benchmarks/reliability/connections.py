"""A thousand idle connections, two hundred that drip, some that never read: who asks beside them notices nothing."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.load import Group, Load, Request, Tally, quantile
from serving.servers import BENCHMARKS

from reliability.liveness import Liveness
from reliability.report import Findings, at_least, at_most
from reliability.service import run_service
from reliability.setting import ROOT, Setting
from reliability.strangers import WAITED_FOR
from reliability.usage import Watch

DEADLINES_S = {"idle": 10.0, "slow-head": 10.0, "slow-body": 15.0, "slow-upload": 20.0}
SLACK_S = 5.0
LEAST_GOODPUT = 0.9
_SAMPLES = 16
_SETTLE_S = 3.0  # answers that nobody reads fill their buffers
_DESCRIPTORS = 4096
_SETTINGS = {
    "FOUNT_HTTP__HEAD_TIMEOUT_S": "10",  # also of connections that say nothing
    "FOUNT_HTTP__BODY_TIMEOUT_S": "15",
    "FOUNT_HTTP__UPLOAD_TIMEOUT_S": "20",
    "FOUNT_HTTP__WRITE_TIMEOUT_S": "20",  # those who do not read look after READ_AFTER_S
    "FOUNT_POOL__SAMPLES": "0",  # else what was made in idle time is given away in the first measurement
}


def hold_connections(setting: Setting) -> Findings:
    """Measure a load alone, beside the strangers, and alone again."""
    liveness = Liveness()
    _raise_limit()
    with run_service(setting.repository, setting.folder, _SETTINGS | dict(setting.settings)) as service:
        watch = Watch(service)
        before = _measure(service.port, setting)
        with watch.watching(), liveness.watch(service.port):
            with _strangers(service.port, setting.model, setting.count) as told:
                time.sleep(_SETTLE_S)
                beside = _measure(service.port, setting)
            time.sleep(1)  # what they left is torn down
        after = _measure(service.port, setting)
    alone = (before.samples_per_second + after.samples_per_second) / 2
    alone_p99 = max(quantile(before.latencies, 0.99), quantile(after.latencies, 0.99))
    kept = {kind: longest for kind, (_, longest) in told["kept"].items()}
    return Findings(
        bars=[
            at_least("strangers held", told["held"], setting.count),
            at_least("goodput beside them, share of that alone", beside.samples_per_second / alone, LEAST_GOODPUT),
            at_most("p99 beside them", 1000 * quantile(beside.latencies, 0.99), 2000 * alone_p99 + 50, "ms"),
            at_most("answers that failed", before.failed + beside.failed + after.failed, 0),
            at_most("strangers that were never closed", told["left"] + _count(told["kept"], WAITED_FOR), 0),
            *(at_most(f"{kind}: kept at most", kept.get(kind, 0), s + SLACK_S, "s") for kind, s in DEADLINES_S.items()),
            *liveness.bars(),
            *watch.bars(),
        ],
        figures={
            "goodput": {"before": before.samples_per_second, "beside": beside.samples_per_second, "alone": alone},
            "failures": dict(before.failures + beside.failures + after.failures),
            "closed_and_longest_kept_s": told["kept"],
            "refused": told["refused"],
            **liveness.figures(),
            **watch.figures(),
        },
    )


def _measure(port: int, setting: Setting) -> Tally:
    body = json.dumps({"model": setting.model, "num_samples": _SAMPLES, "format": "npy"}).encode()
    group = Group("load", Request("/v1/samples", body), setting.clients, _SAMPLES)
    return Load(port, [group]).run(seconds=setting.seconds)["load"]


@contextlib.contextmanager
def _strangers(port: int, model: str, count: int) -> Iterator[dict[str, Any]]:
    """Hold strangers meanwhile; afterwards the yielded dictionary tells what became of them."""
    told: dict[str, Any] = {}
    inherited: Mapping[str, str] = dict(os.environ)  # noqa: TID251 - passed on, not read
    environment = {**inherited, "PYTHONPATH": f"{BENCHMARKS}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "reliability.strangers", str(port), model, str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        told["held"] = int(process.stdout.readline() or 0) if process.stdout else 0
        try:
            yield told
        finally:
            output, _ = process.communicate()
            told.update(json.loads(output))


def _count(kept: Mapping[str, Sequence[float]], kind: str) -> float:
    return kept[kind][0] if kind in kept else 0


def _raise_limit() -> None:
    """Let this process, and the service that it starts, have as many descriptors as the strangers need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
