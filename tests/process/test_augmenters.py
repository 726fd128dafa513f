"""Augmenters as the service runs them: one request each, several files, answers of any length."""

import asyncio
import contextlib
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from app.augmentation.pool import Augmenters, start_augmenter
from app.core.errors import (
    DecoderCrashedError,
    DecodingTimeoutError,
    ImageTooLargeError,
    InvalidInputError,
    LimitExceededError,
    NotReadyError,
    QueueFullError,
    ServiceError,
)
from app.core.settings import LimitSettings
from app.decoding.wire import Done, write_message

FAKE = partial(start_augmenter, command=(sys.executable, "-P", str(Path(__file__).parent / "fake_augmenter.py")))
ANSWER_BYTES = 2**20


@pytest.fixture
async def open_augmenters():
    """Opens augmenters that obey, and ends them."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_some(*, processes=1, max_waiting=10, start=FAKE, **options):
            augmenters = Augmenters(
                LimitSettings(upload_pixels=1024),
                processes=processes,
                max_waiting=max_waiting,
                answer_bytes=ANSWER_BYTES,
                start=start,
                **options,
            )
            stack.push_async_callback(augmenters.close)
            return augmenters

        yield open_some


def order(do, **details):
    return json.dumps({"do": do, **details}).encode()


async def test_all_files_of_a_request_are_there_and_the_answer_is_in_one_piece(open_augmenters):
    augmenters = await open_augmenters()
    document, files = order("join", numbers=700_000), [b"first", b"", bytes(300_000)]

    answer = await augmenters.run(document, files)
    again = await augmenters.run(order("join"), [])

    assert document + b"".join(files) + np.arange(700_000, dtype=np.uint8).tobytes() == answer
    assert order("join") == again
    assert 1 == len(augmenters.pids)


async def test_opencv_has_one_thread(open_augmenters):
    augmenters = await open_augmenters()

    assert b"1" == await augmenters.run(order("threads"), [])


async def test_a_refusal_keeps_its_class_and_says_what_it_is_about(open_augmenters):
    augmenters = await open_augmenters()

    with pytest.raises(InvalidInputError, match="no") as caught:
        await augmenters.run(order("refuse"), [])

    assert {"pointer": "/images/3", "operations": ["rotate"], "limit": 1} == caught.value.fields


async def test_an_answer_that_is_too_long_is_refused_before_it_is_sent(open_augmenters):
    augmenters = await open_augmenters()

    with pytest.raises(LimitExceededError) as caught:
        await augmenters.run(order("fill", times=ANSWER_BYTES // 1000 + 1), [])

    assert {"limit": ANSWER_BYTES} == caught.value.fields
    assert ANSWER_BYTES // 1000 * 1000 == len(await augmenters.run(order("fill", times=ANSWER_BYTES // 1000), []))


@pytest.mark.parametrize("deed", ["hoard", "hoard-in-opencv"])
async def test_memory_that_does_not_suffice_is_said_to_be_a_size(open_augmenters, deed):
    augmenters = await open_augmenters()

    with pytest.raises(ImageTooLargeError, match="memory"):
        await augmenters.run(order(deed), [])

    assert 1 == len(augmenters.pids)


async def test_a_fault_of_our_own_costs_its_request_and_no_process(open_augmenters):
    augmenters = await open_augmenters()

    with pytest.raises(ServiceError, match="by a fault of the service"):
        await augmenters.run(order("fail-in-opencv"), [])

    assert 1 == len(augmenters.pids)


async def test_a_request_that_ends_augmenters_is_not_tried_for_ever(open_augmenters):
    augmenters = await open_augmenters(processes=2)

    crashed, served = await asyncio.gather(
        augmenters.run(order("crash"), []), augmenters.run(order("join"), []), return_exceptions=True
    )

    assert isinstance(crashed, DecoderCrashedError)
    assert "the request ended 2 augmenters and is not tried again" == crashed.detail
    assert order("join") == served


async def test_a_request_says_how_much_time_it_may_take(open_augmenters):
    augmenters = await open_augmenters(seconds=600)
    await augmenters.run(order("join"), [])

    with pytest.raises(DecodingTimeoutError, match=r"not augmented within 0\.5 seconds"):
        await augmenters.run(order("spin"), [], seconds=0.5)


async def test_no_more_requests_wait_than_may(open_augmenters):
    augmenters = await open_augmenters(max_waiting=0)

    with pytest.raises(QueueFullError, match="augmentation"):
        await augmenters.run(order("join"), [])


async def test_a_child_that_promises_more_than_it_may_send_is_not_believed(open_augmenters, tmp_path):
    program = tmp_path / "augmenter.py"
    answer = write_message(Done(b"", ANSWER_BYTES + 1))
    program.write_text(
        "import socket, sys\n"
        "from app.decoding.wire import ChildReady, write_message\n"
        "connection = socket.socket(fileno=int(sys.argv[sys.argv.index('--control-fd') + 1]))\n"
        "connection.sendall(write_message(ChildReady()))\n"
        f"connection.recv(9)\nconnection.sendall({answer!r})\nconnection.recv(9999)\n"
    )
    augmenters = await open_augmenters(start=partial(start_augmenter, command=(sys.executable, str(program))))

    with pytest.raises(DecoderCrashedError):
        await augmenters.run(order("join"), [])


async def test_nothing_is_started_once_closed(open_augmenters):
    augmenters = await open_augmenters()
    await augmenters.close()

    with pytest.raises(NotReadyError, match="augment"):
        await augmenters.run(order("join"), [])
