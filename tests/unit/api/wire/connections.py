"""Connections without sockets: a protocol, the application that it asks, and a transport that keeps what is sent."""

import asyncio
import json
import re

import uvicorn
from uvicorn.server import ServerState

from app.api.wire.door import Door
from app.api.wire.limits import Limits
from app.api.wire.protocol import BoundedProtocol

LIMITS = {
    "connections": 100,
    "reserve": 2,
    "body_bytes": 100_000,
    "head_s": 1.0,
    "body_s": 2.0,
    "upload_s": 4.0,
    "write_s": 3.0,
    "keep_alive_s": 5.0,
}


class FakeSocket:
    """A socket that nobody writes to."""

    def fileno(self):
        return 0


class FakeTransport:
    """Keeps what is written; ``unsent`` bytes wait for the peer."""

    def __init__(self):
        self.sent = b""
        self.unsent = 0
        self.is_reading = True
        self.ends = []

    def write(self, data):
        self.sent += bytes(data)

    def write_eof(self):
        self.ends.append("eof")

    def close(self):
        self.ends.append("close")

    def abort(self):
        self.ends.append("abort")

    def is_closing(self):
        return "close" in self.ends or "abort" in self.ends

    def pause_reading(self):
        self.is_reading = False

    def resume_reading(self):
        self.is_reading = True

    def set_write_buffer_limits(self, high):
        self.high = high

    def get_write_buffer_size(self):
        return self.unsent

    def get_extra_info(self, name, default=None):
        return {"peername": ("127.0.0.1", 1)}.get(name, default)


class Application:
    """An ASGI application that tells what it was asked; paths say how it answers.

    ``/hold`` waits for ``released``; ``/late`` reads the body only then, ``/early`` never; ``/begun`` waits when the
    head of its answer is out.
    """

    def __init__(self):
        self.requests = []
        self.released = asyncio.Event()
        self.left = []

    async def __call__(self, scope, receive, send):
        path = scope["path"]
        if path == "/late":
            await self.released.wait()
        if path != "/early":
            body = await self._read(scope, receive)
            if body is None:
                self.left.append(path)
                return
            self.requests.append((scope["method"], path, body))
        if path == "/hold":
            await self.released.wait()
        length = str(len(path)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        if path == "/begun":
            await self.released.wait()
        await send({"type": "http.response.body", "body": path.encode()})

    async def _read(self, scope, receive):
        self.scope = scope
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message["body"]
            more = message["more_body"]
        return body


class Line:
    """One connection to the application."""

    def __init__(self, house):
        self.transport = FakeTransport()
        self.protocol = BoundedProtocol(house.config, house.state, {}, asyncio.get_running_loop(), door=house.door)
        self.protocol.connection_made(self.transport)

    async def send(self, *pieces):
        for piece in pieces:
            self.protocol.data_received(piece)
        await settle()
        return self

    @property
    def sent(self):
        return self.transport.sent

    @property
    def statuses(self):
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.sent)]

    @property
    def problem(self):
        """Code of the last answer."""
        head, _, body = self.sent.rpartition(b"\r\n\r\n")
        assert b"\r\ncontent-type: application/problem+json\r\n" in head
        assert b"\r\nconnection: close" in head
        assert b"\r\nx-request-id: " in head
        return json.loads(body)["code"]

    def wait(self, seconds):
        """Let the server look at the connection after so long."""
        self.protocol.check(self.protocol._since + seconds)


class House:
    """A server as connections see it."""

    def __init__(self, **limits):
        self.application = Application()
        self.config = uvicorn.Config(self.application, log_config=None, lifespan="off", ws="none")
        self.config.load()
        self.state = ServerState()
        self.counted = []
        self.door = Door(Limits(**LIMITS | limits), self.counted.append)

    def open(self):
        return Line(self)


async def settle():
    """Let tasks run until nothing is left to do at once."""
    for _ in range(300):
        await asyncio.sleep(0)
