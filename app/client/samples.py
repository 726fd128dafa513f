"""What an answer holds: samples as arrays, and each of them as a picture with its address."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.client.folders import Entry, save_imagefolder
from app.client.marking import encode_png, read_origin, to_pil
from app.client.tensors import Head
from app.imaging.grid import draw_sheet
from app.imaging.mark import Origin, SampleMarker

if TYPE_CHECKING:
    import torch

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]

_SHOWN = 64
_NO_CLASS = -1
_VARIATION = "variation"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    Attributes:
        image: Pixels, shape (h, w, c).
        index: Its number within the seed.
        label: Number of its class; None for none.
        class_name: Name of its class; None for none.
        address: Where the service has the same sample, for ever; None where it has no address of its own.
    """

    image: Pixels = field(repr=False)
    index: int
    label: int | None
    class_name: str | None
    address: str | None

    def to_pil(self) -> Image.Image:
        """Return the picture, grey or RGB."""
        return to_pil(self.image)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Samples:
    """Samples of one version and seed. A slice or an array of numbers picks some, a number one.

    Attributes:
        images: Pixels, 0 to 255, shape (n, h, w, c); copy them before you write to them.
        labels: Class numbers, shape (n,); -1 for no class.
        indices: Numbers within the seed, shape (n,).
        origin: What all of them are made from, as marks of images have it.
        class_names: Names by class number; empty for a model without classes.
        url: Address of the service.
        first_offset: How many samples of the same request came before these.
    """

    images: Pixels
    labels: Numbers
    indices: Numbers
    origin: Origin
    class_names: tuple[str, ...] = ()
    url: str = ""
    first_offset: int = 0

    @classmethod
    def of(cls, images: Pixels, head: Head, class_names: Sequence[str], url: str, *, start: int = 0) -> "Samples":
        """Join pixels with what the answer's head says of them.

        Args:
            images: Some of the answer's pixels.
            head: Of the answer.
            class_names: Of the version.
            url: Address of the service.
            start: Number of the first of the images within the answer.
        """
        part = slice(start, start + len(images))
        origin = read_origin(head.mark)
        return cls(images, head.labels[part], head.indices[part], origin, tuple(class_names), url, start)

    @property
    def model(self) -> str:
        """The version that made them, for example ``mnist-gan@3``."""
        return self.origin.reference

    @property
    def digest(self) -> str:
        """Identity of the version."""
        return self.origin.digest

    @property
    def seed(self) -> int:
        """Their seed; with ``model`` and ``indices`` it gives the same samples again."""
        return self.origin.seed

    @property
    def is_consecutive(self) -> bool:
        """Whether an index says which sample it is; copies of several images are counted anew for each."""
        return _VARIATION not in self.origin.how

    def __repr__(self) -> str:
        """Say what they are."""
        size = "x".join(map(str, self.images.shape[1:]))
        return f"<{len(self)} samples of {self.model}, {size}, seed {self.seed}>"

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    @overload
    def __getitem__(self, chosen: "int | np.integer[Any]") -> Sample: ...
    @overload
    def __getitem__(self, chosen: "slice | Numbers | NDArray[np.bool_] | list[int]") -> "Samples": ...
    def __getitem__(self, chosen: Any) -> "Sample | Samples":
        """Return one sample by its place, or some of them."""
        if not isinstance(chosen, int | np.integer):
            picked = self.images[chosen], self.labels[chosen], self.indices[chosen]
            return replace(self, images=picked[0], labels=picked[1], indices=picked[2])
        label, index = int(self.labels[chosen]), int(self.indices[chosen])
        name = self.name_class(label)
        return Sample(
            self.images[chosen], index, None if label == _NO_CLASS else label, name, self._address(index, name)
        )

    def name_class(self, label: int) -> str | None:
        """Return the name of a class; its number where names are not known, None for no class."""
        if label == _NO_CLASS:
            return None
        return self.class_names[label] if label < len(self.class_names) else str(label)

    def count_classes(self) -> dict[str, int]:
        """Count the samples of each class, by name."""
        numbers, counts = np.unique(self.labels[self.labels != _NO_CLASS], return_counts=True)
        return {str(self.name_class(int(label))): int(n) for label, n in zip(numbers, counts, strict=True)}

    def to_pil(self) -> list[Image.Image]:
        """Return the pictures, grey or RGB."""
        return [to_pil(image) for image in self.images]

    def to_torch(self) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return images as a uint8 tensor (n, c, h, w), and labels as an int64 tensor (n,); needs torch."""
        import torch  # noqa: PLC0415 - for those who ask for tensors

        images = np.array(self.images.transpose(0, 3, 1, 2), order="C")
        return torch.from_numpy(images), torch.from_numpy(self.labels.copy())

    def save_imagefolder(self, folder: str | Path) -> Path:
        """Write ``<class>/<index>.png`` and ``metadata.jsonl``, as image folders are read by others.

        Every file says that it is synthetic and which sample it is. More samples may be written to the same folder.

        Returns:
            The folder.

        Raises:
            FileExistsError: If there is a file of that name, as of another seed.
        """
        common = {"model": self.model, "digest": self.digest, "seed": self.seed}
        save_imagefolder(Path(folder), self._encode(), self.class_names, common)
        return Path(folder)

    def grid(self, *, columns: int | None = None) -> Image.Image:
        """Draw a contact sheet, enlarged where images are small.

        Args:
            columns: Images per row; by default as near to square as may be.

        Raises:
            ValueError: If there are no samples.
        """
        if not len(self):
            raise ValueError("there are no samples to draw")
        return to_pil(draw_sheet(self.images, columns=columns))

    def _repr_png_(self) -> bytes | None:
        """Show the first samples in a notebook."""
        return encode_png(draw_sheet(self.images[:_SHOWN])) if len(self) else None

    def _repr_html_(self) -> str:
        """Show the first samples in a notebook, with what they are."""
        shown = min(len(self), _SHOWN)
        first = f", the first {shown} shown" if shown < len(self) else ""
        caption = escape(f"{len(self)} samples of {self.model}, seed {self.seed}{first}")
        picture = base64.b64encode(self._repr_png_() or b"").decode("ascii")
        image = f'<img alt="{caption}" src="data:image/png;base64,{picture}" style="max-width:100%">' if picture else ""
        return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"

    def _encode(self) -> Iterator[Entry]:
        marker = SampleMarker(self.origin) if self.is_consecutive else None
        for place, sample in enumerate(self):
            mark = None if marker is None else marker.describe(sample.index, sample.class_name)
            number = sample.index if self.is_consecutive else self.first_offset + place
            yield Entry(number, sample.label, sample.class_name, sample.index, encode_png(sample.image, mark))

    def _address(self, index: int, class_name: str | None) -> str | None:
        policy = self.origin.how.get("augment")
        preset = policy.get("preset") if policy else None
        if any(kind != "augment" for kind in self.origin.how) or (policy and not preset):
            return None
        query = {"class_label": class_name, "truncation": self.origin.truncation, "preset": preset}
        asked = urlencode({name: value for name, value in query.items() if value not in (None, 1.0)})
        path = f"/v1/models/{self.origin.model}/versions/{self.origin.version}/samples/{self.seed}/{index}.png"
        return f"{self.url}{path}{'?' if asked else ''}{asked}"
