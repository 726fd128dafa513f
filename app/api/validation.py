"""What pydantic found wrong, told without repeating anything that was sent."""

import difflib
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from app.core.errors import InvalidInputError, NotFoundError, ServiceError
from app.schemas.problems import FieldProblem

MAX_ERRORS = 20
MAX_KNOWN_NAMES = 30
UNKNOWN_FIELD = "unknown-field"

ErrorItem = Mapping[str, Any]

_SPELLINGS = {
    "model": "expected `name`, `name@3` or `name@alias`, in lower case",
    "name": "a name is 1 to 64 of a-z, 0-9, `.`, `_`, `-`, and begins with a letter or digit",
    "alias": "an alias is 1 to 32 of a-z, 0-9, `_`, `-`, and begins with a letter",
    "version": "expected a version number without leading zeros, or an alias",
    "seed": "expected digits without leading zeros",
    "index": "expected digits without leading zeros",
}


def explain_errors(items: Sequence[ErrorItem], model: type[BaseModel] | None) -> ServiceError:
    """Turn validation errors into one of ours.

    Args:
        items: Errors of the framework; their ``input`` and ``ctx`` are never used.
        model: The body's model, if the route reads one.

    Returns:
        ``NotFoundError`` if a part of the path is not written as such parts are, else ``InvalidInputError``;
        ``errors`` in its fields lists the values.
    """
    problems = _merge(_explain(item, model) for item in items[:MAX_ERRORS])
    listed: Any = [problem.model_dump() for problem in problems]
    if any(item["loc"][:1] == ("path",) for item in items):
        return NotFoundError("there is nothing under this address: a part of it is not well formed", errors=listed)
    return _refuse(problems)


def explain_problems(items: Iterable[tuple[ErrorItem, str, type[BaseModel] | None]]) -> InvalidInputError:
    """Turn validation errors whose places are known into one of ours.

    Args:
        items: Errors of pydantic, each with its JSON pointer and the model that it arose in.
    """
    placed = list(items)[:MAX_ERRORS]
    return _refuse(_merge(_explain_at(item, pointer, owner) for item, pointer, owner in placed))


def _refuse(problems: Sequence[FieldProblem]) -> InvalidInputError:
    first = problems[0]
    where = f"`{first.pointer}`: " if first.pointer else ""
    listed: Any = [problem.model_dump() for problem in problems]
    return InvalidInputError(f"{where}{first.detail}", errors=listed)


def suggest_name(sent: str, known: Sequence[str]) -> str:
    """Hint at the known name that is nearest to an unknown one."""
    nearest = difflib.get_close_matches(sent[:100].lower(), known, n=1)
    if nearest:
        return f"unknown name; did you mean `{nearest[0]}`?"
    return "unknown name; known here: " + ", ".join(known[:MAX_KNOWN_NAMES])


def _explain(item: ErrorItem, model: type[BaseModel] | None) -> FieldProblem:
    place, *parts = item["loc"] or ("body",)
    if place != "body":
        pointer = "/" + "/".join([str(place), *(str(part) for part in parts[:1])])
        return FieldProblem(pointer=pointer, code=_code(item), detail=_sentence(item))
    if item["type"] == "missing" and not parts:
        return FieldProblem(pointer="", code="missing", detail="the request needs a JSON body")
    return _explain_at(item, *_known_path(parts, model))


def _explain_at(item: ErrorItem, pointer: str, owner: type[BaseModel] | None) -> FieldProblem:
    if item["type"] == "extra_forbidden":
        names = list(owner.model_fields) if owner else []
        return FieldProblem(pointer=pointer, code=UNKNOWN_FIELD, detail=suggest_name(str(item["loc"][-1]), names))
    return FieldProblem(pointer=pointer, code=_code(item), detail=_sentence(item))


def _known_path(parts: Iterable[str | int], model: type[BaseModel] | None) -> tuple[str, type[BaseModel] | None]:
    """Follow a location while its parts are names of ours: dictionary keys are the caller's and are left out."""
    pointer, owner = "", model
    for part in parts:
        if isinstance(part, int):
            pointer += f"/{part}"
            continue
        if owner is None or part not in owner.model_fields:
            break
        pointer += f"/{part}"
        owner = _nested_model(owner.model_fields[str(part)].annotation)
    return pointer, owner


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    choices = [annotation, *typing.get_args(annotation)]
    return next((one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _code(item: ErrorItem) -> str:
    return str(item["type"]).replace("_", "-")


def _sentence(item: ErrorItem) -> str:
    if item["type"] == "union_tag_invalid":  # the only rule in use whose text repeats the input
        known = [tag.strip("' ") for tag in item["ctx"]["expected_tags"].split(",")]
        return suggest_name(str(item["ctx"]["tag"]), known)
    if item["type"] == "string_pattern_mismatch":
        return _SPELLINGS.get(str(item["loc"][-1]), "this text is not of the form that it must have")
    text = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].lower() + text[1:]


def _merge(problems: Iterable[FieldProblem]) -> list[FieldProblem]:
    """Join the branches of a union: one value is one problem."""
    merged: dict[str, FieldProblem] = {}
    for problem in problems:
        known = merged.get(problem.pointer)
        if known is None or problem.code == UNKNOWN_FIELD:
            merged[problem.pointer] = problem
        elif known.code.endswith("-type") and problem.code.endswith("-type") and problem.detail not in known.detail:
            merged[problem.pointer] = known.model_copy(update={"detail": f"{known.detail}, or {problem.detail}"})
    return list(merged.values())
