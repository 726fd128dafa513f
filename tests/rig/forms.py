"""Forms of several parts, byte by byte."""

import json

BOUNDARY = "fount-kit-boundary"


def write_part(name: str, data: bytes, *, file_name: str | None = None, kind: str | None = None) -> bytes:
    """Write one part with its head, up to the boundary that follows."""
    disposition = f'form-data; name="{name}"' + (f'; filename="{file_name}"' if file_name is not None else "")
    head = f"Content-Disposition: {disposition}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
    return head.encode("utf-8", "surrogateescape") + b"\r\n" + data + b"\r\n"


def write_form(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    """Join parts to a whole form."""
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + part for part in parts) + mark + b"--\r\n"


def form_type(boundary: str = BOUNDARY) -> str:
    return f"multipart/form-data; boundary={boundary}"


def write_augmentation(*images: bytes, **request) -> bytes:
    """Write a form that asks for one flipped copy of each image."""
    document = {"policy": {"ops": [{"op": "flip"}]}, "seed": 1, "format": "npz"} | request
    files = [write_part("images", image, file_name="a.png", kind="image/png") for image in images]
    return write_form(*files, write_part("request", json.dumps(document).encode(), kind="application/json"))
