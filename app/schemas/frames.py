"""How messages lie on the wire between the API process and the worker: a length of four bytes, then msgpack."""

from typing import Generic, TypeVar

import msgspec

from app.schemas.jobs import FromWorker, ToWorker

MAX_FRAME_BYTES = 16 * 2**20

_LENGTH_BYTES = 4
_encoder = msgspec.msgpack.Encoder()
Message = TypeVar("Message")


class FrameError(ValueError):
    """The bytes are not frames that the other side of this build would send."""


def encode_frame(message: ToWorker | FromWorker) -> bytes:
    """Write one message as one frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "little") + body


class FrameReader(Generic[Message]):
    """Cuts a byte stream into messages; holds at most one incomplete frame.

    Args:
        decoder: Decoder of the union that this side receives.
    """

    def __init__(self, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Add received bytes and return the messages that are complete now.

        Raises:
            FrameError: If a frame is too large or not one of the messages; the stream cannot be read on.
        """
        self._buffer += data
        messages = []
        start = 0
        while (body := self._next_body(start)) is not None:
            messages.append(self._decode(body))
            start += _LENGTH_BYTES + len(body)
        del self._buffer[:start]
        return messages

    def _next_body(self, start: int) -> bytes | None:
        body_start = start + _LENGTH_BYTES
        length = int.from_bytes(self._buffer[start:body_start], "little")
        if length > MAX_FRAME_BYTES:
            raise FrameError("a frame is larger than 16 MiB")
        if len(self._buffer) < body_start + length or len(self._buffer) < body_start:
            return None
        return bytes(self._buffer[body_start : body_start + length])

    def _decode(self, body: bytes) -> Message:
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise FrameError("a frame is not a message of this build") from error


def read_for_worker() -> FrameReader[ToWorker]:
    """Return a reader of what a worker receives."""
    return FrameReader(msgspec.msgpack.Decoder(ToWorker))


def read_from_worker() -> FrameReader[FromWorker]:
    """Return a reader of what a worker sends."""
    return FrameReader(msgspec.msgpack.Decoder(FromWorker))
