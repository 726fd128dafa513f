"""What the wire refuses by itself, before there is a request that anything else could answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from app.api.gate import DEFAULT_HEADERS, choose_request_id
from app.api.problems import PROTOCOL_TABLE, problem_response

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection is ended.

    Attributes:
        code: Of the problem; a key of ``PROTOCOL_TABLE``.
        detail: One sentence for the caller.
    """

    code: str
    detail: str

    @property
    def status(self) -> HTTPStatus:
        """Of the answer."""
        return PROTOCOL_TABLE[self.code].status

    def render(self, headers: Headers, defaults: Headers, **fields: int) -> bytes:
        """Write the whole answer.

        Args:
            headers: Of the request, as far as it came.
            defaults: Of every answer of the server.
            **fields: Further members of the problem.
        """
        scope: dict[str, Any] = {"headers": headers}
        scope["state"] = {"request_id": choose_request_id(scope)}
        response = problem_response(scope, PROTOCOL_TABLE[self.code], self.code, self.detail, fields)
        lines = [
            *defaults,
            *response.raw_headers,
            *DEFAULT_HEADERS,
            (b"x-request-id", scope["state"]["request_id"].encode("ascii")),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%b: %b\r\n" % line for line in lines)
        status = f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n".encode("ascii")
        return b"".join([status, head, b"\r\n", response.body])


MALFORMED = Refusal("malformed-request", "what came is not HTTP/1.1 as RFC 9112 has it")
BAD_HOST = Refusal("malformed-request", "a request of HTTP/1.1 has one `Host` field, which names a host")
BAD_TARGET = Refusal("malformed-request", "the target is a path that begins with a slash, or an address of HTTP")
BAD_CODING = Refusal("malformed-request", "the only transfer coding that is read is `chunked`, once")
SLOW_HEAD = Refusal("head-too-slow", "the head of a request did not come within the time that there is for it")
SLOW_BODY = Refusal("body-too-slow", "the body did not come within the time that there is for it")
LARGE_HEAD = Refusal("head-too-large", "the head of a request is larger than is read, or has too many fields")
FRAGMENTED = Refusal("body-too-fragmented", "the body has too many chunks, or too many bytes beside them")
LARGE_BODY = Refusal("body-too-large", "the body is larger than any route reads")
NO_ROOM = Refusal("too-many-connections", "as many connections are open as the service holds")
