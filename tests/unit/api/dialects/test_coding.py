import gzip
import tracemalloc
import zlib

import numpy as np
import pytest
from starlette.exceptions import HTTPException

from app.api.dialects.inference.coding import code_format, inflate, takes_coded
from app.imaging.formats.registry import Streamed

LIMIT = 65_536


class Parts:
    """Writes a file of which each part can be told from the others."""

    content_length = 9

    def begin(self):
        yield b"head"
        yield b","

    def add(self, offset, *_):
        return b"%d" % offset

    def finish(self):
        yield b",end"


@pytest.mark.parametrize("code", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_body_that_would_become_large_is_never_made(code):
    bomb = code(b"\0" * 2**26, 9)
    tracemalloc.start()
    try:
        with pytest.raises(HTTPException) as caught:
            inflate(bomb, "gzip" if code is gzip.compress else "deflate", LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 413 == caught.value.status_code
    assert len(bomb) < LIMIT
    assert peak < 4 * LIMIT


def test_a_body_as_large_as_it_may_be_is_read():
    assert LIMIT == len(inflate(gzip.compress(b" " * LIMIT), "gzip", LIMIT))


@pytest.mark.parametrize("is_early", [True, False], ids=["samples-first", "head-first"])
def test_a_coded_file_has_its_parts_in_order(is_early):
    coded = code_format(Streamed("text/plain", lambda _: Parts()), "gzip")
    writer = coded.open(None)
    images = np.zeros((1, 1, 1, 1), np.uint8)
    first = writer.add(0, images, None) if is_early else b""

    pieces = [*writer.begin(), first, *([] if is_early else [writer.add(0, images, None)])]
    pieces += [writer.add(1, images, None), *writer.finish()]

    assert None is writer.content_length
    assert b"head,01,end" == gzip.decompress(b"".join(pieces))


@pytest.mark.parametrize("path", ["/v2/models/tiny/infer", "/v2/models/tiny@3/versions/3/infer"])
def test_inference_takes_coded_bodies(path):
    assert takes_coded(path)


@pytest.mark.parametrize(
    "path", ["/v2/models/a/b/infer", "/v2/models/tiny/infer/", "/v1/samples", "/v2/models/tiny/infer\n"]
)
def test_nothing_else_does(path):
    assert not takes_coded(path)
