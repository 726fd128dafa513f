"""uint8 pixels to image files, each marked as synthetic; the same pixels and mark always give the same bytes."""

import enum
import io
from collections.abc import Iterable, Iterator

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from app.imaging.mark import TEXT_KEYWORD, XMP
from app.imaging.png import write_png, write_pngs
from app.imaging.png_deflate import COMPRESSOR

Pixels = NDArray[np.uint8]

ENCODING = f"2/{COMPRESSOR.name}/pillow-{PIL.__version__}"
"""Part of a sample's ETag, as all that its bytes hang on is: raise the number when parameters or filters change."""

JPEG_QUALITY = 95


class ImageFormat(enum.StrEnum):
    """Image files that one sample may be written as."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


def encode_image(pixels: Pixels, image_format: ImageFormat, mark: str) -> bytes:
    """Encode one image and mark it as synthetic.

    PNG and WebP keep every pixel; JPEG is quality 95 without chroma subsampling.

    Args:
        pixels: Grey (h, w, 1) or RGB (h, w, 3).
        image_format: What to write.
        mark: Text that says which sample this is; only PNG carries it.

    Returns:
        The file.
    """
    match image_format:
        case ImageFormat.PNG:
            return encode_png(pixels, mark)
        case ImageFormat.JPEG:
            return _save(pixels, "jpeg", quality=JPEG_QUALITY, subsampling=0, optimize=False, progressive=False)
        case ImageFormat.WEBP:
            return _save(pixels, "webp", lossless=True, quality=75, method=4, exact=True)


def encode_png(pixels: Pixels, mark: str) -> bytes:
    """Encode one grey or RGB image as PNG with its mark."""
    return write_png(pixels, xmp=XMP, text=(TEXT_KEYWORD, mark))


def encode_pngs(images: Pixels, marks: Iterable[str]) -> Iterator[bytes]:
    """Encode images of one shape as PNG, each with its mark, in less time than one by one.

    Args:
        images: Grey (n, h, w, 1) or RGB (n, h, w, 3).
        marks: A text for each, taken as the files are.
    """
    return write_pngs(images, xmp=XMP, texts=((TEXT_KEYWORD, mark) for mark in marks))


def _save(pixels: Pixels, name: str, **parameters: int) -> bytes:
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))
    file = io.BytesIO()
    image.save(file, name, xmp=XMP, **parameters)
    return file.getvalue()
