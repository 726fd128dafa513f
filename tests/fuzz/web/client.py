"""A connection that sends any bytes and reads the answers to them: thousands a second, so by hand."""

import asyncio
import re
from dataclasses import dataclass

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [^\r\n]*\r\n")
_END = b"\r\n\r\n"
_MAX_ANSWER_BYTES = 64 * 2**20
_BODILESS = {204, 304}


class BrokenError(Exception):
    """What came back is no answer, or ended too soon."""


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    head: bytes
    body: bytes

    @property
    def closes(self) -> bool:
        return b"\r\nconnection: close" in self.head


class Connection(asyncio.Protocol):
    """One connection.

    Attributes:
        answered: Answers that were read from it.
    """

    def __init__(self) -> None:
        self.answered = 0
        self._transport: asyncio.Transport | None = None
        self._pending = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._is_lost = False

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        self._is_lost = True
        self._wake()

    @property
    def is_lost(self) -> bool:
        return self._is_lost

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.abort()

    async def read_reply(self, *, is_head: bool) -> Reply:
        """Read one answer; informational ones before it are left out.

        Raises:
            BrokenError: If none comes, or no whole one.
        """
        while True:
            head = await self._read_head()
            found = _STATUS.match(head)
            if found is None:
                raise BrokenError(f"no head of an answer: {head[:80]!r}")
            status = int(found[1])
            if status >= 200:
                body = b"" if is_head or status in _BODILESS else await self._read_body(head.lower())
                self.answered += 1
                return Reply(status, head.lower(), body)

    async def _read_head(self) -> bytes:
        while (end := self._pending.find(_END)) < 0:
            await self._more()
        head = bytes(self._pending[: end + 2])
        del self._pending[: end + 4]
        return head

    async def _read_body(self, head: bytes) -> bytes:
        length = re.search(rb"\r\ncontent-length: ([0-9]+)\r\n", head)
        if length:
            return await self._take(int(length[1]))
        if b"\r\ntransfer-encoding: chunked\r\n" not in head:
            raise BrokenError(f"an answer without a length: {head[:80]!r}")
        body = bytearray()
        while size := int(await self._read_line(), 16):
            body += await self._take(size)
            await self._take(2)
        await self._take(2)
        return bytes(body)

    async def _read_line(self) -> bytes:
        while (end := self._pending.find(b"\r\n")) < 0:
            await self._more()
        line = bytes(self._pending[:end])
        del self._pending[: end + 2]
        return line

    async def _take(self, size: int) -> bytes:
        while len(self._pending) < size:
            await self._more()
        taken = bytes(self._pending[:size])
        del self._pending[:size]
        return taken

    async def _more(self) -> None:
        if self._is_lost:
            raise BrokenError(f"the connection ended after {bytes(self._pending[:80])!r}")
        if len(self._pending) > _MAX_ANSWER_BYTES:
            raise BrokenError("the answer does not end")
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def connect(host: str, port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection
