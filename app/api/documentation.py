"""What the OpenAPI document says beyond what signatures tell: problems, headers, media types."""

from collections.abc import Iterable
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api.problems import MEDIA_TYPE, describe_codes
from app.augmentation.request import AugmentationRequest
from app.imaging.formats.registry import FORMATS
from app.schemas.problems import Problem
from app.schemas.samples import SampleAnswer
from app.schemas.variations import VariationRequest

DESCRIPTION = """\
A sample is a pure function of (checkpoint, seed, index, class, truncation, format):
ask again, anywhere, and get the same bytes. Every error is an RFC 9457 problem whose `type` is a page of this service.
"""

TAGS = [
    {"name": "samples", "description": "Ask for samples, many at once or one by its permanent address."},
    {"name": "augmentations", "description": "Send images, get changed ones: by policies, repeatable from traces."},
    {"name": "datasets", "description": "A recipe of samples in its own address, with shards for training jobs."},
    {"name": "models", "description": "What can be asked for: models, versions, aliases."},
    {"name": "operations", "description": "For probes, dashboards and readers of errors."},
]

ALWAYS = ("invalid-parameter", "service-failed")
KEYED = (*ALWAYS, "missing-key", "missing-scope", "rate-limited")
BODY = ("malformed-body", "body-too-large", "body-too-slow", "unsupported-media-type", "queue-full")
COMPUTED = (
    "unknown-class",
    "limit-exceeded",
    "not-acceptable",
    "model-not-found",
    "version-not-found",
    "poison-request",
    "model-unhealthy",
    "out-of-device-memory",
)
DECODED = (
    "undecodable-image",
    "unsupported-image",
    "animated-image",
    "image-too-large",
    "decoding-timeout",
    "decoder-crashed",
)
SERVED = ("no-capacity", "queue-full", "deadline-exceeded", "not-ready", "worker-lost", "worker-failed")

_FILE = {"type": "string", "format": "binary"}
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_SCHEMAS = {
    "application/json": {"$ref": "#/components/schemas/SampleAnswer"},
    "application/jsonl": {"type": "string", "description": "Lines of `SampleItem`."},
    "application/ld+json": {"type": "object"},
}
_REQUEST_ID = {"description": "Id of the request, also in the log.", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer"}}
_RATE_HEADERS = {
    "RateLimit-Policy": "Bounds of the key in any minute; an IETF draft, and may change with it.",
    "RateLimit": "What is left of them, and the seconds until there is more; an IETF draft, and may change with it.",
}
_WAITING_HEADERS: dict[int, dict[str, Any]] = {
    429: {
        "Retry-After": _RETRY_AFTER,
        **{name: {"description": text, "schema": {"type": "string"}} for name, text in _RATE_HEADERS.items()},
    },
    503: {"Retry-After": _RETRY_AFTER},
}
_SAMPLE_HEADERS = {
    "Fount-Model": "Version that made the samples, for example `mnist-gan@3`.",
    "Fount-Digest": "SHA-256 that identifies the checkpoint.",
    "Fount-Seed": "Seed of the samples.",
    "Fount-First-Index": "Number of the first sample.",
    "Fount-Num-Samples": "How many samples the answer holds.",
    "Fount-Policy": "SHA-256 of the policy that augmented the samples, where one did.",
    "Fount-Numerics": "Build, device, precision and rewrites that the samples were computed with.",
    "Server-Timing": "Milliseconds of queue, device and encode, as known when the answer began; of variations also of "
    "decode and latents, before these.",
}

_AUGMENTATION_HEADERS = {
    "Fount-Num-Outputs": "How many images the answer holds.",
    "Fount-Trace": "Of a single image: what was applied, as JSON, where it is short.",
}
AUGMENTATION_HEADERS = ("Fount-Seed", "Fount-Policy", "Fount-Num-Outputs", "Fount-Trace", "Server-Timing")


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Document the problems that a route answers with, grouped by status."""
    known = describe_codes()
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(known[code][0].status.value, []).append(code)
    return {
        status: {
            "description": ", ".join(f"`{code}`" for code in grouped),
            "headers": {"X-Request-ID": _REQUEST_ID} | _WAITING_HEADERS.get(status, {}),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, grouped in sorted(by_status.items())
    }


def binary(description: str, media_types: Iterable[str], headers: Iterable[str] = ()) -> dict[str, Any]:
    """Document an answer that is a file."""
    return {
        "description": description,
        "headers": {
            "X-Request-ID": _REQUEST_ID,
            **{name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in headers},
        },
        "content": {
            media_type: {"schema": _SCHEMAS.get(media_type, _FILE)} for media_type in dict.fromkeys(media_types)
        },
    }


def describe_upload(name: str, description: str) -> dict[str, Any]:
    """Document a body that is a form with a file, or the file itself."""
    part = {**_FILE, "description": description}
    form = {"type": "object", "required": [name], "properties": {name: part}}
    content = {"multipart/form-data": {"schema": form}, "image/png": {"schema": part}}
    return {"requestBody": {"required": True, "content": content}}


def describe_form(name: str, description: str, model: type[BaseModel]) -> dict[str, Any]:
    """Document a body that is a form with files, and a part ``request`` of JSON; ``model`` has an example."""
    files = {"type": "array", "minItems": 1, "items": _FILE, "description": description}
    example = {name: "sample.png", "request": model.model_json_schema()["examples"][0]}
    form = {
        "type": "object",
        "required": [name, "request"],
        "properties": {name: files, "request": {"$ref": f"#/components/schemas/{model.__name__}"}},
        "examples": [example],
    }
    encoding = {"request": {"contentType": "application/json"}}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form, "encoding": encoding}}}
    }


SAMPLE_HEADERS = tuple(_SAMPLE_HEADERS)
SAMPLE_MEDIA_TYPES = tuple(one.media_type for one in FORMATS.values())
_HEADERS = {
    **_SAMPLE_HEADERS,
    **_AUGMENTATION_HEADERS,
    "Fount-Latent-RMS": "Largest of the images: about 1 for images as those of the training, above 2 for strange ones.",
    "Fount-Split": "Split that the shard is of.",
    "ETag": "Entity tag, known without computing the sample.",
    "Cache-Control": "`immutable` for a version number, `no-cache` for an alias.",
}


def install_openapi(app: FastAPI) -> None:
    """Make the application's OpenAPI document hold the schema of problems."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build_document(app)
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]  # the framework's documented way to extend the document


def _build_document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=TAGS,
        license_info=app.license_info,
    )
    _, definitions = models_json_schema(
        [
            (Problem, "serialization"),
            (SampleAnswer, "serialization"),
            (VariationRequest, "validation"),
            (AugmentationRequest, "validation"),
        ],
        ref_template="#/components/schemas/{model}",
    )
    document["components"]["schemas"].update(definitions["$defs"])
    return cast("dict[str, Any]", _restore_integers(document))


def _restore_integers(value: Any, name: str = "") -> Any:
    """Write bounds as the whole numbers that they are: the framework makes all of them floating-point numbers."""
    if isinstance(value, dict):
        return {key: _restore_integers(child, key) for key, child in value.items()}
    if isinstance(value, list):
        return [_restore_integers(child) for child in value]
    return int(value) if name in _BOUNDS and isinstance(value, float) and value.is_integer() else value
