"""Valid requests of every route, as data that can be changed before it is written."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

BOUNDARY = "fount-fuzz"
JSON = "application/json"
FORM = "multipart/form-data"
POLICY = {"ops": [{"op": "rotate", "degrees": [-15, 15], "fill": "reflect"}, {"op": "flip", "p": 0.5}]}
TARGETS = {"boxes": [[1, 1, 6, 6]], "labels": ["cat"], "keypoints": [[2, 3]]}


@dataclass(frozen=True)
class FormPart:
    """One part of a form."""

    name: str
    data: Any
    file_name: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Asked:
    """A request before it is written.

    Attributes:
        method: Of the request.
        path: Its parts, between slashes.
        query: Names and values, written one after the other.
        fields: Of the head, without those that say how long the body is.
        document: Of a JSON body.
        parts: Of a form.
        body: Of any other kind.
        weight: How often it is taken, against the others.
    """

    method: str
    path: Sequence[str]
    query: Sequence[tuple[str, str]] = ()
    fields: Sequence[tuple[str, str]] = ()
    document: Any = None
    parts: Sequence[FormPart] = ()
    body: bytes | None = None
    weight: float = 1.0


def draw_picture(image_format: str, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> bytes:
    """Write a small picture as a file."""
    levels = bytes(number * 7 % 256 for number in range(size[0] * size[1] * len(mode)))
    file = io.BytesIO()
    Image.frombytes(mode, size, levels).save(file, image_format)
    return file.getvalue()


PICTURES = [draw_picture(name) for name in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")]


@dataclass(frozen=True)
class Corpus:
    """What a service of these models can be asked for.

    Attributes:
        model: One with classes and two versions.
        coder: One that reads images.
        token: Of a dataset of two shards.
    """

    model: str
    coder: str
    token: str
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.asked.extend([*self._samples(), *self._reads(), *self._documents(), *self._uploads(), *self._changes()])

    def _samples(self) -> list[Asked]:
        body = {"model": self.model, "num_samples": 2, "seed": 7}
        classes = {"model": f"{self.model}@1", "class_counts": {"class-0": 1, "class-1": 2}, "format": "npz"}
        balance = {
            "model": self.model,
            "balance": {"have": {"class-0": 1, "class-1": 3}, "to": "max"},
            "format": "jsonl",
        }
        augmented = body | {"augment": {"preset": "light"}, "format": "zip", "class_label": "class-1"}
        bodies = [body | {"format": "npy"}, classes, balance, augmented, body | {"format": "json", "truncation": 0.5}]
        return [_post("samples", one, weight=3.0) for one in [{"model": self.model, "num_samples": 1}, *bodies]]

    def _reads(self) -> list[Asked]:
        version = ["v1", "models", self.model, "versions", "1"]
        dataset = ["v1", "datasets", self.token]
        sample = Asked("GET", [*version, "samples", "42", "0.png"], [("class_label", "class-1"), ("truncation", "0.5")])
        paths = [
            ["livez"],
            ["readyz"],
            ["problems", "not-found"],
            ["v1", "models"],
            ["v1", "models", self.model],
            version,
            [*version, "card"],
            ["v1", "augmentations", "presets"],
            [*dataset],
            [*dataset, "croissant.json"],
            [*dataset, "README.md"],
        ]
        heavy = [
            ["metrics"],
            ["docs"],
            ["openapi.json"],
            ["v1", "augmentations", "operations"],
            [*dataset, "shards", "0.tar"],
        ]
        return [
            replace(sample, weight=3.0),
            replace(sample, query=[("preset", "light")], fields=[("If-None-Match", '"x"')]),
            *(Asked("GET", path) for path in paths),
            *(Asked("GET", path, weight=0.1) for path in heavy),
        ]

    def _documents(self) -> list[Asked]:
        ends = {"start": {"seed": 1, "index": 0}, "end": {"seed": 1, "index": 9}}
        image = {"height": 28, "width": 28}
        trace = [{"op": "flip", "axis": "horizontal"}]
        dataset = {
            "samples": [{"model": self.model, "num_samples": 40, "seed": 3}],
            "shard_size": 20,
            "splits": {"train": 0.5, "test": 0.5},
        }
        return [
            _post("interpolations", {"model": self.model, **ends, "num_frames": 4, "format": "npy"}, weight=2.0),
            _post("datasets", dataset, weight=2.0),
            _post("augmentations/plan", {"policy": POLICY, "images": [image], "copies": 2, "seed": 1}, weight=3.0),
            _post("augmentations/inverse", {"image": image, "trace": trace, "targets": TARGETS}, weight=2.0),
        ]

    def _uploads(self) -> list[Asked]:
        request = {"policy": POLICY, "copies": 2, "seed": 1, "format": "npz", "targets": [TARGETS]}
        variation = {"model": self.coder, "class_label": "class-1", "copies": 2, "seed": 1, "format": "npz"}
        asked = [_upload("augmentations", request, picture, weight=0.2) for picture in PICTURES]
        return [
            *asked,
            _upload("augmentations/preview", {"policy": POLICY, "seed": 1}, PICTURES[0], weight=0.3),
            _upload("variations", variation, PICTURES[0], weight=0.3),
            Asked(
                "POST",
                ["v1", "verifications"],
                parts=[FormPart("image", PICTURES[0], "a.png", "image/png")],
                weight=0.5,
            ),
            Asked(
                "POST", ["v1", "verifications"], fields=[("Content-Type", "image/png")], body=PICTURES[0], weight=0.5
            ),
        ]

    def _changes(self) -> list[Asked]:
        alias = ["v1", "models", self.model, "aliases", "candidate"]
        return [
            Asked("PUT", alias, document={"version": 2}, weight=0.2),
            Asked("PUT", alias, fields=[("If-Match", "*")], document={"version": 1}, weight=0.1),
            Asked("DELETE", alias, weight=0.1),
            Asked("GET", alias),
        ]


def _post(path: str, document: Any, **options: Any) -> Asked:
    return Asked("POST", ["v1", *path.split("/")], document=document, **options)


def _upload(path: str, request: Any, picture: bytes, weight: float = 0.5) -> Asked:
    parts = [FormPart("images", picture, "a.png", "image/png"), FormPart("request", request, None, JSON)]
    return Asked("POST", ["v1", *path.split("/")], parts=parts, weight=weight)


def write_part(part: FormPart) -> bytes:
    """Write a part without the boundaries around it."""
    data = part.data if isinstance(part.data, bytes) else json.dumps(part.data).encode()
    named = f'; filename="{part.file_name}"' if part.file_name is not None else ""
    kind = f"Content-Type: {part.kind}\r\n" if part.kind else ""
    head = f'Content-Disposition: form-data; name="{part.name}"{named}\r\n{kind}\r\n'
    return head.encode("utf-8", "surrogatepass") + data
