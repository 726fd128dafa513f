"""A small closed-loop HTTP client: so many connections, each asking again as soon as it is answered."""

import asyncio
import dataclasses
import json
import time


@dataclasses.dataclass(frozen=True)
class LoadResult:
    """What a load found; latencies are sorted, in seconds."""

    samples_per_second: float
    latencies: list[float]
    failures: int

    def quantile_ms(self, q: float) -> float:
        """Return a quantile of the latency in milliseconds."""
        return 1000 * self.latencies[min(int(q * len(self.latencies)), len(self.latencies) - 1)]


async def run_load(port: int, body: dict[str, object], *, clients: int, seconds: float, seeded: bool) -> LoadResult:
    """Ask for samples from so many connections for so long.

    Args:
        port: On loopback.
        body: Of ``POST /v1/samples``.
        clients: Connections.
        seconds: How long new requests are begun.
        seeded: Give each request a seed of its own; else the service chooses.
    """
    latencies: list[float] = []
    failures = 0
    until = time.perf_counter() + seconds

    async def ask(client: int) -> None:
        nonlocal failures
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = 0
        while time.perf_counter() < until:
            seed = {"seed": client * 1_000_000 + number} if seeded else {}
            began = time.perf_counter()
            _write_request(writer, body | seed)
            status = await _read_answer(reader)
            latencies.append(time.perf_counter() - began)
            failures += status != 200  # noqa: PLR2004 - OK
            number += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(ask(client) for client in range(clients)))
    elapsed = time.perf_counter() - began
    samples = (len(latencies) - failures) * int(str(body["num_samples"]))
    return LoadResult(samples / elapsed, sorted(latencies), failures)


def _write_request(writer: asyncio.StreamWriter, body: dict[str, object]) -> None:
    content = json.dumps(body).encode()
    head = (
        "POST /v1/samples HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content)


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    if b"transfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
        return status
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return status
