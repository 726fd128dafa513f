"""The first and last code of every request: its id, its key, its rates, its log line, and the net under it."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.keys import ANYBODY, Caller, KeyRing
from app.api.monitoring.answered import BROKEN_OFF, UNMATCHED, Answered, CountAnswer
from app.api.pages.registry import PAGES
from app.api.problems import answer_error, answer_unexpected
from app.api.rates import Allowance, Rates
from app.api.thinning import THINNED, ThinnedLines
from app.core.clock import Clock, monotonic
from app.core.errors import MissingKeyError, ServiceError, UnsupportedMediaError
from app.core.logging import get_logger

PROBES = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})
PUBLIC_PATHS = PROBES | {"/docs", "/openapi.json"} | {page.path for page in PAGES}
PUBLIC_PREFIXES = ("/problems/", "/static/")
CLIENT_CLOSED = 499  # never sent: what the log says of a caller who left

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_QUIET_PATHS = PROBES | {"/metrics"}
_UNLIMITED_PATHS = PUBLIC_PATHS | _QUIET_PATHS
DEFAULT_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]


class AnswerAbortedError(Exception):
    """An answer broke off after its head was sent; the connection is closed so that nobody takes it for whole."""


@dataclass(slots=True)
class _Exchange:
    """One request and its answer, as far as the gate sees them."""

    request_id: str
    send: Send
    is_head: bool
    status: int = 0
    num_bytes: int = 0
    caller: Caller = field(default=ANYBODY)
    allowance: Allowance | None = None
    route: str = UNMATCHED

    async def forward(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = list(message["headers"])
            present = {name for name, _ in headers}
            headers += [header for header in DEFAULT_HEADERS if header[0] not in present]
            headers.append((b"x-request-id", self.request_id.encode("ascii")))
            if self.allowance is not None:
                headers += self.allowance.headers()
            message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            if self.is_head:
                message = {**message, "body": b""}
            self.num_bytes += len(message.get("body", b""))
        await self.send(message)


class Gate:
    """Pure ASGI middleware around the whole application.

    Args:
        app: What is behind the gate.
        keys: Who may come in.
        rates: How much each may ask for.
        count_request: Called once per request, when its answer is over.
        takes_coded: Tells the paths whose routes read bodies with a `Content-Encoding`; none by default.
        name_route: Names the template that a path would reach, for what is refused here.
        clock: Monotonic time.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: KeyRing,
        rates: Rates,
        count_request: CountAnswer,
        takes_coded: Callable[[str], bool] = lambda _: False,
        name_route: Callable[[str], str] = lambda _: UNMATCHED,
        clock: Clock = monotonic,
    ) -> None:
        self._app = app
        self._keys = keys
        self._rates = rates
        self._count_request = count_request
        self._takes_coded = takes_coded
        self._name_route = name_route
        self._clock = clock
        self._log = get_logger("http").bind()  # once: binding costs as much as a line
        self._thinned = ThinnedLines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock()
        exchange = _Exchange(choose_request_id(scope), send, is_head=scope["method"] == "HEAD")
        inner = {
            **scope,
            "state": {**scope.get("state", {}), "request_id": exchange.request_id, "is_head": exchange.is_head},
        }
        if exchange.is_head:
            inner["method"] = "GET"  # whatever answers GET answers HEAD; the body is dropped on the way out
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)  # each request has a context of its own
        try:
            await self._guard(inner, receive, exchange)
        finally:
            self._report(scope["method"], inner, exchange, self._clock() - started)

    async def _guard(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        """The one broad handler of the process: whatever escapes the routes ends here, as a problem and a log line."""
        try:
            await self._admit(scope, receive, exchange)
        except ClientDisconnect:
            exchange.status = CLIENT_CLOSED
        except Exception as error:
            foreseen = error if isinstance(error, ServiceError) else error.__cause__
            if exchange.status and isinstance(
                foreseen, ServiceError
            ):  # raised when the head was out, so that no handler could answer it
                self._log.warning("answer_broken_off", code=foreseen.code, detail=foreseen.detail)
            else:
                self._log.exception("request_failed")
            if exchange.status:
                scope["state"]["problem"] = BROKEN_OFF
                raise AnswerAbortedError from error
            await answer_unexpected(scope)(scope, receive, exchange.forward)

    async def _admit(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        headers = Headers(scope=scope)
        try:
            exchange.caller = scope["state"]["caller"] = self._identify(scope["path"], headers)
            if not _is_unlimited(scope["path"]):
                exchange.allowance = scope["state"]["allowance"] = self._rates.allow(exchange.caller)
            if exchange.allowance is not None:
                exchange.allowance.count_request()
            if not self._takes_coded(scope["path"]):
                _check_encoding(headers)
        except ServiceError as error:
            exchange.route = self._name_route(scope["path"])
            await answer_error(scope, error)(scope, receive, exchange.forward)
            return
        await self._app(scope, receive, exchange.forward)

    def _identify(self, path: str, headers: Headers) -> Caller:
        if self._keys.is_open or _is_public(path):
            return ANYBODY
        scheme, _, key = headers.get("authorization", "").partition(" ")
        caller = self._keys.identify(key.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise MissingKeyError("this service needs a valid key: `Authorization: Bearer <key>`")
        return caller

    def _report(self, method: str, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", exchange.route)
        known_method = method if method in _METHODS else "other"
        caller, problem = exchange.caller.id, scope["state"].get("problem")
        self._count_request(
            Answered(known_method, route, exchange.status, seconds, caller, exchange.num_bytes, problem)
        )
        quiet = scope["path"] in _QUIET_PATHS and exchange.status == HTTPStatus.OK
        left_out: int | None = 0
        if exchange.status in THINNED:
            left_out = self._thinned.pass_on((route, exchange.status, problem or ""), self._clock())
        (self._log.debug if quiet or left_out is None else self._log.info)(
            "request",
            method=known_method,
            route=route,
            status=exchange.status,
            ms=round(seconds * 1000, 1),
            bytes=exchange.num_bytes,
            caller=caller,
            **({} if problem is None else {"code": problem}),
            **({"left_out": left_out} if left_out else {}),
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def _is_public(path: str) -> bool:
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIXES)


def _is_unlimited(path: str) -> bool:
    """Tell whether requests are not counted: probes and metrics are asked for most when there is least to give."""
    return path in _UNLIMITED_PATHS or path.startswith(PUBLIC_PREFIXES)


def choose_request_id(scope: Scope) -> str:
    """Keep the caller's id where it is harmless, else draw one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(text):
                return str(text)
            break
    return secrets.token_hex(8)


def _check_encoding(headers: Headers) -> None:
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaError("the body must be sent without `Content-Encoding`")
