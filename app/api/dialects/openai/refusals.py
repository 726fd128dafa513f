"""Errors as OpenAI's clients know them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from app.api.dialects.problem import Refusal, choose_status, describe_problem, find_pointer

_CODES = {"missing-key": "invalid_api_key", "rate-limited": "rate_limit_exceeded"}
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}
_NEVER_AGAIN = "poison-request"


def write_error(problem: Mapping[str, Any]) -> Refusal:
    """Write a problem as ``error`` with message, type, param and code."""
    status, code = choose_status(problem["status"]), problem["code"]
    pointer = find_pointer(problem)
    error = {
        "message": describe_problem(problem),
        "type": _TYPES.get(HTTPStatus(status)) or _choose_type(status),
        "param": pointer.lstrip("/").replace("/", ".") or None if pointer else None,
        "code": _CODES.get(code, code.replace("-", "_")),
    }
    headers = {"x-should-retry": "false"} if code == _NEVER_AGAIN else {}  # its client tries 5xx again by itself
    return Refusal({"error": error}, headers)


def _choose_type(status: int) -> str:
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
