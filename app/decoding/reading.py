"""One file to pixels, by Pillow: bounded before anything is decoded. Runs in decoders only."""

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
from app.decoding.geometry import UPRIGHT, draft_for, fit_image, read_orientation, set_upright
from app.decoding.messages import DecodeOptions
from app.decoding.sniffing import UploadFormat

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
    """Pixels, uint8 or uint16 (H, W, C), and what the file said of them."""

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    mode: str
    orientation: int
    had_icc: bool


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
            return _read(image, options, max_pixels)
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


def _read(image: ImageFile, options: DecodeOptions, max_pixels: int) -> ReadImage:
    _check_size(image, max_pixels)
    if options.animation == "refuse" and getattr(image, "is_animated", False):
        raise AnimatedImageError("the file holds several pictures; send one picture per file")
    mode, had_icc = image.mode, bool(image.info.get("icc_profile"))
    turns_itself = isinstance(image, TiffImageFile)  # while it is loaded, and forgets then that it was turned
    orientation = _read_orientation(image) if turns_itself else UPRIGHT
    if options.image_size:
        draft_for(image, options.image_size)
    image.load()
    _check_size(image, max_pixels)
    if turns_itself:
        return ReadImage(_to_pixels(image, options), mode, orientation, had_icc)
    orientation = _read_orientation(image)  # PNG files may have it behind their pixels
    upright = set_upright(image) if orientation != UPRIGHT else image
    return ReadImage(_to_pixels(upright, options), mode, orientation, had_icc)


def _to_pixels(image: Image.Image, options: DecodeOptions) -> NDArray[np.uint8] | NDArray[np.uint16]:
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
