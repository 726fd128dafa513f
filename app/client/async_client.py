"""The client that does not block: the same operations, awaited."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import anyio
import httpx

from app.client import augmenting, catalog, sampling
from app.client.dataset import AsyncDataset, describe
from app.client.errors import FountError, UnreachableError
from app.client.exchange import Answer, Memory, Operation, Request, is_error, sign
from app.client.order import SampleValues
from app.client.retrying import DEFAULT_RETRIES, RetryPolicy
from app.client.samples import Samples
from app.client.streaming import BATCH_SIZE, open_stream
from app.client.wiring import DEFAULT_URL, explain, prepare, read_answer, write_request

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(
    operation: Callable[Concatenate[Memory, P], Operation[T]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    """Make a method of an operation."""

    @functools.wraps(operation)
    async def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.send(operation(client.memory, *args, **kwargs))

    return sign(method, operation)


class AsyncClient:
    """Asks a service without blocking; as ``Client`` in all else.

    Args:
        url: Address of the service.
        key: Bearer key; None where the service needs none.
        timeout_s: Longest silence of the service, in seconds.
        retries: When a request is sent again.
        transport: What carries requests; by default the network.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        *,
        timeout_s: float = 60.0,
        retries: RetryPolicy = DEFAULT_RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url, options = prepare(url, key, timeout_s)
        self.memory = Memory()
        self._retries = retries
        self._http = httpx.AsyncClient(transport=transport, **options)

    sample = _awaited(sampling.sample)
    interpolate = _awaited(sampling.interpolate)
    vary = _awaited(sampling.vary)
    augment = _awaited(augmenting.augment)
    verify = _awaited(catalog.verify)
    models = _awaited(catalog.models)
    model = _awaited(catalog.model)
    promote = _awaited(catalog.promote)

    async def stream(
        self, model: str, *, batch_size: int = BATCH_SIZE, **values: Unpack[SampleValues]
    ) -> AsyncIterator[Samples]:
        """Ask for samples, and yield them batch by batch while they are computed, as ``Client.stream`` does."""
        stream = await self.send(open_stream(self.memory, self.url, model, batch_size, values))
        num_failed = 0
        while not stream.is_complete:
            reached = stream.num_read
            try:
                async with self._open(stream.ask()) as response:
                    async for chunk in _read_raw(response, self.url):
                        for batch in stream.feed(chunk):
                            yield batch
                stream.end()
            except FountError as error:
                num_failed = 1 if stream.num_read > reached else num_failed + 1
                await self._wait(error, num_failed)

    async def dataset(
        self,
        samples: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        shard_size: int | None = None,
        format: str | None = None,  # noqa: A002 - the interface's word
        splits: Mapping[str, float] | None = None,
    ) -> AsyncDataset:
        """Make a dataset of samples, or open one, as ``Client.dataset`` does."""
        operation = describe(samples, shard_size=shard_size, sample_format=format, splits=splits)
        return AsyncDataset(await self.send(operation), self)

    async def send(self, operation: Operation[T]) -> T:
        """Carry an operation out: send its requests, and return what the answers come to."""
        try:
            request = next(operation)
            while True:
                try:
                    answer = await self._ask(request)
                except FountError as error:
                    request = operation.throw(error)
                else:
                    request = operation.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result

    async def fetch(self, request: Request, target: Path) -> None:
        """Write an answer to a file, which is there when all of it is; writing blocks, a piece at a time.

        Raises:
            FountError: If the service refuses, or does not answer.
        """
        part = target.with_name(f"{target.name}.part")
        num_tried = 0
        while True:
            num_tried += 1
            try:
                with part.open("wb") as file:
                    async with self._open(request) as response:
                        async for chunk in _read_raw(response, self.url):
                            file.write(chunk)
            except FountError as error:
                await self._wait(error, num_tried)
            else:
                part.replace(target)
                return

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, request: Request) -> Answer:
        num_tried = 0
        while True:
            num_tried += 1
            try:
                return read_answer(await self._try(request), self.url)
            except FountError as error:
                await self._wait(error, num_tried, request)

    async def _try(self, request: Request) -> httpx.Response:
        try:
            return await self._http.request(**write_request(request))
        except httpx.RequestError as error:
            raise explain(error, self.url) from error

    @contextlib.asynccontextmanager
    async def _open(self, request: Request) -> AsyncIterator[httpx.Response]:
        """Send a request whose answer is read piece by piece."""
        try:
            response = await self._http.send(self._http.build_request(**write_request(request)), stream=True)
            if is_error(response.status_code):
                await response.aread()
        except httpx.RequestError as error:
            raise explain(error, self.url) from error
        try:
            if is_error(response.status_code):
                read_answer(response, self.url)
            yield response
        finally:
            await response.aclose()

    async def _wait(self, error: FountError, num_tried: int, request: Request | None = None) -> None:
        """Wait before the next try; raise the error if there is none."""
        is_lost = isinstance(error, UnreachableError) and request is not None and not request.is_repeatable
        wait_s = None if is_lost else self._retries.wait_s(error, num_tried)
        if wait_s is None:
            raise error
        await anyio.sleep(wait_s)


async def _read_raw(response: httpx.Response, url: str) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx.RequestError as error:
        raise explain(error, url) from error
