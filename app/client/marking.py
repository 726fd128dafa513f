"""Pixels as pictures, and what their files say: that they are synthetic, and which samples they are."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.imaging.mark import TEXT_KEYWORD, XMP, Origin

_XMP_KEYWORD = "XML:com.adobe.xmp"
_OF_THE_FILE = frozenset({"first_index", "num_samples", "digital_source_type"})
_OF_THE_ORIGIN = frozenset({"model", "version", "digest", "seed", "truncation"})


def to_pil(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return the picture of pixels (h, w, c): grey or RGB, with alpha or without."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))


def encode_png(pixels: NDArray[np.uint8], mark: str | None = None) -> bytes:
    """Encode one image as PNG that says that it is synthetic.

    Args:
        pixels: Shape (h, w, c).
        mark: Which sample it is; None where that is more than one.
    """
    info = PngInfo()
    info.add_itxt(_XMP_KEYWORD, XMP.decode())
    if mark is not None:
        info.add_text(TEXT_KEYWORD, mark)
    file = io.BytesIO()
    to_pil(pixels).save(file, "png", pnginfo=info)
    return file.getvalue()


def read_origin(mark: Mapping[str, Any]) -> Origin:
    """Read what all samples of an answer are made from, as the answer's mark has it."""
    known = {name: mark[name] for name in _OF_THE_ORIGIN & mark.keys()}
    how = {name: value for name, value in mark.items() if name not in _OF_THE_FILE | _OF_THE_ORIGIN}
    return Origin(**known, how=how)
