"""The header of a weights file, checked before anything is allocated for what it says."""

import math
from typing import Annotated, Final, Literal

import msgspec

from app.core.errors import UnsupportedArchitectureError

MAX_HEADER_BYTES: Final = 2**20
MAX_TENSORS: Final = 4096

_LENGTH_BYTES = 8
_METADATA = "__metadata__"
_WIDTHS = {"F32": 4, "I64": 8}
_PICKLES = (b"\x80", b"PK\x03\x04")  # of old and new checkpoints of torch; archives of any kind begin like the second


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor: where its bytes are, behind the header."""

    dtype: Literal["F32", "I64"]
    shape: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=2**40)], ...], msgspec.Meta(max_length=8)]
    data_offsets: tuple[Annotated[int, msgspec.Meta(ge=0)], int]


_read_header = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_entry = msgspec.json.Decoder(_Entry).decode


def check_header(weights: bytes) -> None:
    """Check that a safetensors file is one that ``dump_weights`` could have written.

    At most 4096 tensors in a header of at most 1 MiB; float32, and int64 for counters, since other types would change
    the numerics; their bytes side by side, from the end of the header to that of the file.

    Source: https://huggingface.co/docs/safetensors/index#format

    Raises:
        UnsupportedArchitectureError: Naming what is wrong.
    """
    length = int.from_bytes(weights[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if length > MAX_HEADER_BYTES and weights.startswith(_PICKLES):
        raise UnsupportedArchitectureError("the weights are a pickle or an archive, which is never opened")
    if length > MAX_HEADER_BYTES or start > len(weights):
        raise UnsupportedArchitectureError("the header of the weights is cut off, or larger than 1 MiB")
    try:
        raw = _read_header(weights[_LENGTH_BYTES:start])
        entries = [_read_entry(one) for name, one in raw.items() if name != _METADATA]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnsupportedArchitectureError("the header of the weights is not that of a safetensors file") from error
    if len(entries) > MAX_TENSORS:
        raise UnsupportedArchitectureError(f"the weights are more than {MAX_TENSORS} tensors", limit=MAX_TENSORS)
    _check_places(entries, len(weights) - start)


def _check_places(entries: list[_Entry], num_bytes: int) -> None:
    """Check that each tensor is as long as its shape says, and that they fill the file without gap or overlap."""
    end = 0
    for entry in sorted(entries, key=lambda one: one.data_offsets):
        begin, behind = entry.data_offsets
        if begin != end or behind - begin != math.prod(entry.shape) * _WIDTHS[entry.dtype]:
            raise UnsupportedArchitectureError("the weights are not where the header says that they are")
        end = behind
    if end != num_bytes:
        raise UnsupportedArchitectureError("the weights are cut off, or followed by something else")
