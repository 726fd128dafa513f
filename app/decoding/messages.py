"""Messages between the service and its decoders: a length of four bytes, then msgpack; files and pixels follow bare."""

from typing import Literal, TypeAlias

import msgspec

from app.decoding.sniffing import UploadFormat

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 65536

_encoder = msgspec.msgpack.Encoder()


class DecodeOptions(msgspec.Struct, frozen=True):
    """How a file becomes pixels.

    Attributes:
        alpha: What becomes of transparency: ``keep`` as a last channel, ``drop``, or ``composite`` on ``background``.
        background: Red, green and blue that transparent pixels are put on.
        icc: Whether colours are converted to sRGB by the profile of the file, or taken as they are.
        animation: Whether a file of several pictures is refused, or gives its ``first``.
        channels: 1 for grey, 3 for RGB; None for what the file has. Needs another ``alpha`` than ``keep``.
        image_size: Height and width to fit to; None keeps the picture's own.
    """

    alpha: Literal["keep", "drop", "composite"] = "keep"
    background: tuple[int, int, int] = (255, 255, 255)
    icc: Literal["convert", "ignore"] = "convert"
    animation: Literal["refuse", "first"] = "refuse"
    channels: Literal[1, 3] | None = None
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.channels is not None and self.alpha == "keep":
            raise ValueError("a number of channels leaves no room for transparency")

    @property
    def keeps_depth(self) -> bool:
        """Whether 16 bits stay 16 bits: where pixels are wanted as the file has them."""
        return self.channels is None and self.image_size is None


class DecodeJob(msgspec.Struct, frozen=True, tag="job"):
    """Decode a file; its ``num_bytes`` follow."""

    image_format: UploadFormat
    options: DecodeOptions
    num_bytes: int


class DecoderReady(msgspec.Struct, frozen=True, tag="ready"):
    """First message of a decoder: its limits stand and it takes jobs."""


class ImageDecoded(msgspec.Struct, frozen=True, tag="decoded"):
    """The pixels of a file follow, (height, width, channels), native byte order."""

    height: int
    width: int
    channels: int
    bits: Literal[8, 16]
    mode: str
    orientation: int
    had_icc: bool

    @property
    def num_bytes(self) -> int:
        """Bytes of the pixels."""
        return self.height * self.width * self.channels * self.bits // 8


class ImageRefused(msgspec.Struct, frozen=True, tag="refused"):
    """What is wrong with a file; code and fields as in ``app.core.errors``."""

    code: str
    detail: str
    fields: dict[str, int]


FromDecoder: TypeAlias = DecoderReady | ImageDecoded | ImageRefused

read_job = msgspec.msgpack.Decoder(DecodeJob).decode
read_answer = msgspec.msgpack.Decoder(FromDecoder).decode


def write_message(message: DecodeJob | FromDecoder) -> bytes:
    """Write one message with its length."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def read_length(data: bytes | bytearray | memoryview) -> int:
    """Read the length of a message.

    Raises:
        ValueError: If neither side would send so long a one.
    """
    length = int.from_bytes(data, "little")
    if length > MAX_MESSAGE_BYTES:
        raise ValueError("a message is larger than any of this build")
    return length
