"""Answers of any length: back-pressure down to the device, and no more work for a caller who left."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

WATCH_AFTER_S = 0.02
WRITE_DEADLINE_S = 60.0
MAX_PIECE_BYTES = 256 * 1024

_T = TypeVar("_T")


async def until_disconnect(receive: Receive, work: Coroutine[Any, Any, _T]) -> _T:
    """Do some work, and drop it when the caller leaves.

    Nobody watches the caller for the first ``WATCH_AFTER_S``: most work is done by then, and a task costs as much as
    the rest of a small request.

    Args:
        receive: The request's channel; its body must have been read.
        work: What to do, in the present task; cancelled when the caller leaves.

    Raises:
        ClientDisconnect: If the caller left first; else whatever watching fails with.
    """
    watch = _Watch(receive)
    try:
        return await work
    except asyncio.CancelledError:
        reason = watch.take_back()
        if reason is None:
            raise
        raise reason from None
    finally:
        await watch.end()


class _Watch:
    """Cancels the present task when a caller leaves."""

    def __init__(self, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        self._receive = receive
        self._task = asyncio.current_task()
        self._timer = loop.call_later(WATCH_AFTER_S, self._begin)
        self._watching: asyncio.Task[None] | None = None
        self._reason: BaseException | None = None

    def take_back(self) -> BaseException | None:
        """Undo the cancellation, if it came from here; return its reason then."""
        if self._reason is not None and self._task is not None:
            self._task.uncancel()
        return self._reason

    async def end(self) -> None:
        """Watch no longer."""
        self._task = None
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def _begin(self) -> None:
        self._watching = asyncio.create_task(_wait_for_disconnect(self._receive))
        self._watching.add_done_callback(self._leave)

    def _leave(self, watching: asyncio.Task[None]) -> None:
        if self._task is not None and not watching.cancelled():
            self._reason = watching.exception() or ClientDisconnect()
            self._task.cancel()


class WholeAnswer(Response):
    """Sends a body that is there; without the defaults of its base, which take longer than the rest of it.

    Args:
        body: The whole of it.
        headers: Further headers.
        media_type: Content type.
    """

    def __init__(self, body: bytes, headers: Mapping[str, str], media_type: str) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.body = body
        self.raw_headers = _render({"content-type": media_type, "content-length": str(len(body)), **headers})


class StreamedAnswer(Response):
    """Sends pieces as they are made; an error or a stalled reader on the way breaks the connection off.

    Args:
        pieces: Bytes of the body.
        on_end: Called when the answer is over, sent or not.
        media_type: Content type.
        headers: Further headers; ``Content-Length`` among them if the length is known.
        deadline_s: How long a reader may take for one piece.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        *,
        on_end: Callable[[], Awaitable[None]],
        media_type: str,
        headers: Mapping[str, str],
        deadline_s: float = WRITE_DEADLINE_S,
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self._pieces = pieces
        self._on_end = on_end
        self._deadline_s = deadline_s
        self.init_headers(headers)

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Prepare the raw headers, without a length that is not known."""
        self.raw_headers = _render({"content-type": self.media_type or "", **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the answer."""
        try:
            await until_disconnect(receive, self._send_all(send))
        finally:
            await self._pieces.aclose()
            await self._on_end()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self._pieces:
            view = memoryview(piece)
            for start in range(0, len(view), MAX_PIECE_BYTES):
                body = bytes(view[start : start + MAX_PIECE_BYTES])
                await self._send_piece(send, body)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_piece(self, send: Send, body: bytes) -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            raise ClientDisconnect from None  # who does not read for so long is as good as gone


def _render(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
