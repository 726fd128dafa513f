"""One decoder, as the service sees it: a child process that is sent a file and answers with pixels."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.children import child_environment
from app.core.errors import error_from_code
from app.core.logging import get_logger
from app.decoding.messages import (
    LENGTH_BYTES,
    DecodeJob,
    DecoderReady,
    FromDecoder,
    ImageDecoded,
    ImageRefused,
    read_answer,
    read_length,
    write_message,
)
from app.decoding.sniffing import UploadFormat

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

COMMAND: Final = (sys.executable, "-P", "-m", "app.decoding")
MAX_CHANNELS: Final = 4

# What a picture is while it is decoded, turned and converted, at most; beside it the interpreter with its libraries.
_BYTES_PER_PIXEL = 32
_BASE_BYTES = 512 * 2**20

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """One uploaded image.

    Attributes:
        pixels: Upright, (H, W, C): uint16 for grey of 16 bits that was asked for as it is, else uint8.
        image_format: What the file was.
        mode: Its pixels as Pillow names them, for example ``P`` or ``CMYK``.
        orientation: How they were turned to be upright: 1 to 8 as in EXIF, 1 for not at all.
        had_icc: Whether the file has a colour profile.
    """

    pixels: Pixels
    image_format: UploadFormat
    mode: str
    orientation: int
    had_icc: bool


class DecoderLostError(Exception):
    """The process ended, or said what no decoder of this build says."""


class Decoder:
    """A running child process; decodes one file at a time.

    Args:
        process: The child.
        connection: Our end of the socket pair, not blocking.
        max_pixels: Most pixels of an image.
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket, max_pixels: int) -> None:
        self._process = process
        self._connection = connection
        self._max_pixels = max_pixels

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def wait_ready(self) -> None:
        """Wait until it takes files.

        Raises:
            DecoderLostError: If it ended instead.
        """
        if not isinstance(await self._read_answer(), DecoderReady):
            raise DecoderLostError

    async def decode(self, job: DecodeJob, data: bytes) -> DecodedImage:
        """Decode a file; after an error other than the file's own, the process is of no more use.

        Raises:
            UndecodableImageError: If the file is not sound, or of a kind that is not read.
            LimitExceededError: If it has too many pixels.
            DecoderLostError: If the process ended.
        """
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self._connection, write_message(job))
            await loop.sock_sendall(self._connection, data)
        except OSError:
            raise DecoderLostError from None
        match await self._read_answer():
            case ImageDecoded() as head:
                return await self._read_image(head, job.image_format)
            case ImageRefused() as refusal:
                raise error_from_code(refusal.code, refusal.detail, refusal.fields)
            case DecoderReady():
                raise DecoderLostError

    async def ran_out_of_time(self) -> bool:
        """Tell of a process that ends whether the system ended it for the processor time it took."""
        return await asyncio.to_thread(self._process.wait) == -signal.SIGXCPU

    async def end(self) -> None:
        """End the process at once, and wait for its end."""
        self._connection.close()
        self._process.kill()
        status = await asyncio.to_thread(self._process.wait)
        _log.debug("decoder-ended", pid=self.pid, status=status)

    async def _read_image(self, head: ImageDecoded, image_format: UploadFormat) -> DecodedImage:
        shape = (head.height, head.width, head.channels)
        if min(shape) < 1 or head.channels > MAX_CHANNELS or head.height * head.width > self._max_pixels:
            raise DecoderLostError
        pixels: Pixels = np.empty(shape, np.uint8) if head.bits == 8 else np.empty(shape, np.uint16)  # noqa: PLR2004 - bits
        await self._receive(pixels.data.cast("B"))
        return DecodedImage(pixels, image_format, head.mode, head.orientation, head.had_icc)

    async def _read_answer(self) -> FromDecoder:
        length = bytearray(LENGTH_BYTES)
        await self._receive(memoryview(length))
        try:
            body = bytearray(read_length(length))
            await self._receive(memoryview(body))
            answer: FromDecoder = read_answer(body)
        except ValueError:  # msgspec's errors are of this kind
            raise DecoderLostError from None
        return answer

    async def _receive(self, view: memoryview) -> None:
        """Fill a buffer: pixels are received where they stay."""
        loop = asyncio.get_running_loop()
        while view:
            try:
                received = await loop.sock_recv_into(self._connection, view)
            except OSError:
                raise DecoderLostError from None
            if not received:
                raise DecoderLostError
            view = view[received:]


def start_decoder(max_pixels: int, seconds: float, command: Sequence[str] = COMMAND) -> Decoder:
    """Start a decoder for images of so many pixels and so much processor time; returns before it is ready.

    Must be called in the thread that lives as long as the service: the child dies with the thread that started it.

    Raises:
        OSError: If there are not enough processes, descriptors or memory.
    """
    ours, theirs = socket.socketpair()
    try:
        process = _start(command, theirs.fileno(), max_pixels, seconds)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return Decoder(process, ours, max_pixels)


def _start(command: Sequence[str], control: int, max_pixels: int, seconds: float) -> subprocess.Popen[bytes]:
    memory_bytes = _BASE_BYTES + _BYTES_PER_PIXEL * max_pixels
    limits = ["--max-pixels", str(max_pixels), "--memory-bytes", str(memory_bytes), "--seconds", str(seconds)]
    return subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
        [*command, "--control-fd", str(control), *limits],
        env=child_environment(os.environ, threads=1) | {"OPENBLAS_NUM_THREADS": "1"},  # noqa: TID251 - passed on, not read
        pass_fds=(control,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what codecs print may be what callers sent
    )
