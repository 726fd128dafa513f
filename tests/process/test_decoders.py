"""Decoders as the service runs them: processes that files may end, and that cost nobody else anything."""

import asyncio
import contextlib
import os
import signal
import struct
import sys
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from app.core.errors import (
    DecoderCrashedError,
    DecodingTimeoutError,
    ImageTooLargeError,
    NotReadyError,
    QueueFullError,
    ServiceError,
    UndecodableImageError,
    UnsupportedImageError,
)
from app.core.settings import LimitSettings
from app.decoding.messages import DecodeOptions
from app.decoding.pool import Decoders, start_decoder
from tests.pictures import encode, encode_image, make_pixels

MISBEHAVING = partial(
    start_decoder, command=(sys.executable, "-P", str(Path(__file__).parent / "misbehaving_decoder.py"))
)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
AS_IT_IS = DecodeOptions()
PIXELS = make_pixels()
GOOD = encode(PIXELS)


@pytest.fixture
async def open_decoders():
    """Opens decoders with these limits, and ends them."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_some(*, processes=1, max_waiting=100, limits=None, **options):
            decoders = Decoders(LimitSettings(**limits or {}), processes=processes, max_waiting=max_waiting, **options)
            stack.push_async_callback(decoders.close)
            return decoders

        yield open_some


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid):
    """End a child; it is left to be waited for."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def read_facts(pid):
    """Read the limits and the environment of a process."""
    place = Path(f"/proc/{pid}")
    return (place / "limits").read_text(encoding="ascii"), (place / "environ").read_bytes()


async def next_turn():
    """Let whatever is ready run once."""
    turn = asyncio.Event()
    asyncio.get_running_loop().call_soon(turn.set)
    await turn.wait()


async def test_nothing_runs_before_the_first_file_and_one_process_decodes_many(open_decoders):
    decoders = await open_decoders()
    before = decoders.pids

    images = [await decoders.decode(encode(make_pixels(seed=seed)), AS_IT_IS) for seed in range(3)]

    assert ([], 1) == (before, len(decoders.pids))
    for seed, image in enumerate(images):
        assert np.array_equal(make_pixels(seed=seed), image.pixels)


async def test_what_the_file_was_is_told(open_decoders):
    decoders = await open_decoders()
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = np.array([[1, 2, 65535]], np.uint16)

    image = await decoders.decode(encode_image(Image.fromarray(wide), exif=exif), AS_IT_IS)

    assert ("png", "I;16", 6, False) == (image.image_format, image.mode, image.orientation, image.had_icc)
    assert (np.uint16, [[1], [2], [65535]]) == (image.pixels.dtype, image.pixels[:, :, 0].tolist())


async def test_pixels_belong_to_the_caller_whatever_their_size(open_decoders):
    decoders = await open_decoders()
    large = make_pixels(height=700, width=900)

    image = await decoders.decode(encode(large, "BMP"), AS_IT_IS)

    assert np.array_equal(large, image.pixels)
    assert image.pixels.flags.writeable


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UndecodableImageError),
        (b"text", UnsupportedImageError),
        (GOOD[:50], UndecodableImageError),
        (encode(make_pixels(height=33, width=32)), ImageTooLargeError),
    ],
    ids=["empty", "text", "cut", "large"],
)
async def test_a_file_that_is_refused_ends_no_decoder(open_decoders, data, error):
    decoders = await open_decoders(limits={"upload_pixels": 1024})
    await decoders.decode(GOOD, AS_IT_IS)
    before = decoders.pids

    with pytest.raises(error):
        await decoders.decode(data, AS_IT_IS)

    assert before == decoders.pids


@pytest.mark.parametrize("deed", [b"CRSH", b"EXIT", b"LIES"], ids=["crash", "exit", "lies"])
async def test_a_file_that_ends_decoders_costs_its_own_request_and_no_other(open_decoders, deed):
    decoders = await open_decoders(processes=2, start=MISBEHAVING)

    outcomes = await asyncio.gather(
        *(decoders.decode(data, AS_IT_IS) for data in (GOOD, SIGNATURE + deed, GOOD, GOOD)), return_exceptions=True
    )

    assert isinstance(outcomes[1], DecoderCrashedError)
    for image in (outcomes[0], *outcomes[2:]):
        assert np.array_equal(PIXELS, image.pixels)


@pytest.mark.parametrize("deed", [b"BUSY", b"HANG"], ids=["busy", "hang"])
async def test_a_file_that_does_not_come_to_an_end_is_given_up_in_time(open_decoders, deed):
    decoders = await open_decoders(start=MISBEHAVING, limits={"decoding_s": 0.5})
    await decoders.decode(GOOD, AS_IT_IS)
    [pid] = decoders.pids

    with pytest.raises(DecodingTimeoutError, match=r"within 0\.5 seconds"):
        await decoders.decode(SIGNATURE + deed, AS_IT_IS)

    assert [] == decoders.pids
    await decoders.close()
    assert not is_running(pid)


async def test_a_decoder_that_died_while_idle_is_replaced(open_decoders):
    decoders = await open_decoders()
    await decoders.decode(GOOD, AS_IT_IS)
    [pid] = decoders.pids
    kill(pid)

    image = await decoders.decode(GOOD, AS_IT_IS)

    assert np.array_equal(PIXELS, image.pixels)
    assert [pid] != decoders.pids


