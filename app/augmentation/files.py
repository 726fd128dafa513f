"""Augmented pixels to image files that say so."""

import io
import json
from typing import Any

import numpy as np
from PIL import Image

from app.augmentation.frames import RGB, Pixels
from app.core.errors import InvalidInputError
from app.imaging.codec import ImageFormat
from app.imaging.mark import ENHANCED_XMP, TEXT_KEYWORD
from app.imaging.png import write_png

MAX_FILE_CHANNELS = 4
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def check_file(pixels: Pixels, image_format: ImageFormat) -> None:
    """Refuse what a format does not hold.

    Raises:
        InvalidInputError: If pixels have another depth or number of channels.
    """
    channels, depth = pixels.shape[2], pixels.dtype
    if channels > MAX_FILE_CHANNELS or depth == np.float32:
        raise InvalidInputError("image files hold 8 or 16 bits in 1 to 4 channels; ask for npy or npz")
    if image_format != ImageFormat.PNG and depth != np.uint8:
        raise InvalidInputError("only PNG files hold 16 bits; ask for `image_format` png, npy or npz")
    if image_format == ImageFormat.JPEG and channels not in {1, RGB}:
        raise InvalidInputError("JPEG files hold no transparency; ask for `input.alpha` composite or drop, or for png")


def encode_file(pixels: Pixels, image_format: ImageFormat, quality: int, facts: dict[str, Any]) -> bytes:
    """Encode an augmented image.

    Args:
        pixels: Shape (h, w, C); what ``check_file`` lets pass.
        image_format: What to write.
        quality: Of JPEG and WebP, 1 to 100.
        facts: What was applied; only PNG carries it.

    Returns:
        The file; the same for the same arguments.
    """
    if image_format == ImageFormat.PNG:
        text = json.dumps(facts, separators=(",", ":"))
        return write_png(pixels, xmp=ENHANCED_XMP, text=(TEXT_KEYWORD, text))
    if image_format == ImageFormat.JPEG:
        from app.imaging.jpeg import encode_jpeg  # noqa: PLC0415 - a codec: in children only

        return encode_jpeg(pixels, quality=quality, xmp=ENHANCED_XMP)
    return _save_webp(pixels, quality)


def _save_webp(pixels: Pixels, quality: int) -> bytes:
    file = io.BytesIO()
    flat = pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels)
    Image.fromarray(flat, _MODES[pixels.shape[2]]).save(file, "webp", quality=quality, method=4, xmp=ENHANCED_XMP)
    return file.getvalue()
