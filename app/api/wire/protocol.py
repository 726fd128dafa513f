"""What may be sent on a connection: HTTP/1.1, and of everything no more than anybody needs."""

from typing import Any, Final, NoReturn

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.api.wire import refusals
from app.api.wire.connection import BODY, HEAD, IDLE, WHOLE, Connection
from app.api.wire.limits import (
    CHUNK_FRAMING_BYTES,
    LINGER_BYTES,
    MAX_AHEAD,
    MAX_CHUNKS,
    MAX_FIELDS,
    MAX_FRAMING_BYTES,
    MAX_HEAD_BYTES,
    PIECE_BYTES,
)
from app.api.wire.refusals import Refusal
from app.api.wire.targets import is_host, split_target
from app.api.wire.upgrades import open_parser, open_successor, write_head

PROBES: Final = frozenset({b"/livez", b"/readyz", b"/metrics"})

_NOTED: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_SLASH: Final = ord("/")


class _StopParsingError(Exception):
    """Ends the parser, which wraps it; the reason is kept by the connection."""


class BoundedProtocol(Connection):
    """Refuses what breaks HTTP, and what is larger than anybody needs.

    Args:
        *arguments: Of uvicorn's protocol.
        **options: Of uvicorn's protocol, and ``door``.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = open_parser(self)
        self._noted: dict[bytes, bytes] = {}
        self._num_trailers = self._num_chunks = self._received_bytes = self._body_bytes = 0
        self._reason: Refusal | None = None  # why the parser was stopped
        self._dropped_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        if self._is_deaf:
            self._drop(len(data))
            return
        if self._phase is IDLE:
            self._expect_head()
        if len(data) <= PIECE_BYTES:
            self._feed(data)
            return
        view = memoryview(data)
        for start in range(0, len(view), PIECE_BYTES):
            if not self._is_deaf:
                self._feed(view[start : start + PIECE_BYTES])

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin with a request."""
        if len(self.pipeline) >= MAX_AHEAD:
            self.cycle.keep_alive = False  # its answer is the last: whoever sends so many sends the others again
            self._is_deaf = True
            raise _StopParsingError
        super().on_message_begin()
        if self._phase is not HEAD:
            self._expect_head()
        self._noted = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; those behind a chunked body are counted, and else ignored."""
        if self._phase is not HEAD:
            self._count_trailer()
            return
        name = name.lower()
        if name in _NOTED:
            if name in self._noted:
                self._stop(refusals.BAD_HOST if name == b"host" else refusals.MALFORMED)
            self._noted[name] = value
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the end of a head: begin with the answer."""
        self._check_head()
        noted, previous = self._noted, self.cycle
        self._phase = BODY
        self._since = self.loop.time()
        self.expect_100_continue = noted.get(b"expect", b"").lower() == b"100-continue"
        super().on_headers_complete()
        if b"transfer-encoding" in noted:
            self._num_chunks = self._num_trailers = self._received_bytes = self._body_bytes = 0
        elif int(noted.get(b"content-length", 0)) > self._limits.body_bytes:
            self.cycle.keep_alive = False  # the route refuses it, and nobody waits for the rest
        if self._is_spare or self._door.is_leaving:
            self._make_last(self.cycle, previous)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._body_bytes += len(body)
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_chunk_header(self) -> None:
        """Take the beginning of a chunk."""
        self._num_chunks += 1
        if self._num_chunks > MAX_CHUNKS:
            self._stop(refusals.FRAGMENTED)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        if self.parser.should_upgrade():
            return  # only of its head: see `_go_on`
        cycle = self.cycle
        if cycle.response_complete:
            self._phase = IDLE
            self._since = self.loop.time()
        else:
            self._phase = WHOLE
            cycle.more_body = False
            cycle.message_event.set()

    # Bounds

    def _feed(self, data: bytes | memoryview) -> None:
        if self._phase is HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(refusals.LARGE_HEAD)
                return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            if not self._is_deaf:
                self._refuse(self._reason or refusals.MALFORMED)
        else:
            if self._phase is BODY:
                self._count_body(len(data))

    def _go_on(self, rest: bytes | memoryview) -> None:
        noted = self._noted.items()
        framing = [item for item in noted if item[0] in {b"content-length", b"transfer-encoding"}]
        self.parser = open_successor(self)
        self._feed(write_head(*(framing or [(b"content-length", b"0")])[0]))
        self._feed(rest)

    def _count_body(self, num_bytes: int) -> None:
        if b"transfer-encoding" not in self._noted:
            return  # the parser counts
        self._received_bytes += num_bytes
        beside = self._received_bytes - self._body_bytes
        if beside > MAX_FRAMING_BYTES + CHUNK_FRAMING_BYTES * self._num_chunks:
            self._refuse(refusals.FRAGMENTED)
        elif self._body_bytes > self._limits.body_bytes:
            self._refuse(refusals.LARGE_BODY)

    def _count_trailer(self) -> None:
        self._num_trailers += 1
        if self._num_trailers > MAX_FIELDS:
            self._stop(refusals.FRAGMENTED)

    def _check_head(self) -> None:
        if len(self.headers) > MAX_FIELDS:
            self._stop(refusals.LARGE_HEAD)
        version, host = self.parser.get_http_version(), self._noted.get(b"host")
        if version != "1.1" and version != "1.0":  # noqa: PLR1714 - faster than a set
            self._stop(refusals.MALFORMED)
        if not is_host(host) if host is not None else version == "1.1":
            self._stop(refusals.BAD_HOST)
        if self._noted.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            self._stop(refusals.BAD_CODING)
        if self.url[0] != _SLASH:
            self._take_target_apart()
        if self._is_spare:
            self._door.release(self)
            if self.url.partition(b"?")[0] not in PROBES:
                self._stop(refusals.NO_ROOM)

    def _take_target_apart(self) -> None:
        found = split_target(self.url)
        if found is None:
            self._stop(refusals.BAD_TARGET)
        host, self.url = found
        self.headers[:] = [(name, value) for name, value in self.headers if name != b"host"] + [(b"host", host)]

    def _make_last(self, cycle: RequestResponseCycle, previous: RequestResponseCycle | None) -> None:
        """Have this answer say that it is the last, and not the one before, which is not begun."""
        if previous is not None and not previous.response_started and previous.scope["http_version"] == "1.1":
            previous.keep_alive = True
        cycle.keep_alive = False

    def _stop(self, refusal: Refusal) -> NoReturn:
        self._reason = refusal
        raise _StopParsingError

    def _drop(self, num_bytes: int) -> None:
        """Read without looking at it, so that the peer can read what was sent to it."""
        self._dropped_bytes += num_bytes
        if not self._wire.is_closing() or self._dropped_bytes > LINGER_BYTES:
            self._wire.pause_reading()
