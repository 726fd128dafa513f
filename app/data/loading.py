"""Many encoded images to one array: a thread pool decodes, bounded in memory, in a fixed order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError
from app.data.dataset import ImageDataset, build_dataset, printable
from app.data.decoding import decode_image, is_grey
from app.data.layout import Layout
from app.data.options import Channels, ReadOptions, require_memory

MAX_WORKERS = 8
CHUNK_IMAGES = 64
CHUNK_BYTES = 2**23
SHOWN_FAILURES = 3


@dataclass(frozen=True)
class EncodedImage:
    """One image to decode.

    Attributes:
        row: Where it goes in the array.
        name: What messages call it.
        read: Gives the file; called in a decoding thread.
        num_bytes: Memory that is held until then.
    """

    row: int
    name: str
    read: Callable[[], bytes]
    num_bytes: int = 0


@dataclass(frozen=True)
class _Decoded:
    row: int
    name: str
    pixels: NDArray[np.uint8] | None
    failure: str = ""


_Chunk: TypeAlias = list[EncodedImage]


@dataclass
class ImageStack:
    """Rows of one array, allocated when the first image tells the size, and grey until the first coloured one."""

    num_images: int
    channels: Channels | None
    array: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 0, 0), np.uint8))
    first_name: str = ""

    def put(self, row: int, name: str, pixels: NDArray[np.uint8]) -> None:
        """Store pixels (H, W, C) in a row.

        Raises:
            DatasetError: If their size is not that of the first image, or memory does not suffice.
        """
        if not self.array.size:
            colour = 3 if pixels.shape[2] > 1 and not is_grey(pixels) else 1
            self._allocate(pixels.shape[:2], self.channels or colour)
            self.first_name = name
        if pixels.shape[:2] != self.array.shape[1:3]:
            raise DatasetError(
                f"the images differ in size ({self.first_name}: {_format_size(self.array.shape[1:3])}, "
                f"{name}: {_format_size(pixels.shape[:2])}); give an image size to fit them all to"
            )
        if pixels.shape[2] > self.array.shape[3] and not is_grey(pixels):
            self._widen()
        self.array[row] = pixels[:, :, : self.array.shape[3]]

    def _widen(self) -> None:
        grey = self.array
        self._allocate(grey.shape[1:3], 3)
        self.array[:] = grey

    def _allocate(self, size: tuple[int, ...], channels: int) -> None:
        shape = (self.num_images, *size, channels)
        require_memory(int(np.prod(shape, dtype=object)))
        self.array = np.empty(shape, np.uint8)


def load_encoded(name: str, images: Iterable[EncodedImage], layout: Layout, options: ReadOptions) -> ImageDataset:
    """Decode images into a training set.

    Args:
        name: Short name for records.
        images: Every row of the layout once, in any order.
        layout: Labels and class names.
        options: Size, colour, and what to do about broken images.

    Raises:
        DatasetError: If images are broken and not to be skipped, differ in size, or do not fit into memory.
    """
    total = len(layout.indices)
    stack = ImageStack(total, options.channels)
    failures: dict[int, str] = {}
    for done, decoded in enumerate(_decode_all(images, options), start=1):
        if decoded.pixels is None:
            failures[decoded.row] = f"{decoded.name} ({decoded.failure})"
        else:
            stack.put(decoded.row, decoded.name, decoded.pixels)
        if done % CHUNK_IMAGES == 0 or done == total:
            options.report(done, total)
    if failures and (not options.skip_broken or len(failures) == total):
        raise DatasetError(_describe_failures(failures, total), broken=len(failures))
    kept = np.ones(total, np.bool_)
    kept[list(failures)] = False
    pixels = stack.array if kept.all() else stack.array[kept]
    return build_dataset(name, pixels, layout.labels[kept], layout.class_names, num_skipped=len(failures))


def count_workers() -> int:
    """Return how many decoding threads this machine feeds."""
    return min(MAX_WORKERS, os.cpu_count() or 1)


def _decode_all(images: Iterable[EncodedImage], options: ReadOptions) -> Iterator[_Decoded]:
    workers = count_workers()
    waiting: deque[Future[list[_Decoded]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            for chunk in _cut(images, _choose_chunk_images(options)):
                waiting.append(pool.submit(_decode_chunk, chunk, options))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _cut(images: Iterable[EncodedImage], most: int) -> Iterator[_Chunk]:
    chunk: _Chunk = []
    num_bytes = 0
    for image in images:
        chunk.append(image)
        num_bytes += image.num_bytes
        if len(chunk) == most or num_bytes >= CHUNK_BYTES:
            yield chunk
            chunk, num_bytes = [], 0
    if chunk:
        yield chunk


def _choose_chunk_images(options: ReadOptions) -> int:
    if options.image_size is None:
        return CHUNK_IMAGES // 8  # of a size that nobody knows yet
    height, width = options.image_size
    return max(1, min(CHUNK_IMAGES, CHUNK_BYTES // (height * width * 3)))


def _decode_chunk(chunk: _Chunk, options: ReadOptions) -> list[_Decoded]:
    return [_decode(image, options) for image in chunk]


def _decode(image: EncodedImage, options: ReadOptions) -> _Decoded:
    try:
        pixels = decode_image(image.read(), image_size=options.image_size, channels=options.channels)
    except Exception as error:  # noqa: BLE001 - codecs raise whatever their parsers stumble over
        return _Decoded(image.row, printable(image.name), None, _describe(error))
    return _Decoded(image.row, printable(image.name), pixels)


def _describe(error: Exception) -> str:
    if type(error).__name__ == "UnidentifiedImageError":
        return "not a PNG, JPEG, WebP, BMP, GIF or TIFF image"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return printable(str(error)) or type(error).__name__


def _describe_failures(failures: dict[int, str], total: int) -> str:
    shown = ", ".join(failures[row] for row in sorted(failures)[:SHOWN_FAILURES])
    rest = len(failures) - SHOWN_FAILURES
    more = f" and {rest} more" if rest > 0 else ""
    return f"{len(failures)} of {total} images cannot be read: {shown}{more}; repair them, or skip broken images"


def _format_size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} high and {shape[1]} wide"
