"""Decoders: children that turn one uploaded file into pixels."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.errors import ServiceError
from app.core.settings import LimitSettings
from app.decoding.child import Answer, Child, Task, start_child
from app.decoding.children import IDLE_S, Children, Wording
from app.decoding.limits import ChildLimits
from app.decoding.messages import DecodeJob, DecodeOptions, read_facts
from app.decoding.sniffing import UploadFormat, find_format
from app.decoding.wire import write_head

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

COMMAND: Final = (sys.executable, "-P", "-m", "app.decoding")

# What a picture is while it is decoded, turned and converted, at most; beside it the interpreter with its libraries.
_BYTES_PER_PIXEL = 32
_BASE_BYTES = 512 * 2**20
_MAX_PIXEL_BYTES = 8  # four channels of 16 bits

_WORDING = Wording(
    child="decoder",
    crashed="the image ended",
    late="the image was not decoded",
    busy="as many images wait as the service is willing to hold",
    not_ready="the service cannot decode images now",
)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """One uploaded image.

    Attributes:
        pixels: Upright, (H, W, C): uint16 for 16 bits that were asked for as they are, else uint8.
        image_format: What the file was.
        mode: Its pixels as Pillow names them, for example ``P`` or ``CMYK``.
        orientation: How they were turned to be upright: 1 to 8 as in EXIF, 1 for not at all.
        had_icc: Whether the file has a colour profile.
        scale: How many pixels of a side became one by ``scale_to``: 1, 2, 4 or 8.
        full_size: Height and width of the upright picture in the file.
    """

    pixels: Pixels
    image_format: UploadFormat
    mode: str
    orientation: int
    had_icc: bool
    scale: int
    full_size: tuple[int, int]


def start_decoder(limits: ChildLimits, command: Sequence[str] = COMMAND) -> Child:
    """Start a decoder as ``start_child`` does."""
    return start_child(limits, command)


class Decoders:
    """Decodes uploads outside of this process; lives in one event loop.

    A file that ends a decoder, or does not come to an end in one, costs the request that sent it and no other.

    Args:
        limits: How large an image may be, and how long it may take.
        processes: Most decoders at once.
        max_waiting: Most images that wait for one.
        start: Starts a decoder; by default a child process.
        idle_s: How long the last decoders are kept when there is nothing to do.
    """

    def __init__(
        self,
        limits: LimitSettings,
        *,
        processes: int,
        max_waiting: int,
        start: Callable[[ChildLimits], Child] = start_decoder,
        idle_s: float = IDLE_S,
    ) -> None:
        self._processes = processes
        self._seconds = limits.decoding_s
        max_pixels = limits.upload_pixels
        bounds = ChildLimits(max_pixels, _BASE_BYTES + _BYTES_PER_PIXEL * max_pixels, _MAX_PIXEL_BYTES * max_pixels)
        self._children = Children(
            lambda: start(bounds), _WORDING, processes=processes, max_waiting=max_waiting, idle_s=idle_s
        )

    @property
    def pids(self) -> list[int]:
        """Process ids of the decoders that wait for work."""
        return self._children.pids

    @property
    def failures(self) -> Mapping[str, int]:
        """How many decoders failed, by how."""
        return self._children.failures

    async def decode(self, data: bytes, options: DecodeOptions) -> DecodedImage:
        """Decode one file.

        A caller that leaves does not stop a decoder that has begun: it is bounded in time as it is.

        Raises:
            UndecodableImageError: If the file is not sound, or of a kind that is not read; or ends decoders.
            ImageTooLargeError: If it has too many pixels.
            QueueFullError: If as many images wait as may.
            NotReadyError: If no decoder can be started.
        """
        image_format = find_format(data)
        task = Task(write_head(DecodeJob(image_format, options)), [data], self._seconds)
        return await self._children.run(task, partial(_read_image, image_format))

    async def decode_all(self, files: Sequence[bytes], options: DecodeOptions, pointer: str) -> list[DecodedImage]:
        """Decode the files of one request, never more at once than there are decoders.

        Args:
            files: The files.
            options: How each becomes pixels.
            pointer: Where they are in the request; an error's ``pointer`` says which of them it is about.

        Raises:
            ServiceError: What ``decode`` raises for any of them; the rest are not decoded then.
        """
        room = asyncio.Semaphore(self._processes)

        async def decode_one(number: int) -> DecodedImage:
            async with room:
                try:
                    return await self.decode(files[number], options)
                except ServiceError as error:
                    error.fields["pointer"] = f"{pointer}/{number}"
                    raise

        tasks = [asyncio.ensure_future(decode_one(number)) for number in range(len(files))]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """End all decoders, those at work with what they have begun."""
        await self._children.close()


def _read_image(image_format: UploadFormat, answer: Answer) -> DecodedImage:
    facts = read_facts(answer.head)
    samples: Pixels = answer.payload if facts.bits == 8 else answer.payload.view(np.uint16)  # noqa: PLR2004 - bits
    pixels = samples.reshape(facts.height, facts.width, facts.channels)
    return DecodedImage(
        pixels, image_format, facts.mode, facts.orientation, facts.had_icc, facts.scale, facts.full_size
    )
