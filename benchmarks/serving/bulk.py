"""Very long answers: the first batch, the memory of the API process, and what a slow reader does to a fast one."""

import dataclasses
import http.client
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import pyarrow as pa

from serving.load import Group, Load, Request, quantile
from serving.processes import Server, run_server
from serving.servers import Fount

_MIB = 2**20
_LOOK_S = 0.2
_SLOW_BYTES_PER_S = 64 * 1024
_FULL_AFTER_S = 10.0
"""Until the kernel's buffers between the service and a slow reader are full; before that, nobody is slow."""
_PATIENCE_S = 60.0


@dataclasses.dataclass
class Memory:
    """How large the API process gets while something is done."""

    before_mib: float
    most_mib: float

    @property
    def growth_mib(self) -> float:
        """What it gained at most."""
        return self.most_mib - self.before_mib


def measure_bulk(fount: Fount, num_samples: int, seconds: float) -> dict[str, Any]:
    """Measure a service of its own.

    Args:
        fount: The service to start.
        num_samples: Of the long stream, in Arrow.
        seconds: Of the shorter measurements.

    Returns:
        The figures of ``serving.results.Bulk``.
    """
    target = fount.target()
    found: dict[str, Any] = {}
    with run_server(target.command, environment=target.environment, is_ready=target.is_ready) as server:
        request = fount.ask(num_samples, sample_format="arrow")
        found |= _watch_short_ones(server, fount, request, seconds)
        found |= _watch_fast_reader(server, fount, request, seconds)
        memory = watch_memory(server, lambda: found.update(_read_stream(server.port, request)))
    return found | {"api_before_mib": memory.before_mib, "api_growth_mib": memory.growth_mib}


def watch_memory(server: Server, work: Callable[[], object]) -> Memory:
    """Do something while the resident memory of a server's first process is watched."""
    memory = Memory(server.resident_mib(), 0.0)
    is_done = threading.Event()

    def look() -> None:
        while not is_done.wait(_LOOK_S):
            memory.most_mib = max(memory.most_mib, server.resident_mib())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        is_done.set()
        watcher.join()
    return memory


def _read_stream(port: int, request: Request) -> dict[str, Any]:
    """Read an Arrow stream to its end, batch by batch."""
    began = time.perf_counter()
    connection, answer = _ask(port, request)
    rows, first_s = 0, 0.0
    with pa.ipc.open_stream(answer) as stream:
        for batch in stream:
            first_s = first_s or time.perf_counter() - began
            rows += batch.num_rows
    connection.close()
    spent = time.perf_counter() - began
    return {"num_samples": rows, "first_batch_s": first_s, "seconds": spent}


def _watch_short_ones(server: Server, fount: Fount, request: Request, seconds: float) -> dict[str, Any]:
    """Ask for single samples, alone and beside a stream that is read as fast as it comes."""
    groups = [Group("n=1", fount.ask(1), 31, 1)]
    alone = Load(server.port, groups).run(seconds=seconds)["n=1"]
    with _Reader(server.port, request):
        beside = Load(server.port, groups).run(seconds=seconds)["n=1"]
    p99s = [1000 * quantile(tally.latencies, 0.99) for tally in (alone, beside)]
    return {
        "small_p99_ms": p99s[0],
        "small_p99_ms_beside": p99s[1],
        "small_failed": alone.failed + beside.failed,
    }


def _watch_fast_reader(server: Server, fount: Fount, request: Request, seconds: float) -> dict[str, Any]:
    """Ask for long NPY answers, alone and beside somebody who hardly reads the stream."""
    groups = [Group("n=4096", fount.ask(4096), 1, 4096)]
    alone = Load(server.port, groups).run(seconds=seconds)["n=4096"]
    with _Reader(server.port, request, bytes_per_s=_SLOW_BYTES_PER_S):
        time.sleep(_FULL_AFTER_S)
        beside = Load(server.port, groups).run(seconds=seconds)["n=4096"]
    return {
        "fast_per_s": alone.samples_per_second,
        "fast_per_s_beside_slow": beside.samples_per_second,
        "fast_failed": alone.failed + beside.failed,
    }


class _Reader:
    """Somebody who reads a long answer in a thread, and leaves it unfinished.

    Args:
        port: Of the service.
        request: For the answer.
        bytes_per_s: How fast it is read; by default as fast as it comes.
    """

    def __init__(self, port: int, request: Request, bytes_per_s: int | None = None) -> None:
        self._connection, self._answer = _ask(port, request)
        self._pace = bytes_per_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        while not self._is_over.is_set():
            piece = self._answer.read1(_MIB if self._pace is None else self._pace // 10)
            if not piece:
                return
            if self._pace is not None:
                self._is_over.wait(0.1)


def _ask(port: int, request: Request) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Ask for a long answer; a small buffer here, so that the service feels how fast it is read.

    Raises:
        RuntimeError: If the answer is not 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    connection.request(request.method, request.path, request.body, dict(request.headers))
    answer = connection.getresponse()
    if answer.status != http.client.OK:
        raise RuntimeError(f"status {answer.status}")
    return connection, answer
