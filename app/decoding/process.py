"""The decoder's life: set limits on itself, then decode what it is sent, one file after the other."""

import math
import resource
import socket
import sys
from contextlib import suppress

import numpy as np
from PIL import Image

from app.core.errors import ServiceError
from app.decoding.messages import (
    LENGTH_BYTES,
    DecodeJob,
    DecoderReady,
    FromDecoder,
    ImageDecoded,
    ImageRefused,
    read_job,
    read_length,
    write_message,
)
from app.decoding.reading import read_image

_MAX_OPEN_FILES = 64


def serve(control_fd: int, *, max_pixels: int, memory_bytes: int, seconds: float) -> int:
    """Decode until the service closes its end.

    Args:
        control_fd: This side of the socket pair.
        max_pixels: Most of one image.
        memory_bytes: Address space that this process may have.
        seconds: Processor time that one image may take; the system ends this process then, by ``SIGXCPU``.

    Returns:
        Exit status.
    """
    _limit(memory_bytes)
    # The few codecs that allocate before we can look are stopped by Pillow, which allows twice its bound.
    Image.MAX_IMAGE_PIXELS = max_pixels // 2
    connection = socket.socket(fileno=control_fd)
    connection.sendall(write_message(DecoderReady()))
    with suppress(EOFError, ConnectionError):
        while True:
            job = read_job(_receive(connection, read_length(_receive(connection, LENGTH_BYTES))))
            data = bytes(_receive(connection, job.num_bytes))
            _allow(seconds)
            answer, pixels = decode(job, data, max_pixels)
            connection.sendall(write_message(answer))
            connection.sendall(pixels)
    return 0


def decode(job: DecodeJob, data: bytes, max_pixels: int) -> tuple[FromDecoder, memoryview]:
    """Decode one file; returns the answer and the bytes that follow it."""
    try:
        image = read_image(data, job.image_format, job.options, max_pixels)
    except ServiceError as error:
        fields = {name: value for name, value in error.fields.items() if isinstance(value, int)}
        return ImageRefused(error.code, error.detail, fields), memoryview(b"")
    height, width, channels = image.pixels.shape
    bits = 8 * image.pixels.dtype.itemsize
    answer = ImageDecoded(height, width, channels, 8 if bits == 8 else 16, *image[1:])  # noqa: PLR2004 - bits
    return answer, np.ascontiguousarray(image.pixels).reshape(-1).view(np.uint8).data


def _limit(memory_bytes: int) -> None:
    """Let a file that means harm find little: bounded memory, no files to write, no core to leave behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
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
