"""One client: a connection that is kept, and what came of each request on it."""

import dataclasses
import hashlib
import http.client
import select
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

if TYPE_CHECKING:
    from reliability.asks import Ask

PATIENCE_S = 90.0
_PIECE_BYTES = 2**16
_MAX_PROBLEM_BYTES = 500
_SHED = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)

Kind: TypeAlias = Literal["right", "refused", "shut", "wrong", "doubled", "lost"]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of one request.

    Attributes:
        status: 0 where there was none.
        failure: How it broke; empty where it is whole.
        problem: Body of an answer that is an error.
        body: Of any other, where it was to be kept.
        model: The version that the answer says to be of.
        surplus: Whether more bytes came than the answer has.
        is_shut: Whether nobody listened any more.
        is_kept: Whether it was asked on a connection that had been used before.
    """

    began: float
    ended: float
    status: int = 0
    sha256: str = ""
    num_bytes: int = 0
    retry_after: str = ""
    model: str = ""
    problem: str = ""
    body: bytes = b""
    failure: str = ""
    surplus: bool = False
    is_shut: bool = False
    is_kept: bool = False

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    def judge(self, ask: "Ask") -> Kind:
        """Say what became of the request: every one is answered once and rightly, or told to come again."""
        if self.is_shut:
            return "shut"
        if self.failure:
            return "lost"
        if self.surplus:
            return "doubled"
        if self.status in _SHED and self.retry_after and self.status not in ask.statuses:
            return "refused"
        if self.status not in ask.statuses:
            return "lost"
        return "wrong" if ask.sha256 and self.sha256 != ask.sha256 else "right"


class Caller:
    """A client of its own.

    Args:
        port: Of the service, on loopback.
        patience_s: How long a read may take.
    """

    def __init__(self, port: int, patience_s: float = PATIENCE_S) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, ask: "Ask", on_first_bytes: Callable[[], None] | None = None, *, keep: bool = False) -> Answer:
        """Send a request and read its answer to the end.

        Args:
            ask: What to send.
            on_first_bytes: Called when the first bytes of the body are there.
            keep: Whether the body is wanted.
        """
        began, is_kept = time.perf_counter(), self._connection.sock is not None
        try:
            if not self._connect():
                return Answer(began, time.perf_counter(), is_shut=True)
            self._connection.request(ask.method, ask.path, ask.body or None, dict(ask.headers))
            return self._read(began, on_first_bytes, keep=keep)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            failure = f"{type(error).__name__}: {error}"
            return Answer(began, time.perf_counter(), failure=failure, is_kept=is_kept)

    def _connect(self) -> bool:
        """Connect, where there is no connection; returns whether somebody listens."""
        if self._connection.sock is not None:
            return True
        try:
            self._connection.connect()
        except ConnectionRefusedError:
            return False
        return True

    def _read(self, began: float, on_first_bytes: Callable[[], None] | None, *, keep: bool) -> Answer:
        response = self._connection.getresponse()
        digest, num_bytes, kept = hashlib.sha256(), 0, bytearray()
        while piece := response.read1(_PIECE_BYTES):
            if not num_bytes and on_first_bytes is not None:
                on_first_bytes()
            digest.update(piece)
            num_bytes += len(piece)
            if keep or len(kept) < _MAX_PROBLEM_BYTES:
                kept += piece
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        response.close()  # it is read whole: the connection may be used again
        surplus = bool(self._connection.sock) and _has_more(self._connection.sock)
        return Answer(
            began,
            time.perf_counter(),
            status=response.status,
            sha256=digest.hexdigest(),
            num_bytes=num_bytes,
            retry_after=response.getheader("Retry-After", ""),
            model=response.getheader("Fount-Model", ""),
            problem=kept.decode(errors="replace") if response.status >= HTTPStatus.BAD_REQUEST else "",
            body=bytes(kept) if keep else b"",
            surplus=surplus,
        )


def _has_more(connection: socket.socket) -> bool:
    """Whether bytes came that nobody asked for; that the connection was closed is no byte."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
