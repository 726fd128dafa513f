"""What ``fount augment`` is asked for, and the images that it finds."""

import dataclasses
import math
from pathlib import Path

from app.augmentation.jobs import Delivery
from app.augmentation.operation import Operation
from app.augmentation.operations.mixing import Mixing
from app.augmentation.policy import Policy
from app.core.errors import DatasetError, InvalidInputError
from app.data.folders import list_files
from app.data.layout import describe_suffixes, is_image_path
from app.decoding.messages import DecodeOptions
from app.imaging.codec import ImageFormat

_ENDINGS = {ImageFormat.PNG: "png", ImageFormat.JPEG: "jpg", ImageFormat.WEBP: "webp"}


@dataclasses.dataclass(frozen=True)
class Balance:
    """All classes come to the same number of pictures.

    Attributes:
        count: That number; None for that of the largest class.
    """

    count: int | None


@dataclasses.dataclass(frozen=True)
class AugmentOrder:
    """What is asked for.

    Attributes:
        source: Folder of the images.
        output: Folder of the outputs.
        policy: What is applied.
        amount: Copies of each image, or what they are to bring about.
        first_copy: Number of the first.
        image_format: Of outputs.
        quality: Of JPEG and WebP.
        options: How files become pixels.
        keeps_originals: Whether the images belong to the outputs.
        skips_broken: Whether images that cannot be read are left out.
    """

    source: Path
    output: Path
    policy: Policy
    amount: int | Balance
    first_copy: int
    image_format: ImageFormat
    quality: int
    options: DecodeOptions
    keeps_originals: bool
    skips_broken: bool

    @property
    def mixes(self) -> bool:
        """Whether outputs hang on several images."""
        return any(isinstance(node, Mixing) for node in self.policy.ops)

    @property
    def fan_out(self) -> int:
        """Outputs of each copy."""
        return math.prod(node.fan_out for node in self.policy.ops if isinstance(node, Operation))

    @property
    def ending(self) -> str:
        """Of the names of outputs."""
        return _ENDINGS[self.image_format]

    @property
    def delivery(self) -> Delivery:
        """How outputs are written."""
        return Delivery(self.image_format, self.quality)

    def check(self) -> None:
        """Refuse a policy whose outputs cannot be counted as images of a class.

        Raises:
            InvalidInputError: If there is one.
        """
        if isinstance(self.amount, Balance) and self.mixes:
            raise InvalidInputError("the policy mixes images, and a mixed one belongs to no class: nothing to balance")
        if isinstance(self.amount, Balance) and self.fan_out > 1:
            raise InvalidInputError("the policy makes several pictures of each copy: classes cannot be balanced by it")

    def list_images(self) -> list[str]:
        """Return the paths of the images, sorted, but for those that are outputs.

        Raises:
            DatasetError: If there are none, or outputs would lie among them.
        """
        source, output = self.source.resolve(), self.output.resolve()
        if source == output:
            raise DatasetError("outputs would lie among the images: take another folder for them")
        found = list_files(self.source)
        if output.is_relative_to(source):
            inside = f"{output.relative_to(source).as_posix()}/"
            found = [path for path in found if not path.startswith(inside)]
        paths = sorted(path for path in found if is_image_path(path))
        if not paths:
            raise DatasetError(f"{self.source} holds no images; found {describe_suffixes(found)}")
        return paths
