"""From a valid request to bytes that are nearly one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.fuzz.web.corpus import BOUNDARY, FORM, JSON, Asked, FormPart, write_part
from tests.fuzz.web.documents import CANARY, spoil_bytes, spoil_document

_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY", "get", "X" * 40, "CONNECT"]
_SEGMENTS = [
    "", ".", "..", "%2e%2e", "%2F", "%00", "%0d%0aX:1", CANARY, "tiny", "tiny@1", "1", "01", "2", "%D9%A1", "0",
    "9" * 30,
    "production", "a" * 3000, "%ff", "%", "%zz", "<script>", "v1", "samples", "0.png", "0.exe", "0.tar", "1.npz", "*",
    "d1" + "A" * 40, "d2" + "_" * 4000, "{name}", ";x=1", "~", "é",
]  # fmt: skip
_QUERIES = [
    ("class_label", "1"), ("class_label", CANARY), ("truncation", "nan"), ("truncation", "1e-400"), ("preset", CANARY),
    ("truncation", "0.5"), (CANARY, "1"), ("", ""), ("class_label", "%ff"), ("class_label", "a" * 3000),
    ("a" * 2000, ""),
]  # fmt: skip
_FIELDS = [
    ("Accept", "image/png"), ("Accept", "*/*;q=0"), ("Accept", f"{CANARY}/x"), ("Accept", "application/zip, " * 300),
    ("Accept", "text/html;q=1e9"), ("Content-Type", "text/plain"), ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "multipart/form-data"), ("Content-Type", 'multipart/form-data; boundary="'),
    ("Content-Type", CANARY),
    ("Content-Encoding", "gzip"), ("Content-Encoding", "identity, identity"), ("If-Match", CANARY),
    ("If-None-Match", "*"),
    ("If-None-Match", '"a", ' * 300), ("Fount-Timeout", "0.001"), ("Fount-Timeout", "-1"), ("Fount-Timeout", "1e400"),
    ("Fount-Timeout", CANARY), ("Range", "bytes=0-0"), ("Range", "bytes=" + "0-1," * 2000), ("Host", "a b"),
    ("Host", ""),
    ("Host", "x" * 300), ("X-Request-ID", "a b\t" + CANARY), ("X-Request-ID", "f" * 65), ("X-Request-ID", "ok-1"),
    ("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"), ("traceparent", CANARY), ("Authorization", "Bearer x"),
    ("Authorization", "Basic " + CANARY), ("Authorization", "Bearer " + "k" * 4000), ("Origin", "http://" + CANARY),
    ("Cookie", CANARY + "=1"), ("Upgrade", "websocket"), ("Upgrade", "h2c"), ("X-Forwarded-For", "1.2.3.4"),
    ("X-Forwarded-Host", CANARY), ("Forwarded", "host=" + CANARY), ("X-HTTP-Method-Override", "DELETE"),
    ("Expect", "100-continue"), ("Expect", CANARY), ("X-Long", "v" * 8000), ("x" * 2000, "1"), ("Via", "é"),
    ("X-Original-URL", "/metrics"), ("Connection", "keep-alive, foo"), ("Connection", "Upgrade"), ("Trailer", "X"),
]  # fmt: skip
_FRAMING = [
    ("Content-Length", "0"), ("Content-Length", "5"), ("Content-Length", "-1"), ("Content-Length", "1e3"),
    ("Content-Length", "9" * 30), ("Content-Length", "10737418240"), ("Content-Length", "+1"),
    ("Content-Length", "1, 1"),
    ("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "gzip, chunked"), ("Transfer-Encoding", "identity"),
    ("Transfer-Encoding", "xchunked"), ("Transfer-Encoding", "\x0bchunked"), ("X\x00Y", "1"), ("Bad Name", "1"),
    ("", "x"), ("X", "a\x00b"), ("X", "a\rb"), ("X", "a\nb: c"), (" Folded", "1"),
]  # fmt: skip
_BAD_CHUNKS = [
    b"zz\r\n", b"-1\r\nx\r\n", b"fffffffffffffffff\r\n", b"1\r\nxx\r\n", b"1\nx\n0\n\n",
    b"5;" + b"e" * 9000 + b"\r\nhello\r\n",
    b"\r\n", b"0x1\r\nx\r\n", b"1\r\nx\r\n" * 3000,
]  # fmt: skip
_NOISE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 50,
    b"GET / HTTP/9.9\r\n\r\n", b"GET /livez\r\n\r\n", b"GET /livez HTTP/1.0\r\n\r\n", b"GET  /livez HTTP/1.1\r\n\r\n",
    b"\x00" * 200, b"GET http://[::1/livez HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-x\r\n", b"GET /" + b"a" * 70_000,
    b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n", b"GET x HTTP/1.1\r\nHost: a\r\n\r\n",
]  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """Bytes to send, and what is due for them.

    Attributes:
        kind: What was done to a valid request.
        data: The bytes.
        due: For each answer that must come, whether it is one without a body; empty where none may be due, since the
            bytes may not be a whole request.
    """

    kind: str
    data: bytes
    due: Sequence[bool] = ()


def make_attempt(asked: Sequence[Asked], weights: Sequence[float], chance: Random) -> Attempt:
    """Draw a request and what is wrong with it."""
    [one] = chance.choices(asked, weights)
    kinds, kind_weights = zip(*_KINDS.items(), strict=True)
    [kind] = chance.choices(kinds, [weight for _, weight in kind_weights])
    make = _KINDS[kind][0]
    return make(kind, one, chance)


def _whole(
    kind: str, one: Asked, chance: Random, body: bytes | None = None, content_type: str | None = None
) -> Attempt:
    own, own_type = _write_body(one)
    data = _write(one, own if body is None else body, content_type or own_type, chance)
    return Attempt(kind, data, [one.method == "HEAD"])


def _valid(kind: str, one: Asked, chance: Random) -> Attempt:
    return _whole(kind, one, chance)


def _pipelined(kind: str, one: Asked, chance: Random) -> Attempt:
    count = chance.randint(2, 5)
    return Attempt(kind, _whole(kind, one, chance).data * count, [one.method == "HEAD"] * count)


def _method(kind: str, one: Asked, chance: Random) -> Attempt:
    return _whole(kind, replace(one, method=chance.choice(_METHODS)), chance)


def _path(kind: str, one: Asked, chance: Random) -> Attempt:
    path = list(one.path)
    at = chance.randrange(len(path))
    match chance.randrange(5):
        case 0:
            path.insert(at, chance.choice(_SEGMENTS))
        case 1:
            del path[at]
        case 2:
            letters = list(path[at]) or ["x"]
            letters[chance.randrange(len(letters))] = f"%{chance.randrange(256):02x}"
            path[at] = "".join(letters)
        case _:
            path[at] = chance.choice(_SEGMENTS)
    return _whole(kind, replace(one, path=path), chance)


def _query(kind: str, one: Asked, chance: Random) -> Attempt:
    query = [*one.query, *chance.choices(_QUERIES, k=chance.choice((1, 1, 2, 40)))]
    return _whole(kind, replace(one, query=query), chance)


def _fields(kind: str, one: Asked, chance: Random) -> Attempt:
    return _whole(
        kind, replace(one, fields=[*one.fields, *chance.choices(_FIELDS, k=chance.choice((1, 1, 2, 3)))]), chance
    )


def _document(kind: str, one: Asked, chance: Random) -> Attempt:
    if one.document is not None:
        return _whole(kind, one, chance, spoil_document(one.document, chance))
    if one.parts:
        parts = [replace(part, data=_spoil_json(part, chance)) for part in one.parts]
        return _whole(kind, replace(one, parts=parts), chance)
    return _query(kind, one, chance)


def _spoil_json(part: FormPart, chance: Random) -> object:
    return spoil_document(part.data, chance) if part.kind == JSON else part.data


def _body(kind: str, one: Asked, chance: Random) -> Attempt:
    body, content_type = _write_body(one)
    spoiled = spoil_bytes(body, chance) if body else chance.choice([b"{}", b"x", bytes(3000)])
    return _whole(kind, one, chance, spoiled, content_type or chance.choice([JSON, "image/png", ""]))


def _form(kind: str, one: Asked, chance: Random) -> Attempt:
    if not one.parts:
        return _body(kind, one, chance)
    parts = list(one.parts)
    at = chance.randrange(len(parts))
    match chance.randrange(7):
        case 0:
            del parts[at]
        case 1:
            parts *= chance.choice((2, 3, 40))
        case 2:
            parts[at] = replace(parts[at], name=chance.choice(["", "images", "masks", CANARY, "a" * 300, "request"]))
        case 3:
            names = ["../../" + CANARY, "a" * 9000, "\0", "\u202egnp.exe", 'x"; name="request']
            parts[at] = replace(parts[at], file_name=chance.choice(names))
        case 4:
            parts[at] = replace(parts[at], kind=chance.choice(["text/html", "image/svg+xml", "a" * 5000, "x\r\nY: 1"]))
        case _:
            data = parts[at].data if isinstance(parts[at].data, bytes) else json.dumps(parts[at].data).encode()
            parts[at] = replace(parts[at], data=spoil_bytes(data, chance))
    return _whole(kind, replace(one, parts=parts), chance)


def _chunked(kind: str, one: Asked, chance: Random) -> Attempt:
    body, content_type = _write_body(one)
    pieces = bytearray()
    while body:
        size = chance.choice((1, 7, 100, 4096))
        extension = chance.choice((b"", b"", b";a=b", b';x="y"'))
        pieces += b"%x%s\r\n%s\r\n" % (len(body[:size]), extension, body[:size])
        body = body[size:]
    pieces += b"0\r\n" + chance.choice((b"", b"", b"X-Trailer: 1\r\n")) + b"\r\n"
    head = _write_head(one, [("Transfer-Encoding", "chunked")], content_type, chance)
    return Attempt(kind, head + pieces, [one.method == "HEAD"])


def _framing(kind: str, one: Asked, chance: Random) -> Attempt:
    body, content_type = _write_body(one)
    fields = chance.choices(_FRAMING, k=chance.choice((1, 1, 2)))
    match chance.randrange(4):
        case 0:
            return Attempt(kind, chance.choice(_NOISE))
        case 1:
            data = _write(one, body, content_type, chance)
            return Attempt(kind, spoil_bytes(data, chance))
        case 2:
            head = _write_head(one, [("Transfer-Encoding", "chunked")], content_type, chance)
            return Attempt(kind, head + chance.choice(_BAD_CHUNKS))
        case _:
            return Attempt(kind, _write_head(one, fields, content_type, chance) + body)


_KINDS = {
    "valid": (_valid, 6),
    "pipelined": (_pipelined, 2),
    "method": (_method, 8),
    "path": (_path, 16),
    "query": (_query, 8),
    "fields": (_fields, 16),
    "document": (_document, 30),
    "body": (_body, 10),
    "form": (_form, 8),
    "chunked": (_chunked, 6),
    "framing": (_framing, 5),
}


def _write_body(one: Asked) -> tuple[bytes, str]:
    if one.parts:
        mark = f"--{BOUNDARY}".encode()
        written = b"".join(mark + b"\r\n" + write_part(part) + b"\r\n" for part in one.parts)
        return written + mark + b"--\r\n", f"{FORM}; boundary={BOUNDARY}"
    if one.document is not None:
        return json.dumps(one.document).encode(), JSON
    return one.body or b"", ""


def _write(one: Asked, body: bytes, content_type: str, chance: Random) -> bytes:
    length = [("Content-Length", str(len(body)))] if body or one.method in {"POST", "PUT"} else []
    return _write_head(one, length, content_type, chance) + body


def _write_head(one: Asked, length: Sequence[tuple[str, str]], content_type: str, chance: Random) -> bytes:
    target = "/" + "/".join(one.path)
    if one.query:
        target += "?" + "&".join(f"{name}={value}" for name, value in one.query)
    own = {name.lower() for name, _ in one.fields}
    fields = [] if "host" in own else [("Host", "fount")]
    if content_type and "content-type" not in own:
        fields.append(("Content-Type", content_type))
    fields += [*one.fields, *length]
    lines = [f"{one.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass")
