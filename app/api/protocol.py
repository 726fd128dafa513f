"""HTTP/1.1 on a socket: uvicorn's fast protocol, with a bound on what comes before a body, and fewer packets."""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 100
MAX_JOINED_BYTES = 8 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Refuses heads of requests that are longer than any that are meant; the parser itself would collect them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_in_head = True
        self._head_bytes = 0
        self._num_fields = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base has it
        """Take a connection."""
        super().connection_made(JoiningTransport(transport))

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        super().data_received(data)
        if not self._is_in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse()

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = self._num_fields = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; those behind a chunked body count, too."""
        self._num_fields += 1
        if self._num_fields > MAX_FIELDS:
            raise ValueError("too many fields")  # ends the parser, which answers 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Take the end of the head."""
        self._is_in_head = False
        super().on_headers_complete()

    def _refuse(self) -> None:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(head.encode("ascii"))
        self.transport.close()


class JoiningTransport(asyncio.Transport):
    """Sends a piece together with the one that follows in the same turn of the event loop.

    The head of an answer and a small body are one packet, one call of the system, and one waking of the reader.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._held: bytes | None = None

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
        """Send what is held, and close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Drop what is held, and close at once."""
        self._held = None
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether it is closed or about to be."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell about the connection."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Take nothing in for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take in again."""
        self._transport.resume_reading()

    def _flush(self) -> None:
        if self._held is not None:
            self._transport.write(self._take())

    def _take(self) -> bytes:
        held, self._held = self._held or b"", None
        return held
