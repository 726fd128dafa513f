"""Policies in requests: read strictly, with pointers that lead through operations."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from app.api.validation import explain_problems
from app.augmentation.operation import Operation
from app.augmentation.policy import Policy
from app.augmentation.presets import find
from app.augmentation.registry import BY_NAME
from app.augmentation.traces import Trace
from app.core.errors import InvalidInputError

PRESET, OPS = "preset", "ops"


def read_policy(document: Mapping[str, Any], pointer: str) -> Policy:
    """Read ``{"preset": name}`` or ``{"ops": [...]}``.

    Args:
        document: The JSON object.
        pointer: Where it is in the request.

    Raises:
        InvalidInputError: If it is neither, or a value in it is not valid.
        UnknownPresetError: If there is no such preset.
    """
    if set(document) == {PRESET}:
        name = document[PRESET]
        if not isinstance(name, str):
            raise InvalidInputError("the name of a preset is a text", pointer=f"{pointer}/{PRESET}")
        return find(name)
    if PRESET in document or OPS not in document:
        raise InvalidInputError(
            f"a policy is `{{{PRESET!r}: name}}` or `{{{OPS!r}: [...]}}`".replace("'", '"'), pointer=pointer
        )
    try:
        return Policy.model_validate(dict(document))
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
        raise explain_problems([_place(item, pointer) for item in items]) from None


def explain_trace(error: ValidationError, pointer: str, left_out: str | None = None) -> InvalidInputError:
    """Turn what is wrong with a trace into one of our errors.

    Args:
        error: Of a ``Trace``.
        pointer: Where it is in the request.
        left_out: What callers do not write: the field ``steps``, where the request holds the steps themselves.
    """
    items = error.errors(include_url=False, include_input=False)
    placed = [_place(item, pointer, Trace) for item in items]
    if left_out is None:
        return explain_problems(placed)
    return explain_problems(
        [(item, at.replace(f"{pointer}/{left_out}", pointer, 1), owner) for item, at, owner in placed]
    )


def _place(
    item: Mapping[str, Any], pointer: str, owner: type[BaseModel] | None = Policy
) -> tuple[Mapping[str, Any], str, type[BaseModel] | None]:
    """Find where an error is: names of operations, which pydantic puts behind their places, are no part of that."""
    is_trace = owner is Trace
    parts: list[str] = []
    places: Sequence[str | int] = item["loc"]
    for number, part in enumerate(places):
        if isinstance(part, int):
            parts.append(str(part))
        elif number and isinstance(places[number - 1], int) and part in BY_NAME:
            node = BY_NAME[part]
            owner = node.applied if is_trace and issubclass(node, Operation) else node
        elif owner is None or part not in owner.model_fields:
            break
        else:
            parts.append(part)
    return item, "/".join([pointer, *parts]), owner
