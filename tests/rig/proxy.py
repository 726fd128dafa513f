"""A bad network between a client and a service: slow, cut, reset, or silent."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

PIECE_BYTES = 16 * 1024
POLL_S = 0.05


@dataclass(frozen=True)
class Faults:
    """What happens to one connection.

    Attributes:
        delay_s: Before each piece, in both directions.
        bytes_per_s: Most bytes per second in each direction; 0 for no bound.
        cut_up_after: Bytes to the service after which the connection ends.
        cut_down_after: Bytes to the client after which the connection ends.
        resets: Whether it ends by a reset, else in an orderly way.
        drops_answer: Whether the service's bytes are read and thrown away, and the connection ends with them.
        half_open: Whether the client is never told anything, not even that the service has closed.
    """

    delay_s: float = 0.0
    bytes_per_s: int = 0
    cut_up_after: int | None = None
    cut_down_after: int | None = None
    resets: bool = False
    drops_answer: bool = False
    half_open: bool = False


class FaultProxy:
    """Forwards connections to a service until its block ends.

    Args:
        host: Where the service is.
        port: Of the service.
        choose: Gives the faults of each connection, by its number from 0.

    Attributes:
        port: To connect to, on 127.0.0.1.
        count: Connections taken so far.
    """

    def __init__(self, host: str, port: int, choose: Callable[[int], Faults]) -> None:
        self._target = (host, port)
        self._choose = choose
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(POLL_S)
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.count = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                faults, self.count = self._choose(self.count), self.count + 1
                self._start(self._serve, client, faults)

    def _serve(self, client: socket.socket, faults: Faults) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as service:
            ended = threading.Event()
            up = threading.Thread(target=self._carry, args=(client, service, faults, faults.cut_up_after, ended))
            up.start()
            self._carry(service, client, faults, faults.cut_down_after, ended, is_down=True)
            up.join()
            if faults.half_open:
                self._is_over.wait()
            if faults.resets:
                for one in (client, service):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _carry(
        self,
        source: socket.socket,
        sink: socket.socket,
        faults: Faults,
        left: int | None,
        ended: threading.Event,
        is_down: bool = False,
    ) -> None:
        is_silent = is_down and (faults.drops_answer or faults.half_open)
        with contextlib.suppress(OSError):
            for piece in self._read(source, ended):
                time.sleep(faults.delay_s + (len(piece) / faults.bytes_per_s if faults.bytes_per_s else 0))
                kept = piece if left is None else piece[:left]
                if not is_silent:
                    sink.sendall(kept)
                if left is not None:
                    left -= len(kept)
                    if not left:
                        break
                if is_down and faults.drops_answer:
                    break
        ended.set()

    def _read(self, source: socket.socket, ended: threading.Event) -> Iterator[bytes]:
        source.settimeout(POLL_S)
        while not (ended.is_set() or self._is_over.is_set()):
            with contextlib.suppress(TimeoutError):
                piece = source.recv(PIECE_BYTES)
                if not piece:
                    return
                yield piece
