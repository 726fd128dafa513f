import asyncio
import threading

import pytest

from app.api.encoding import OTHER, SMALL_BYTES, Encoder
from app.api.monitoring.tallies import Tallies


@pytest.fixture
def tallies():
    return Tallies()


@pytest.fixture
def encoder(tallies):
    one = Encoder(1, tallies)
    yield one
    one.close()


async def test_a_call_is_run_in_a_thread_and_measured(encoder, tallies):
    name, seconds = await encoder.run(lambda: threading.current_thread().name)

    assert name.startswith("encode")
    assert seconds >= 0
    assert 1 == tallies.of(OTHER).count


async def test_calls_are_measured_by_what_they_encode(encoder, tallies):
    await encoder.run(int, kind="png")
    await encoder.run_sized(1, int, kind="zip")
    await encoder.run_sized(SMALL_BYTES + 1, int, kind="zip")

    assert {"png": 1, "zip": 2} == {name: tally.count for name, tally in tallies.by_name.items()}


async def test_an_error_comes_back(encoder):
    with pytest.raises(ZeroDivisionError):
        await encoder.run(lambda: 1 / 0)


async def test_a_cancelled_call_is_waited_for(encoder):
    started, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        started.set()
        may_end.wait(10)
        ended.set()

    running = asyncio.create_task(encoder.run(work))
    await asyncio.to_thread(started.wait, 10)
    running.cancel()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


async def test_few_pixels_are_encoded_at_once_and_many_in_a_thread(encoder):
    here = threading.current_thread().name

    few, _ = await encoder.run_sized(SMALL_BYTES, lambda: threading.current_thread().name)
    many, _ = await encoder.run_sized(SMALL_BYTES + 1, lambda: threading.current_thread().name)

    assert here == few
    assert here != many
