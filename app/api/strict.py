"""The route class of every route: strict JSON bodies of bounded size, and no query parameter that nobody reads."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.api.access import find_checks
from app.api.validation import UNKNOWN_FIELD, explain_errors, suggest_name
from app.core.errors import InvalidInputError, MalformedBodyError, UnsupportedMediaError
from app.schemas.problems import FieldProblem

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

JSON_TYPE = "application/json"
MAX_INTEGER_DIGITS = 40
HUGE: Final = int("1" + "0" * MAX_INTEGER_DIGITS)


class _StemConvertor(StringConvertor):
    """A part of a path before a dot: with a plain one, the time to match grows by the square of the dots in a path."""

    regex = "[^/.]+"


register_url_convertor("stem", _StemConvertor())


class StrictRoute(APIRoute):
    """A route that reads its body itself, before the framework does, and explains what is wrong with it."""

    def get_route_handler(self) -> Handler:
        """Wrap the framework's handler."""
        handle = super().get_route_handler()
        field = self.body_field
        annotation = field.field_info.annotation if field else None
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
        known = sorted(param.alias for param in self.dependant.query_params)
        checks = find_checks(self.dependencies)

        async def handle_strictly(request: Request) -> Response:
            for one in checks:  # the framework does so as well, when it has read the body
                one.check(request)
            check_query(request, known)
            try:
                return await handle(_ParsedRequest(request, await read_document(request)) if field else request)
            except RequestValidationError as error:
                raise explain_errors(error.errors(), model) from None

        return handle_strictly


class _ParsedRequest(Request):
    """A request whose body was read and parsed; the framework takes it from here."""

    def __init__(self, request: Request, document: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._document = document

    async def body(self) -> bytes:
        return b"{}"  # the framework asks whether there is any

    async def json(self) -> Any:
        return self._document


async def read_document(request: Request) -> Any:
    """Read and parse a JSON body.

    Raises:
        UnsupportedMediaError: If it is not sent as JSON.
        QueueFullError: If as many bodies are held as there is memory for.
        HTTPException: 413 if it is too large, 408 if it takes too long.
        MalformedBodyError: See ``parse_json``.
    """
    media_type, _, _ = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != JSON_TYPE:
        raise UnsupportedMediaError(f"the body must be sent as `Content-Type: {JSON_TYPE}`")
    services = request.app.state.services
    http = services.settings.http
    with services.uploads.hold(request, http.body_limit_bytes):
        return parse_json(await read_body(request, http.body_limit_bytes, http.body_timeout_s))


async def read_body(request: Request, limit: int, deadline_s: float) -> bytes:
    """Read a body of at most ``limit`` bytes; one that says it is larger is refused unread.

    Args:
        request: The request.
        limit: Most bytes to read.
        deadline_s: How long the whole body may take.

    Raises:
        HTTPException: 413 if it is larger, 408 if it takes too long.
        ClientDisconnect: If the caller leaves.
    """
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > limit:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(deadline_s):
            is_whole = False
            while not is_whole:  # as `request.stream` does it, which takes longer than small bodies do
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > limit:
                    raise _too_large()
                is_whole = not message.get("more_body", False)
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, headers={"Connection": "close"}) from None
    return bytes(body)


def _too_large() -> HTTPException:
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"Connection": "close"})  # nobody reads the rest


def parse_json(body: bytes) -> Any:
    """Parse one JSON document as RFC 8259 and 7493 (I-JSON) have it.

    Integers of more digits than any field takes become one that is out of every range.

    Raises:
        MalformedBodyError: If it is not UTF-8, not JSON, nested too deeply, or holds NaN, half of a surrogate pair,
            or one name twice in one object.
    """
    try:
        text = body.decode("utf-8")
        document = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(document, ensure_ascii=False).encode("utf-8")  # fails on halves of surrogate pairs
    except UnicodeError:
        raise MalformedBodyError("the body is not valid UTF-8 text") from None
    except RecursionError:
        raise MalformedBodyError("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedBodyError(f"the body is not valid JSON (line {error.lineno}, column {error.colno})") from None
    return document


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise MalformedBodyError("an object in the body has the same name twice")
    return document


def _refuse_constant(_: str) -> None:
    raise MalformedBodyError("NaN and Infinity are not JSON")


def _bounded_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        return -HUGE if digits.startswith("-") else HUGE
    return int(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant, parse_int=_bounded_integer
)


def check_query(request: Request, known: list[str]) -> None:
    """Refuse query parameters that nobody reads, and those that are given twice.

    Raises:
        InvalidInputError: If there is one.
    """
    if not request.scope["query_string"]:
        return
    names = [name for name, _ in request.query_params.multi_items()]
    for name in dict.fromkeys(names):
        if name not in known:
            detail = suggest_name(name, known) if known else "this route reads no query parameters"
            _refuse_query(FieldProblem(pointer="/query", code=UNKNOWN_FIELD, detail=detail))
        if names.count(name) > 1:
            _refuse_query(FieldProblem(pointer=f"/query/{name}", code="repeated", detail="given more than once"))


def _refuse_query(problem: FieldProblem) -> None:
    listed: Any = [problem.model_dump()]
    raise InvalidInputError(f"`{problem.pointer}`: {problem.detail}", errors=listed)
