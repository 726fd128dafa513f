"""Requests that ask for another protocol: the wish is ignored, which the parser cannot do by itself."""

from typing import Protocol

import httptools


class Callbacks(Protocol):
    """What a parser calls."""

    def on_message_begin(self) -> None:
        """Begin with a request."""

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""

    def on_headers_complete(self) -> None:
        """Take the end of a head."""

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""

    def on_chunk_header(self) -> None:
        """Take the beginning of a chunk."""

    def on_message_complete(self) -> None:
        """Take the end of a request."""


def open_parser(callbacks: Callbacks) -> httptools.HttpRequestParser:
    """Create a parser that drops what follows a request which closes the connection."""
    parser = httptools.HttpRequestParser(callbacks)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def open_successor(callbacks: Callbacks) -> httptools.HttpRequestParser:
    """Create a parser that goes on behind the head of a request, once it is fed what ``write_head`` returns.

    The parser of a head that asks for another protocol takes all that follows for that protocol, the request's body
    among it; the answer to a server that does not change is to go on with HTTP. Source: RFC 9110, section 7.8.

    Args:
        callbacks: Who is told of the rest of the request, and of those that follow; not of the first head.
    """
    return open_parser(_WithoutHead(callbacks))


def write_head(name: bytes, value: bytes) -> bytes:
    """Write a head with one field, which says how long the body is."""
    return b"POST / HTTP/1.1\r\n%b: %b\r\n\r\n" % (name, value)


class _WithoutHead:
    """Passes everything on but the first head."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._is_in_head = True
        self._callbacks = callbacks
        self.on_body = callbacks.on_body
        self.on_chunk_header = callbacks.on_chunk_header
        self.on_message_complete = callbacks.on_message_complete

    def on_message_begin(self) -> None:
        if not self._is_in_head:
            self._callbacks.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_in_head:
            self._callbacks.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_in_head:
            self._callbacks.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_in_head:
            self._is_in_head = False
        else:
            self._callbacks.on_headers_complete()
