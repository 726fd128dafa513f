"""One connection: uvicorn's fast protocol, with bounds on all that a peer may send, and on the time it may take."""

import asyncio
import enum
import select
from typing import Any, Final, NoReturn

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.wire import refusals
from app.api.wire.door import Door
from app.api.wire.limits import (
    CHUNK_FRAMING_BYTES,
    HALF_CLOSED_S,
    LINGER_BYTES,
    LINGER_S,
    MAX_AHEAD,
    MAX_CHUNKS,
    MAX_FIELDS,
    MAX_FRAMING_BYTES,
    MAX_HEAD_BYTES,
    PIECE_BYTES,
    PROBE_HEAD_S,
)
from app.api.wire.refusals import Refusal
from app.api.wire.targets import is_host, split_target
from app.api.wire.transport import MAX_UNSENT_BYTES, JoiningTransport
from app.api.wire.upgrades import open_parser, open_successor, write_head

PROBES: Final = frozenset({b"/livez", b"/readyz", b"/metrics"})


class _Phase(enum.Enum):
    """How far the request has come that is received now; says nothing of answers."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    WHOLE = enum.auto()


_IDLE, _HEAD, _BODY, _WHOLE = _Phase  # names of the module are found faster
_NOTED: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_UPLOADS: Final = (b"multipart/", b"image/")
_SLASH: Final = ord("/")


class _StopParsingError(Exception):
    """Ends the parser, which wraps it; the reason is kept by the connection."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses what breaks HTTP, what is larger than anybody needs, and what does not come.

    It has no timers of its own: whoever runs the server calls ``check`` every ``Limits.tick_s``.

    Args:
        *arguments: Of uvicorn's protocol.
        door: What it shares with other connections.
        **options: Of uvicorn's protocol.
    """

    def __init__(self, *arguments: Any, door: Door, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = open_parser(self)
        self._door = door
        self._limits = door.limits
        self._phase = _HEAD
        self._since = 0.0  # when the phase began
        self._noted: dict[bytes, bytes] = {}
        self._head_bytes = self._num_trailers = 0
        self._num_chunks = self._received_bytes = self._body_bytes = 0
        self._running: RequestResponseCycle | None = None
        self._reason: Refusal | None = None  # why the parser was stopped
        self._refusal: Refusal | None = None  # to be sent behind the answers to earlier requests
        self._is_deaf = self._is_spare = self._is_half_closed = False
        self._dropped_bytes = 0
        self._unsent_bytes = 0
        self._unsent_since = 0.0

    # What the event loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base has it
        """Take a connection; of those beyond the number of them, some for probes."""
        transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        self._wire = JoiningTransport(transport, self._begin_to_close)
        super().connection_made(self._wire)
        self._since = self.loop.time()
        if self._surplus > 0:
            self._is_spare = True
            self._door.reserve(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the work for this connection end."""
        self._door.release(self)
        self.pipeline.clear()
        self._drop_request(self._running)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        if self._is_deaf:
            self._drop(len(data))
            return
        if self._phase is _IDLE:
            self._expect_head()
        if len(data) <= PIECE_BYTES:
            self._feed(data)
            return
        view = memoryview(data)
        for start in range(0, len(view), PIECE_BYTES):
            if not self._is_deaf:
                self._feed(view[start : start + PIECE_BYTES])

    def eof_received(self) -> bool:  # type: ignore[override]  # its base always closes
        """Learn that the peer sends no more; answers that are quick still reach it, in case it reads."""
        if self._wire.is_closing() or self._phase is not _WHOLE:
            return False
        if not self._is_half_closed:
            self._is_half_closed = True
            self.loop.call_later(HALF_CLOSED_S, self._wire.close)
        return True

    def resume_writing(self) -> None:
        """Learn that the peer has taken something."""
        self._unsent_bytes = 0
        super().resume_writing()

    # What the server calls

    def check(self, now: float) -> None:
        """End what takes too long.

        Args:
            now: Time of the event loop.
        """
        if self._is_stalled(now):
            self._wire.abort()
        elif self._wire.is_closing():
            if self._wire.is_lingering and now - self._since > LINGER_S:
                self._wire.end()
        elif self.flow.read_paused:
            self._since = now  # nothing can come
        else:
            self._check_waiting(now - self._since)

    def leave(self) -> None:
        """Have the last answer that is not begun say that the connection ends with it."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False

    def dismiss(self, now: float, quiet_s: float) -> None:
        """Close a connection on which nothing came for so long."""
        is_quiet = self._phase is _IDLE or (self._phase is _HEAD and not self._head_bytes)
        if is_quiet and now - self._since >= quiet_s and not self._has_unread():
            self._wire.close()

    @property
    def _surplus(self) -> int:
        return len(self.connections) - self._limits.connections

    def turn_away(self) -> None:
        """Say that there is no room, and close; with very many others, whether or not that is read."""
        self._refuse(refusals.NO_ROOM)
        if self._surplus > 2 * self._limits.reserve:
            self._wire.end()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin with a request."""
        if len(self.pipeline) >= MAX_AHEAD:
            self.cycle.keep_alive = False  # its answer is the last: whoever sends so many sends the others again
            self._is_deaf = True
            raise _StopParsingError
        super().on_message_begin()
        if self._phase is not _HEAD:
            self._expect_head()
        self._noted = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; those behind a chunked body are counted, and else ignored."""
        if self._phase is not _HEAD:
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
        self._phase = _BODY
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
            self._phase = _IDLE
            self._since = self.loop.time()
        else:
            self._phase = _WHOLE
            cycle.more_body = False
            cycle.message_event.set()

    # What an answer calls

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        if self._wire.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._send(self._refusal)
        elif self._is_half_closed:
            self._wire.close()
        elif self._phase is _WHOLE:
            self._phase = _IDLE
            self._since = self.loop.time()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # Bounds

    def _expect_head(self) -> None:
        self._phase = _HEAD
        self._since = self.loop.time()
        self._head_bytes = 0

    def _feed(self, data: bytes | memoryview) -> None:
        if self._phase is _HEAD:
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
            if self._phase is _BODY:
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

    def _check_waiting(self, waited_s: float) -> None:
        limits = self._limits
        if self._phase is _IDLE:
            if waited_s > limits.keep_alive_s and not self._has_unread():
                self._wire.close()
        elif self._phase is _HEAD:
            if waited_s > (min(limits.head_s, PROBE_HEAD_S) if self._is_spare else limits.head_s):
                self._refuse(refusals.SLOW_HEAD)
        elif self._phase is _BODY:
            limit_s = limits.upload_s if self._is_upload() else limits.body_s
            if waited_s > limit_s + limits.tick_s:  # routes that read it answer first
                self._refuse(refusals.SLOW_BODY)

    def _is_upload(self) -> bool:
        return any(name == b"content-type" and value.lower().startswith(_UPLOADS) for name, value in self.headers)

    def _is_stalled(self, now: float) -> bool:
        """Tell whether the peer has taken nothing for too long of what waits to be sent."""
        unsent = self._wire.get_write_buffer_size()
        if not unsent or unsent != self._unsent_bytes:
            self._unsent_bytes = unsent
            self._unsent_since = now
            return False
        return now - self._unsent_since > self._limits.write_s

    def _has_unread(self) -> bool:
        """Tell whether the system holds bytes that the event loop has not seen."""
        poll = select.poll()
        poll.register(self._wire.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    # Ends

    def _stop(self, refusal: Refusal) -> NoReturn:
        self._reason = refusal
        raise _StopParsingError

    def _refuse(self, refusal: Refusal) -> None:
        """End the connection, behind the answers to whatever came before."""
        self._is_deaf = True
        self._door.release(self)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or (self._phase is _HEAD and cycle.response_complete):
            self._send(refusal)
        elif self._phase is _HEAD:
            self._refusal = refusal
        elif self.pipeline:  # the request that is received now waits there
            self.pipeline.popleft()
            self._refusal = refusal
        elif cycle.response_complete:
            self._wire.close()
        elif cycle.response_started:
            self._wire.abort()
        else:
            self._drop_request(cycle)
            self._send(refusal)

    def _send(self, refusal: Refusal) -> None:
        now = self.loop.time()
        fields = {"limit": self._limits.body_bytes} if refusal is refusals.LARGE_BODY else {}
        self._wire.write(refusal.render(self.headers or (), self.server_state.default_headers, **fields))
        self._door.note(refusal, now - self._since, now)
        self._wire.close()

    def _drop_request(self, cycle: RequestResponseCycle | None) -> None:
        """Tell the work for a request that nobody waits for its answer."""
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _begin_to_close(self) -> bool:
        """Hear nothing from now on; tell whether the peer may be sending, so that the close must wait for it."""
        is_cut_short = self._is_deaf or self._phase is _HEAD or self._phase is _BODY or self._door.is_leaving
        self._is_deaf = True
        self._since = self.loop.time()
        return is_cut_short and not self._is_half_closed

    def _drop(self, num_bytes: int) -> None:
        """Read without looking at it, so that the peer can read what was sent to it."""
        self._dropped_bytes += num_bytes
        if not self._wire.is_closing() or self._dropped_bytes > LINGER_BYTES:
            self._wire.pause_reading()
