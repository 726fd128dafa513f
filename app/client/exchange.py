"""Requests and answers as the operations of the client see them; nothing here sends or waits."""

import inspect
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import time
from typing import Any, TypeAlias, TypeVar, get_args

from app.client.errors import FountError, make_error

T = TypeVar("T")
M = TypeVar("M", bound=Callable[..., Any])

FilePart: TypeAlias = tuple[str, tuple[str | None, bytes, str]]
"""Name of a part; then its file name, bytes and media type."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: Of HTTP.
        path: Below the service's address.
        document: Body of JSON; None for none.
        files: Parts of a form, instead.
        headers: More headers.
        is_repeatable: Whether it may be sent again when the connection broke, and nobody knows whether it was read.
    """

    method: str
    path: str
    document: Mapping[str, Any] | None = None
    files: Sequence[FilePart] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole.

    Attributes:
        status: Of HTTP.
        headers: By their names in lower case.
        body: All of it.
        url: Address of the service.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    def read_json(self) -> Any:
        """Read a body of JSON."""
        return json.loads(self.body)


class Memory:
    """What a client knows of the service already: class names by version, for versions never change."""

    def __init__(self) -> None:
        self.class_names: dict[str, tuple[str, ...]] = {}


Operation: TypeAlias = Generator[Request, Answer, T]
"""Yields requests, is sent the answers, returns what they come to; the same for both clients."""


def sign(method: M, operation: Callable[..., Any]) -> M:
    """Give a method the signature of its operation, and what that comes to."""
    signature = inspect.signature(operation)
    *_, result = get_args(signature.return_annotation)
    method.__dict__["__signature__"] = signature.replace(return_annotation=result)
    return method


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> FountError:
    """Read the error that an answer of 400 or more stands for."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = {}
    return make_error(status, problem if isinstance(problem, dict) else {}, read_retry_after(headers))


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``, as seconds or as a date, in seconds from now; None where there is none."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time(), 0.0)
    except ValueError:
        return None


def is_error(status: int) -> bool:
    """Whether an answer says that it could not be done."""
    return status >= HTTPStatus.BAD_REQUEST
