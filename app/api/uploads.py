"""Files in a request: the parts of a form, or one image as the whole body. Bounded in bytes, parts and time."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.multipart import MultipartParser, parse_options_header

from app.api.strict import read_body
from app.core.errors import LimitExceededError, MalformedBodyError, QueueFullError, UnsupportedMediaError

RETRY_AFTER_S = 1
FORM_TYPE = "multipart/form-data"
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form, or the whole body."""

    name: str
    file_name: str | None
    data: bytes


class UploadMemory:
    """Bytes of bodies that all requests hold together.

    Args:
        limit_bytes: Most of them; one body alone is always taken.
        is_shared: Whether keys share them: then one may hold no more than is free, beside one body.

    Attributes:
        held_bytes: How many are held now.
        refused: Requests that were refused since there was no room.
    """

    def __init__(self, limit_bytes: int, *, is_shared: bool = False) -> None:
        self._limit_bytes = limit_bytes
        self._is_shared = is_shared
        self._held_by: Counter[str] = Counter()
        self.held_bytes = 0
        self.refused = 0

    @contextlib.contextmanager
    def hold(self, request: Request, limit_bytes: int) -> Iterator[None]:
        """Keep room for the body of a request, before it is read and as long as it is used.

        Args:
            request: The request; where it does not say how long its body is, it may be of any length.
            limit_bytes: Most bytes of its body.

        Raises:
            QueueFullError: If there is no room now.
        """
        declared = request.headers.get("content-length", "")
        num_bytes = min(limit_bytes, int(declared[:20])) if declared.isdecimal() else limit_bytes
        key = _key_of(request) if self._is_shared else ""
        if not self._has_room(key, num_bytes):
            self.refused += 1
            raise QueueFullError("as many bodies are held as the service has memory for", retry_after_s=RETRY_AFTER_S)
        self.held_bytes += num_bytes
        self._held_by[key] += num_bytes
        try:
            yield
        finally:
            self.held_bytes -= num_bytes
            self._held_by[key] -= num_bytes
            if not self._held_by[key]:
                del self._held_by[key]

    def _has_room(self, key: str, num_bytes: int) -> bool:
        """Tell whether a key may hold so much more; the rule is that of ``app.serving.admission``."""
        free = self._limit_bytes - self.held_bytes
        if self._is_shared and self._held_by[key] and self._held_by[key] + num_bytes > free:
            return False
        return num_bytes <= free or not self.held_bytes


def _key_of(request: Request) -> str:
    return str(request.scope["state"]["caller"].id)


async def read_parts(request: Request, *, limit_bytes: int, limit_parts: int) -> list[Part]:
    """Read what was uploaded.

    Args:
        request: The request.
        limit_bytes: Most bytes of the body.
        limit_parts: Most parts of a form.

    Returns:
        Parts in their order; one without a name where the body is an image itself.

    Raises:
        HTTPException: 413 if the body is larger, 408 if it takes too long.
        UnsupportedMediaError: If it is neither a form nor an image.
        MalformedBodyError: If it is not the form that it should be.
        LimitExceededError: If it has more parts.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    media_type = kind.decode("latin-1")
    is_form = media_type == FORM_TYPE
    if not is_form and not media_type.startswith("image/"):
        raise UnsupportedMediaError(f"send the image as a part of `{FORM_TYPE}`, or as the body with its `image/` type")
    request.state.body_limit_bytes = limit_bytes
    body = await read_body(request, limit_bytes, request.app.state.services.settings.http.upload_timeout_s)
    if not is_form:
        return [Part("", None, body)]
    return _Form(options.get(b"boundary", b""), limit_parts).read(body)


@dataclass(slots=True)
class _Form:
    """Collects the parts of one form."""

    boundary: bytes
    limit_parts: int
    parts: list[Part] = field(default_factory=list)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _data: bytearray = field(default_factory=bytearray)
    _is_complete: bool = False

    def read(self, body: bytes) -> list[Part]:
        if not self.boundary:
            raise MalformedBodyError("the content type of a form names its `boundary`")
        try:
            parser = MultipartParser(
                self.boundary,
                {
                    "on_part_begin": self._begin,
                    "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
                    "on_part_end": self._end,
                    "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_end": self._finish,
                },
            )
            parser.write(body)
        except ValueError:
            raise MalformedBodyError("the body is not a form as its content type says") from None
        if not self._is_complete:
            raise MalformedBodyError("the form is cut off: its last boundary is missing")
        return self.parts

    def _begin(self) -> None:
        if len(self.parts) >= self.limit_parts:
            raise LimitExceededError(
                f"one request holds at most {self.limit_parts} parts; send several requests", limit=self.limit_parts
            )
        self._headers = {}
        self._data = bytearray()

    def _end_header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _end(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if kind != b"form-data" or name is None or len(name) > _MAX_NAME:
            raise MalformedBodyError("every part of a form has a name, in `Content-Disposition`")
        file_name = options.get(b"filename")
        text = None if file_name is None else file_name[:_MAX_NAME].decode("utf-8", "replace")
        self.parts.append(Part(name.decode("utf-8", "replace"), text, bytes(self._data)))

    def _finish(self) -> None:
        self._is_complete = True
