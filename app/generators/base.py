"""What every network here is: a generator from latents to images, or a discriminator from images to scores."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import torch
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from app.core.seeds import LatentPrior
from app.repository.manifest import ImageSpec

Latents: TypeAlias = Float[Tensor, "batch latent"]
Labels: TypeAlias = Int[Tensor, " batch"]
Images: TypeAlias = Float[Tensor, "batch channels height width"]
PaddedImages: TypeAlias = Float[Tensor, "batch channels padded_height padded_width"]
Scores: TypeAlias = Float[Tensor, " batch"]

Network = TypeVar("Network", bound=nn.Module)

LARGEST_BASE = 7


class ArchitectureConfig(BaseModel):
    """Hyperparameters of one architecture; every number is bounded, since they are read from published files."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclasses.dataclass(frozen=True)
class SampleSpace:
    """What a generator maps from and to, whatever its architecture.

    ``num_classes`` is 0 for an unconditional generator.
    """

    image: ImageSpec
    latent_dim: int
    num_classes: int
    latent_prior: LatentPrior = "normal"


@dataclasses.dataclass(frozen=True)
class Pyramid:
    """How an image size is reached by doublings: ``levels`` of them from ``height x width``, then a centre crop."""

    height: int
    width: int
    levels: int

    @classmethod
    def for_image(cls, image: ImageSpec) -> "Pyramid":
        """Choose as few doublings as bring the longer side to 7 pixels or less; at least one."""
        levels = 1
        while -(-max(image.height, image.width) // 2**levels) > LARGEST_BASE:
            levels += 1
        return cls(-(-image.height // 2**levels), -(-image.width // 2**levels), levels)

    @property
    def base_pixels(self) -> int:
        """Pixels at the coarsest level."""
        return self.height * self.width

    def channels_at(self, level: int, base_width: int, max_width: int) -> int:
        """Return the feature channels at a level: ``base_width`` at the finest, doubled at each coarser one."""
        return min(base_width << (self.levels - 1 - level), max_width)

    def crop(self, images: PaddedImages, image: ImageSpec) -> Images:
        """Cut the centre of the pyramid's output down to the image."""
        top = (images.shape[2] - image.height) // 2
        left = (images.shape[3] - image.width) // 2
        return images[:, :, top : top + image.height, left : left + image.width]

    def pad(self, images: Images) -> PaddedImages:
        """Extend images by their border pixels to the pyramid's size; the inverse of ``crop``."""
        rows = self.height * 2**self.levels - images.shape[2]
        columns = self.width * 2**self.levels - images.shape[3]
        if rows == 0 and columns == 0:
            return images
        sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        return nn.functional.pad(images, sides, mode="replicate")


class Unflatten(nn.Module):
    """Give a dense layer's output its place in the image; channels come last in memory, so nothing is copied."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self._size = (height, width, -1)

    def forward(self, features: Float[Tensor, "batch features"]) -> Images:
        """Return the features as images with channels."""
        return features.reshape(len(features), *self._size).permute(0, 3, 1, 2)


class Flatten(nn.Module):
    """The inverse of ``Unflatten``, likewise free for images with channels last in memory."""

    def forward(self, images: Images) -> Float[Tensor, "batch features"]:
        """Return the pixels of each image in one row."""
        return images.permute(0, 2, 3, 1).flatten(1)


class Generator(nn.Module, abc.ABC):
    """Makes images in [-1, 1] from latents, and from class numbers where it is conditional."""

    def __init__(self, space: SampleSpace) -> None:
        super().__init__()
        self.space = space

    @property
    def latent_dim(self) -> int:
        """Numbers per latent."""
        return self.space.latent_dim

    @property
    def latent_prior(self) -> LatentPrior:
        """Distribution that latents are drawn from."""
        return self.space.latent_prior

    @property
    def image(self) -> ImageSpec:
        """Size of what it makes."""
        return self.space.image

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 when unconditional."""
        return self.space.num_classes

    def chains(self) -> list[Sequence[nn.Module]]:
        """List modules that feed each the next one and nothing else; neighbours may be merged into one layer."""
        return [tuple(module) for module in self.modules() if isinstance(module, nn.Sequential)]

    @abc.abstractmethod
    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """Make one image per latent.

        Args:
            latents: Numbers drawn from ``latent_prior``, independent of each other.
            labels: Class numbers below ``num_classes``; None when unconditional.

        Returns:
            Images in [-1, 1].
        """


class Discriminator(nn.Module, abc.ABC):
    """Scores how real images look; also called critic where the score is not a logit."""

    def __init__(self, space: SampleSpace) -> None:
        super().__init__()
        self.space = space

    @abc.abstractmethod
    def forward(self, images: Images, labels: Labels | None) -> Scores:
        """Score images: higher is more real.

        Args:
            images: Images in [-1, 1].
            labels: Class numbers below ``num_classes``; None when unconditional.

        Returns:
            One unbounded score per image.
        """


@dataclasses.dataclass(frozen=True)
class Posterior:
    """Where an image may lie in a latent space: an independent normal distribution per number."""

    mean: Float[Tensor, "batch latent"]
    log_var: Float[Tensor, "batch latent"]

    def at(self, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
        """Return the point that standard normal noise stands for; zeros give the mean."""
        return self.mean + (0.5 * self.log_var).exp() * noise


class Encoder(nn.Module, abc.ABC):
    """Tells which latents of a generator make an image."""

    def __init__(self, space: SampleSpace) -> None:
        super().__init__()
        self.space = space

    @abc.abstractmethod
    def forward(self, images: Images, labels: Labels | None) -> Posterior:
        """Encode images.

        Args:
            images: Images in [-1, 1].
            labels: Class numbers below ``num_classes``; None when unconditional.

        Returns:
            Latents that the generator, given the same labels, turns back into these images.
        """


class ProjectionHead(nn.Module):
    """Turn features into a score, through the label's embedding where there are classes.

    Source:
        Miyato & Koyama 2018, "cGANs with projection discriminator", equation 3.
    """

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1)
        self.embedding = nn.Embedding(num_classes, features) if num_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def forward(self, features: Float[Tensor, "batch features"], labels: Labels | None) -> Scores:
        """Score features, given labels exactly when the head was built with classes."""
        scores: Tensor = self.score(features).squeeze(1)
        if self.embedding is not None:
            scores = scores + (self.embedding(labels) * features).sum(dim=1)
        return scores


class LatentInput(nn.Module):
    """Join latents with the label's embedding, where there are classes."""

    def __init__(self, space: SampleSpace) -> None:
        super().__init__()
        self.embedding = nn.Embedding(space.num_classes, space.latent_dim) if space.num_classes else None
        self.features = space.latent_dim * (2 if space.num_classes else 1)

    def forward(self, latents: Latents, labels: Labels | None) -> Float[Tensor, "batch features"]:
        """Return the latents, with the embedding beside them when the input was built with classes."""
        if self.embedding is None:
            return latents
        return torch.cat([latents, self.embedding(labels)], dim=1)


def put_channels_last(network: Network) -> Network:
    """Lay weights out with channels last in memory, in place: convolutions on the CPU are faster so."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
    return network
