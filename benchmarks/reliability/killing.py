"""Ends workers of a service under load, at any moment of their lives, and sees when the next one answers."""

import contextlib
import dataclasses
import datetime as dt
import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

from serving.load import quantile

from reliability.asks import Ask
from reliability.caller import Caller
from reliability.crowd import Crowd, Tally
from reliability.service import Service, wait_for

PHASES = ("busy", "loading", "replying", "idle")
_MAX_PAUSE_S = 0.4
_START_S = 60.0
_RETRY_S = 0.02
_WORKER = "app.worker"


@dataclasses.dataclass(frozen=True)
class Recovery:
    """One end of a worker.

    Attributes:
        phase: Of its life.
        ready_s: Until the next one was ready, as the log says.
        answer_s: Until a request that was sent after it was answered whole.
    """

    phase: str
    ready_s: float
    answer_s: float


class Killer:
    """Ends workers.

    Args:
        service: Whose workers.
        crowd: Who asks meanwhile.
        tally: Where the killer's own requests are counted.
        probes: Small requests; one is sent right after each end.
        streams: Long requests; one is being answered when a worker ends while it replies.
        how: The signal.

    Attributes:
        recoveries: One for each end.
    """

    def __init__(
        self,
        service: Service,
        crowd: Crowd,
        tally: Tally,
        *,
        probes: Sequence[Ask],
        streams: Sequence[Ask],
        how: signal.Signals = signal.SIGKILL,
        seed: int = 0,
    ) -> None:
        self.recoveries: list[Recovery] = []
        self._service = service
        self._crowd = crowd
        self._tally = tally
        self._probes = probes
        self._streams = streams
        self._how = how
        self._chance = random.Random(seed)

    def strike(self, phase: str) -> None:
        """End the present worker in a phase of its life; returns when all who were out then are answered."""
        match phase:
            case "idle":
                self._strike_idle()
            case "loading":
                self._strike_loading()
            case "replying":
                self._strike_replying()
            case _:
                self._strike_busy()
        self._crowd.settle()

    def _strike_idle(self) -> None:
        with self._crowd.paused():
            struck = self._end_worker()
        self._recover("idle", struck)

    def _strike_busy(self) -> None:
        time.sleep(self._chance.uniform(0, _MAX_PAUSE_S))
        self._recover("busy", self._end_worker())

    def _strike_loading(self) -> None:
        """End a worker, and the next one before it is ready."""
        known = self._find_workers()
        struck = self._end_worker()
        with contextlib.suppress(TimeoutError):
            fresh = wait_for(lambda: self._find_workers() - known, "the next worker starts", _START_S)
            time.sleep(self._chance.uniform(0, _MAX_PAUSE_S / 4))
            if self._service.worker() == struck.pid:  # a ready one may hold work, whose second death counts
                for pid in fresh:
                    _signal(pid, self._how)
        self._recover("loading", struck)

    def _strike_replying(self) -> None:
        """End a worker when a long answer has begun; the rest of it must come from the next one."""
        begun = threading.Event()
        thread = threading.Thread(target=self._read_stream, args=(begun,), daemon=True)
        thread.start()
        begun.wait(_START_S)
        self._recover("replying", self._end_worker())
        thread.join()

    def _read_stream(self, begun: threading.Event) -> None:
        ask = self._chance.choice(self._streams)
        with Caller(self._service.port) as caller:
            self._tally.add(ask, caller.ask(ask, begun.set))
        begun.set()

    def _end_worker(self) -> "_Struck":
        struck = _Struck(self._service.worker(), time.perf_counter(), dt.datetime.now(dt.UTC))
        _signal(struck.pid, self._how)
        return struck

    def _recover(self, phase: str, struck: "_Struck") -> None:
        ask = self._chance.choice(self._probes)
        with Caller(self._service.port) as caller:
            while self._tally.add(ask, answer := caller.ask(ask)) == "refused":
                time.sleep(_RETRY_S)
        ready = wait_for(lambda: self._find_next(struck.pid), "the next worker is ready", _START_S)
        ready_s = (dt.datetime.fromisoformat(ready["timestamp"]) - struck.date).total_seconds()
        self.recoveries.append(Recovery(phase, ready_s, answer.ended - struck.at))

    def _find_next(self, pid: int) -> dict[str, Any] | None:
        ready = self._service.events("worker-ready")
        return ready[-1] if ready and ready[-1]["pid"] != pid else None

    def _find_workers(self) -> set[int]:
        return {pid for pid, module in self._service.descendants().items() if module.startswith(_WORKER)}


@dataclasses.dataclass(frozen=True)
class _Struck:
    """A worker that was ended, and when."""

    pid: int
    at: float
    date: dt.datetime


def describe_recoveries(recoveries: Sequence[Recovery]) -> dict[str, Any]:
    """Return what the recoveries took, all together and by phase, in seconds."""
    phases = {phase: [one for one in recoveries if one.phase == phase] for phase in PHASES}
    return {
        "recovery_s": _spread([one.answer_s for one in recoveries]),
        "worker_ready_s": _spread([one.ready_s for one in recoveries]),
        **{f"recovery_s, {phase}": _spread([one.answer_s for one in some]) for phase, some in phases.items() if some},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "count": len(values),
        "p50": round(quantile(values, 0.5), 3),
        "p99": round(quantile(values, 0.99), 3),
        "worst": round(max(values, default=0.0), 3),
    }


def _signal(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
