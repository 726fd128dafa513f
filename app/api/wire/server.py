"""A server of one process: it listens, looks after its connections, and goes without losing a request."""

import asyncio
import contextlib
import contextvars
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from app.api.wire.door import Door
from app.api.wire.protocol import BoundedProtocol
from app.core.heap import give_back_memory
from app.core.logging import get_logger
from app.core.settings import HttpSettings

BACKLOG = 2048
KILLED = 128
"""Added to a signal's number, this is the status of a process that the signal ended."""
HURRY_S = 1.5
"""For an end before anything was accepted."""
END_S = 4.5
"""For the worker and the children to end, behind the grace of answers."""

_LOOK_S = 0.02
_EMPTY_BACKLOG_S = 0.05
_CANCEL_S = 1.0
_TIDY_EVERY_S = 30.0


class Server:
    """Serves one application on one socket, until SIGTERM or SIGINT.

    From the signal on, ``on_leaving`` has told probes; for ``lame_duck_s`` requests are still taken, and their answers
    close the connection; then the socket is closed, and what was accepted is answered within ``shutdown_grace_s``. A
    second signal ends the process at once.

    Args:
        app: The application; its lifespan is run.
        settings: Of HTTP.
        door: What connections share.
        on_started: Called when connections are taken.
        on_leaving: Called at the first signal.
    """

    def __init__(
        self,
        app: FastAPI,
        settings: HttpSettings,
        door: Door,
        *,
        on_started: Callable[[], None],
        on_leaving: Callable[[], None],
    ) -> None:
        self._app = app
        self._settings = settings
        self._door = door
        self._on_started = on_started
        self._on_leaving = on_leaving
        self._config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        self._state = ServerState()
        self._log = get_logger("server")
        self._is_signalled = False
        self._is_open = False
        self._leaving = asyncio.Event()
        self._left_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._tidying: asyncio.Task[None] | None = None

    @property
    def num_connections(self) -> int:
        """How many connections are open."""
        return len(self._state.connections)

    def run(self, listener: socket.socket) -> None:
        """Serve until a signal comes.

        Args:
            listener: Bound, and listening.

        Raises:
            ServiceError: If the application does not start.
        """
        with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._take_signal)
            runner.run(self._serve(listener))

    def _take_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._is_signalled:
            os._exit(KILLED + number)  # children end with this process
        self._is_signalled = True
        self._loop.call_soon_threadsafe(self._begin_to_leave, context=contextvars.Context())  # of no request

    def _begin_to_leave(self) -> None:
        self._left_at = self._loop.time()
        if not self._is_open:
            _exit_after(HURRY_S, 0)
            if self._task is not None:
                self._task.cancel()
            return
        _exit_after(self._settings.shutdown_grace_s + END_S, 1)
        self._log.info("stopping", connections=len(self._state.connections), requests=len(self._state.tasks))
        self._door.is_leaving = True
        self._on_leaving()
        for connection in self._connections():
            connection.leave()
        self._leaving.set()

    async def _serve(self, listener: socket.socket) -> None:
        if self._is_signalled:
            return
        self._task = asyncio.current_task()
        self._config.load()
        try:
            async with self._app.router.lifespan_context(self._app):
                await self._answer(listener)
        except asyncio.CancelledError:
            if not self._is_signalled:
                raise

    async def _answer(self, listener: socket.socket) -> None:
        self._tick()
        _freeze_heap()
        self._tidying = asyncio.create_task(_tidy_heap())
        listener.setblocking(False)
        server = await self._loop.create_server(self._connect, sock=listener, backlog=BACKLOG)
        self._is_open = True
        self._on_started()
        await self._leaving.wait()
        await asyncio.sleep(min(self._settings.lame_duck_s, self._settings.shutdown_grace_s))
        listener.listen(0)  # from now on one at a time
        await asyncio.sleep(_EMPTY_BACKLOG_S)
        last = list(_accept_all(listener))
        server.close()
        for connection in last:
            await self._loop.connect_accepted_socket(self._connect, connection)
        await self._finish()

    def _connect(self) -> BoundedProtocol:
        return BoundedProtocol(self._config, self._state, {}, self._loop, door=self._door)

    def _connections(self) -> list[BoundedProtocol]:
        return [connection for connection in self._state.connections if isinstance(connection, BoundedProtocol)]

    def _tick(self) -> None:
        self._loop.call_later(self._door.limits.tick_s, self._tick)
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode("ascii"))]
        now = self._loop.time()
        for connection in self._connections():
            connection.check(now)

    async def _finish(self) -> None:
        """Wait for the answers to all that was accepted; break off what takes longer than the grace."""
        deadline = self._left_at + self._settings.shutdown_grace_s
        while (self._state.connections or self._state.tasks) and self._loop.time() < deadline:
            for connection in self._connections():
                connection.dismiss(self._loop.time(), self._settings.lame_duck_s)
            await asyncio.sleep(_LOOK_S)
        if not self._state.tasks:
            return
        self._log.warning("answers_broken_off", requests=len(self._state.tasks))
        for task in self._state.tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*self._state.tasks, return_exceptions=True), _CANCEL_S)


def _accept_all(listener: socket.socket) -> Iterator[socket.socket]:
    """Take those who are connected for the system already: closing the socket would reset them."""
    with contextlib.suppress(OSError):
        while True:
            yield listener.accept()[0]


def _freeze_heap() -> None:
    """Have collections leave out all that the start made, which stays: walking it held every request up for 60 ms."""
    gc.collect()
    gc.freeze()


async def _tidy_heap() -> None:
    """Give back what is free from time to time: answers of every size leave gaps, which add up otherwise."""
    while True:
        await asyncio.sleep(_TIDY_EVERY_S)
        await asyncio.to_thread(give_back_memory)


def _exit_after(seconds: float, status: int) -> None:
    """End the process after so long, whatever hangs."""
    timer = threading.Timer(seconds, os._exit, (status,))
    timer.daemon = True
    timer.start()
