"""What the client raises. Errors are made from the service's problem documents, by the family of their code.

::

    FountError
    ├── InvalidRequestError   a value is wrong, too large or contradicts another; nothing was computed
    ├── AccessError           no key, a wrong key, or one without the scope
    ├── NotFoundError         no such model, version, alias or address
    ├── ConflictError         the present state does not allow it, as an alias that has moved
    ├── CapacityError         not now: the queue is full, the key asks for too much, the service is starting
    ├── ServiceFailedError    the service could not; `request_id` is in its log
    └── UnreachableError      no answer came
        └── BrokenAnswerError   an answer began and did not come to its end

The families are those of the service's own tree; a code of another release goes by its status.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from app.core import errors as service


class FountError(Exception):
    """Root of the tree.

    Args:
        detail: One sentence: what is wrong, and what to do next.
        code: Stable name of the problem, for example ``unknown-class``; each has a page in the documentation.
        status: HTTP status; 0 where no answer came.
        errors: What is wrong where: ``pointer``, ``code`` and ``detail`` of each value.
        request_id: Finds the request in the service's log.
        fields: What else the problem says, for example ``limit`` or ``class_names``.
        retry_after_s: Seconds after which to ask again, where the service said so.
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str = "",
        status: int = 0,
        errors: Sequence[Mapping[str, str]] = (),
        request_id: str = "",
        fields: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.errors = list(errors)
        self.request_id = request_id
        self.fields = dict(fields or {})
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        """Write the detail, and behind it what names the problem."""
        pointers = ", ".join(one["pointer"] for one in self.errors if one.get("pointer"))
        facts = [self.code, str(self.status) if self.status else "", f"at {pointers}" if pointers else ""]
        named = ", ".join(fact for fact in [*facts, self.request_id and f"request {self.request_id}"] if fact)
        return f"{self.detail} ({named})" if named else self.detail


class InvalidRequestError(FountError):
    """A value is wrong, too large, or contradicts another one; nothing was computed."""


class AccessError(FountError):
    """The service needs a key, or one with another scope."""


class NotFoundError(FountError):
    """There is no such model, version, alias or address."""


class ConflictError(FountError):
    """The present state does not allow this, for example because an alias has moved."""


class CapacityError(FountError):
    """The service cannot take this now, and the client has asked again as often as it may."""


class ServiceFailedError(FountError):
    """The service could not answer; what went wrong is in its log under ``request_id``."""


class UnreachableError(FountError):
    """No answer came: nobody listens there, the connection broke, or it took too long."""


class BrokenAnswerError(UnreachableError):
    """An answer began, and did not come to its end."""


_FAMILIES: Mapping[type[service.ServiceError], type[FountError]] = {
    service.InvalidInputError: InvalidRequestError,
    service.NotAcceptableError: InvalidRequestError,
    service.AccessError: AccessError,
    service.NotFoundError: NotFoundError,
    service.ConflictError: ConflictError,
    service.CapacityError: CapacityError,
}
_STATUSES: Mapping[int, type[FountError]] = {
    HTTPStatus.UNAUTHORIZED: AccessError,
    HTTPStatus.FORBIDDEN: AccessError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.PRECONDITION_FAILED: ConflictError,
    HTTPStatus.TOO_MANY_REQUESTS: CapacityError,
    HTTPStatus.SERVICE_UNAVAILABLE: CapacityError,
}
_STANDARD = frozenset({"type", "title", "status", "detail", "code", "errors", "request_id"})
_CODES: Mapping[str, type[service.ServiceError]] = {error.code: error for error in service.iter_errors()}


def make_error(status: int, problem: Mapping[str, Any], retry_after_s: float | None = None) -> FountError:
    """Build the error that an answer stands for.

    Args:
        status: Of the answer, 400 or more.
        problem: Its problem document; empty where the answer is of somebody else, for example a proxy.
        retry_after_s: What ``Retry-After`` says.
    """
    code = str(problem.get("code", ""))
    return find_family(status, code)(
        str(problem.get("detail") or f"the answer has status {status}, and does not say why"),
        code=code,
        status=status,
        errors=problem.get("errors") or (),
        request_id=str(problem.get("request_id", "")),
        fields={name: value for name, value in problem.items() if name not in _STANDARD},
        retry_after_s=retry_after_s,
    )


def find_family(status: int, code: str) -> type[FountError]:
    """Find the class of a problem: by its code, else by its status."""
    for parent in _CODES[code].__mro__ if code in _CODES else ():
        if parent in _FAMILIES:
            return _FAMILIES[parent]
    if status in _STATUSES and code not in _CODES:
        return _STATUSES[status]
    return InvalidRequestError if status < HTTPStatus.INTERNAL_SERVER_ERROR else ServiceFailedError
