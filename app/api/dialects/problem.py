"""A problem as a dialect sees it, and its answer in the dialect's words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in the words of a dialect.

    Attributes:
        body: The JSON document.
        headers: Further headers.
    """

    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


Writer: TypeAlias = Callable[[Mapping[str, Any]], Refusal]
"""Writes the members of a problem document as a dialect does; ``status`` is that of the answer."""


def choose_status(status: int) -> int:
    """Return the status that other services have for a refusal: they know no 422."""
    return HTTPStatus.BAD_REQUEST if status == HTTPStatus.UNPROCESSABLE_ENTITY else status


def describe_problem(problem: Mapping[str, Any]) -> str:
    """Say what is wrong in one line, with the names that there are where one was not found."""
    names = problem.get("models")
    known = f"; there are {', '.join(names[:MAX_LISTED])}" if names else ""
    return f"{problem['detail']}{known}"


def find_pointer(problem: Mapping[str, Any]) -> str | None:
    """Return the JSON pointer of the first value that is wrong; None where none is to blame."""
    errors = problem.get("errors")
    return errors[0]["pointer"] if errors else None
