"""The client that waits for its answers."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import httpx

from app.client import augmenting, catalog, sampling
from app.client.dataset import Dataset, describe
from app.client.errors import FountError, UnreachableError
from app.client.exchange import Answer, Memory, Operation, Request, is_error, sign
from app.client.order import SampleValues
from app.client.retrying import DEFAULT_RETRIES, RetryPolicy
from app.client.samples import Samples
from app.client.streaming import BATCH_SIZE, open_stream
from app.client.wiring import DEFAULT_URL, explain, prepare, read_answer, write_request

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(operation: Callable[Concatenate[Memory, P], Operation[T]]) -> Callable[Concatenate["Client", P], T]:
    """Make a method of an operation."""

    @functools.wraps(operation)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(operation(client.memory, *args, **kwargs))

    return sign(method, operation)


class Client:
    """Asks a service, and waits for its answers. Keeps connections; safe to use from several threads.

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, options = prepare(url, key, timeout_s)
        self.memory = Memory()
        self._retries = retries
        self._http = httpx.Client(transport=transport, **options)

    sample = _blocking(sampling.sample)
    interpolate = _blocking(sampling.interpolate)
    vary = _blocking(sampling.vary)
    augment = _blocking(augmenting.augment)
    verify = _blocking(catalog.verify)
    models = _blocking(catalog.models)
    model = _blocking(catalog.model)
    promote = _blocking(catalog.promote)

    def stream(self, model: str, *, batch_size: int = BATCH_SIZE, **values: Unpack[SampleValues]) -> Iterator[Samples]:
        """Ask for samples, and yield them batch by batch while they are computed: any number in little memory.

        All come from the version that ``model`` stands for now. If the connection breaks, the stream goes on behind
        the last batch, with the samples that it would have had.

        Args:
            model: ``name``, ``name@3`` or ``name@alias``.
            batch_size: Samples of a batch; the last one may have fewer.
            values: As for ``sample``.

        Raises:
            FountError: If the service refuses, or does not answer.
        """
        stream = self.send(open_stream(self.memory, self.url, model, batch_size, values))
        num_failed = 0
        while not stream.is_complete:
            reached = stream.num_read
            try:
                with self._open(stream.ask()) as response:
                    for chunk in _read_raw(response, self.url):
                        yield from stream.feed(chunk)
                stream.end()
            except FountError as error:
                num_failed = 1 if stream.num_read > reached else num_failed + 1
                self._wait(error, num_failed)

    def dataset(
        self,
        samples: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        shard_size: int | None = None,
        format: str | None = None,  # noqa: A002 - the interface's word
        splits: Mapping[str, float] | None = None,
    ) -> Dataset:
        """Make a dataset of samples, which is computed shard by shard when it is asked for; or open one.

        Args:
            samples: What it is made from: one or several blocks with the arguments of ``sample``. Or a token.
            shard_size: Most samples of a shard.
            format: Of shards: ``tar``, ``parquet``, ``arrow`` or ``npz``.
            splits: Share of each split; together 1.

        Raises:
            FountError: If the service refuses, or does not answer.
        """
        return Dataset(self.send(describe(samples, shard_size=shard_size, sample_format=format, splits=splits)), self)

    def send(self, operation: Operation[T]) -> T:
        """Carry an operation out: send its requests, and return what the answers come to."""
        try:
            request = next(operation)
            while True:
                try:
                    answer = self._ask(request)
                except FountError as error:
                    request = operation.throw(error)
                else:
                    request = operation.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result

    def fetch(self, request: Request, target: Path) -> None:
        """Write an answer to a file, which is there when all of it is.

        Raises:
            FountError: If the service refuses, or does not answer.
        """
        part = target.with_name(f"{target.name}.part")
        num_tried = 0
        while True:
            num_tried += 1
            try:
                with self._open(request) as response, part.open("wb") as file:
                    for chunk in _read_raw(response, self.url):
                        file.write(chunk)
            except FountError as error:
                self._wait(error, num_tried)
            else:
                part.replace(target)
                return

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: Request) -> Answer:
        num_tried = 0
        while True:
            num_tried += 1
            try:
                return read_answer(self._try(request), self.url)
            except FountError as error:
                self._wait(error, num_tried, request)

    def _try(self, request: Request) -> httpx.Response:
        try:
            return self._http.request(**write_request(request))
        except httpx.RequestError as error:
            raise explain(error, self.url) from error

    @contextlib.contextmanager
    def _open(self, request: Request) -> Iterator[httpx.Response]:
        """Send a request whose answer is read piece by piece."""
        try:
            response = self._http.send(self._http.build_request(**write_request(request)), stream=True)
            if is_error(response.status_code):
                response.read()
        except httpx.RequestError as error:
            raise explain(error, self.url) from error
        try:
            if is_error(response.status_code):
                read_answer(response, self.url)
            yield response
        finally:
            response.close()

    def _wait(self, error: FountError, num_tried: int, request: Request | None = None) -> None:
        """Wait before the next try; raise the error if there is none."""
        is_lost = isinstance(error, UnreachableError) and request is not None and not request.is_repeatable
        wait_s = None if is_lost else self._retries.wait_s(error, num_tried)
        if wait_s is None:
            raise error
        time.sleep(wait_s)


def _read_raw(response: httpx.Response, url: str) -> Iterator[bytes]:
    try:
        yield from response.iter_raw()
    except httpx.RequestError as error:
        raise explain(error, url) from error
