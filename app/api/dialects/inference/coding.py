"""Bodies that were made smaller on their way: read within the bound of what they become, and written when asked for."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException

from app.core.errors import MalformedBodyError, UnsupportedMediaError
from app.imaging.codec import Pixels
from app.imaging.formats.contents import Labels
from app.imaging.formats.registry import Format, Whole
from app.imaging.formats.writer import SampleWriter

_WINDOWS: Final = {"gzip": 31, "deflate": 15}
"""Codings that are read and written, as zlib knows them."""
_LEVEL = 1
_INFER = re.compile(r"/v2/models/[^/]+(?:/versions/[^/]+)?/infer", re.ASCII)
_REFUSED = re.compile(r"\s*q=0(?:\.0{0,3})?\s*", re.ASCII)


def takes_coded(path: str) -> bool:
    """Tell whether the route at a path reads bodies with a ``Content-Encoding``."""
    return _INFER.fullmatch(path) is not None


def inflate(body: bytes, coding: str, limit: int) -> bytes:
    """Undo the coding of a body.

    Args:
        body: What came.
        coding: Its ``Content-Encoding``; empty for none.
        limit: Most bytes that it may become; no more are ever made.

    Raises:
        UnsupportedMediaError: If there is no such coding here.
        MalformedBodyError: If the body is not coded so, or cut off.
        HTTPException: 413 if it becomes larger.
    """
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        return body
    if coding not in _WINDOWS:
        raise UnsupportedMediaError("the codings of a body that are read here are gzip and deflate")
    inflater = zlib.decompressobj(_WINDOWS[coding])
    try:
        document = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise MalformedBodyError("the body is not coded as its `Content-Encoding` says") from None
    if len(document) > limit:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not inflater.eof or inflater.unused_data:
        raise MalformedBodyError("the coded body is cut off, or something is behind it")
    return document


def choose_coding(accept: str | None) -> str | None:
    """Choose how to code an answer: as the first that ``Accept-Encoding`` names and we have; None for not at all."""
    for part in (accept or "").split(","):
        name, *parameters = part.split(";")
        coding = name.strip().lower()
        if coding in _WINDOWS and not any(map(_REFUSED.fullmatch, parameters)):
            return coding
    return None


def code_format(file_format: Format, coding: str) -> Format:
    """Have what a format writes coded."""
    if isinstance(file_format, Whole):
        encode = file_format.encode
        return replace(file_format, encode=lambda contents, images: _deflate(encode(contents, images), coding))
    open_writer = file_format.open
    return replace(file_format, open=lambda contents: _CodedWriter(open_writer(contents), coding))


def _deflate(body: bytes, coding: str) -> bytes:
    return zlib.compress(body, _LEVEL, wbits=_WINDOWS[coding])


class _CodedWriter:
    """Codes what another one writes; how long that becomes is not known before.

    What is coded hangs on what came before it: samples that are added before the file has begun wait for that.
    """

    content_length = None

    def __init__(self, inner: SampleWriter, coding: str) -> None:
        self._inner = inner
        self._deflater = zlib.compressobj(_LEVEL, wbits=_WINDOWS[coding])
        self._early: list[bytes] = []
        self._has_begun = False

    def begin(self) -> Iterator[bytes]:
        """Yield what comes before the first sample, and the samples that waited for that."""
        for piece in self._inner.begin():
            yield self._deflater.compress(piece)
        self._has_begun = True
        while self._early:
            yield self._deflater.compress(self._early.pop(0))

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return what is ready with the next samples."""
        piece = self._inner.add(offset, images, labels)
        if self._has_begun:
            return self._deflater.compress(piece)
        self._early.append(piece)
        return b""

    def finish(self) -> Iterator[bytes]:
        """Yield the rest."""
        for piece in self._inner.finish():
            yield self._deflater.compress(piece)
        yield self._deflater.flush()
