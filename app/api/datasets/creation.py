"""From a request to a recipe: versions, digests, seeds and counts are fixed here, once."""

from collections.abc import Sequence

from app.api.augmenting import choose_policy
from app.api.datasets.recipe import (
    MAX_POLICY_BYTES,
    SHARD_FORMATS,
    Block,
    BlockPolicy,
    Recipe,
    Split,
    add_policies,
)
from app.api.planning import count_samples, plan_samples
from app.core.apportionment import apportion
from app.core.errors import InvalidInputError, LimitExceededError
from app.core.seeds import draw_seed
from app.core.settings import LimitSettings
from app.schemas.datasets import DatasetRequest
from app.schemas.samples import SampleBlock
from app.serving.versions import ServedVersion


def make_recipe(request: DatasetRequest, versions: Sequence[ServedVersion], limits: LimitSettings) -> Recipe:
    """Fix all that a request leaves open.

    Args:
        request: The request.
        versions: What the models of its blocks stand for now.
        limits: How large a dataset may be.

    Raises:
        InvalidInputError: If there is no dataset of this description.
        LimitExceededError: If it is too large.
    """
    if request.format not in SHARD_FORMATS:
        known = ", ".join(f"`{one}`" for one in SHARD_FORMATS)
        raise InvalidInputError(f"shards have one of the formats {known}", pointer="/format")
    blocks = tuple(
        _fix_block(block, version, number)
        for number, (block, version) in enumerate(zip(request.samples, versions, strict=True))
    )
    policies = [
        _fix_policy(block, version, number)
        for number, (block, version) in enumerate(zip(request.samples, versions, strict=True))
    ]
    total = sum(block.num_samples for block in blocks)
    check_size(total, limits)
    counts = apportion(total, list(request.splits.values()))
    if not all(counts):
        raise InvalidInputError("a split would be empty: ask for more samples or larger shares", pointer="/splits")
    splits = tuple(Split(name, count) for name, count in zip(request.splits, counts, strict=True))
    return add_policies(Recipe(blocks, splits, request.shard_size, request.format), policies)


def check_size(num_samples: int, limits: LimitSettings) -> None:
    """Refuse a dataset of too many samples.

    Raises:
        LimitExceededError: If it is too large.
    """
    limit = limits.samples_per_dataset
    if num_samples > limit:
        raise LimitExceededError(f"a dataset has at most {limit} samples", pointer="/samples", limit=limit)


def check_shards(num_shards: int, limits: LimitSettings) -> None:
    """Refuse a dataset of too many shards.

    Raises:
        LimitExceededError: If there are too many.
    """
    limit = limits.shards_per_dataset
    if num_shards > limit:
        raise LimitExceededError(
            f"a dataset has at most {limit} shards: choose a larger `shard_size`", pointer="/shard_size", limit=limit
        )


def _fix_block(block: SampleBlock, version: ServedVersion, number: int) -> Block:
    class_names = version.manifest.class_names
    try:
        total, counts = count_samples(block, class_names)
        plan = plan_samples(block, class_names, total, counts, lambda _: (draw_seed(), 0))
    except InvalidInputError as error:
        error.fields["pointer"] = f"/samples/{number}{error.fields.get('pointer', '')}"
        raise
    ref = version.ref
    by_class = [0] * (max(plan.class_order, default=-1) + 1)
    start = 0
    for label, end in zip(plan.class_order, plan.class_ends, strict=True):
        by_class[label] = end - start
        start = end
    return Block(
        model=ref.name,
        version=ref.version,
        digest=bytes.fromhex(ref.digest),
        seed=plan.seed,
        first_index=plan.first_index,
        truncation=plan.truncation,
        num_samples=plan.num_samples,
        class_counts=tuple(by_class),
    )


def _fix_policy(block: SampleBlock, version: ServedVersion, number: int) -> BlockPolicy:
    policy = choose_policy(block.augment, version.manifest.image, f"/samples/{number}/augment")
    if policy is None or block.augment is None:
        return BlockPolicy()
    if len(policy.ops) > MAX_POLICY_BYTES:
        raise LimitExceededError(
            f"with all defaults, a policy in a dataset has at most {MAX_POLICY_BYTES} bytes",
            pointer=f"/samples/{number}/augment",
            limit=MAX_POLICY_BYTES,
        )
    return BlockPolicy(policy.ops, block.augment.preset or "")
