import asyncio

import numpy as np
import pytest

from app.core.errors import WorkerLostError
from app.serving.plan import SamplePlan
from app.serving.stream import SampleChunk, SampleStream


def make_chunk(offset, count=2):
    return SampleChunk(offset, np.full((count, 1, 1, 1), offset, dtype=np.uint8), None)


def make_stream(num_samples=4):
    events = []
    plan = SamplePlan.drawn(seed=1, first_index=0, num_samples=num_samples)
    stream = SampleStream(plan, on_read=events.append, on_close=lambda: events.append("closed"))
    return stream, events


async def test_chunks_are_read_in_order_however_they_come():
    stream, events = make_stream()
    stream.deliver(make_chunk(2))
    stream.deliver(make_chunk(0))

    offsets = [chunk.offset async for chunk in stream]

    assert [0, 2] == offsets
    assert [2, 4] == events


async def test_a_reader_waits_for_its_chunk():
    stream, _ = make_stream(2)
    reader = asyncio.ensure_future(anext(stream))
    await asyncio.wait([reader], timeout=0)

    stream.deliver(make_chunk(0))

    assert 0 == (await asyncio.wait_for(reader, 5)).offset


async def test_a_failure_reaches_the_reader_that_waits():
    stream, _ = make_stream()
    reader = asyncio.ensure_future(anext(stream))
    await asyncio.wait([reader], timeout=0)

    stream.fail(WorkerLostError("gone"))

    with pytest.raises(WorkerLostError):
        await asyncio.wait_for(reader, 5)


async def test_closing_ends_the_reader_and_drops_what_comes_late():
    stream, events = make_stream()
    reader = asyncio.ensure_future(anext(stream))
    await asyncio.wait([reader], timeout=0)

    await stream.aclose()
    stream.deliver(make_chunk(0))

    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(reader, 5)
    assert ["closed"] == events


async def test_a_cancelled_reader_loses_nothing():
    stream, _ = make_stream(2)
    reader = asyncio.ensure_future(anext(stream))
    await asyncio.wait([reader], timeout=0)
    reader.cancel()
    await asyncio.wait([reader])

    stream.deliver(make_chunk(0))

    assert [0] == [chunk.offset async for chunk in stream]
