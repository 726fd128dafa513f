"""Samples into answers: the headers that say what they are, and the body in the chosen format."""

import sys
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from starlette.responses import Response
from starlette.types import Receive

from app.api.augmenting import name_numerics
from app.api.services import Services
from app.api.streaming import MAX_PIECE_BYTES, StreamedAnswer, WholeAnswer, until_disconnect
from app.api.tracing import note_order
from app.imaging.formats.contents import ArrayShape, Contents
from app.imaging.formats.places import Consecutive
from app.imaging.formats.registry import FORMATS, Format, Streamed
from app.imaging.formats.writer import SampleWriter
from app.imaging.mark import Origin
from app.repository.manifest import dump_manifest
from app.schemas.jobs import ModelRef
from app.schemas.samples import SampleFormat
from app.serving.admission import Terms
from app.serving.catalog import ServedVersion
from app.serving.engine import Engine
from app.serving.merging import ChunkStream, FinishedStream
from app.serving.plan import Plan
from app.serving.stream import SampleChunk


class FileOrder(Protocol):
    """What an answer is made from: samples, and the format that they are sent in."""

    @property
    def sample_format(self) -> SampleFormat:
        """How samples are sent."""
        ...

    @property
    def num_samples(self) -> int:
        """How many samples the answer holds."""
        ...

    @property
    def contents(self) -> Contents:
        """What the file holds."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers say of its samples."""
        ...

    @property
    def file_name(self) -> str:
        """What a browser saves the answer as."""
        ...

    def submit(self, engine: Engine, terms: Terms) -> ChunkStream:
        """Have the samples computed."""
        ...

    def numerics(self, engine: Engine) -> str | None:
        """Say what its samples are computed with; None while that is not known."""
        ...

    def tally(self, offset: int, count: int) -> Iterable[tuple[ModelRef, int]]:
        """Count some of the samples by version."""
        ...


