import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.imaging.codec import ENCODING
from app.imaging.png_deflate import COMPRESSOR, find_compressor

CONTENTS = {"nothing": b"", "one byte": b"x", "zeros": bytes(5000), "text": b"fount " * 700}


def test_libdeflate_is_used_where_it_is_installed():
    assert COMPRESSOR.library.startswith("libdeflate-")
    assert COMPRESSOR.name == find_compressor().name


def test_zlib_stands_in_where_libdeflate_is_not_installed(hide_libdeflate):
    assert f"zlib-{zlib.ZLIB_RUNTIME_VERSION}" == find_compressor().library


def test_encodings_name_the_compressor():
    assert f"/{COMPRESSOR.name}/" in ENCODING


def test_compressors_that_write_other_bytes_have_other_names(hide_libdeflate):
    other = find_compressor()

    assert COMPRESSOR.compress(b"fount") != other.compress(b"fount")
    assert COMPRESSOR.name.rpartition("-")[2] != other.name.rpartition("-")[2]


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_streams_are_those_of_zlib(content):
    assert content == zlib.decompress(COMPRESSOR.compress(content))
    assert zlib.crc32(content) == COMPRESSOR.crc32(content)


def test_arrays_are_compressed_without_being_copied_to_bytes():
    rows = np.arange(60, dtype=np.uint8).reshape(6, 10)

    assert COMPRESSOR.compress(rows) == COMPRESSOR.compress(rows.tobytes())


def test_every_thread_writes_the_same_bytes():
    random = np.random.default_rng(0)
    rows = [random.integers(0, 4, size=72, dtype=np.uint8).tobytes() for _ in range(500)]
    expected = [bytes(COMPRESSOR.compress(row)) for row in rows]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: [bytes(COMPRESSOR.compress(row)) for row in rows], range(24)))

    assert all(one == expected for one in found)
