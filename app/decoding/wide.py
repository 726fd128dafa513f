"""Colours of 16 bits, by OpenCV: Pillow keeps the upper 8 of them. Runs in children only."""

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from app.decoding.messages import DecodeOptions

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]

_MAX_WIDE = 65535
_OPAQUE = (1, 3)


def has_wide_colours(image: ImageFile) -> bool:
    """Tell of a file that was opened, and not loaded yet, whether it has colours of 16 bits."""
    if not isinstance(image, PngImageFile | TiffImageFile) or image.mode not in {"RGB", "RGBA"}:
        return False
    return any(";16" in str(tile.args) for tile in image.tile)


def has_clear_grey(image: ImageFile) -> bool:
    """Tell of such a file whether it is grey with transparency, which Pillow reads as colours."""
    return any("LA;16" in str(tile.args) for tile in image.tile)


def read_wide_colours(image: ImageFile, data: bytes, *, is_grey: bool) -> U16 | None:
    """Read the pixels of such a file once more, with all their bits.

    Args:
        image: What Pillow made of it: it is sound, and of a size that is allowed.
        data: The whole file.
        is_grey: Whether to return grey and transparency.

    Returns:
        Pixels (H, W, C), turned as those of Pillow; None where both disagree about what is in the file.

    Raises:
        MemoryError: If it does not suffice.
        ValueError: If a PNG is cut off behind its pixels, which Pillow lets pass.
    """
    narrow: U8 = np.asarray(image)
    wide = _decode(data)
    if wide is None and isinstance(image, PngImageFile):
        raise ValueError("the end of the file is missing")
    if wide is None or wide.shape[:2] != narrow.shape[:2] or wide.shape[2] < narrow.shape[2]:
        return None
    if not np.array_equal(wide[:, :, : narrow.shape[2]] >> 8, narrow):
        return None
    if is_grey:
        return np.ascontiguousarray(wide[:, :, [0, 3]])
    return wide if image.has_transparency_data else np.ascontiguousarray(wide[:, :, :3])


def apply_wide_alpha(wide: U16, options: DecodeOptions) -> U16:
    """Keep, drop or compose the last channel, as ``to_plain`` does for 8 bits."""
    if options.alpha == "keep" or wide.shape[2] in _OPAQUE:
        return wide
    colour, opacity = wide[:, :, :-1], wide[:, :, -1:].astype(np.uint32)
    if options.alpha == "drop":
        return np.ascontiguousarray(colour)
    background = np.array(options.background, np.uint32) * 257
    if colour.shape[2] == 1 and len(set(options.background)) == 1:
        background = background[:1]
    # A product of two 16-bit numbers, and half of one, fit 32 bits.
    mixed = colour * opacity + background * (_MAX_WIDE - opacity)
    return ((mixed + _MAX_WIDE // 2) // _MAX_WIDE).astype(np.uint16)


def _decode(data: bytes) -> U16 | None:
    import cv2  # noqa: PLC0415 - takes a moment and memory, for files that are seldom sent

    try:
        wide = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from None
        return None
    if wide is None or wide.dtype != np.uint16 or wide.ndim != 3:  # noqa: PLR2004 - height, width, channel
        return None
    order = cv2.COLOR_BGR2RGB if wide.shape[2] == 3 else cv2.COLOR_BGRA2RGBA  # noqa: PLR2004 - channels
    return np.asarray(cv2.cvtColor(wide, order), np.uint16)
