"""A decoder's handler: a file to pixels. Runs in decoders only."""

from collections.abc import Sequence

import numpy as np

from app.decoding.limits import ChildLimits
from app.decoding.messages import ImageDecoded, read_job
from app.decoding.reading import read_image
from app.decoding.wire import Chunk, write_head


def decode(head: bytes, files: Sequence[bytes], limits: ChildLimits) -> tuple[bytes, Sequence[Chunk]]:
    """Decode one file.

    Args:
        head: A ``DecodeJob``.
        files: The file, alone.
        limits: How many pixels it may have.

    Returns:
        ``ImageDecoded``, and the pixels.

    Raises:
        UndecodableImageError: If the file is not sound, or of a kind that is not read.
        ImageTooLargeError: If it has more pixels, or memory does not suffice.
    """
    job = read_job(head)
    [data] = files
    image = read_image(data, job.image_format, job.options, limits.max_pixels)
    height, width, channels = image.pixels.shape
    bits = 8 * image.pixels.dtype.itemsize
    facts = ImageDecoded(height, width, channels, 8 if bits == 8 else 16, *image[1:])  # noqa: PLR2004 - bits
    return write_head(facts), [np.ascontiguousarray(image.pixels).reshape(-1).view(np.uint8).data]
