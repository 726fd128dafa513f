"""Tensors of the protocol: read from JSON or behind it, and written back either way."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.core.errors import InvalidInputError, MalformedBodyError
from app.schemas.samples import MAX_COUNT

INT64: Final = "INT64"
BYTES: Final = "BYTES"
UINT8: Final = "UINT8"
MAX_DIMS = 8
SIZE = "binary_data_size"
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input, flat.

    Attributes:
        name: Its name.
        values: Integers, or texts where its type is ``BYTES``.
    """

    name: str
    values: Sequence[int] | Sequence[str]


def read_tensors(documents: Sequence[Any], rest: bytes, types: Mapping[str, Sequence[str]]) -> dict[str, Tensor]:
    """Read the inputs of a request.

    Args:
        documents: What its JSON says of them.
        rest: What comes behind the JSON: the numbers of those that are not in it, one after the other.
        types: Data types that each may have, by name.

    Raises:
        InvalidInputError: If one is unknown, there twice, or not as it must be.
        MalformedBodyError: If the bytes behind the JSON are not theirs.
    """
    found: dict[str, Tensor] = {}
    position = 0
    for number, document in enumerate(documents):
        pointer = f"/inputs/{number}"
        name, datatype, count = _read_head(document, types, pointer)
        if name in found:
            raise InvalidInputError("this input is there twice", pointer=pointer)
        size = document.get("parameters", {}).get(SIZE)
        if size is None:
            values = _read_data(document.get("data"), datatype, count, pointer)
        else:
            values = _read_binary(rest, position, size, datatype, count)
            position += size
        found[name] = Tensor(name, values)
    if position != len(rest):
        raise MalformedBodyError("there are bytes behind the last tensor")
    return found


def write_strings(items: Sequence[bytes]) -> bytes:
    """Write elements of type ``BYTES``: each behind its length."""
    return b"".join(_LENGTH.pack(len(item)) + item for item in items)


def _read_head(document: Any, types: Mapping[str, Sequence[str]], pointer: str) -> tuple[str, str, int]:
    """Return name, type and number of elements."""
    if not isinstance(document, dict) or not isinstance(document.get("parameters", {}), dict):
        raise InvalidInputError("an input is an object with name, shape, datatype and data", pointer=pointer)
    name, datatype, shape = (document.get(key) for key in ("name", "datatype", "shape"))
    if not isinstance(name, str) or name not in types:
        raise InvalidInputError(f"the inputs are {', '.join(types)}", pointer=f"{pointer}/name")
    if datatype not in types[name]:
        raise InvalidInputError(f"its type is {' or '.join(types[name])}", pointer=f"{pointer}/datatype")
    if not isinstance(shape, list) or not 1 <= len(shape) <= MAX_DIMS or not all(map(_is_dimension, shape)):
        raise InvalidInputError(f"a shape is a list of 1 to {MAX_DIMS} sizes above 0", pointer=f"{pointer}/shape")
    count = 1
    for size in shape:
        count *= size
    return name, str(datatype), count


def _is_dimension(size: Any) -> bool:
    return type(size) is int and 1 <= size <= MAX_COUNT


def _read_data(data: Any, datatype: str, count: int, pointer: str) -> list[Any]:
    """Read elements that stand in the JSON, nested as its shape or flat."""
    kind = str if datatype == BYTES else int
    flat = data if isinstance(data, list) else []
    for _ in range(MAX_DIMS):
        if not any(isinstance(one, list) for one in flat):
            break
        flat = [one for part in flat for one in (part if isinstance(part, list) else [part])]
    if len(flat) != count or not all(type(one) is kind for one in flat):
        raise InvalidInputError("its data are not what datatype and shape say", pointer=f"{pointer}/data")
    return flat


def _read_binary(rest: bytes, position: int, size: Any, datatype: str, count: int) -> list[Any]:
    if type(size) is not int or not 0 <= size <= len(rest) - position:
        raise MalformedBodyError(f"`{SIZE}` of a tensor is not in the body")
    part = rest[position : position + size]
    if datatype == BYTES:
        return _split_strings(part, count)
    if size != 8 * count:
        raise MalformedBodyError("a tensor has not as many bytes as its shape says")
    return list(np.frombuffer(part, dtype="<i8").tolist())


def _split_strings(part: bytes, count: int) -> list[str]:
    items: list[str] = []
    position = 0
    while position < len(part) and len(items) < count:
        if position + _LENGTH.size > len(part):
            break
        (length,) = _LENGTH.unpack_from(part, position)
        position += _LENGTH.size
        if length > len(part) - position:
            break
        items.append(part[position : position + length].decode("utf-8", "replace"))
        position += length
    if len(items) != count or position != len(part):
        raise MalformedBodyError("a tensor of strings is not as its shape says")
    return items
