"""One encoded image to pixels: bounded, upright, on white, eight bits, grey or RGB, fitted to a size."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.data.options import Channels

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_FILE_BYTES: Final = 2**28
MAX_IMAGE_PIXELS: Final = 2**26
# Antialiased when shrinking, little ringing when enlarging line art, and the filter of the usual FID protocols.
FILTER: Final = Image.Resampling.BICUBIC

_ORIENTATION_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_image(
    data: bytes, *, image_size: tuple[int, int] | None = None, channels: Channels | None = None
) -> NDArray[np.uint8]:
    """Decode one file.

    Animations and multi-page files give their first frame; colour profiles are not applied.

    Args:
        data: The whole file.
        image_size: Height and width to fit to; None keeps the picture's own.
        channels: 1 or 3; None gives 1 for grey modes and 3 for all others.

    Returns:
        Pixels (H, W, C).

    Raises:
        Exception: Whatever the codec raises on bad data; ``ValueError`` over the limits.
    """
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB")
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_IMAGE_PIXELS:
            raise ValueError(f"the image has more than {MAX_IMAGE_PIXELS // 2**20} megapixels")
        if image_size:
            # A JPEG shrinks while it decodes, to no less than twice what the filter will make of it.
            image.draft(None, (2 * max(image_size), 2 * max(image_size)))
        image.load()
        return to_pixels(_set_upright(image), image_size=image_size, channels=channels)


def to_pixels(
    image: Image.Image, *, image_size: tuple[int, int] | None = None, channels: Channels | None = None
) -> NDArray[np.uint8]:
    """Turn an upright image of any mode into pixels (H, W, C)."""
    plain = _to_grey_or_rgb(image, channels)
    pixels = np.asarray(fit_image(plain, image_size) if image_size else plain)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]  # noqa: PLR2004 - height, width, channel


def fit_image(image: Image.Image, image_size: tuple[int, int]) -> Image.Image:
    """Scale the short side to the wanted size and cut the centre out of the long one, in a single resampling."""
    height, width = image_size
    if image.size == (width, height):
        return image
    scale = max(width / image.width, height / image.height)
    box_width, box_height = min(width / scale, image.width), min(height / scale, image.height)
    left, top = (image.width - box_width) / 2, (image.height - box_height) / 2
    right, bottom = min(left + box_width, image.width), min(top + box_height, image.height)
    return image.resize((width, height), FILTER, box=(left, top, right, bottom))


def is_grey(pixels: NDArray[np.uint8]) -> bool:
    """Tell whether red, green and blue are equal everywhere; pixels (..., 3)."""
    red = pixels[..., 0]
    return np.array_equal(red, pixels[..., 1]) and np.array_equal(red, pixels[..., 2])


def _set_upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(image.getexif().get(_ORIENTATION_TAG, 1))
    return image.transpose(turn) if turn is not None else image


def _to_grey_or_rgb(image: Image.Image, channels: Channels | None) -> Image.Image:
    plain = image
    if image.mode[0] in "IF":
        plain = _reduce_depth(image)
    elif image.has_transparency_data:
        plain = _put_on_white(image)
    grey = channels == 1 or (channels is None and plain.mode in ("1", "L"))
    mode = "L" if grey else "RGB"
    if plain.mode == mode:
        return plain
    # Other colour spaces have no direct way to grey.
    direct = plain.mode in ("1", "L", "RGB") or mode == "RGB"
    return plain.convert(mode) if direct else plain.convert("RGB").convert(mode)


def _reduce_depth(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F":
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ValueError("floating-point pixels must lie in [0, 1]")
        return Image.fromarray(np.rint(values * 255).astype(np.uint8))
    wide = values.astype(np.int64)
    if wide.min() < 0 or wide.max() > 65535:  # noqa: PLR2004 - the range of 16 bits
        raise ValueError("whole-number pixels must fit 16 bits")
    return Image.fromarray(((wide + 128) // 257).astype(np.uint8))


def _put_on_white(image: Image.Image) -> Image.Image:
    layered = image.convert("RGBA")
    page = Image.new("RGB", image.size, (255, 255, 255))
    page.paste(layered, mask=layered.getchannel("A"))
    return page
