import json
import struct

import pytest

from app.core.errors import UnsupportedArchitectureError
from app.generators.checkpoint import dump_weights
from app.generators.header import MAX_HEADER_BYTES, MAX_TENSORS, check_header
from tests.factories import make_networks

EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
TWO = {
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
}


def write_file(header, num_bytes=32, *, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(num_bytes)


def test_weights_as_they_are_written_pass():
    generator, _ = make_networks()

    assert check_header(dump_weights({"generator": generator})) is None
    assert check_header(write_file(TWO | {"__metadata__": {"format": "pt"}})) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 7,
        b"\x80\x02}q\x00.",
        write_file(TWO, length=2**63),
        write_file(b"{" + b" " * MAX_HEADER_BYTES + b"}", 0),
        write_file(b"[]"),
        write_file(b"\xff{}"),
        write_file(b'{"a":' + b"[" * 100_000),
        write_file(TWO, 31),
        write_file(TWO, 33),
        write_file({"a": TWO["a"] | {"dtype": "F16"}}, 24),
        write_file({"a": TWO["a"] | {"shape": [2, 4]}}, 24),
        write_file({"a": TWO["a"] | {"shape": [2**40, 2**40, 0, 2**40]}}, 24),
        write_file({"a": TWO["a"] | {"shape": [-2, -3]}}, 24),
        write_file({"a": TWO["a"] | {"shape": [1] * 9}}, 24),
        write_file({"a": TWO["a"] | {"data_offsets": [24, 0]}}, 24),
        write_file({"a": TWO["a"] | {"more": 1}}, 24),
        write_file({"a": TWO["a"], "b": TWO["a"]}, 24),
        write_file({"a": TWO["a"], "b": TWO["b"] | {"data_offsets": [25, 33]}}, 33),
        write_file(
            {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(MAX_TENSORS + 1)}, 0
        ),
    ],
    ids=[
        "nothing",
        "no length",
        "pickle",
        "endless header",
        "large header",
        "list",
        "no text",
        "nested",
        "cut off",
        "trailing bytes",
        "half precision",
        "other shape",
        "overflow",
        "negative",
        "many dimensions",
        "backwards",
        "unknown field",
        "overlap",
        "gap",
        "many tensors",
    ],
)
def test_a_header_that_none_of_ours_would_be_is_refused(data):
    with pytest.raises(UnsupportedArchitectureError):
        check_header(data)
