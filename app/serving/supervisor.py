"""Keeps one worker running: starts it, watches it, starts it again when it dies or hangs, and ends it."""

import asyncio
from collections import Counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.core.clock import Clock
from app.core.logging import get_logger
from app.core.settings import WorkerSettings
from app.schemas.jobs import (
    BatchDone,
    FromWorker,
    ImagesEncoded,
    ModelLoaded,
    Pong,
    Shutdown,
    ToWorker,
    WorkerConfig,
    WorkerReady,
)
from app.serving.endings import HUNG, NOT_STARTED, START_TIMED_OUT, name_end
from app.serving.handle import WorkerFactory, WorkerHandle
from app.serving.watchdog import Watchdog

FIRST_DELAY_S = 0.1
MAX_DELAY_S = 5.0
HEALTHY_S = 10.0
SHUTDOWN_GRACE_S = 5.0

_CHECKS_PER_TIMEOUT = 4
_MAX_DOUBLINGS = 10
_MAX_CHECK_INTERVAL_S = 5.0

_log = get_logger(__name__)


class WorkerLine(Protocol):
    """What the one who gives a worker its work may do with it."""

    @property
    def slots(self) -> NDArray[np.uint8]:
        """Pixel buffers shared with the worker, shape (slots, slot_bytes)."""
        ...

    @property
    def lanes(self) -> int:
        """How many batches it computes at once."""
        ...

    def send(self, message: ToWorker) -> None:
        """Send one message; dropped when the worker is gone."""
        ...


class WorkerEvents(Protocol):
    """Who gives the workers their work."""

    def worker_ready(self, worker: WorkerLine) -> None:
        """Learn that a worker takes work."""
        ...

    def worker_said(self, message: FromWorker) -> None:
        """Take an answer to work."""
        ...

    def worker_lost(self) -> None:
        """Learn that the worker that was ready is gone, with all it was given."""
        ...

    def worker_missing(self) -> None:
        """Learn that there has been no worker for too long."""
        ...


