"""A recipe together with the versions that it names: what can be said of a dataset, and its shards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.api.augmenting import open_policy
from app.api.datasets.assignment import Assignment
from app.api.datasets.creation import check_shards, check_size, make_recipe
from app.api.datasets.recipe import SHARD_FORMATS, Block, Recipe
from app.api.datasets.token import decode_token, encode_token
from app.core.errors import InvalidInputError, ModelNotFoundError, NotFoundError, VersionNotFoundError
from app.core.settings import LimitSettings
from app.imaging.formats.contents import ArrayShape
from app.schemas.datasets import DatasetRequest
from app.schemas.samples import SampleFormat
from app.serving.catalog import Catalog, ServedVersion
from app.serving.plan import SamplePlan


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be served; costs memory per class, never per sample.

    Attributes:
        token: Its address.
        recipe: What the token says.
        versions: The version of each block.
        plans: The samples of each block.
    """

    token: str
    recipe: Recipe
    versions: Sequence[ServedVersion]
    plans: Sequence[SamplePlan]

    @cached_property
    def assignment(self) -> Assignment:
        """Which samples are in which shard."""
        recipe = self.recipe
        return Assignment([split.num_samples for split in recipe.splits], recipe.shard_size, recipe.key)

    @cached_property
    def class_names(self) -> list[str]:
        """Names of the classes of all models; one that several have is one class."""
        return list(dict.fromkeys(name for version in self.versions for name in version.manifest.class_names))

    @cached_property
    def class_numbers(self) -> list[NDArray[np.int32]]:
        """Number in ``class_names`` of each class of each block's model."""
        numbers = {name: number for number, name in enumerate(self.class_names)}
        return [
            np.array([numbers[name] for name in version.manifest.class_names], dtype=np.int32)
            for version in self.versions
        ]

    @property
    def sizes(self) -> set[tuple[int, int, int]]:
        """Sizes of its images: height, width, channels."""
        images = [version.manifest.image for version in self.versions]
        return {(image.height, image.width, image.channels) for image in images}

    @property
    def formats(self) -> list[SampleFormat]:
        """Formats that its shards have: an array holds images of one size."""
        return [one for one in SHARD_FORMATS if one is not SampleFormat.NPZ or len(self.sizes) == 1]

    def shape(self, num_samples: int) -> ArrayShape:
        """Return the shape of samples, of the largest ones where sizes differ."""
        return ArrayShape(num_samples, *max(self.sizes, key=np.prod))

    def check_format(self, sample_format: SampleFormat) -> None:
        """Refuse a format that cannot hold its images.

        Raises:
            InvalidInputError: If sizes differ and the format is an array.
        """
        if sample_format not in self.formats:
            raise InvalidInputError(
                "the models make images of different sizes, which an array cannot hold; `tar` and tables can"
            )

    def shard_url(self, shard: int, sample_format: SampleFormat) -> str:
        """Return the address of a shard, from the service's root."""
        return f"/v1/datasets/{self.token}/shards/{shard}.{sample_format}"

    def shard_name(self, shard: int) -> str:
        """Name a shard as Hugging Face repositories do, without an ending."""
        place = self.assignment.locate(shard)
        name = self.recipe.splits[place.split].name
        return f"{name}-{place.number:05}-of-{place.num_shards:05}"


async def make_dataset(request: DatasetRequest, catalog: Catalog, limits: LimitSettings) -> Dataset:
    """Make a dataset from what was asked for: versions, digests and seeds are fixed from now on.

    Raises:
        InvalidInputError: If there is no dataset of this description.
        NotFoundError: If there is no such model or version.
        NotReadyError: If a version is not ready yet.
        LimitExceededError: If the dataset is larger than this service allows, or its token would be too long.
    """
    versions = [await catalog.obtain(block.model) for block in request.samples]
    recipe = make_recipe(request, versions, limits)
    return await _open(encode_token(recipe), recipe, catalog, limits)


async def open_dataset(token: str, catalog: Catalog, limits: LimitSettings) -> Dataset:
    """Read a token and find the versions that it names.

    Raises:
        NotFoundError: If this is no token, or a version is gone or is another one by now.
        LimitExceededError: If the dataset is larger than this service allows.
    """
    return await _open(token, decode_token(token), catalog, limits)


async def _open(token: str, recipe: Recipe, catalog: Catalog, limits: LimitSettings) -> Dataset:
    check_size(recipe.num_samples, limits)
    versions = [await _find_version(block, number, catalog) for number, block in enumerate(recipe.blocks)]
    try:
        plans = [_plan(recipe, number, version) for number, version in enumerate(versions)]
    except (ValueError, InvalidInputError):
        raise NotFoundError(
            "there is no such dataset: its indices, counts or policies are not of this model, or release"
        ) from None
    dataset = Dataset(token, recipe, versions, plans)
    check_shards(dataset.assignment.num_shards, limits)
    dataset.check_format(recipe.format)
    return dataset


def _plan(recipe: Recipe, number: int, version: ServedVersion) -> SamplePlan:
    """Plan all samples of a block.

    Raises:
        ValueError: If there are no such samples of the version.
        InvalidInputError: If they cannot be augmented so.
    """
    plan = recipe.blocks[number].plan(len(version.manifest.class_names))
    policy = recipe.policy_of(number)
    if not policy.ops:
        return plan
    return replace(plan, policy=open_policy(policy.ops, policy.preset, version.manifest.image))


async def _find_version(block: Block, number: int, catalog: Catalog) -> ServedVersion:
    facts: Mapping[str, str] = {"pointer": f"/samples/{number}", "digest": block.digest.hex()}
    try:
        version = await catalog.obtain(block.reference)
    except (ModelNotFoundError, VersionNotFoundError):
        raise VersionNotFoundError(
            "a version that this dataset is made from is not, or no longer, in this service", **facts
        ) from None
    if version.ref.digest != block.digest.hex():
        raise VersionNotFoundError(
            "this service has another version under a number that this dataset is made from: the digests differ",
            **facts,
        )
    return version
