"""What nobody should send: broken bodies, bombs of small size, and callers who leave in the middle."""

import contextlib
import io
import json
import random
import socket
import struct
import zlib
from collections.abc import Callable, Sequence

from reliability.asks import Ask

BOUNDARY = "reliability-boundary"
_JSON = (("Content-Type", "application/json"),)
_FORM = (("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"),)
_REFUSED = (400, 404, 405, 411, 413, 415, 422, 431)
_BOMB_SIDE = 9000
_PATIENCE_S = 30.0
_RESET = struct.pack("ii", 1, 0)


def make_png(height: int, width: int, grey: int = 0) -> bytes:
    """Make a grey PNG of one tone, which is small however large the picture is."""
    rows = zlib.compressobj(9)
    row = bytes([0]) + bytes([grey]) * width
    packed = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def make_upload(
    name: str,
    path: str,
    files: Sequence[tuple[str, bytes]],
    request: object = None,
    statuses: tuple[int, ...] = (200,),
) -> Ask:
    """Make a form of files, and of a JSON part where there is a request."""
    form = io.BytesIO()
    for field, data in files:
        form.write(f"--{BOUNDARY}\r\n".encode())
        form.write(f'Content-Disposition: form-data; name="{field}"; filename="a.png"\r\n\r\n'.encode())
        form.write(data + b"\r\n")
    if request is not None:
        form.write(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="request"\r\n\r\n'.encode())
        form.write(json.dumps(request).encode() + b"\r\n")
    form.write(f"--{BOUNDARY}--\r\n".encode())
    return Ask(name, "POST", path, form.getvalue(), _FORM, statuses=statuses)


def list_hostile(model: str) -> list[Ask]:
    """List requests that must be refused, and cost next to nothing."""
    bomb = make_png(_BOMB_SIDE, _BOMB_SIDE)
    policy = {"policy": {"preset": "light"}, "format": "zip"}
    bodies = {
        "no JSON": b'{"model": ',
        "NaN": b'{"model": "%s", "num_samples": NaN}' % model.encode(),
        "far too many": json.dumps({"model": model, "num_samples": 2**63 - 1}).encode(),
        "unknown field": json.dumps({"model": model, "num_samples": 1, "surprise": 1}).encode(),
        "deep": b"[" * 5000 + b"]" * 5000,
        "lone surrogate": b'{"model": "\\ud800", "num_samples": 1}',
        "too long": b" " * 200_000,
    }
    asks = [Ask(name, "POST", "/v1/samples", body, _JSON, statuses=_REFUSED) for name, body in bodies.items()]
    asks += [
        Ask("packed body", "POST", "/v1/samples", b"x", (*_JSON, ("Content-Encoding", "gzip")), statuses=_REFUSED),
        Ask("traversal", "GET", "/v1/models/..%2f..%2fetc/versions/1", statuses=_REFUSED),
        Ask("no such address", "GET", f"/v1/models/{model}/versions/1/samples/-1/x.png", statuses=_REFUSED),
        make_upload("bomb", "/v1/augmentations", [("images", bomb)], policy, _REFUSED),
        make_upload("cut picture", "/v1/augmentations", [("images", make_png(64, 64)[:60])], policy, _REFUSED),
        make_upload("no picture", "/v1/variations", [("images", b"%!PS-Adobe-3.0 EPSF")], {"model": model}, _REFUSED),
    ]
    return asks


def leave_early(port: int, model: str, chance: random.Random) -> None:
    """Be a caller who leaves: in the head, in an upload, or in the answer, politely or not."""
    acts: Sequence[Callable[[socket.socket, str], None]] = (_send_half_a_head, _send_half_an_upload, _read_a_little)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), _PATIENCE_S) as connection:
        if chance.random() < 0.5:  # noqa: PLR2004 - every second
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        chance.choice(acts)(connection, model)


def _send_half_a_head(connection: socket.socket, model: str) -> None:
    connection.sendall(f"POST /v1/samples HTTP/1.1\r\nHost: {model}\r\nContent-".encode())


def _send_half_an_upload(connection: socket.socket, model: str) -> None:
    upload = make_upload("half", "/v1/augmentations", [("images", make_png(512, 512))], {"policy": {"preset": model}})
    head = f"POST {upload.path} HTTP/1.1\r\nHost: a\r\nContent-Type: {upload.headers[0][1]}\r\n"
    connection.sendall(f"{head}Content-Length: {len(upload.body)}\r\n\r\n".encode())
    connection.sendall(upload.body[: len(upload.body) // 2])


def _read_a_little(connection: socket.socket, model: str) -> None:
    body = json.dumps({"model": model, "num_samples": 5000, "format": "npy"})
    head = f"POST /v1/samples HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(f"{head}\r\n{body}".encode())
    connection.recv(1000)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
