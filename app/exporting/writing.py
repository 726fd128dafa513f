"""One file of samples, with the very bytes that the service sends."""

import hashlib
from collections.abc import Callable, Iterable
from typing import BinaryIO, Protocol

import numpy as np

from app.api.encoding import Encoder
from app.imaging.formats.contents import Contents
from app.imaging.formats.registry import FORMATS, Streamed, Whole
from app.imaging.formats.writer import SampleWriter
from app.schemas.samples import SampleFormat
from app.serving.admission import ANY_TIME, Terms
from app.serving.engine import Engine
from app.serving.merging import ChunkStream
from app.serving.stream import SampleChunk

OnSamples = Callable[[int], None]


class WritableOrder(Protocol):
    """What a file is made from: samples, and their format."""

    @property
    def sample_format(self) -> SampleFormat:
        """How samples are written."""
        ...

    @property
    def contents(self) -> Contents:
        """What the file holds."""
        ...

    def submit(self, engine: Engine, terms: Terms) -> ChunkStream:
        """Have the samples computed."""
        ...


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""
        ...


class HashingSink:
    """Passes bytes on, and knows what they were.

    Args:
        file: Where they go.

    Attributes:
        num_bytes: How many came.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.num_bytes = 0

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of all that came."""
        return self._hash.hexdigest()

    def write(self, data: bytes, /) -> None:
        """Pass some bytes on."""
        self._file.write(data)
        self._hash.update(data)
        self.num_bytes += len(data)


def create_encoder(threads: int) -> Encoder:
    """Make threads for encoding, as the service has them."""
    return Encoder(threads)


async def write_order(
    order: WritableOrder, engine: Engine, encoder: Encoder, sink: Sink, on_samples: OnSamples
) -> None:
    """Compute the samples of an order and write its file; memory is per batch, where the format allows it.

    Args:
        order: Which samples, and their format.
        engine: Computes them; the next batches while one is encoded.
        encoder: Encodes and writes them.
        sink: Where the bytes go; used from one thread at a time.
        on_samples: Told how many samples were written, after each batch.

    Raises:
        ServiceError: If the samples cannot be computed.
        OSError: If the sink cannot take them.
    """
    sample_format = FORMATS[order.sample_format]
    stream = order.submit(engine, ANY_TIME)
    try:
        if isinstance(sample_format, Whole):
            await _write_whole(order, sample_format, stream, encoder, sink)
            on_samples(order.contents.shape.num_samples)
        else:
            await _write_pieces(order, sample_format, stream, encoder, sink, on_samples)
    finally:
        await stream.aclose()


async def _write_whole(
    order: WritableOrder, sample_format: Whole, stream: ChunkStream, encoder: Encoder, sink: Sink
) -> None:
    images = np.concatenate([chunk.images async for chunk in stream])
    body, _ = await encoder.run(sample_format.encode, order.contents, images)
    await encoder.run(sink.write, body)


async def _write_pieces(
    order: WritableOrder,
    sample_format: Streamed,
    stream: ChunkStream,
    encoder: Encoder,
    sink: Sink,
    on_samples: OnSamples,
) -> None:
    writer, _ = await encoder.run(sample_format.open, order.contents)
    await encoder.run(_write_all, sink, writer.begin())
    async for chunk in stream:
        await encoder.run(_add, sink, writer, chunk)
        on_samples(len(chunk.images))
    await encoder.run(_write_all, sink, writer.finish())


def _write_all(sink: Sink, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        sink.write(piece)


def _add(sink: Sink, writer: SampleWriter, chunk: SampleChunk) -> None:
    sink.write(writer.add(chunk.offset, chunk.images, chunk.labels))
