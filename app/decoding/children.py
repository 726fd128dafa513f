"""A few children for all uploads: started when the first one comes, replaced when one dies, ended when idle."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.core.errors import (
    DecoderCrashedError,
    DecodingTimeoutError,
    NotReadyError,
    QueueFullError,
    ServiceError,
)
from app.core.logging import get_logger
from app.decoding.child import Answer, Child, ChildLostError, Task

START_TIMEOUT_S = 60.0
IDLE_S = 60.0
ATTEMPTS = 2
RETRY_AFTER_S = 1
CRASHED = "crashed"
TIMED_OUT = "timed-out"
NOT_STARTED = "not-started"
FAILURES = (CRASHED, TIMED_OUT, NOT_STARTED)
PATIENCE = 6
"""Seconds on the clock per second of processor time that a task may take: for what waits and does not work."""

Read = TypeVar("Read")

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wording:
    """What errors call a task: ``crashed``, ``late`` and ``busy`` are sentences, up to what is common to all."""

    child: str
    crashed: str
    late: str
    busy: str
    not_ready: str


class Children:
    """Does tasks outside of this process; lives in one event loop.

    A task that ends a child, or does not come to an end in one, costs whoever asked for it, and nobody else.

    Args:
        start: Starts a child.
        wording: What errors and the log say.
        processes: Most children at once.
        max_waiting: Most tasks that wait for one.
        idle_s: How long the last children are kept when there is nothing to do.

    Attributes:
        failures: Children that failed, by how: one of ``FAILURES``.
    """

    def __init__(
        self,
        start: Callable[[], Child],
        wording: Wording,
        *,
        processes: int,
        max_waiting: int,
        idle_s: float = IDLE_S,
    ) -> None:
        self.failures: Counter[str] = Counter()
        self._start = start
        self._wording = wording
        self._max_waiting = max_waiting
        self._idle_s = idle_s
        self._room = asyncio.Semaphore(processes)
        self._waiting = 0
        self._is_closed = False
        self._idle: list[Child] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that wait for work."""
        return [child.pid for child in self._idle]

    async def run(self, task: Task, read: Callable[[Answer], Read]) -> Read:
        """Have a task done.

        A caller that leaves does not stop a child that has begun: it is bounded in time as it is.

        Args:
            task: What is to be done.
            read: Reads the answer; a ``ValueError`` says that no child of this build answers so.

        Raises:
            ServiceError: What the task is refused for.
            UndecodableImageError: If it ends children, or takes too long.
            QueueFullError: If as many tasks wait as may.
            NotReadyError: If no child can be started.
        """
        if self._is_closed:
            raise self._no_child()
        if self._waiting >= self._max_waiting:
            raise QueueFullError(self._wording.busy, retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        work = asyncio.get_running_loop().create_task(self._run_somewhere(task, read))
        self._tasks.add(work)
        work.add_done_callback(self._finish)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.cancelled():  # by ``close``: the caller was not
                raise self._no_child() from None
            raise

    async def close(self) -> None:
        """End all children, those at work with what they have begun."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._end_idle()
        await asyncio.gather(*self._endings)

    async def _run_somewhere(self, task: Task, read: Callable[[Answer], Read]) -> Read:
        for _ in range(ATTEMPTS):
            child = await self._take()
            try:
                return await self._use(child, task, read)
            except ChildLostError:
                if await child.ran_out_of_time():
                    raise self._give_up(child, task) from None
                self.failures[CRASHED] += 1
                _log.warning(f"{self._wording.child}-crashed", pid=child.pid, num_bytes=task.num_bytes)
            except TimeoutError:
                raise self._give_up(child, task) from None
        raise DecoderCrashedError(f"{self._wording.crashed} {ATTEMPTS} {self._wording.child}s and is not tried again")

    def _give_up(self, child: Child, task: Task) -> DecodingTimeoutError:
        limit_s = task.seconds
        self.failures[TIMED_OUT] += 1
        _log.warning(f"{self._wording.child}-timed-out", pid=child.pid, num_bytes=task.num_bytes, limit_s=limit_s)
        return DecodingTimeoutError(f"{self._wording.late} within {limit_s:g} seconds", limit_s=limit_s)

    async def _use(self, child: Child, task: Task, read: Callable[[Answer], Read]) -> Read:
        """Let a child work; it is kept only if it is known to be ready for the next task."""
        is_ready = False
        try:
            async with asyncio.timeout(PATIENCE * task.seconds):
                answer = await child.run(task)
            result = read(answer)
        except ServiceError:
            is_ready = True
            raise
        except ValueError:
            raise ChildLostError from None
        else:
            is_ready = True
            return result
        finally:
            if is_ready:
                self._idle.append(child)
            else:
                self._end(child)

    async def _take(self) -> Child:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            self._end(child)
        return await self._start_one()

    async def _start_one(self) -> Child:
        try:
            child = self._start()
        except OSError:
            self.failures[NOT_STARTED] += 1
            _log.exception(f"{self._wording.child}-not-started")
            raise self._no_child() from None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await child.wait_ready()
        except BaseException as error:
            self._end(child)
            if isinstance(error, ChildLostError | TimeoutError):
                self.failures[NOT_STARTED] += 1
                _log.exception(f"{self._wording.child}-not-started", pid=child.pid)
                raise self._no_child() from None
            raise
        _log.info(f"{self._wording.child}-ready", pid=child.pid)
        return child

    def _finish(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        self._room.release()
        if not task.cancelled():
            task.exception()  # a caller that left before must not make the loop complain
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._end_idle)

    def _end_idle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle:
            self._end(self._idle.pop())

    def _end(self, child: Child) -> None:
        task = asyncio.get_running_loop().create_task(child.end())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    def _no_child(self) -> NotReadyError:
        return NotReadyError(self._wording.not_ready, retry_after_s=RETRY_AFTER_S)
