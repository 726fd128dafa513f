"""A request for inference, read: which samples, and which tensors of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.api.dialects.inference.tensors import BYTES, INT64, Tensor, read_tensors
from app.api.strict import parse_json
from app.core.errors import InvalidInputError, MalformedBodyError

IMAGES, PNG, LABELS, INDICES, SEED, N = "IMAGES", "PNG", "LABELS", "INDICES", "SEED", "N"
INPUTS: Final[Mapping[str, Sequence[str]]] = {N: (INT64,), SEED: (INT64,), LABELS: (INT64, BYTES)}
OUTPUTS: Final = (IMAGES, LABELS, INDICES, SEED, PNG)
DEFAULT_OUTPUTS: Final = (IMAGES, LABELS, INDICES, SEED)
"""Where a request names none: each image once."""

_BINARY, _ALL_BINARY = "binary_data", "binary_data_output"
_OWN = frozenset({"n", "seed", "labels", "first_index", "truncation", _ALL_BINARY})
_FOREIGN = frozenset({"priority", "timeout", "sequence_id", "sequence_start", "sequence_end"})
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Output:
    """One tensor that is wanted; its numbers stand behind the JSON, or in it."""

    name: str
    is_binary: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says.

    Attributes:
        id: Its id, where that is harmless: it is repeated.
        outputs: Tensors that are wanted.
        labels: Classes, by name or number: none, one for all samples, or one for each.
        numbers: Our fields ``num_samples``, ``seed``, ``first_index`` and ``truncation``, as far as given.
        ignored: Parameters without an effect.
    """

    id: str | None
    outputs: Sequence[Output]
    labels: Sequence[str | int]
    numbers: Mapping[str, Any]
    ignored: Sequence[str]


def read_asked(body: bytes, head_length: int | None) -> Asked:
    """Read a body.

    Args:
        body: All of it.
        head_length: Bytes of the JSON, where tensors are behind it.

    Raises:
        MalformedBodyError: If it is not JSON, or its parts do not fit together.
        InvalidInputError: If it asks for what there is not.
    """
    if head_length is not None and head_length > len(body):
        raise MalformedBodyError("the JSON is longer than the body")
    head = body if head_length is None else body[:head_length]
    document = parse_json(head) if head else {}
    if not isinstance(document, dict):
        raise MalformedBodyError("the body is one JSON object")
    parameters = _read_object(document, "parameters")
    _check_parameters(parameters)
    tensors = read_tensors(_read_list(document, "inputs"), b"" if head_length is None else body[head_length:], INPUTS)
    request_id = document.get("id")
    return Asked(
        request_id if isinstance(request_id, str) and _ID.fullmatch(request_id) else None,
        _read_outputs(_read_list(document, "outputs"), is_binary=parameters.get(_ALL_BINARY) is True),
        _read_labels(tensors, parameters),
        _read_numbers(tensors, parameters),
        sorted(_FOREIGN & parameters.keys()),
    )


def _read_object(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInputError("this is an object", pointer=f"/{name}")
    return value


def _read_list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidInputError("this is a list", pointer=f"/{name}")
    return value


def _check_parameters(parameters: Mapping[str, Any]) -> None:
    if not parameters.keys() <= _OWN | _FOREIGN:
        raise InvalidInputError(f"the parameters are {', '.join(sorted(_OWN))}", pointer="/parameters")


def _read_outputs(documents: Sequence[Any], *, is_binary: bool) -> list[Output]:
    found: dict[str, Output] = {}
    for number, document in enumerate(documents):
        pointer = f"/outputs/{number}"
        name = document.get("name") if isinstance(document, dict) else None
        if name not in OUTPUTS or name in found:
            raise InvalidInputError(f"the outputs are {', '.join(OUTPUTS)}, each at most once", pointer=pointer)
        parameters = _read_object(document, "parameters")
        if not parameters.keys() <= {_BINARY}:
            raise InvalidInputError(f"an output has one parameter, `{_BINARY}`", pointer=f"{pointer}/parameters")
        found[name] = Output(name, parameters.get(_BINARY, is_binary) is True)
    return list(found.values()) or [Output(name, is_binary) for name in DEFAULT_OUTPUTS]


def _read_labels(tensors: Mapping[str, Tensor], parameters: Mapping[str, Any]) -> Sequence[str | int]:
    if LABELS in tensors:
        return tensors[LABELS].values
    given = parameters.get("labels")
    if given is None:
        return []
    if type(given) is int:
        return [given]
    if not isinstance(given, str):
        raise InvalidInputError("this is a class, or several behind each other", pointer="/parameters/labels")
    return [part.strip() for part in given.split(",")]


def _read_numbers(tensors: Mapping[str, Tensor], parameters: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: parameters.get(name) for name in ("seed", "first_index", "truncation")}
    numbers["num_samples"] = parameters.get("n")
    for name, field in ((N, "num_samples"), (SEED, "seed")):
        if name in tensors:
            if len(tensors[name].values) != 1:
                raise InvalidInputError(f"`{name}` holds one number", pointer="/inputs")
            numbers[field] = tensors[name].values[0]
    return {name: value for name, value in numbers.items() if value is not None}
