"""The one table from errors to HTTP: status, title, advice; and the RFC 9457 answers made from it."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from app.api.access import check_any, find_checks
from app.api.streaming import WholeAnswer
from app.core import errors
from app.core.errors import FieldValue, ServiceError
from app.schemas.problems import FieldProblem

MEDIA_TYPE = "application/problem+json"
DEFAULT_RETRY_AFTER_S = 1

_WAITING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of error is answered, and what its page tells callers to do."""

    status: HTTPStatus
    title: str
    advice: str
    meaning: str = ""  # else the first paragraph of the error's docstring


_FIX = "Change the request as `detail` and `errors` say; the same request will fail again."
_LOOK = "List what there is with `GET /v1/models`."
_WAIT = "Ask again after the seconds in `Retry-After`; nothing was computed, so nothing is lost."
_REPORT = "Ask again; if it stays, tell the operator the `request_id`, which is in the service's log."
_OPERATOR = "Tell the operator: the stored model needs `fount models verify`. Other versions are not affected."

TABLE: Mapping[type[ServiceError], Row] = {
    ServiceError: Row(
        HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed", _REPORT, "Something went wrong that should not."
    ),
    errors.InvalidInputError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "A value is not valid", _FIX),
    errors.MalformedBodyError: Row(
        HTTPStatus.BAD_REQUEST,
        "The body is not well formed",
        "Send one JSON object, UTF-8, each name at most once; or a complete form, where the route reads files.",
    ),
    errors.UnknownLabelError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The model has no such class",
        "Use a name from `class_names` of `GET /v1/models/{name}`, or its number.",
    ),
    errors.UnknownPresetError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "No such preset",
        "Use a name from `GET /v1/augmentations/presets`, or send the policy itself.",
    ),
    errors.NoEncoderError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The model cannot read images",
        "Use a version whose `parts` in `GET /v1/models/{name}/versions/{version}` name an `encoder`.",
    ),
    errors.LimitExceededError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "More than this service allows",
        "Split the request: `first_index` makes the parts equal to the whole. `limit` says how much fits into one.",
    ),
    errors.UnsupportedMediaError: Row(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body's type is not supported",
        "Send the type that `detail` names, without `Content-Encoding`.",
    ),
    errors.ImageTooLargeError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY, "An image is too large", "Scale the image down to at most `limit` pixels."
    ),
    errors.UndecodableImageError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "An image cannot be decoded",
        "Look whether the file opens elsewhere, and was sent whole; `errors` says which one it is.",
    ),
    errors.UnsupportedImageError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "An image is of a kind that is not read",
        "Send PNG, JPEG, WebP, GIF, TIFF or BMP with pixels of 8 bits, or of 16 bits in grey.",
    ),
    errors.AnimatedImageError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY, "An image is animated", "Send one picture per file."
    ),
    errors.DecodingTimeoutError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "An image takes too long to decode",
        "Write the file anew with other software, or scale the image down.",
    ),
    errors.DecoderCrashedError: Row(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "An image ends decoders",
        "Write the file anew with other software; if it stays, tell the operator the `request_id`.",
    ),
    errors.NotAcceptableError: Row(
        HTTPStatus.NOT_ACCEPTABLE,
        "No acceptable format",
        "Name a type from `media_types` in `Accept`, or use the `format` field.",
    ),
    errors.AccessError: Row(HTTPStatus.FORBIDDEN, "Access denied", "Ask the operator for a key that may do this."),
    errors.MissingKeyError: Row(
        HTTPStatus.UNAUTHORIZED,
        "A valid key is needed",
        "Send `Authorization: Bearer <key>` with a key of this service.",
    ),
    errors.MissingScopeError: Row(
        HTTPStatus.FORBIDDEN, "The key lacks a scope", "Use a key that has the scope named in `scope`."
    ),
    errors.NotFoundError: Row(HTTPStatus.NOT_FOUND, "Nothing at this address", "See `/docs` for what there is."),
    errors.ModelNotFoundError: Row(HTTPStatus.NOT_FOUND, "No such model", _LOOK),
    errors.VersionNotFoundError: Row(HTTPStatus.NOT_FOUND, "No such version", _LOOK),
    errors.AliasNotFoundError: Row(HTTPStatus.NOT_FOUND, "No such alias", _LOOK),
    errors.ConflictError: Row(
        HTTPStatus.CONFLICT, "In conflict with the present state", "Read the state, then decide."
    ),
    errors.VersionConflictError: Row(HTTPStatus.CONFLICT, "The version exists", "Publish under the next free number."),
    errors.VersionInUseError: Row(HTTPStatus.CONFLICT, "The version is in use", "Move its aliases first."),
    errors.PreconditionFailedError: Row(
        HTTPStatus.PRECONDITION_FAILED,
        "The state has changed",
        "Read the present state and its `ETag`, decide again, and send that in `If-Match`.",
    ),
    errors.CapacityError: Row(HTTPStatus.SERVICE_UNAVAILABLE, "No capacity now", _WAIT),
    errors.QueueFullError: Row(HTTPStatus.SERVICE_UNAVAILABLE, "The queue is full", _WAIT),
    errors.RateLimitedError: Row(
        HTTPStatus.TOO_MANY_REQUESTS,
        "The key asks for too much",
        f"{_WAIT} `GET /v1` tells the bounds of the key.",
    ),
    errors.DeadlineExceededError: Row(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "It would take too long",
        f"{_WAIT} `Fount-Timeout` may allow more time, up to what the service allows.",
    ),
    errors.NotReadyError: Row(HTTPStatus.SERVICE_UNAVAILABLE, "Not ready", _WAIT),
    errors.WorkerError: Row(HTTPStatus.INTERNAL_SERVER_ERROR, "The worker failed", _REPORT),
    errors.WorkerLostError: Row(HTTPStatus.SERVICE_UNAVAILABLE, "The worker is away", _WAIT),
    errors.PoisonRequestError: Row(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The request ends workers",
        "Do not send it again; tell the operator the `request_id`.",
    ),
    errors.ModelUnhealthyError: Row(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The version is not healthy",
        "Ask again by the model's name or an alias: when it stays so, the version before answers. "
        "`GET /v1/models/{name}` tells the reason.",
    ),
    errors.OutOfDeviceMemoryError: Row(
        HTTPStatus.SERVICE_UNAVAILABLE, "The device is out of memory", "Ask again later, or use a smaller model."
    ),
    errors.RepositoryError: Row(HTTPStatus.SERVICE_UNAVAILABLE, "The model repository failed", _REPORT),
    errors.DigestMismatchError: Row(HTTPStatus.INTERNAL_SERVER_ERROR, "A stored file was changed", _OPERATOR),
    errors.ManifestError: Row(HTTPStatus.INTERNAL_SERVER_ERROR, "A manifest is not valid", _OPERATOR),
    errors.UnsupportedArchitectureError: Row(HTTPStatus.INTERNAL_SERVER_ERROR, "The model cannot be built", _OPERATOR),
}

