import numpy as np
import pytest

from app.serving.merging import MergedStream
from app.serving.plan import SamplePlan
from app.serving.stream import SampleChunk, SampleStream


def make_stream(values, sizes, *, size=2):
    """A stream whose samples are images of one value each, delivered in chunks of these sizes."""
    plan = SamplePlan.drawn(seed=1, first_index=0, num_samples=len(values))
    closed = []
    stream = SampleStream(plan, on_read=lambda _: None, on_close=lambda: closed.append(True))
    offset = 0
    for count in sizes:
        part = np.array(values[offset : offset + count], dtype=np.uint8)
        images = np.broadcast_to(part[:, None, None, None], (count, size, size, 1)).copy()
        stream.deliver(SampleChunk(offset, images, None))
        offset += count
    return stream, closed


async def read(merged):
    return [chunk async for chunk in merged]


@pytest.mark.parametrize("sizes", [(3,), (1, 2), (1, 1, 1)])
async def test_samples_come_in_the_order_of_the_whole(sizes):
    merged = MergedStream(
        [make_stream([1, 2, 3], sizes)[0], make_stream([11, 12, 13], (2, 1))[0]],
        np.array([1, 0, 0, 1, 1, 0]),
        np.arange(6, dtype=np.int32),
    )

    chunks = await read(merged)

    assert [11, 1, 2, 12, 13, 3] == np.concatenate([chunk.images for chunk in chunks])[:, 0, 0, 0].tolist()
    assert list(range(6)) == np.concatenate([chunk.labels for chunk in chunks]).tolist()
    assert list(np.cumsum([0, *(len(chunk.images) for chunk in chunks)])[:-1]) == [chunk.offset for chunk in chunks]


async def test_images_of_two_sizes_never_share_a_chunk():
    merged = MergedStream(
        [make_stream([1, 2], (2,))[0], make_stream([11, 12], (2,), size=3)[0]], np.array([0, 1, 1, 0]), None
    )

    chunks = await read(merged)

    assert [(1, 2), (2, 3), (1, 2)] == [chunk.images.shape[:2] for chunk in chunks]
    assert [None] * 3 == [chunk.labels for chunk in chunks]


async def test_closing_closes_every_stream_and_times_are_those_of_all():
    (one, one_closed), (two, two_closed) = make_stream([1], (1,)), make_stream([2], (1,))
    one.queue_s, one.device_s, two.queue_s, two.device_s = 1.0, 2.0, 3.0, 4.0
    merged = MergedStream([one, two], np.array([0, 1]), None)

    await merged.aclose()

    assert ([True], [True]) == (one_closed, two_closed)
    assert (3.0, 6.0) == (merged.queue_s, merged.device_s)
