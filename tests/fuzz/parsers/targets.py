"""What reads bytes of strangers: each target takes any bytes, and lets nothing out but the errors meant for it."""

import contextlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from app.api.augmented.form import read_form
from app.api.datasets.recipe import Block, Recipe, Split
from app.api.datasets.token import decode_token, encode_token
from app.api.policies import explain_trace, read_policy
from app.api.strict import parse_json
from app.api.uploads import _Form
from app.augmentation.presets import PRESETS
from app.augmentation.traces import Trace
from app.core.errors import ServiceError
from app.core.settings import LimitSettings
from app.decoding.messages import DecodeOptions
from app.decoding.reading import read_image
from app.decoding.sniffing import find_format
from app.generators.header import check_header
from app.repository.aliases import parse_aliases
from app.repository.manifest import FileEntry, dump_manifest, parse_manifest
from app.schemas.samples import SampleFormat
from tests.drafts import make_draft
from tests.fuzz.web.corpus import POLICY, TARGETS, draw_picture

MAX_PIXELS = 2**16
_BOUNDARY = b"b"
_LIMITS = LimitSettings(upload_pixels=MAX_PIXELS)
_OPTIONS = [
    DecodeOptions(),
    DecodeOptions(alpha="drop", channels=3, image_size=(8, 8)),
    DecodeOptions(animation="first"),
]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        read: Reads bytes; raises what the service answers with.
        seeds: Whole and sound inputs.
        max_bytes: Longest input.
    """

    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    max_bytes: int = 4096

    def run(self, data: bytes) -> None:
        """Read bytes; whatever is not one of our errors gets out."""
        with contextlib.suppress(ServiceError):
            self.read(data)


def _read_image(data: bytes) -> None:
    options = _OPTIONS[len(data) % len(_OPTIONS)]
    image = read_image(data, find_format(data), options, MAX_PIXELS)
    assert 0 < image.pixels.size <= MAX_PIXELS * 4


def _read_manifest(data: bytes) -> None:
    assert dump_manifest(parse_manifest(data)) == data


def _read_form(data: bytes) -> None:
    read_form(_Form(_BOUNDARY, 8).read(data), _LIMITS, 4096)


def _read_policy(data: bytes) -> None:
    document = parse_json(data)
    if isinstance(document, dict):
        assert read_policy(document, "/policy").digest


def _read_trace(data: bytes) -> None:
    try:
        Trace.model_validate(parse_json(data))
    except ValidationError as error:
        raise explain_trace(error, "/trace") from None


def _read_token(data: bytes) -> None:
    text = data.decode("latin-1")
    assert encode_token(decode_token(text)) == text


def _draw_pictures() -> list[bytes]:
    kinds = [*((name, "RGB") for name in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"))]
    kinds += [("PNG", "L"), ("PNG", "RGBA"), ("JPEG", "L"), ("JPEG", "CMYK"), ("TIFF", "CMYK"), ("TIFF", "L")]
    return [draw_picture(name, (5, 3), mode) for name, mode in kinds]


def _write_weights() -> list[bytes]:
    header = {
        "generator.a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "generator.b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
        "__metadata__": {"format": "pt"},
    }
    text = json.dumps(header).encode()
    return [struct.pack("<Q", len(text)) + text + bytes(32)]


def _write_forms() -> list[bytes]:
    request = json.dumps({"policy": POLICY, "copies": 2, "targets": [TARGETS]}).encode()
    parts = [(b'name="images"; filename="a.png"', draw_picture("PNG", (2, 2))), (b'name="request"', request)]
    written = [b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % part for part in parts]
    return [b"".join(written) + b"--b--\r\n"]


def _write_tokens() -> list[bytes]:
    block = Block("tiny", 1, bytes(32), 3, 0, 1.0, 40, ())
    recipe = Recipe((block,), (Split("train", 30), Split("test", 10)), 20, SampleFormat.TAR)
    return [encode_token(recipe).encode()]


def _write_manifests() -> list[bytes]:
    entry = FileEntry(sha256="0" * 64, num_bytes=1)
    published = make_draft(
        files={"weights.safetensors": entry}, digest="0" * 64, evaluation={"fid": [1.5, {"a": None}]}
    )
    return [dump_manifest(published)]


def _write_policies() -> list[bytes]:
    return [
        json.dumps(one).encode() for one in (POLICY, {"preset": "light"}, *(one.document for one in PRESETS.values()))
    ]


_FLIP: dict[str, object] = {"op": "flip", "axis": "horizontal"}
_TRACES = [
    {"steps": [_FLIP]},
    {"steps": [{"op": "rotate", "fill": "reflect", "value": 0.0, "interpolation": "linear", "degrees": 3.5}, _FLIP]},
]
_DOCUMENTS = [{"a": [1, -2.5e3, True, None, "x\u00e9\ud83d\ude00"], "b": {"c": {}}}, [], "text", 0]

TARGETS_BY_NAME = {
    "json": Target(parse_json, [json.dumps(one).encode() for one in _DOCUMENTS]),
    "image": Target(_read_image, _draw_pictures(), 2048),
    "manifest": Target(_read_manifest, _write_manifests(), 8192),
    "aliases": Target(parse_aliases, [b'{"aliases": {"production": 2}, "history": {"production": [1]}}']),
    "weights": Target(check_header, _write_weights()),
    "form": Target(_read_form, _write_forms(), 2048),
    "policy": Target(_read_policy, _write_policies()),
    "trace": Target(_read_trace, [json.dumps(one).encode() for one in _TRACES]),
    "token": Target(_read_token, _write_tokens()),
}
