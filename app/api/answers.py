"""Samples into answers: the headers that say what they are, and the body in the chosen format."""

import base64
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import numpy as np
from starlette.responses import Response
from starlette.types import Receive

from app.api.negotiation import MEDIA_TYPES
from app.api.services import Services
from app.api.streaming import StreamedAnswer, until_disconnect
from app.imaging.archive import ArchiveWriter, ZipWriter
from app.imaging.arrays import ArrayShape, NpyWriter, NpzWriter
from app.imaging.codec import ImageFormat, Pixels, encode_image, encode_png
from app.imaging.grid import encode_grid
from app.imaging.mark import Origin, describe_sample, describe_sheet
from app.repository.manifest import dump_manifest
from app.schemas.samples import SampleAnswer, SampleFormat, SampleItem
from app.serving.catalog import ServedVersion
from app.serving.plan import SamplePlan
from app.serving.stream import SampleChunk, SampleStream

ARCHIVES = frozenset({SampleFormat.ZIP, SampleFormat.NPY, SampleFormat.NPZ})
"""Formats that are written piece by piece."""


@dataclass(frozen=True, slots=True)
class Order:
    """One admitted request: which samples of which version, in which format."""

    version: ServedVersion
    plan: SamplePlan
    sample_format: SampleFormat

    @property
    def origin(self) -> Origin:
        """What all samples of this order have in common."""
        ref, plan = self.version.ref, self.plan
        return Origin(ref.name, ref.version, ref.digest, plan.seed, plan.truncation)

    def class_name(self, label: int | None) -> str | None:
        """Return the name of a class number."""
        return None if label is None else self.version.manifest.class_names[label]


async def answer_order(order: Order, services: Services, receive: Receive) -> Response:
    """Compute an order's samples and make the answer; the samples of large ones are computed while it is sent.

    Args:
        order: What to answer.
        services: The application's parts.
        receive: The request's channel, watched for the caller leaving.

    Raises:
        ServiceError: If the samples cannot be computed; an answer that has begun is broken off instead.
        ClientDisconnect: If the caller left before the answer began.
    """
    stream = services.engine.submit(order.version, order.plan)
    try:
        answer = await until_disconnect(receive, _begin(order, stream, services))
    except BaseException:
        await stream.aclose()
        raise
    if not isinstance(answer, StreamedAnswer):
        await stream.aclose()
    return answer


async def _begin(order: Order, stream: SampleStream, services: Services) -> Response:
    if order.sample_format in ARCHIVES:
        return await _begin_archive(order, stream, services)
    chunks = [chunk async for chunk in stream]
    images = chunks[0].images if len(chunks) == 1 else np.concatenate([chunk.images for chunk in chunks])
    body, encode_s = await services.encoder.run_sized(images.nbytes, encode_whole, order, images)
    _count(order, services, len(images))
    headers = _describe(order, stream, encode_s)
    return Response(body, headers=headers, media_type=MEDIA_TYPES[order.sample_format])


async def _begin_archive(order: Order, stream: SampleStream, services: Services) -> StreamedAnswer:
    writer = make_writer(order)

    async def end() -> None:
        await stream.aclose()
        writer.close()

    try:
        head = writer.begin()
        first = await anext(stream)
        piece, encode_s = await services.encoder.run_sized(first.images.nbytes, _add, writer, first)
    except BaseException:
        await end()
        raise
    _count(order, services, len(first.images))
    headers = _describe(order, stream, encode_s)
    if writer.content_length is not None:
        headers["Content-Length"] = str(writer.content_length)
    headers["Content-Disposition"] = f'attachment; filename="{_file_name(order)}"'
    pieces = _continue_archive(order, stream, services, writer, head + piece)
    return StreamedAnswer(pieces, on_end=end, media_type=MEDIA_TYPES[order.sample_format], headers=headers)


async def _continue_archive(
    order: Order, stream: SampleStream, services: Services, writer: ArchiveWriter, head: bytes
) -> AsyncGenerator[bytes, None]:
    """Yield the rest; while a batch is encoded, the next ones are computed, as far ahead as the engine allows."""
    yield head
    async for chunk in stream:
        piece, _ = await services.encoder.run(_add, writer, chunk)
        _count(order, services, len(chunk.images))
        yield piece
    with contextlib.closing(writer.finish()) as rest:
        while (last := (await services.encoder.run(next, rest, None))[0]) is not None:
            yield last


