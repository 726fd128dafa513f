"""Heads of a decoder's jobs and answers: what to make of a file, and what it was."""

from typing import Literal

import msgspec

from app.decoding.sniffing import UploadFormat


class DecodeOptions(msgspec.Struct, frozen=True):
    """How a file becomes pixels.

    Attributes:
        alpha: What becomes of transparency: ``keep`` as a last channel, ``drop``, or ``composite`` on ``background``.
        background: Red, green and blue that transparent pixels are put on.
        icc: Whether colours are converted to sRGB by the profile of the file, or taken as they are. Colours that are
            converted have 8 bits.
        animation: Whether a file of several pictures is refused, or gives its ``first``.
        channels: 1 for grey, 3 for RGB; None for what the file has. Needs another ``alpha`` than ``keep``.
        image_size: Height and width to fit to; None keeps the picture's own.
        scale_to: Height and width of the upright picture that are enough: a JPEG may be decoded at a half, a quarter
            or an eighth of its size, never to less than these. Not beside ``image_size``.
    """

    alpha: Literal["keep", "drop", "composite"] = "keep"
    background: tuple[int, int, int] = (255, 255, 255)
    icc: Literal["convert", "ignore"] = "convert"
    animation: Literal["refuse", "first"] = "refuse"
    channels: Literal[1, 3] | None = None
    image_size: tuple[int, int] | None = None
    scale_to: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.channels is not None and self.alpha == "keep":
            raise ValueError("a number of channels leaves no room for transparency")
        if self.image_size is not None and self.scale_to is not None:
            raise ValueError("a picture is fitted to a size, or scaled while it is decoded; not both")

    @property
    def keeps_depth(self) -> bool:
        """Whether 16 bits stay 16 bits: where pixels are wanted as the file has them."""
        return self.channels is None and self.image_size is None


class DecodeJob(msgspec.Struct, frozen=True):
    """Decode the file that follows."""

    image_format: UploadFormat
    options: DecodeOptions


class ImageDecoded(msgspec.Struct, frozen=True):
    """The pixels of a file follow, (height, width, channels), native byte order; else as in ``ReadImage``."""

    height: int
    width: int
    channels: int
    bits: Literal[8, 16]
    mode: str
    orientation: int
    had_icc: bool
    scale: int
    full_size: tuple[int, int]


read_job = msgspec.msgpack.Decoder(DecodeJob).decode
read_facts = msgspec.msgpack.Decoder(ImageDecoded).decode
