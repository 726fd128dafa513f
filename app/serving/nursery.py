"""The nursery of the workers, as the service sees it: started with the first worker, replaced when it ends or hangs."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress

from app.core.children import child_environment
from app.core.logging import get_logger
from app.schemas.births import (
    MAX_PACKET_BYTES,
    BearWorker,
    NurseryReady,
    WorkerBorn,
    WorkerDied,
    WorkerStillborn,
    read_report,
    write_packet,
)
from app.schemas.jobs import WorkerConfig
from app.serving.channel import DirectWorkers, connect_worker
from app.serving.handle import WorkerFactory, WorkerHandle, WorkerListener

BIRTH_TIMEOUT_S = 5.0
STATUS_TIMEOUT_S = 1.0

_log = get_logger(__name__)


class Nurseries:
    """Starts workers; a ``WorkerFactory``.

    A worker does not outlive its nursery: it could neither be reaped nor be sure to end with the service. What that
    costs is an import of torch, once.
    """

    def __init__(self) -> None:
        self._nursery: Nursery | None = None

    async def __call__(self, config: WorkerConfig, listener: WorkerListener) -> WorkerHandle:
        """Start a worker; in the first place the nursery too, whose imports are then waited for by the worker.

        Must be called in the thread that lives as long as the service: children die with the thread that started them.

        Raises:
            OSError: If there are not enough processes, descriptors or memory.
        """
        if self._nursery is None or self._nursery.is_lost:
            self._nursery = start_nursery(config.threads)
        return await connect_worker(self._nursery.bear, config, listener)

    async def close(self) -> None:
        """End the nursery, and with it what still lives of its workers."""
        if self._nursery is not None:
            self._nursery.kill()
            await self._nursery.wait()


class Offspring:
    """A forked worker: a ``WorkerProcess``. Its process is held by descriptor: a number may come to mean another one.

    Args:
        nursery: Where it is born.
    """

    def __init__(self, nursery: "Nursery") -> None:
        self.pid: int | None = None
        self._nursery = nursery
        self._process: int | None = None
        self._status: int | None = None
        self._is_unwanted = False
        self._ended = asyncio.Event()
        self._told = asyncio.Event()

    def born(self, pid: int, process: int) -> None:
        """Learn that it lives, and own the descriptor of its process."""
        self.pid = pid
        self._process = process
        asyncio.get_running_loop().add_reader(process, self._end)
        if self._is_unwanted:
            self.kill()

    def told(self, status: int | None = None) -> None:
        """Learn how it ended; or, without a status, that nobody will tell."""
        self._status = status
        self._told.set()
        if self._process is None:
            self._ended.set()

    def kill(self) -> None:
        """End it as soon as it is born; or with its nursery, where that still imports and nobody else is there."""
        self._is_unwanted = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
        elif not self._nursery.is_ready:
            self._nursery.kill()

    async def wait(self) -> int | None:
        """Wait for its end; returns its exit status if that becomes known, minus the number of a signal."""
        await self._ended.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(STATUS_TIMEOUT_S):
                await self._told.wait()
        if self._process is not None:
            if self._status is None:
                self._status = _adopt(self._process)
            os.close(self._process)
            self._process = None
        return self._status

    def _end(self) -> None:
        if self._process is not None:
            asyncio.get_running_loop().remove_reader(self._process)
        self._ended.set()


class Nursery:
    """A running nursery; lives in one event loop.

    Args:
        process: The child.
        watch: Descriptor of its process, which this object owns.
        connection: Our end of the socket pair.

    Attributes:
        is_ready: Whether it has imported what workers need.
        is_lost: Whether it is of no more use.
    """

    def __init__(self, process: subprocess.Popen[bytes], watch: int, connection: socket.socket) -> None:
        self.is_ready = False
        self.is_lost = False
        self._process = process
        self._watch = watch
        self._connection = connection
        self._numbers = itertools.count()
        self._unborn: dict[int, Offspring] = {}
        self._living: dict[int, Offspring] = {}
        self._gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(watch, self._reap)
        self._loop.add_reader(connection, self._receive)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def bear(self, control_fd: int, memory_fd: int) -> Offspring:
        """Ask for a worker; returns before it is born.

        Raises:
            OSError: If the nursery is gone.
        """
        number = next(self._numbers)
        socket.send_fds(self._connection, [write_packet(BearWorker(number))], [control_fd, memory_fd])
        offspring = self._unborn[number] = Offspring(self)
        if self.is_ready:
            self._expect(number)
        return offspring

    def kill(self) -> None:
        """End the process at once, and with it its workers."""
        if not self.is_lost:
            self.is_lost = True
            self._loop.remove_reader(self._connection)
            self._connection.close()
            self._process.kill()

    async def wait(self) -> None:
        """Wait until it is gone."""
        await self._gone.wait()

    def _receive(self) -> None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._connection, MAX_PACKET_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        try:
            self._take(packet, descriptors)
        except (ValueError, LookupError) as error:  # msgspec's errors are of the first kind
            if packet:
                _log.error("nursery-packet-broken", pid=self.pid, error=str(error))
            for descriptor in descriptors:
                os.close(descriptor)
            self.kill()

    def _take(self, packet: bytes, descriptors: list[int]) -> None:
        match read_report(packet):
            case NurseryReady():
                self.is_ready = True
                for number in self._unborn:
                    self._expect(number)
            case WorkerBorn() as birth:
                [process] = descriptors  # none where there was no room for it
                self._living[birth.number] = offspring = self._unborn.pop(birth.number)
                offspring.born(birth.pid, process)
            case WorkerStillborn() as birth:
                _log.error("worker-not-forked", error=os.strerror(birth.error))
                self._unborn.pop(birth.number).told()
            case WorkerDied() as death:
                self._living.pop(death.number).told(death.status)

    def _expect(self, number: int) -> None:
        self._loop.call_later(BIRTH_TIMEOUT_S, self._check_birth, number)

    def _check_birth(self, number: int) -> None:
        if number in self._unborn:
            _log.error("nursery-hangs", pid=self.pid, limit_s=BIRTH_TIMEOUT_S)
            self.kill()

    def _reap(self) -> None:
        self.kill()
        self._loop.remove_reader(self._watch)
        os.close(self._watch)
        _log.info("nursery-ended", pid=self.pid, status=self._process.wait())
        orphans = [*self._unborn.values(), *self._living.values()]
        self._unborn.clear()
        self._living.clear()
        for offspring in orphans:
            offspring.told()  # only now: who is not reaped by now has another parent
            offspring.kill()
        self._gone.set()


def start_nursery(threads: int) -> Nursery:
    """Start a nursery; returns before it is ready.

    Args:
        threads: Compute threads of its workers.

    Raises:
        OSError: If there are not enough processes, descriptors or memory.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, ExitStack() as undo:
        undo.callback(ours.close)
        process = _start(theirs.fileno(), threads)
        undo.callback(process.wait)
        undo.callback(process.kill)
        watch = os.pidfd_open(process.pid)
        undo.pop_all()
    ours.setblocking(False)
    return Nursery(process, watch, ours)


def create_workers() -> WorkerFactory:
    """Return what starts workers here: elsewhere than on Linux, libraries of the system do not survive a fork."""
    return Nurseries() if sys.platform == "linux" else DirectWorkers()


def _start(connection_fd: int, threads: int) -> subprocess.Popen[bytes]:
    # OpenBLAS starts its threads when it is imported, and a process with threads must not fork.
    environment = child_environment(os.environ, threads) | {"OPENBLAS_NUM_THREADS": "1"}  # noqa: TID251 - passed on, not read
    return subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
        [sys.executable, "-P", "-m", "app.worker", "--nursery-fd", str(connection_fd)],
        env=environment,
        pass_fds=(connection_fd,),
        stdin=subprocess.DEVNULL,
    )


def _adopt(process: int) -> int | None:
    """Reap a worker whose nursery is gone, where orphans are given to us, as to the first process of a container."""
    try:
        result = os.waitid(os.P_PIDFD, process, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