def make_writer(order: Order) -> ArchiveWriter:
    """Choose the writer of a format in ``ARCHIVES``."""
    manifest, plan = order.version.manifest, order.plan
    if order.sample_format is SampleFormat.ZIP:
        return ZipWriter(order.origin, plan.first_index, manifest.class_names, dump_manifest(manifest))
    image = manifest.image
    shape = ArrayShape(plan.num_samples, image.height, image.width, image.channels)
    if order.sample_format is SampleFormat.NPY:
        return NpyWriter(shape)
    return NpzWriter(shape, seed=plan.seed, first_index=plan.first_index, labels_at=plan.labels)


def _add(writer: ArchiveWriter, chunk: SampleChunk) -> bytes:
    return writer.add(chunk.offset, chunk.images, chunk.labels)


def _marks(order: Order, count: int) -> list[tuple[int, str | None, str]]:
    """Return index, class name and text chunk of the first ``count`` samples."""
    labels = order.plan.labels(0, count)
    facts = []
    for offset in range(count):
        index = order.plan.first_index + offset
        name = order.class_name(None if labels is None else int(labels[offset]))
        facts.append((index, name, describe_sample(order.origin, index, name)))
    return facts


def _encode_one(image_format: ImageFormat) -> Callable[[Order, Pixels], bytes]:
    return lambda order, images: encode_image(images[0], image_format, _marks(order, 1)[0][2])


def _encode_sheet(order: Order, images: Pixels) -> bytes:
    return encode_grid(images, describe_sheet(order.origin, order.plan.first_index, len(images)))


def _encode_json(order: Order, images: Pixels) -> bytes:
    samples = [
        SampleItem(index=index, class_label=name, png=base64.b64encode(encode_png(pixels, mark)).decode("ascii"))
        for pixels, (index, name, mark) in zip(images, _marks(order, len(images)), strict=True)
    ]
    answer = SampleAnswer(
        model=order.origin.reference,
        digest=order.origin.digest,
        seed=order.plan.seed,
        first_index=order.plan.first_index,
        num_samples=order.plan.num_samples,
        samples=samples,
    )
    return answer.model_dump_json().encode()


def encode_whole(order: Order, images: Pixels) -> bytes:
    """Encode all samples of an order at once, in a format that is not in ``ARCHIVES``."""
    return _WHOLE[order.sample_format](order, images)


_WHOLE: dict[SampleFormat, Callable[[Order, Pixels], bytes]] = {
    SampleFormat.PNG: _encode_one(ImageFormat.PNG),
    SampleFormat.JPEG: _encode_one(ImageFormat.JPEG),
    SampleFormat.WEBP: _encode_one(ImageFormat.WEBP),
    SampleFormat.GRID: _encode_sheet,
    SampleFormat.JSON: _encode_json,
}


def _describe(order: Order, stream: SampleStream, encode_s: float) -> dict[str, str]:
    """Write the headers; times are those known when the head goes out."""
    times = {"queue": stream.queue_s, "device": stream.device_s, "encode": encode_s}
    return {
        **order_headers(order),
        "Server-Timing": ", ".join(f"{name};dur={seconds * 1000:.2f}" for name, seconds in times.items()),
    }


def order_headers(order: Order) -> dict[str, str]:
    """Say which samples an answer holds."""
    return {
        "Fount-Model": order.version.ref.name + f"@{order.version.ref.version}",
        "Fount-Digest": order.version.ref.digest,
        "Fount-Seed": str(order.plan.seed),
        "Fount-First-Index": str(order.plan.first_index),
        "Fount-Num-Samples": str(order.plan.num_samples),
    }


def _file_name(order: Order) -> str:
    ref, plan = order.version.ref, order.plan
    return f"{ref.name}-{ref.version}-seed{plan.seed}-{plan.first_index}.{order.sample_format}"


def _count(order: Order, services: Services, num_samples: int) -> None:
    services.metrics.samples.labels(order.version.ref.name, str(order.version.ref.version)).inc(num_samples)
