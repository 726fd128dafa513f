"""A transport that sends fewer packets, and that can be closed without losing what was sent last."""

import asyncio
from collections.abc import Callable
from typing import Any

MAX_JOINED_BYTES = 8 * 1024
MAX_UNSENT_BYTES = 64 * 1024


class JoiningTransport(asyncio.Transport):
    """Sends a piece together with the one that follows in the same turn of the event loop.

    The head of an answer and a small body are one packet, one call of the system, and one waking of the reader.

    Args:
        transport: What really sends.
        must_linger: Asked when it is closed: whether the peer may still be sending. A socket that is closed with
            bytes unread resets the connection, which takes the answer away from the peer; so ours is closed for
            sending first, and as a whole by ``end``. Source: RFC 9112, section 9.6.
    """

    def __init__(self, transport: asyncio.Transport, must_linger: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self._transport = transport
        self._must_linger = must_linger
        self._held: bytes | None = None
        self._is_paused = False
        self.is_lingering = False
        """Whether it is closed for sending and still reads."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes now or, if few, at the end of this turn."""
        if self._held is not None:
            self._transport.write(self._take() + data)
        elif len(data) > MAX_JOINED_BYTES:
            self._transport.write(data)
        else:
            self._held = bytes(data)
            asyncio.get_running_loop().call_soon(self._flush)

    def close(self) -> None:
        """Send what is held, and close; while the peer may be sending, only our side."""
        if self.is_closing():
            return
        self._flush()
        if self._must_linger():
            self.is_lingering = True
            self._transport.write_eof()
            self.resume_reading()
        else:
            self._transport.close()

    def end(self) -> None:
        """Close a lingering connection as a whole."""
        self._transport.close()

    def abort(self) -> None:
        """Drop what is held, and close at once."""
        self._held = None
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether it is closed or about to be."""
        return self.is_lingering or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell about the connection."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the system has not taken yet."""
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Take nothing in for now."""
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take in again."""
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _flush(self) -> None:
        if self._held is not None:
            self._transport.write(self._take())

    def _take(self) -> bytes:
        held, self._held = self._held or b"", None
        return held
