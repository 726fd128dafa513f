"""Augmented images with what was applied to each."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.client.marking import to_pil


@dataclass(frozen=True, slots=True)
class AugmentedImage:
    """One output.

    Attributes:
        image: Pixels, shape (h, w, c), of the input's own depth where arrays were sent, else of the file's.
        mask: Its mask, shape (h, w); None where none was sent.
        facts: What the service says of it: its place, its trace, its targets.
    """

    image: NDArray[Any] = field(repr=False)
    mask: NDArray[Any] | None = field(repr=False)
    facts: Mapping[str, Any]

    @property
    def source(self) -> int:
        """Number of the image that it was made from."""
        return int(self.facts["image"])

    @property
    def copy(self) -> int:
        """Its number among the outputs of that image."""
        return int(self.facts["copy"])

    @property
    def trace(self) -> list[dict[str, Any]]:
        """What was applied, with the numbers that were drawn; sent back it gives the same bytes."""
        return list(self.facts["trace"])

    def to_pil(self) -> Image.Image:
        """Return the picture; only of 8 bits."""
        return to_pil(self.image)


@dataclass(frozen=True, slots=True, eq=False)
class Augmented:
    """The outputs of one request, image by image, copy by copy.

    Attributes:
        outputs: Each with its trace.
        seed: Of the draws; with the same images and policy it gives the same outputs.
    """

    outputs: Sequence[AugmentedImage] = field(repr=False)
    seed: int

    @property
    def images(self) -> NDArray[Any]:
        """Pixels of all, shape (n, h, w, c).

        Raises:
            ValueError: If sizes differ; each output has its own ``image``.
        """
        if len({output.image.shape for output in self.outputs}) > 1:
            raise ValueError("outputs differ in size, and an array has one: take `image` of each, or end with `resize`")
        return np.stack([output.image for output in self.outputs])

    @property
    def traces(self) -> list[list[dict[str, Any]]]:
        """What was applied to each."""
        return [output.trace for output in self.outputs]

    def __len__(self) -> int:
        return len(self.outputs)

    def __iter__(self) -> Iterator[AugmentedImage]:
        return iter(self.outputs)

    @overload
    def __getitem__(self, chosen: int) -> AugmentedImage: ...
    @overload
    def __getitem__(self, chosen: slice) -> "Augmented": ...
    def __getitem__(self, chosen: int | slice) -> "AugmentedImage | Augmented":
        """Return one output, or some of them."""
        if isinstance(chosen, slice):
            return Augmented(self.outputs[chosen], self.seed)
        return self.outputs[chosen]

    def to_pil(self) -> list[Image.Image]:
        """Return the pictures; only of 8 bits."""
        return [output.to_pil() for output in self.outputs]


def read_augmented(body: bytes, seed: int) -> Augmented:
    """Read an answer of files (``zip``) or of one array (``npz``).

    Args:
        body: The answer.
        seed: That its headers tell.
    """
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        facts = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
        if "images.npy" in archive.namelist():
            images: Any = np.load(io.BytesIO(archive.read("images.npy")), allow_pickle=False)
            return Augmented([AugmentedImage(image, None, one) for image, one in zip(images, facts, strict=True)], seed)
        return Augmented([_read_one(archive, one) for one in facts], seed)


def _read_one(archive: zipfile.ZipFile, facts: dict[str, Any]) -> AugmentedImage:
    image = _decode(archive.read(facts["file_name"]))
    name = facts.get("mask_file_name")
    mask = None if name is None else _decode(archive.read(name))[:, :, 0]
    return AugmentedImage(image, mask, facts)


def _decode(file: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(file)) as picture:
        pixels = np.asarray(picture)
    return pixels.reshape(*pixels.shape[:2], -1)
