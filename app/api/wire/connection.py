"""One connection: how long it may wait for what, and how it ends; says nothing of what is sent on it."""

import asyncio
import enum
import select
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.wire import refusals
from app.api.wire.door import Door
from app.api.wire.limits import HALF_CLOSED_S, LINGER_S, PROBE_HEAD_S
from app.api.wire.refusals import Refusal
from app.api.wire.transport import MAX_UNSENT_BYTES, JoiningTransport


class Phase(enum.Enum):
    """How far the request has come that is received now; says nothing of answers."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    WHOLE = enum.auto()


IDLE, HEAD, BODY, WHOLE = Phase  # names of a module are found faster
_UPLOADS: Final = (b"multipart/", b"image/")


class Connection(HttpToolsProtocol):
    """Ends what takes too long, and in a way that the peer can read why.

    It has no timers of its own: whoever runs the server calls ``check`` every ``Limits.tick_s``.

    Args:
        *arguments: Of uvicorn's protocol.
        door: What it shares with other connections.
        **options: Of uvicorn's protocol.
    """

    def __init__(self, *arguments: Any, door: Door, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._door = door
        self._limits = door.limits
        self._phase = HEAD
        self._since = 0.0  # when the phase began
        self._head_bytes = 0
        self._running: RequestResponseCycle | None = None
        self._refusal: Refusal | None = None  # to be sent behind the answers to earlier requests
        self._is_deaf = self._is_spare = self._is_half_closed = False
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

    def eof_received(self) -> bool:  # type: ignore[override]  # its base always closes
        """Learn that the peer sends no more; answers that are quick still reach it, in case it reads."""
        if self._wire.is_closing() or self._phase is not WHOLE:
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
        is_quiet = self._phase is IDLE or (self._phase is HEAD and not self._head_bytes)
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
        elif self._phase is WHOLE:
            self._phase = IDLE
            self._since = self.loop.time()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # Time

    def _expect_head(self) -> None:
        self._phase = HEAD
        self._since = self.loop.time()
        self._head_bytes = 0

    def _check_waiting(self, waited_s: float) -> None:
        limits = self._limits
        if self._phase is IDLE:
            if waited_s > limits.keep_alive_s and not self._has_unread():
                self._wire.close()
        elif self._phase is HEAD:
            if waited_s > (min(limits.head_s, PROBE_HEAD_S) if self._is_spare else limits.head_s):
                self._refuse(refusals.SLOW_HEAD)
        elif self._phase is BODY:
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

    def _refuse(self, refusal: Refusal) -> None:
        """End the connection, behind the answers to whatever came before."""
        self._is_deaf = True
        self._door.release(self)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or (self._phase is HEAD and cycle.response_complete):
            self._send(refusal)
        elif self._phase is HEAD:
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
        is_cut_short = self._is_deaf or self._phase is HEAD or self._phase is BODY or self._door.is_leaving
        self._is_deaf = True
        self._since = self.loop.time()
        return is_cut_short and not self._is_half_closed
