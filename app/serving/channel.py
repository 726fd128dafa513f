"""A worker as a child process: control messages over a Unix socket pair, pixels in shared memory that has no name.

Nothing here has a checksum. What crosses does so in the memory of one machine, by the kernel's hand, in order: it is
cut short by the death of a side, and by nothing else. A frame that is cut short is never complete, so never read; one
that makes no sense ends its sender. Pixels are only looked at after the worker said, in a frame that follows them, that
the batch is done: one that dies while it copies has not said so. Its memory dies with it, since each worker has its
own: no late write of one reaches the samples of the next.
"""

import asyncio
import mmap
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from app.core.children import child_environment
from app.core.logging import get_logger
from app.schemas.frames import FrameError, encode_frame, read_from_worker
from app.schemas.jobs import ToWorker, WorkerConfig
from app.serving.handle import WorkerHandle, WorkerListener, WorkerProcess

_log = get_logger(__name__)


async def connect_worker(
    start: Callable[[int, int], WorkerProcess], config: WorkerConfig, listener: WorkerListener
) -> WorkerHandle:
    """Start a worker and connect to it.

    Args:
        start: Starts the process, given its end of the control socket and the file of the pixel buffers.
        config: How many buffers there are, and of what size.
        listener: Who is told what it says.

    Raises:
        OSError: If there are not enough processes, descriptors or memory.
    """
    memory = _create_memory(config.slots * config.slot_bytes)
    ours, theirs = socket.socketpair()
    try:
        slots = np.frombuffer(mmap.mmap(memory, 0), dtype=np.uint8).reshape(config.slots, config.slot_bytes)
        process = start(theirs.fileno(), memory)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(memory)
    connection = _Connection(process, slots, listener)
    await asyncio.get_running_loop().create_connection(lambda: connection, sock=ours)
    return connection


class DirectWorkers:
    """Starts each worker as a program of its own, which imports torch anew; a ``WorkerFactory``."""

    async def __call__(self, config: WorkerConfig, listener: WorkerListener) -> WorkerHandle:
        """Start ``python -m app.worker`` and connect to it.

        Must be called in the thread that lives as long as the service: the child dies with the thread that started it.

        Raises:
            OSError: If there are not enough processes, descriptors or memory.
        """

        def start(control_fd: int, memory_fd: int) -> WorkerProcess:
            return _Program(_start(control_fd, memory_fd, config.threads))

        return await connect_worker(start, config, listener)

    async def close(self) -> None:
        """Do nothing: there is nothing but workers."""


class _Program:
    """A worker that was started as a program: a ``WorkerProcess``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        return await asyncio.to_thread(self._process.wait)


class _Connection(asyncio.Protocol):
    """The parent's end; a worker whose socket is closed is a worker that is ended and reaped."""

    _transport: asyncio.Transport

    def __init__(self, process: WorkerProcess, slots: NDArray[np.uint8], listener: WorkerListener) -> None:
        self._process = process
        self._slots = slots
        self._listener = listener
        self._reader = read_from_worker()
        self._gone = asyncio.Event()
        self._reaper: asyncio.Task[None] | None = None
        self._status: int | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def slots(self) -> NDArray[np.uint8]:
        return self._slots

    def send(self, message: ToWorker) -> None:
        if not self._transport.is_closing():
            self._transport.write(encode_frame(message))

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int | None:
        await self._gone.wait()
        return self._status

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # a socket's transport reads and writes

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except FrameError:
            _log.exception("worker-frame-broken", pid=self.pid)
            self._transport.abort()
            return
        for message in messages:
            self._listener.receive(message)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._process.kill()
        self._reaper = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        self._status = await self._process.wait()
        _log.info("worker-ended", pid=self.pid, status=self._status)
        self._slots = self._slots[:0].copy()  # else its memory is kept until somebody collects cycles
        self._listener.lost()
        self._gone.set()


def _start(control: int, memory: int, threads: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "app.worker", "--control-fd", str(control), "--memory-fd", str(memory)]
    return subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
        command,
        env=child_environment(os.environ, threads),  # noqa: TID251 - passed on, not read
        pass_fds=(control, memory),
        stdin=subprocess.DEVNULL,
    )


def _create_memory(num_bytes: int) -> int:
    if hasattr(os, "memfd_create"):
        memory = os.memfd_create("fount-pixels")
    else:
        with tempfile.TemporaryFile() as file:
            memory = os.dup(file.fileno())
    os.ftruncate(memory, num_bytes)
    return memory
