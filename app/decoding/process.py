"""A child's life: set limits on itself, then do what it is sent, one job after the other."""

import math
import resource
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

from PIL import Image

from app.core.errors import ImageTooLargeError, LimitExceededError, ServiceError
from app.decoding.limits import ChildLimits, Handler
from app.decoding.wire import (
    LENGTH_BYTES,
    ChildReady,
    Chunk,
    Done,
    Fact,
    Failed,
    FromChild,
    Refused,
    read_job,
    read_length,
    write_message,
)

_MAX_OPEN_FILES = 64


def serve(control_fd: int, handle: Handler, limits: ChildLimits) -> int:
    """Do jobs until the service closes its end.

    Args:
        control_fd: This side of the socket pair.
        handle: Does one job.
        limits: What this process may take.

    Returns:
        Exit status.
    """
    _limit(limits.memory_bytes)
    # The few codecs that allocate before we can look are stopped by Pillow, which allows twice its bound.
    Image.MAX_IMAGE_PIXELS = limits.max_pixels // 2
    connection = socket.socket(fileno=control_fd)
    connection.sendall(write_message(ChildReady()))
    with suppress(EOFError, ConnectionError):
        while True:
            job = read_job(_receive(connection, read_length(_receive(connection, LENGTH_BYTES))))
            files = [bytes(_receive(connection, size)) for size in job.sizes]
            _allow(job.seconds)
            answer, chunks = _work(handle, job.head, files, limits)
            del files
            connection.sendall(write_message(answer))
            for chunk in chunks:
                connection.sendall(chunk)
            del chunks  # large, and else held while the next one is made
    return 0


def _work(
    handle: Handler, head: bytes, files: Sequence[bytes], limits: ChildLimits
) -> tuple[FromChild, Sequence[Chunk]]:
    """Do one job; returns the answer and the bytes that follow it."""
    try:
        answer_head, chunks = handle(head, files, limits)
        num_bytes = sum(memoryview(chunk).nbytes for chunk in chunks)
    except ServiceError as error:
        return _refuse(error), ()
    except MemoryError:
        return _refuse(
            ImageTooLargeError(
                "the images take more memory than they may take; scale them down, or send fewer at once",
                limit=limits.max_pixels,
            )
        ), ()
    except Exception as error:  # noqa: BLE001 - the boundary of a request: what is wrong here is told to the log
        return Failed(_describe(error)), ()
    if num_bytes > limits.answer_bytes:
        most = limits.answer_bytes
        return _refuse(
            LimitExceededError(f"one answer may have at most {most} bytes; ask for less at once", limit=most)
        ), ()
    return Done(answer_head, num_bytes), chunks


def _refuse(error: ServiceError) -> Refused:
    fields: dict[str, Fact] = {
        name: [str(one) for one in value] if isinstance(value, list) else value for name, value in error.fields.items()
    }
    return Refused(error.code, error.detail, fields)


def _describe(error: Exception) -> str:
    """Say what was raised and where; its words may be those of callers."""
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
    return " ".join([type(error).__name__, *places])


def _limit(memory_bytes: int) -> None:
    """Let a file that means harm find little: bounded memory, no files to write."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_OPEN_FILES, _MAX_OPEN_FILES))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _allow(seconds: float) -> None:
    """Give this process so much more processor time: a busy machine does not make an image guilty."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _receive(connection: socket.socket, num_bytes: int) -> bytearray:
    data = bytearray(num_bytes)
    view = memoryview(data)
    while view:
        received = connection.recv_into(view)
        if not received:
            raise EOFError
        view = view[received:]
    return data
