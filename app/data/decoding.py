"""One encoded image to pixels: bounded, upright, on white, eight bits, grey or RGB, fitted to a size."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.data.options import Channels
from app.decoding.colour import reduce_depth
from app.decoding.geometry import draft_for, fit_image, set_upright

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_FILE_BYTES: Final = 2**28
MAX_IMAGE_PIXELS: Final = 2**26


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
            draft_for(image, image_size)
        image.load()
        return to_pixels(set_upright(image), image_size=image_size, channels=channels)


def to_pixels(
    image: Image.Image, *, image_size: tuple[int, int] | None = None, channels: Channels | None = None
) -> NDArray[np.uint8]:
    """Turn an upright image of any mode into pixels (H, W, C)."""
    plain = _to_grey_or_rgb(image, channels)
    pixels = np.asarray(fit_image(plain, image_size) if image_size else plain)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]  # noqa: PLR2004 - height, width, channel


def is_grey(pixels: NDArray[np.uint8]) -> bool:
    """Tell whether red, green and blue are equal everywhere; pixels (..., 3)."""
    red = pixels[..., 0]
    return np.array_equal(red, pixels[..., 1]) and np.array_equal(red, pixels[..., 2])


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
    return reduce_depth(wide.astype(np.uint16))


def _put_on_white(image: Image.Image) -> Image.Image:
    layered = image.convert("RGBA")
    page = Image.new("RGB", image.size, (255, 255, 255))
    page.paste(layered, mask=layered.getchannel("A"))
    return page
