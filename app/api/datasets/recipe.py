"""What a dataset is made from, with nothing left to choose: the content of a token."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, TypeAlias

import msgspec

from app.core.seeds import INDEX_LIMIT, SEED_LIMIT
from app.schemas.datasets import MAX_BLOCKS, MAX_SHARD_SIZE, MAX_SPLITS, SPLIT_PATTERN
from app.schemas.names import NAME_PATTERN
from app.schemas.samples import MAX_COUNT, SampleFormat
from app.serving.plan import SamplePlan

SHARD_FORMATS = (SampleFormat.TAR, SampleFormat.PARQUET, SampleFormat.ARROW, SampleFormat.NPZ)
MAX_CLASSES = 100_000
DIGEST_BYTES = 32
MAX_POLICY_BYTES = 2**16

_KEY_BYTES = 8

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MAX_COUNT)]


class Block(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Consecutive samples of one version and seed.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        digest: What the version's bytes must be, SHA-256.
        seed: Seed of the samples.
        first_index: Number of the first one.
        truncation: Factor on the latents.
        num_samples: How many.
        class_counts: How many of each class, by class number, without zeros at the end; empty when each sample draws
            its own, or there are no classes.
    """

    model: Annotated[str, msgspec.Meta(pattern=rf"^{NAME_PATTERN}\Z")]
    version: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]
    digest: Annotated[bytes, msgspec.Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
    seed: Annotated[int, msgspec.Meta(ge=0, le=SEED_LIMIT - 1)]
    first_index: Annotated[int, msgspec.Meta(ge=0, le=INDEX_LIMIT - 1)]
    truncation: Annotated[float, msgspec.Meta(gt=0, le=1)]
    num_samples: Count
    class_counts: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)], ...], msgspec.Meta(max_length=MAX_CLASSES)
    ]

    @property
    def reference(self) -> str:
        """The version as callers write it."""
        return f"{self.model}@{self.version}"

    def plan(self, num_classes: int) -> SamplePlan:
        """Plan all samples of the block.

        Raises:
            ValueError: If the counts are not of such a model, or do not add up.
        """
        common = {"seed": self.seed, "first_index": self.first_index, "num_classes": num_classes}
        if not self.class_counts:
            return SamplePlan.drawn(num_samples=self.num_samples, truncation=self.truncation, **common)
        plan = SamplePlan.of_counts(enumerate(self.class_counts), truncation=self.truncation, **common)
        if plan.num_samples != self.num_samples:
            raise ValueError("class counts must add up to the number of samples")
        return plan


class BlockPolicy(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How the samples of a block are augmented.

    Attributes:
        ops: Operations with all their defaults, as a JSON array; empty where samples are not augmented.
        preset: Name of the preset that they were when the dataset was made, empty for none.
    """

    ops: Annotated[bytes, msgspec.Meta(max_length=MAX_POLICY_BYTES)] = b""
    preset: Annotated[str, msgspec.Meta(max_length=64)] = ""


class Split(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A part of a dataset."""

    name: Annotated[str, msgspec.Meta(pattern=rf"^{SPLIT_PATTERN}\Z")]
    num_samples: Count


class Recipe(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, dict=True):
    """A whole dataset; its samples are those of its blocks, one block after the other.

    Attributes:
        blocks: Where samples come from.
        splits: How many samples each part has; together all.
        shard_size: Most samples of one shard.
        format: What the creator wants shards as; every shard can be had in every format.
    """

    blocks: Annotated[tuple[Block, ...], msgspec.Meta(min_length=1, max_length=MAX_BLOCKS)]
    splits: Annotated[tuple[Split, ...], msgspec.Meta(min_length=1, max_length=MAX_SPLITS)]
    shard_size: Annotated[int, msgspec.Meta(ge=1, le=MAX_SHARD_SIZE)]
    format: SampleFormat

    @property
    def num_samples(self) -> int:
        """How many samples the dataset has."""
        return sum(block.num_samples for block in self.blocks)

    @cached_property
    def key(self) -> int:
        """Seed of the order of samples, in [0, 2**63): a function of all but the format."""
        packed = msgspec.msgpack.encode((self.blocks, self.splits, self.shard_size))
        return int.from_bytes(hashlib.sha256(packed).digest()[:_KEY_BYTES], "big") >> 1

    def policy_of(self, block: int) -> BlockPolicy:  # noqa: ARG002 - all are alike
        """Say how the samples of a block are augmented."""
        return BlockPolicy()

    def check(self) -> None:
        """Check what no single field tells.

        Raises:
            ValueError: If the splits are not all of the dataset, two have one name, or shards are not of this format.
        """
        if self.num_samples > MAX_COUNT or sum(split.num_samples for split in self.splits) != self.num_samples:
            raise ValueError("splits must add up to the samples")
        if len({split.name for split in self.splits}) != len(self.splits):
            raise ValueError("splits must have different names")
        if self.format not in SHARD_FORMATS:
            raise ValueError("shards are not of this format")


class AugmentedRecipe(Recipe, frozen=True, array_like=True, forbid_unknown_fields=True, dict=True):
    """A dataset with augmented samples; their order is that of the same dataset without policies.

    Attributes:
        policies: One per block, at least one of them not empty.
    """

    policies: Annotated[tuple[BlockPolicy, ...], msgspec.Meta(min_length=1, max_length=MAX_BLOCKS)]

    def policy_of(self, block: int) -> BlockPolicy:
        """See ``Recipe.policy_of``."""
        return self.policies[block]

    def check(self) -> None:
        """See ``Recipe.check``.

        Raises:
            ValueError: As there; or if policies are not one per block, or none of them says anything.
        """
        super().check()
        if len(self.policies) != len(self.blocks) or not any(policy.ops for policy in self.policies):
            raise ValueError("there must be a policy for each block")


def add_policies(recipe: Recipe, policies: Sequence[BlockPolicy]) -> Recipe:
    """Augment the samples of a recipe.

    Args:
        recipe: One without policies.
        policies: One per block.

    Returns:
        The recipe itself where they are all empty.
    """
    if not any(policy.ops for policy in policies):
        return recipe
    return AugmentedRecipe(recipe.blocks, recipe.splits, recipe.shard_size, recipe.format, tuple(policies))
