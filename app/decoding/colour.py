"""Modes of pictures: palettes expanded, colour spaces and profiles converted, transparency as asked for."""

import io
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from app.core.errors import UnsupportedImageError
from app.decoding.messages import DecodeOptions

U16 = NDArray[np.uint16]

_MAX_WIDE = 65535
_WIDE_MODES = ("I", "I;16", "I;16L", "I;16B")
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_TRANSPARENT = {"1": "LA", "L": "LA", "LA": "LA", "La": "LA"}
_OPAQUE = {"1": "L", "L": "L"}


def is_wide(image: Image.Image) -> bool:
    """Tell whether a picture has more than 8 bits per channel: grey, in whole numbers."""
    return image.mode in _WIDE_MODES


def read_wide(image: Image.Image) -> U16:
    """Return the pixels of such a picture, (H, W).

    Raises:
        UnsupportedImageError: If 16 bits do not hold them.
    """
    values = np.asarray(image)
    if values.dtype.itemsize > 2 and (values.min() < 0 or values.max() > _MAX_WIDE):  # noqa: PLR2004 - bytes
        raise UnsupportedImageError("pixels of whole numbers must fit 16 bits")
    return values.astype(np.uint16, copy=False)


def reduce_depth(wide: U16) -> Image.Image:
    """Round 16 bits to 8: white stays white."""
    return Image.fromarray(((wide.astype(np.uint32) + 128) // 257).astype(np.uint8))


def to_plain(image: Image.Image, options: DecodeOptions) -> Image.Image:
    """Bring a picture of 8 bits into one of the modes L, LA, RGB and RGBA.

    Raises:
        UnsupportedImageError: If its pixels are floating-point numbers.
    """
    profile = image.info.get("icc_profile") if options.icc == "convert" else None
    plain = _to_srgb(image, profile) if profile and image.mode == "CMYK" else image
    plain = _expand(plain)
    if profile and image.mode != "CMYK":
        plain = _to_srgb(plain, profile)
    plain = _apply_alpha(plain, options)
    if options.channels is not None:
        plain = _convert(plain, "L" if options.channels == 1 else "RGB")
    return plain


def _expand(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise UnsupportedImageError("pixels of floating-point numbers are not read; send 8 or 16 bits")
    if image.has_transparency_data:
        return _convert(image, _TRANSPARENT.get(image.mode, "RGBA"))
    return _convert(image, _OPAQUE.get(image.mode, "RGB"))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert colours; a profile that is broken, or of another colour space, is taken for none, as viewers do."""
    colour = image.convert(image.mode.removesuffix("A")) if image.mode in {"LA", "RGBA"} else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _MODE_OF_SPACE.get(source.profile.xcolor_space.strip()) != colour.mode:
            return image
        target = ImageCms.createProfile("sRGB")
        converted = cast("Image.Image", ImageCms.profileToProfile(colour, source, target, outputMode="RGB"))
    except (ImageCms.PyCMSError, OSError):
        return image
    if colour.mode == "L":
        converted = converted.convert("L")
    if image.mode in {"LA", "RGBA"}:
        converted.putalpha(image.getchannel("A"))
    return converted


def _apply_alpha(image: Image.Image, options: DecodeOptions) -> Image.Image:
    if options.alpha == "keep" or image.mode not in {"LA", "RGBA"}:
        return image
    colour = image.mode.removesuffix("A")
    if options.alpha == "drop":
        return image.convert(colour)
    red, green, blue = options.background
    if colour == "L" and red == green == blue:
        page = Image.new("L", image.size, red)
    else:
        page = Image.new("RGB", image.size, options.background)
    page.paste(image.convert(page.mode), mask=image.getchannel("A"))
    return page


def _convert(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)
