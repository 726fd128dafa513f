"""HTTP/1.1 on a socket: uvicorn's fast protocol, with a bound on what comes before a body."""

from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 100


class BoundedProtocol(HttpToolsProtocol):
    """Refuses heads of requests that are longer than any that are meant; the parser itself would collect them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_in_head = True
        self._head_bytes = 0
        self._num_fields = 0

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