# What the protocol itself refuses, before any of our errors can be raised.
PROTOCOL_TABLE: Mapping[str, Row] = {
    "method-not-allowed": Row(
        HTTPStatus.METHOD_NOT_ALLOWED, "The method is not allowed here", "Use a method that `Allow` names."
    ),
    "body-too-large": Row(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large", "Send at most `limit` bytes."),
    "body-too-slow": Row(HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly", "Send the body in one go."),
    "request-refused": Row(HTTPStatus.BAD_REQUEST, "The request was refused", _FIX),
    "malformed-request": Row(
        HTTPStatus.BAD_REQUEST,
        "This is not a request of HTTP",
        "Use a client that speaks HTTP/1.1, without TLS; the connection is closed.",
        "What came on the connection breaks the rules of RFC 9112, or names no valid host.",
    ),
    "head-too-slow": Row(
        HTTPStatus.REQUEST_TIMEOUT,
        "The request came too slowly",
        "Open a connection when there is a request, and send its head in one go.",
        "A connection sent no request, or not all of its head, within the time that there is for that.",
    ),
    "head-too-large": Row(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The head is too large",
        "Send fewer and shorter fields: cookies are not read here.",
        "The request's line and fields have more bytes than are read, or there are too many fields.",
    ),
    "body-too-fragmented": Row(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is cut into too many pieces",
        "Send the body with its length, or in chunks of some kilobytes.",
        "A chunked body has more chunks, longer extensions of chunks, or more behind its end than anybody needs.",
    ),
    "too-many-connections": Row(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "There is no room for another connection",
        f"{_WAIT} Use connections again, instead of one for each request.",
        "As many connections are open as the service holds.",
    ),
}
_PROTOCOL_CODES = {
    HTTPStatus.METHOD_NOT_ALLOWED: ("method-not-allowed", "this address answers other methods; see the `Allow` header"),
    HTTPStatus.REQUEST_TIMEOUT: ("body-too-slow", "the body did not come within the time that this route waits"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body-too-large", "the body is larger than this route reads"),
}


def find_row(error: type[ServiceError]) -> Row:
    """Return the row of an error's class, else of its nearest parent that has one."""
    return next(TABLE[parent] for parent in error.__mro__ if parent in TABLE)


def describe_codes() -> dict[str, tuple[Row, str]]:
    """Return row and meaning of every code that an answer may carry, in the table's order."""
    pages = {error.code: (row, row.meaning or explain_error(error)) for error, row in TABLE.items()}
    for status, (code, detail) in _PROTOCOL_CODES.items():
        pages[code] = (PROTOCOL_TABLE[code], f"{detail[0].upper()}{detail[1:]} ({status.value}).")
    pages["request-refused"] = (PROTOCOL_TABLE["request-refused"], "The request breaks a rule of HTTP.")
    return pages | {code: (row, row.meaning) for code, row in PROTOCOL_TABLE.items() if row.meaning}


def explain_error(error: type[ServiceError]) -> str:
    """Return what an error means: the first paragraph of its docstring."""
    return inspect.cleandoc(error.__doc__ or "").split("\n\n")[0].replace("``", "`")


def problem_response(
    scope: Scope,
    row: Row,
    code: str,
    detail: str,
    fields: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build one RFC 9457 answer; ``fields`` become further members and never replace the standard ones.

    Floods are answered by it: its parts are those that cost least.
    """
    state = scope.setdefault("state", {})
    state["problem"] = code  # for the gate, which counts and logs it
    members = dict(fields or {})
    pointer = members.pop("pointer", None)
    if pointer is not None:
        members.setdefault("errors", [FieldProblem(pointer=pointer, code=code, detail=detail).model_dump()])
    standard = {
        "type": f"/problems/{code}",
        "title": row.title,
        "status": row.status.value,
        "detail": detail,
        "code": code,
        "request_id": state.get("request_id", ""),
    }
    body = standard | {name: value for name, value in members.items() if name not in standard}
    answer = WholeAnswer(msgspec.json.encode(body), {**(headers or {}), **_waiting_headers(row, members)}, MEDIA_TYPE)
    answer.status_code = row.status.value
    return answer


def answer_error(scope: Scope, error: ServiceError) -> Response:
    """Build the answer of one of our errors."""
    return problem_response(scope, find_row(type(error)), error.code, error.detail, error.fields)


def answer_unexpected(scope: Scope) -> Response:
    """Build the answer of an error that nobody foresaw; the log holds the rest under the request id."""
    return answer_error(scope, ServiceError("something went wrong that should not; the request id is in the log"))


def install_handlers(app: FastAPI) -> None:
    """Answer our errors and the framework's as problems."""
    app.add_exception_handler(ServiceError, _handle_service_error)
    app.add_exception_handler(HTTPException, answer_http_exception)


async def _handle_service_error(request: Request, error: Any) -> Response:
    return answer_error(request.scope, error)


async def answer_http_exception(request: Request, error: Any) -> Response:
    """Build the answer of what the framework refuses."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return answer_error(request.scope, errors.NotFoundError("there is nothing under this address"))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        try:
            check_any(request, [check for route in _routes_at(request) for check in find_checks(route.dependencies)])
        except errors.MissingScopeError as missing:
            return answer_error(request.scope, missing)
    code, detail = _PROTOCOL_CODES.get(
        HTTPStatus(error.status_code), ("request-refused", "the request breaks a rule of HTTP")
    )
    fields: dict[str, FieldValue] = {}
    headers = dict(error.headers or {})
    if code == "body-too-large":
        default = request.app.state.services.settings.http.body_limit_bytes
        fields["limit"] = getattr(request.state, "body_limit_bytes", default)
    if code == "method-not-allowed":
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem_response(request.scope, PROTOCOL_TABLE[code], code, detail, fields, headers)


def _allowed_methods(request: Request) -> list[str]:
    """Collect the methods of every route at this address; the framework names those of the first only."""
    methods = {method for route in _routes_at(request) for method in route.methods or ()}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


def _routes_at(request: Request) -> list[Any]:
    routes = (context for context in iter_route_contexts(request.app.routes) if context.path_regex is not None)
    return [route for route in routes if route.path_regex.match(request.scope["path"])]


def _waiting_headers(row: Row, members: Mapping[str, Any]) -> dict[str, str]:
    if row.status in _WAITING:
        return {"Retry-After": str(max(1, math.ceil(members.get("retry_after_s", DEFAULT_RETRY_AFTER_S))))}
    if row.status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="fount"'}
    return {}
