"""One file to pixels: bounded before anything is decoded. Runs in children only."""

import io
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.core.errors import AnimatedImageError, ImageTooLargeError, ServiceError, UndecodableImageError
from app.decoding.colour import is_wide, read_wide, reduce_depth, to_plain
from app.decoding.geometry import (
    UPRIGHT,
    Pixels,
    draft_for,
    fit_image,
    read_orientation,
    set_upright,
    turn_pixels,
    turn_size,
)
from app.decoding.jpeg import choose_scale, decode_jpeg
from app.decoding.messages import DecodeOptions
from app.decoding.sniffing import UploadFormat
from app.decoding.wide import apply_wide_alpha, has_clear_grey, has_wide_colours, read_wide_colours

# Named one by one: ``Image.open`` would ask every codec that is installed what a broken file might be.
_READERS: Mapping[UploadFormat, Callable[[io.BytesIO], ImageFile]] = {
    UploadFormat.PNG: PngImageFile,
    UploadFormat.JPEG: JpegImageFile,
    UploadFormat.WEBP: WebPImageFile,
    UploadFormat.GIF: GifImageFile,
    UploadFormat.TIFF: TiffImageFile,
    UploadFormat.BMP: BmpImageFile,
}


class ReadImage(NamedTuple):
    """Pixels and what the file said of them.

    Attributes:
        pixels: Upright, (H, W, C).
        mode: As Pillow names it.
        orientation: How pixels were turned to be upright: 1 to 8 as in EXIF.
        had_icc: Whether the file has a colour profile.
        scale: How many pixels of a side became one by ``scale_to``: 1, 2, 4 or 8.
        full_size: Height and width of the upright picture in the file.
    """

    pixels: Pixels
    mode: str
    orientation: int
    had_icc: bool
    scale: int
    full_size: tuple[int, int]


def read_image(data: bytes, image_format: UploadFormat, options: DecodeOptions, max_pixels: int) -> ReadImage:
    """Decode a file.

    Args:
        data: The whole file.
        image_format: What its first bytes say that it is.
        options: How it becomes pixels.
        max_pixels: Most that it may have.

    Raises:
        UndecodableImageError: If the file is not sound, or of a kind that is not read.
        ImageTooLargeError: If it has more pixels, or memory does not suffice.
    """
    try:
        with _READERS[image_format](io.BytesIO(data)) as image:
            return _read(image, data, options, max_pixels)
    except ServiceError:
        raise
    except Image.DecompressionBombError:
        raise _refuse_size(max_pixels) from None
    except MemoryError:
        raise ImageTooLargeError(
            "decoding the image takes more memory than one may take; scale it down", limit=max_pixels
        ) from None
    except Exception:  # noqa: BLE001 - a codec raises what it likes on bad data
        raise UndecodableImageError("the file is damaged or cut off, and cannot be decoded") from None


def _read(image: ImageFile, data: bytes, options: DecodeOptions, max_pixels: int) -> ReadImage:
    _check_size(image, max_pixels)
    if options.animation == "refuse" and getattr(image, "is_animated", False):
        raise AnimatedImageError("the file holds several pictures; send one picture per file")
    if isinstance(image, JpegImageFile) and options.image_size is None:
        return _read_jpeg(image, data, options, max_pixels)
    return _read_other(image, data, options, max_pixels)


def _read_jpeg(image: JpegImageFile, data: bytes, options: DecodeOptions, max_pixels: int) -> ReadImage:
    mode, stored, orientation = image.mode, (image.height, image.width), _read_orientation(image)
    enough = turn_size(options.scale_to, orientation) if options.scale_to else stored
    scale = choose_scale(stored, enough)
    pixels: Pixels | None = decode_jpeg(image, data, scale) if _is_plain(image, options) else None
    if pixels is None:
        if scale > 1:
            image.draft(None, enough[::-1])
        _load(image, max_pixels)
        pixels = _to_pixels(_turn(image, orientation), options)
    else:
        pixels = turn_pixels(pixels, orientation)
    return ReadImage(pixels, mode, orientation, _has_icc(image), scale, turn_size(stored, orientation))


def _read_other(image: ImageFile, data: bytes, options: DecodeOptions, max_pixels: int) -> ReadImage:
    mode, size = image.mode, (image.height, image.width)
    turns_itself = isinstance(image, TiffImageFile)  # while it is loaded, and forgets then that it was turned
    orientation = _read_orientation(image) if turns_itself else UPRIGHT
    is_wide_grey, is_wide_colour = has_clear_grey(image), options.keeps_depth and has_wide_colours(image)
    if options.image_size:
        draft_for(image, options.image_size)
    _load(image, max_pixels)
    if not turns_itself:
        orientation = _read_orientation(image)  # PNG files may have it behind their pixels
        size = turn_size(size, orientation)
    still = UPRIGHT if turns_itself else orientation

    wide = (
        read_wide_colours(image, data, is_grey=is_wide_grey)
        if is_wide_colour and not _converts(image, options)
        else None
    )
    if wide is not None:
        pixels: Pixels = turn_pixels(apply_wide_alpha(wide, options), still)
    else:
        pixels = _to_pixels(_turn(image, still), options)
    return ReadImage(pixels, mode, orientation, _has_icc(image), 1, size)


def _is_plain(image: Image.Image, options: DecodeOptions) -> bool:
    """Tell whether pixels are wanted as they are in the file."""
    channels = len(image.getbands())
    return options.channels in {None, channels} and not _converts(image, options)


def _converts(image: Image.Image, options: DecodeOptions) -> bool:
    return options.icc == "convert" and _has_icc(image)


def _has_icc(image: Image.Image) -> bool:
    return bool(image.info.get("icc_profile"))


def _load(image: ImageFile, max_pixels: int) -> None:
    image.load()
    _check_size(image, max_pixels)


def _turn(image: Image.Image, orientation: int) -> Image.Image:
    return set_upright(image) if orientation != UPRIGHT else image


def _to_pixels(image: Image.Image, options: DecodeOptions) -> Pixels:
    if is_wide(image):
        wide = read_wide(image)
        if options.keeps_depth:
            return wide[:, :, None]
        image = reduce_depth(wide)
    plain = to_plain(image, options)
    pixels: NDArray[np.uint8] = np.asarray(fit_image(plain, options.image_size) if options.image_size else plain)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]  # noqa: PLR2004 - height, width, channel


def _check_size(image: Image.Image, max_pixels: int) -> None:
    if min(image.size) < 1:
        raise UndecodableImageError("the image has no pixels")
    if image.width * image.height > max_pixels:
        raise _refuse_size(max_pixels)


def _refuse_size(max_pixels: int) -> ImageTooLargeError:
    return ImageTooLargeError(f"one image may have at most {max_pixels} pixels; scale it down", limit=max_pixels)


def _read_orientation(image: Image.Image) -> int:
    try:
        return read_orientation(image)
    except Exception:  # noqa: BLE001 - metadata may be nonsense where pixels are sound
        return UPRIGHT