def wide_png(width, height):
    """Write a picture of one colour: a small file of many pixels."""
    row = b"\0" + bytes(width * 4)
    parts = [(b"IHDR", struct.pack(">II5B", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(row * height, 1))]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in [*parts, (b"IEND", b"")]
    ]
    return SIGNATURE + b"".join(chunks)


async def test_memory_is_bounded_in_the_decoder(open_decoders, monkeypatch):
    monkeypatch.setattr("app.decoding.pool._BASE_BYTES", 160 * 2**20)
    monkeypatch.setattr("app.decoding.pool._BYTES_PER_PIXEL", 0)
    decoders = await open_decoders()

    with pytest.raises(ImageTooLargeError, match="memory"):
        await decoders.decode(wide_png(4000, 4000), AS_IT_IS)

    assert np.array_equal(PIXELS, (await decoders.decode(GOOD, AS_IT_IS)).pixels)


async def test_decoders_may_open_and_write_next_to_nothing(open_decoders):
    decoders = await open_decoders()
    await decoders.decode(GOOD, AS_IT_IS)
    [pid] = decoders.pids

    limits, environment = read_facts(pid)

    rows = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
    assert ("0", "0", "64") == (rows["Max file size"], rows["Max core file size"], rows["Max open files"])
    assert b"FOUNT_" not in environment


async def test_a_fault_of_our_own_is_told_as_one_and_nothing_of_the_file_is(open_decoders):
    decoders = await open_decoders(start=MISBEHAVING)

    with capture_logs() as lines, pytest.raises(ServiceError, match="by a fault of the service") as caught:
        await decoders.decode(SIGNATURE + b"FAIL canary", AS_IT_IS)

    [line] = [line for line in lines if line["event"] == "child-failed"]
    assert ServiceError is type(caught.value)
    assert "KeyError" == line["error"].split()[0]
    assert "canary" not in str(line)
    assert np.array_equal(PIXELS, (await decoders.decode(GOOD, AS_IT_IS)).pixels)


async def test_errors_say_which_file_they_are_about(open_decoders):
    decoders = await open_decoders(processes=2)

    images = await decoders.decode_all([GOOD, GOOD, GOOD], AS_IT_IS, "/images")
    with pytest.raises(UndecodableImageError) as caught:
        await decoders.decode_all([GOOD, GOOD, GOOD[:50], GOOD], AS_IT_IS, "/images")

    assert 3 == len(images)
    assert {"pointer": "/images/2"} == caught.value.fields


async def test_a_caller_that_leaves_does_not_stop_the_decoder(open_decoders):
    decoders = await open_decoders()
    leaving = asyncio.ensure_future(decoders.decode(GOOD, AS_IT_IS))
    await next_turn()

    leaving.cancel()
    image = await decoders.decode(GOOD, AS_IT_IS)

    assert leaving.cancelled()
    assert np.array_equal(PIXELS, image.pixels)


async def test_no_more_files_wait_than_may(open_decoders):
    decoders = await open_decoders(max_waiting=1)
    working, waiting = (asyncio.ensure_future(decoders.decode(GOOD, AS_IT_IS)) for _ in range(2))
    await next_turn()

    with pytest.raises(QueueFullError) as caught:
        await decoders.decode(GOOD, AS_IT_IS)

    assert {"retry_after_s"} == caught.value.fields.keys()
    assert 2 == len(await asyncio.gather(working, waiting))


async def test_idle_decoders_are_ended(open_decoders):
    decoders = await open_decoders(idle_s=0.0)
    await decoders.decode(GOOD, AS_IT_IS)
    [pid] = decoders.pids

    while_it_waits = asyncio.Event()
    asyncio.get_running_loop().call_later(0.0, while_it_waits.set)
    await while_it_waits.wait()
    remaining = decoders.pids
    await decoders.close()

    assert [] == remaining
    assert not is_running(pid)


async def test_closing_ends_what_runs_and_nothing_is_started_any_more(open_decoders):
    decoders = await open_decoders(start=MISBEHAVING)
    await decoders.decode(GOOD, AS_IT_IS)
    [pid] = decoders.pids
    hanging = asyncio.ensure_future(decoders.decode(SIGNATURE + b"HANG", AS_IT_IS))
    await next_turn()
    await next_turn()

    await decoders.close()

    with pytest.raises(NotReadyError):
        await hanging
    with pytest.raises(NotReadyError):
        await decoders.decode(GOOD, AS_IT_IS)
    assert not is_running(pid)


@pytest.mark.parametrize("command", [("/nowhere/python",), (sys.executable, "-c", "pass")], ids=["none", "ends"])
async def test_without_decoders_callers_are_told_to_come_again(open_decoders, command):
    decoders = await open_decoders(start=partial(start_decoder, command=command))

    with pytest.raises(NotReadyError):
        await decoders.decode(GOOD, AS_IT_IS)


@pytest.mark.parametrize("answer", [b"\xff\xff\xff\xff", b"\x01\0\0\0\xc1"], ids=["long", "nonsense"])
async def test_a_child_that_talks_nonsense_is_no_decoder(open_decoders, tmp_path, answer):
    program = tmp_path / "decoder.py"
    program.write_text(f"import os, sys\nos.write(int(sys.argv[sys.argv.index('--control-fd') + 1]), {answer!r})\n")
    decoders = await open_decoders(start=partial(start_decoder, command=(sys.executable, str(program))))

    with pytest.raises(NotReadyError):
        await decoders.decode(GOOD, AS_IT_IS)
