"""Operations that answer with samples: requests and what their answers come to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.client.errors import AccessError, BrokenAnswerError, NotFoundError
from app.client.exchange import Answer, FilePart, Memory, Operation, Request
from app.client.marking import encode_png
from app.client.order import Have, Policy, SampleOrder
from app.client.samples import Pixels, Samples
from app.client.tensors import Head, read_head, read_images

FORMAT = "safetensors"
_IMAGE_DIMS = (2, 3)
Picture: TypeAlias = "str | Path | bytes | Pixels"
"""An image: a file's path, its bytes, or pixels (h, w, c) or (h, w)."""
PathEnd: TypeAlias = int | tuple[int, int]
"""A seed, or a seed and an index."""


def sample(  # noqa: PLR0913 - the values of one request
    _memory: Memory,
    model: str,
    *,
    num_samples: int | None = None,
    class_counts: Mapping[str, int] | None = None,
    balance: Have | None = None,
    class_label: str | int | None = None,
    seed: int | None = None,
    first_index: int | None = None,
    truncation: float | None = None,
    augment: Policy | None = None,
) -> Operation[Samples]:
    """Ask for samples, all at once; exactly one of ``num_samples``, ``class_counts`` and ``balance``.

    Args:
        model: ``name``, ``name@3`` or ``name@alias``.
        num_samples: How many samples.
        class_counts: How many of each class, by name or number.
        balance: How many images of each class there are: what is missing to the largest is made.
            ``{"have": {...}, "to": 1000}`` names another size.
        class_label: Class of all samples, by name or number.
        seed: Same seed, same samples; without one, the service draws one.
        first_index: Number of the first sample.
        truncation: Factor on the latents, above 0 and at most 1.
        augment: Name of a preset, or a policy.

    Raises:
        FountError: If the service refuses, or does not answer.
    """
    order = SampleOrder(model, num_samples, class_counts, balance, class_label, seed, first_index, truncation, augment)
    return (yield from _read(_memory, Request("POST", "/v1/samples", order.document(FORMAT))))


def interpolate(
    _memory: Memory,
    model: str,
    start: PathEnd,
    end: PathEnd,
    *,
    num_frames: int = 16,
    class_label: str | int | None = None,
    method: str | None = None,
    truncation: float | None = None,
) -> Operation[Samples]:
    """Ask for the path from one sample to another.

    Args:
        model: ``name``, ``name@3`` or ``name@alias``.
        start: Seed of the first frame, or seed and index.
        end: Seed of the last frame, or seed and index.
        num_frames: Frames of the path, both ends included.
        class_label: Class of all frames; by default that of the first sample.
        method: ``spherical`` or ``linear``; by default what suits the model.
        truncation: Factor on the latents, above 0 and at most 1.

    Raises:
        FountError: If the service refuses, or does not answer.
    """
    document = _given(
        model=model,
        start=_write_end(start),
        end=_write_end(end),
        num_frames=num_frames,
        class_label=class_label,
        method=method,
        truncation=truncation,
        format=FORMAT,
    )
    return (yield from _read(_memory, Request("POST", "/v1/interpolations", document)))


def vary(
    _memory: Memory,
    model: str,
    images: "Picture | Sequence[Picture]",
    *,
    copies: int = 1,
    strength: float | None = None,
    seed: int | None = None,
    class_label: str | int | None = None,
    class_labels: Sequence[str | int] | None = None,
) -> Operation[Samples]:
    """Ask for images near these, by a model that has an encoder.

    Args:
        model: ``name``, ``name@3`` or ``name@alias``.
        images: One image or several: paths, bytes of files, or pixels.
        copies: Variations of each.
        strength: Share of new latents, 0 to 1.
        seed: Same images and seed, same variations.
        class_label: Class of all images.
        class_labels: Class of each image.

    Raises:
        FountError: If the service refuses, or does not answer.
    """
    labels = None if class_labels is None else list(class_labels)
    document = _given(
        model=model,
        copies=copies,
        strength=strength,
        seed=seed,
        class_label=class_label,
        class_labels=labels,
        format=FORMAT,
    )
    request = Request("POST", "/v1/variations", files=write_form(list_pictures(images), document))
    return (yield from _read(_memory, request))


def find_class_names(memory: Memory, model: str, version: str) -> Operation[tuple[str, ...]]:
    """Tell the class names of a version; none if the key may not ask for them.

    Args:
        memory: Of the client; a version's names never change.
        model: Its name.
        version: Its number, or an alias.
    """
    reference = f"{model}@{version}"
    if reference not in memory.class_names:
        try:
            answer: Answer = yield Request("GET", f"/v1/models/{model}/versions/{version}")
        except (AccessError, NotFoundError):
            return ()
        detail = answer.read_json()
        memory.class_names[f"{model}@{detail['version']}"] = tuple(detail["manifest"]["class_names"])
        return tuple(detail["manifest"]["class_names"])
    return memory.class_names[reference]


def _read(memory: Memory, request: Request) -> Operation[Samples]:
    answer: Answer = yield request
    head, begin = read_head(answer.body) or _refuse()
    images = read_images(answer.body, head, begin)
    names = yield from find_class_names(memory, head.mark["model"], str(head.mark["version"]))
    return Samples.of(images, head, names, answer.url)


def _refuse() -> tuple[Head, int]:
    raise BrokenAnswerError("the answer holds no samples")


def list_pictures(images: "Picture | Sequence[Picture] | NDArray[Any]") -> list[bytes]:
    """Read images to the bytes of files.

    Raises:
        OSError: If a file cannot be read.
    """
    if isinstance(images, str | Path | bytes) or (isinstance(images, np.ndarray) and images.ndim in _IMAGE_DIMS):
        return [_read_picture(images)]
    return [_read_picture(image) for image in images]


def _read_picture(image: Picture) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | Path):
        return Path(image).read_bytes()
    return encode_png(image.reshape(*image.shape[:2], -1))


def write_form(files: Sequence[bytes], document: dict[str, Any], masks: Sequence[bytes] = ()) -> list[FilePart]:
    """Write the parts of a form: images, masks, and the request."""
    parts: list[FilePart] = [("images", (f"{n}", file, "application/octet-stream")) for n, file in enumerate(files)]
    parts += [("masks", (f"{n}", file, "application/octet-stream")) for n, file in enumerate(masks)]
    return [*parts, ("request", (None, json.dumps(document).encode(), "application/json"))]


def _write_end(end: PathEnd) -> dict[str, int]:
    return {"seed": end} if isinstance(end, int) else {"seed": end[0], "index": end[1]}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
