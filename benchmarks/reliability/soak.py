"""Everything that the service can do, for a long time, one request in ten hostile: memory stays where it is."""

import random
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from reliability.asks import Ask
from reliability.crowd import Crowd, Tally
from reliability.hostile import leave_early, list_hostile
from reliability.liveness import Liveness
from reliability.mixture import mix_all
from reliability.plot import draw_rows
from reliability.report import RESULTS, Bar, Findings, at_least, at_most
from reliability.service import run_service
from reliability.setting import Setting
from reliability.slopes import fit_slope
from reliability.usage import ROLES, Role, Usage, Watch

AUTOENCODER = "mnist-vae"
HOSTILE_SHARE = 0.1
SLOPE_MIB_PER_H = 1.0
PLOT = RESULTS / "reliability-soak.svg"
_EVERY_S = 5.0
_LEAVE_EVERY_S = 1.0
_FIRST_SHARE = 1 / 3
_MAX_GROWTH = 16


def soak(setting: Setting) -> Findings:
    """Ask for everything until the time is over."""
    tally, liveness = Tally(), Liveness()
    settings = {"FOUNT_LOG__LEVEL": "warning", "FOUNT_LOG__FORMAT": "json"}
    with run_service(setting.repository, setting.folder, settings | dict(setting.settings)) as service:
        asks = mix_all(service.port, setting.model, AUTOENCODER)
        hostile = list_hostile(setting.model)
        crowd = Crowd(service.port, [_mix(asks, hostile, n) for n in range(setting.clients)], tally)
        watch = Watch(service, min(_EVERY_S, setting.seconds / 20))
        with watch.watching(), liveness.watch(service.port), crowd.asking():
            left = _leave_meanwhile(service.port, setting)
        log_bytes = service.log.stat().st_size
    return Findings(
        bars=[*tally.bars(), at_least("requests", tally.kinds.total(), 1), *_set_bars(watch), *liveness.bars()],
        figures={
            "callers_who_left": left,
            "log_bytes": log_bytes,
            "slopes": _fit(watch.samples),
            **tally.figures(),
            **liveness.figures(),
            **watch.figures(),
            "samples": [_flatten(at, sample) for at, sample in watch.samples],
        },
    )


def draw(findings: Findings) -> str:
    """Draw memory, descriptors and threads of a soak over time."""
    samples = findings.figures["samples"]
    rows: dict[str, dict[str, list[float]]] = {
        f"{name} ({unit})": {str(role): [sample[f"{role} {name}"] for sample in samples] for role in ROLES}
        for name, unit in (("own", "MiB"), ("descriptors", "open"), ("threads", "running"))
    }
    return draw_rows("What the processes hold", [sample["s"] for sample in samples], rows)


def _mix(asks: Sequence[Ask], hostile: Sequence[Ask], number: int) -> Iterable[Ask]:
    """Give the requests of one client for ever: kinds by chance, so that small ones are as frequent as large ones."""
    chance = random.Random(number)
    while True:
        yield chance.choice(hostile if chance.random() < HOSTILE_SHARE else asks)


def _leave_meanwhile(port: int, setting: Setting) -> int:
    """Be callers who leave, one a second, until the time is over."""
    chance, over, left = random.Random(setting.seed), time.perf_counter() + setting.seconds, 0
    pause = threading.Event()
    while time.perf_counter() < over:
        leave_early(port, setting.model, chance)
        left += 1
        pause.wait(_LEAVE_EVERY_S)
    return left


def _set_bars(watch: Watch) -> list[Bar]:
    """Set the bars: memory does not grow faster than may be, as far as that can be told; nothing else grows."""
    slopes = _fit(watch.samples)
    warm = _cut_warm_up(watch.samples)
    half = len(warm) // 2
    bars = [
        at_most(f"growth of memory of {role}, less its error", slope - error, SLOPE_MIB_PER_H, "MiB/h")
        for role, (slope, error) in slopes.items()
    ]
    for name in ("descriptors", "threads"):
        most = [max((getattr(sample["api"], name) for _, sample in part), default=0) for part in (warm[:half], warm)]
        bars.append(at_most(f"growth of {name} of the API", most[1] - most[0], _MAX_GROWTH))
    return bars


def _fit(samples: Sequence[tuple[float, dict[Role, Usage]]]) -> dict[str, tuple[float, float]]:
    """Return the growth of memory per role in MiB/h, and its error, after the warm-up."""
    warm = _cut_warm_up(samples)[:-1]  # the last one is at rest
    times = [at for at, _ in warm]
    roles: tuple[Role, ...] = ("api", "worker")
    slopes = {role: fit_slope(times, [sample[role].own for _, sample in warm]).per_hour() for role in roles}
    together = [sum(sample[role].own for role in ROLES) for _, sample in warm]
    return slopes | {"all": fit_slope(times, together).per_hour()}


def _cut_warm_up(samples: Sequence[Any]) -> Sequence[Any]:
    return samples[int(len(samples) * _FIRST_SHARE) :]


def _flatten(at: float, sample: dict[Role, Usage]) -> dict[str, float]:
    names = ("rss", "own", "shared", "descriptors", "threads", "processes")
    figures = {f"{role} {name}": round(getattr(usage, name), 1) for role, usage in sample.items() for name in names}
    return {"s": round(at, 1), **figures}
