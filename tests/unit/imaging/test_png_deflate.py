import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from isal import isal_zlib

from app.imaging.codec import ENCODING
from app.imaging.png_deflate import COMPRESSOR, LARGE_BYTES, Compressor, IsalCompressor, find_compressor

CONTENTS = {
    "one byte": b"x",
    "zeros": bytes(5000),
    "text": b"fount " * 600,
    "long text": b"fount " * 30000,
    "noise": np.random.default_rng(0).bytes(9000),
}


def make_rows(size: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 4, size=size, dtype=np.uint8) for _ in range(2_000_000 // (size + 4000))]


def test_both_libraries_are_used_where_they_are_installed():
    assert ["libdeflate", "isal"] == COMPRESSOR.library.split("-")[::2]
    assert COMPRESSOR.name == find_compressor().name


def test_zlib_stands_in_where_one_is_not_installed(hide_compressor):
    assert f"zlib-{zlib.ZLIB_RUNTIME_VERSION}" == find_compressor().library


def test_encodings_name_the_compressor():
    assert f"/{COMPRESSOR.name}/" in ENCODING


@pytest.mark.parametrize("changed", ["compress_small", "compress_large"])
def test_compressors_that_write_other_bytes_have_other_names(changed):
    streams = {"compress_small": zlib.compress, "compress_large": zlib.compress}

    name = Compressor("a", **streams, crc32=zlib.crc32).name

    assert name != Compressor("a", **streams | {changed: lambda data: zlib.compress(data, 1)}, crc32=zlib.crc32).name


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_streams_are_those_of_zlib(content):
    rows = np.frombuffer(content, np.uint8)

    assert content == zlib.decompress(COMPRESSOR.compress(rows))
    assert content == zlib.decompress(COMPRESSOR.compress_large(rows))
    assert zlib.crc32(content) == COMPRESSOR.crc32(content)


@pytest.mark.parametrize(("size", "large"), [(LARGE_BYTES - 1, False), (LARGE_BYTES, True)], ids=["small", "large"])
def test_the_size_chooses_the_compressor(size, large):
    rows = np.arange(size, dtype=np.uint16).astype(np.uint8)

    expected = (COMPRESSOR.compress_large if large else COMPRESSOR.compress_small)(rows)

    assert expected == COMPRESSOR.compress(rows)


def test_arrays_of_rows_are_compressed_as_their_bytes():
    rows = np.arange(6000, dtype=np.uint16).astype(np.uint8).reshape(60, 100)

    assert COMPRESSOR.compress(rows) == COMPRESSOR.compress(rows.reshape(-1))
    assert COMPRESSOR.compress(rows[:6]) == COMPRESSOR.compress(rows[:6].reshape(-1))


@pytest.mark.parametrize("size", [72, 813, 4096, 40_000], ids=str)
def test_every_thread_writes_the_same_bytes(size):
    rows = make_rows(size)
    expected = [bytes(COMPRESSOR.compress(one)) for one in rows]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: [bytes(COMPRESSOR.compress(one)) for one in rows], range(6)))

    assert all(one == expected for one in found)


@pytest.mark.parametrize("place", range(3))
def test_the_address_of_a_state_does_not_enter_its_stream(place):
    states = [isal_zlib.compressobj(1) for _ in range(2)]
    rows = np.random.default_rng(place).integers(0, 24, 6000, dtype=np.uint8)
    for start in (place, 100, 500, 3000):
        rows[start : start + 6] = list(struct.pack("<I2x", id(states[0]) >> 16 & 0xFFFFFFFF))

    opened = iter(states)
    compress = IsalCompressor(SimpleNamespace(compressobj=lambda _: next(opened), Z_SYNC_FLUSH=isal_zlib.Z_SYNC_FLUSH))

    assert id(states[0]) >> 16 != id(states[1]) >> 16
    assert compress(rows) == compress(rows)