@dataclass(frozen=True)
class Order:
    """One admitted request: which samples of which version, in which format."""

    version: ServedVersion
    plan: Plan
    sample_format: SampleFormat

    @property
    def num_samples(self) -> int:
        """How many samples the answer holds."""
        return self.plan.num_samples

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers say of its samples."""
        ref, plan = self.version.ref, self.plan
        return {
            "Fount-Model": f"{ref.name}@{ref.version}",
            "Fount-Digest": ref.digest,
            "Fount-Seed": str(plan.seed),
            "Fount-First-Index": str(plan.first_index),
            "Fount-Num-Samples": str(plan.num_samples),
            **({} if plan.policy is None else {"Fount-Policy": plan.policy.digest}),
        }

    @property
    def file_name(self) -> str:
        """What a browser saves the answer as."""
        ref, plan = self.version.ref, self.plan
        kind = "-".join(["", *plan.how])
        return f"{ref.name}-{ref.version}{kind}-seed{plan.seed}-{plan.first_index}.{self.sample_format}"

    def submit(self, engine: Engine, terms: Terms) -> ChunkStream:
        """Have the samples computed."""
        return engine.submit(self.version, self.plan, terms=terms)

    def numerics(self, engine: Engine) -> str | None:
        """Say what its samples are computed with; None while that is not known."""
        return name_numerics(engine.numerics(self.version), self.plan)

    def tally(self, offset: int, count: int) -> Iterator[tuple[ModelRef, int]]:  # noqa: ARG002 - all are of one version
        """Count some of the samples by version."""
        yield self.version.ref, count

    @property
    def origin(self) -> Origin:
        """What all samples of this order have in common."""
        ref, plan = self.version.ref, self.plan
        return Origin(ref.name, ref.version, ref.digest, plan.seed, plan.truncation, plan.how)

    @property
    def contents(self) -> Contents:
        """What the file holds."""
        manifest, plan = self.version.manifest, self.plan
        image = manifest.image
        return Contents(
            places=Consecutive(self.origin, plan.first_index, plan.num_samples),
            shape=ArrayShape(plan.num_samples, image.height, image.width, image.channels),
            class_names=manifest.class_names,
            labels_at=plan.labels,
            dump_manifest=partial(dump_manifest, manifest),
        )


@dataclass(frozen=True)
class ReadyOrder(Order):
    """An order whose samples are finished already."""

    chunk: SampleChunk

    def submit(self, engine: Engine, terms: Terms) -> FinishedStream:  # noqa: ARG002 - as orders do
        """Return the samples."""
        return FinishedStream(self.chunk)


async def answer_order(
    order: FileOrder, services: Services, receive: Receive, terms: Terms, *, file_format: Format | None = None
) -> Response:
    """Compute an order's samples and make the answer; the samples of large ones are computed while it is sent.

    Args:
        order: What to answer.
        services: The application's parts.
        receive: The request's channel, watched for the caller leaving.
        terms: For whom, and how long it may wait.
        file_format: What writes the answer; by default the one of the order's format.

    Raises:
        ServiceError: If the samples cannot be computed; an answer that has begun is broken off instead.
        ClientDisconnect: If the caller left before the answer began.
    """
    file_format = file_format or FORMATS[order.sample_format]
    job = _Job(order, file_format, order.submit(services.engine, terms), services, terms.key)
    stream = job.stream
    if isinstance(stream, FinishedStream):  # nothing to wait for, so nobody to watch
        return await _begin(job)
    try:
        answer = await until_disconnect(receive, _begin(job))
    except BaseException:
        await stream.aclose()
        raise
    if not isinstance(answer, StreamedAnswer):
        await stream.aclose()
    return answer


@dataclass(frozen=True, slots=True)
class _Job:
    """An order that is being answered."""

    order: FileOrder
    file_format: Format
    stream: ChunkStream
    services: Services
    key: str

    def count(self, offset: int, count: int) -> None:
        """Count samples that go into the answer."""
        for ref, num_samples in self.order.tally(offset, count):
            self.services.metrics.count_samples(ref.name, ref.version, num_samples, self.key)

    def describe(self, encode_s: float) -> dict[str, str]:
        """Write the headers; times are those known when the head goes out."""
        order, stream, services = self.order, self.stream, self.services
        times = {"queue": stream.queue_s, "device": stream.device_s, "encode": encode_s}
        numerics = order.numerics(services.engine)
        headers = order.headers
        services.metrics.queue.observe(stream.queue_s)
        note_order(times, headers)
        return {
            **headers,
            **({} if numerics is None else {"Fount-Numerics": numerics}),
            "Server-Timing": write_times(times),
        }


async def _begin(job: _Job) -> Response:
    order, stream, services = job.order, job.stream, job.services
    sample_format = job.file_format
    if isinstance(sample_format, Streamed):
        return await _begin_file(job, sample_format)
    chunks = [chunk async for chunk in stream]
    images = chunks[0].images if len(chunks) == 1 else np.concatenate([chunk.images for chunk in chunks])
    body, encode_s = await services.encoder.run_sized(
        images.nbytes, sample_format.encode, order.contents, images, kind=order.sample_format
    )
    job.count(0, len(images))
    return _send_whole(job, body, job.describe(encode_s))


async def _begin_file(job: _Job, sample_format: Streamed) -> Response:
    """Compute the first samples before the status is sent: what goes wrong until then is a problem."""
    order, stream = job.order, job.stream
    first = await anext(stream)
    num_bytes = sys.maxsize if sample_format.library else first.images.nbytes  # no import on the event loop
    encode = partial(job.services.encoder.run_sized, num_bytes, kind=order.sample_format)
    job.count(0, len(first.images))
    disposition = {"Content-Disposition": f'attachment; filename="{order.file_name}"'}
    if len(first.images) == order.num_samples:
        body, encode_s = await encode(_write_file, order, sample_format, first)
        return _send_whole(job, body, job.describe(encode_s) | disposition)
    (writer, piece), encode_s = await encode(_open_file, order, sample_format, first)
    headers = job.describe(encode_s) | disposition
    if writer.content_length is not None:
        headers["Content-Length"] = str(writer.content_length)
    pieces = _continue_file(job, writer, piece)
    return StreamedAnswer(pieces, on_end=stream.aclose, media_type=sample_format.media_type, headers=headers)


def _send_whole(job: _Job, body: bytes, headers: dict[str, str]) -> Response:
    """Send a body that is there; a large one in pieces, and its request keeps its place until the last is taken."""
    media_type = job.file_format.media_type
    if len(body) <= MAX_PIECE_BYTES:
        return WholeAnswer(body, headers, media_type)
    headers["Content-Length"] = str(len(body))
    return StreamedAnswer(_yield_once(body), on_end=job.stream.aclose, media_type=media_type, headers=headers)


async def _yield_once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


async def _continue_file(job: _Job, writer: SampleWriter, first: bytes) -> AsyncGenerator[bytes, None]:
    """Yield the whole file; while a batch is encoded, the next are computed, as far ahead as the engine allows."""
    async for piece in _run_through(writer.begin(), job):
        yield piece
    yield first
    async for chunk in job.stream:
        piece, _ = await job.services.encoder.run(_add, writer, chunk, kind=job.order.sample_format)
        job.count(chunk.offset, len(chunk.images))
        yield piece
    async for piece in _run_through(writer.finish(), job):
        yield piece


async def _run_through(pieces: Iterator[bytes], job: _Job) -> AsyncGenerator[bytes, None]:
    run = partial(job.services.encoder.run, next, pieces, None, kind=job.order.sample_format)
    while (piece := (await run())[0]) is not None:
        yield piece


def _write_file(order: FileOrder, sample_format: Streamed, samples: SampleChunk) -> bytes:
    writer = sample_format.open(order.contents)
    return b"".join([*writer.begin(), _add(writer, samples), *writer.finish()])


def _open_file(order: FileOrder, sample_format: Streamed, first: SampleChunk) -> tuple[SampleWriter, bytes]:
    writer = sample_format.open(order.contents)
    return writer, _add(writer, first)


def _add(writer: SampleWriter, chunk: SampleChunk) -> bytes:
    return writer.add(chunk.offset, chunk.images, chunk.labels)


def write_times(times: Mapping[str, float]) -> str:
    """Write seconds by name as ``Server-Timing`` has them."""
    return ", ".join(f"{name};dur={seconds * 1000:.2f}" for name, seconds in times.items())