class Supervisor:
    """Runs one worker after the other.

    Args:
        config: First message to each worker.
        settings: Time limits.
        factory: Starts a worker.
        events: Who is told.
        clock: Monotonic time.

    Attributes:
        ready: What the present worker said of itself; None while there is none.
        restarts: Workers started after the first.
        ends: Workers that came to an end that nobody asked for, by how.
    """

    def __init__(
        self,
        config: WorkerConfig,
        settings: WorkerSettings,
        *,
        factory: WorkerFactory,
        events: WorkerEvents,
        clock: Clock,
    ) -> None:
        self.ready: WorkerReady | None = None
        self.restarts = 0
        self.ends: Counter[str] = Counter()
        self._config = config
        self._settings = settings
        self._factory = factory
        self._events = events
        self._clock = clock
        self._check_interval_s = min(settings.hang_timeout_s / _CHECKS_PER_TIMEOUT, _MAX_CHECK_INTERVAL_S)
        self._stopping = False
        self._wake = asyncio.Event()  # a worker is ready, is gone, or the end has come
        self._missing: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run workers."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End the worker: ask, wait, then kill."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._stop_missing_worker()

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._miss_worker()
            failures = 0 if await self._run_one() else failures + 1
            if not self._stopping:
                delay_s = choose_delay(failures)
                _log.warning("worker-restarting", delay_s=delay_s)
                await self._pause(delay_s)
                self.restarts += 1
        await self._factory.close()

    async def _run_one(self) -> bool:
        """Run a worker to its end; returns whether it was of use, so that the next one may follow at once."""
        life = _Life(self._watchdog(), self._events, self._wake)
        try:
            life.handle = await self._factory(self._config, life)
        except OSError:
            _log.exception("worker-not-started")
            self.ends[NOT_STARTED] += 1
            return False
        began = None
        try:
            life.send(self._config)
            await self._await_ready(life)
            if life.ready is not None:
                began = self._clock()
                self._welcome(life, life.ready)
                await self._watch(life)
        finally:
            life.handle.kill()
            status = await life.handle.wait()
            if not self._stopping:
                self.ends[life.end or name_end(status)] += 1
            if self.ready is not None:
                self.ready = None
                self._events.worker_lost()
        return life.has_worked or (began is not None and self._clock() - began >= HEALTHY_S)

    async def _await_ready(self, life: "_Life") -> None:
        deadline = self._clock() + self._settings.start_timeout_s
        while life.ready is None and not life.is_gone and not self._stopping:
            left_s = deadline - self._clock()
            if left_s <= 0:
                _log.error("worker-start-timed-out", limit_s=self._settings.start_timeout_s)
                life.end = START_TIMED_OUT
                return
            await self._pause(left_s)

    def _welcome(self, life: "_Life", ready: WorkerReady) -> None:
        self._stop_missing_worker()
        _log.info("worker-ready", pid=ready.pid, device=ready.device, numerics=ready.numerics)
        self.ready = ready
        self._events.worker_ready(life)

    async def _watch(self, life: "_Life") -> None:
        while not life.is_gone and not self._stopping:
            if life.watchdog.is_hung():
                _log.error("worker-hangs", limit_s=self._settings.hang_timeout_s)
                life.end = HUNG
                return
            if ping := life.watchdog.next_ping():
                life.send(ping)
            await self._pause(self._check_interval_s)
        await self._end(life)

    async def _end(self, life: "_Life") -> None:
        life.send(Shutdown())
        deadline = self._clock() + SHUTDOWN_GRACE_S
        while not life.is_gone and (left_s := deadline - self._clock()) > 0:
            await self._pause(left_s)

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        await self._wake.wait()
        timer.cancel()

    def _watchdog(self) -> Watchdog:
        return Watchdog(work_s=self._settings.hang_timeout_s, load_s=self._settings.start_timeout_s, clock=self._clock)

    def _miss_worker(self) -> None:
        if self._missing is None:
            loop = asyncio.get_running_loop()
            self._missing = loop.call_later(self._settings.start_timeout_s, self._events.worker_missing)

    def _stop_missing_worker(self) -> None:
        if self._missing is not None:
            self._missing.cancel()
            self._missing = None


class _Life:
    """One worker, from its start to its end."""

    handle: WorkerHandle

    def __init__(self, watchdog: Watchdog, events: WorkerEvents, wake: asyncio.Event) -> None:
        self.watchdog = watchdog
        self.ready: WorkerReady | None = None
        self.is_gone = False
        self.has_worked = False
        self.end: str | None = None  # where we ended it
        self._events = events
        self._wake = wake

    @property
    def slots(self) -> NDArray[np.uint8]:
        return self.handle.slots

    @property
    def lanes(self) -> int:
        return self.ready.lanes if self.ready else 1

    def send(self, message: ToWorker) -> None:
        self.watchdog.sent(message)
        self.handle.send(message)

    def receive(self, message: FromWorker) -> None:
        self.watchdog.received(message)
        if isinstance(message, WorkerReady):
            self.ready = message
            self._wake.set()
        elif not isinstance(message, Pong):
            self.has_worked = self.has_worked or isinstance(message, BatchDone | ImagesEncoded | ModelLoaded)
            self._events.worker_said(message)

    def lost(self) -> None:
        self.is_gone = True
        self._wake.set()


def choose_delay(failures: int) -> float:
    """Return how long to wait for the next start, in seconds: doubled with each start in a row that came to nothing.

    A worker that computed something, or was there for long, is replaced at once: what ended it is not its start.

    Args:
        failures: Starts in a row that came to nothing.
    """
    return min(FIRST_DELAY_S * 2 ** min(failures - 1, _MAX_DOUBLINGS), MAX_DELAY_S) if failures else 0.0
