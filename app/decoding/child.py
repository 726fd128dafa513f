"""One child, as the service sees it: a process that is sent files and answers with what it made of them."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.children import child_environment
from app.core.errors import ServiceError, error_from_code
from app.core.logging import get_logger
from app.decoding.limits import ChildLimits, write_arguments
from app.decoding.wire import (
    LENGTH_BYTES,
    ChildReady,
    Done,
    Failed,
    FromChild,
    Job,
    Refused,
    read_answer,
    read_length,
    write_message,
)

Payload: TypeAlias = NDArray[np.uint8]

_SMALL_BYTES = 2**17

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is to do.

    Attributes:
        head: What it is, as the child's handler reads it.
        files: What it is done to.
        seconds: Processor time that it may take.
    """

    head: bytes
    files: Sequence[bytes]
    seconds: float

    @property
    def num_bytes(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files))


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a child made of a task: a head, and bytes (n,) that belong to whoever asked."""

    head: bytes
    payload: Payload


class ChildLostError(Exception):
    """The process ended, or said what no child of this build says."""


class Child:
    """A running child process; does one task at a time.

    Args:
        process: The child.
        connection: Our end of the socket pair, not blocking.
        answer_bytes: Most bytes that follow an answer.
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket, answer_bytes: int) -> None:
        self._process = process
        self._connection = connection
        self._answer_bytes = answer_bytes

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def wait_ready(self) -> None:
        """Wait until it takes tasks.

        Raises:
            ChildLostError: If it ended instead.
        """
        if not isinstance(await self._read_answer(), ChildReady):
            raise ChildLostError

    async def run(self, task: Task) -> Answer:
        """Do a task; after another error than a ``ServiceError``, the process is of no more use.

        Raises:
            ServiceError: What the task was refused for; itself if the child's code failed.
            ChildLostError: If the process ended.
        """
        loop = asyncio.get_running_loop()
        job = Job(task.head, [len(file) for file in task.files], task.seconds)
        try:
            for piece in _join_small([write_message(job), *task.files]):
                await loop.sock_sendall(self._connection, piece)
        except OSError:
            raise ChildLostError from None
        match await self._read_answer():
            case Done() as done:
                return Answer(done.head, await self._read_payload(done.num_bytes))
            case Refused() as refusal:
                raise error_from_code(refusal.code, refusal.detail, refusal.fields)
            case Failed() as failure:
                _log.error("child-failed", pid=self.pid, error=failure.error)
                raise ServiceError("the images could not be worked on, by a fault of the service")
            case ChildReady():
                raise ChildLostError

    async def ran_out_of_time(self) -> bool:
        """Tell of a process that ends whether the system ended it for the processor time it took."""
        return await asyncio.to_thread(self._process.wait) == -signal.SIGXCPU

    async def end(self) -> None:
        """End the process at once, and wait for its end."""
        self._connection.close()
        self._process.kill()
        status = await asyncio.to_thread(self._process.wait)
        _log.debug("child-ended", pid=self.pid, status=status)

    async def _read_payload(self, num_bytes: int) -> Payload:
        if not 0 <= num_bytes <= self._answer_bytes:
            raise ChildLostError
        payload = np.empty(num_bytes, np.uint8)
        await self._receive(payload.data)
        return payload

    async def _read_answer(self) -> FromChild:
        length = bytearray(LENGTH_BYTES)
        await self._receive(memoryview(length))
        try:
            body = bytearray(read_length(length))
            await self._receive(memoryview(body))
            return read_answer(body)
        except ValueError:  # msgspec's errors are of this kind
            raise ChildLostError from None

    async def _receive(self, view: memoryview) -> None:
        """Fill a buffer: bytes are received where they stay."""
        loop = asyncio.get_running_loop()
        while view:
            try:
                received = await loop.sock_recv_into(self._connection, view)
            except OSError:
                raise ChildLostError from None
            if not received:
                raise ChildLostError
            view = view[received:]


def start_child(limits: ChildLimits, command: Sequence[str]) -> Child:
    """Start a child; returns before it is ready.

    Must be called in the thread that lives as long as the service: the child dies with the thread that started it.

    Args:
        limits: What it may take.
        command: What to run; the arguments of ``run_child`` are added.

    Raises:
        OSError: If there are not enough processes, descriptors or memory.
    """
    ours, theirs = socket.socketpair()
    try:
        process = _start([*command, *write_arguments(limits, theirs.fileno())], theirs.fileno())
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return Child(process, ours, limits.answer_bytes)


def _start(command: Sequence[str], control_fd: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
        command,
        env=child_environment(os.environ, threads=1) | {"OPENBLAS_NUM_THREADS": "1"},  # noqa: TID251 - passed on, not read
        pass_fds=(control_fd,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what codecs print may be what callers sent
    )


def _join_small(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Put small pieces together: a call of the system takes longer than a copy of them."""
    waiting: list[bytes] = []
    for piece in pieces:
        if len(piece) > _SMALL_BYTES:
            yield b"".join(waiting)
            yield piece
            waiting = []
        else:
            waiting.append(piece)
    yield b"".join(waiting)
