"""Policies on generated samples: read, checked against the model's images, and told in what is sent."""

from functools import lru_cache
from typing import Any

import msgspec

from app.api.policies import read_policy
from app.augmentation.nodes import Combinator, Node
from app.augmentation.policy import Policy
from app.augmentation.presets import find
from app.augmentation.samples import check_policy, name_arithmetic
from app.core.errors import InvalidInputError
from app.repository.manifest import ImageSpec
from app.schemas.samples import Augment
from app.serving.plan import Plan, SamplePolicy

MAX_TOLD_BYTES = 512
"""Longest list of operations that every sample repeats; of a longer one it has the digest only."""

_KEPT_CHECKS = 256


def choose_policy(augment: Augment | None, image: ImageSpec, pointer: str = "/augment") -> SamplePolicy | None:
    """Read how samples of a model are to be augmented; None where they are not.

    Args:
        augment: What was asked for.
        image: What the model makes.
        pointer: Where that is in the request.

    Raises:
        InvalidInputError: If it is no policy, or none for generated samples.
        LimitExceededError: If samples grow too large on the way.
        UnknownPresetError: If there is no such preset.
    """
    if augment is None:
        return None
    if augment.preset is not None:
        return _choose_preset(augment.preset, image, pointer)
    chosen = describe_policy(read_policy({"ops": augment.ops}, pointer), None)
    try:
        _check(chosen.ops, image.height, image.width, image.channels)
    except InvalidInputError as error:
        error.fields["pointer"] = f"{pointer}{error.fields['pointer']}"
        raise
    return chosen


def _choose_preset(name: str, image: ImageSpec, pointer: str) -> SamplePolicy:
    try:
        chosen = describe_policy(find(name), name)
        _check(chosen.ops, image.height, image.width, image.channels)
    except InvalidInputError as error:
        error.fields["pointer"] = f"{pointer}/preset"
        raise
    return chosen


def open_policy(ops: bytes, preset: str, image: ImageSpec) -> SamplePolicy:
    """Read a policy that was written down by ``describe_policy``.

    Args:
        ops: Operations, as a JSON array.
        preset: Name of the preset that they were, empty for none.
        image: What the model makes.

    Raises:
        ValueError: If it is no policy of this release.
        InvalidInputError: If it is none for generated samples.
    """
    policy = _parse(ops)
    _check(ops, image.height, image.width, image.channels)
    return describe_policy(policy, preset or None)


def describe_policy(policy: Policy, preset: str | None) -> SamplePolicy:
    """Write a policy down, with all that it leaves to defaults; and what samples say of it."""
    ops = msgspec.json.encode([node.model_dump(mode="json") for node in policy.ops], order="deterministic")
    facts: dict[str, Any] = {"policy": policy.digest}
    told = [spell(node) for node in policy.ops]
    if preset is not None:
        facts = {"preset": preset, **facts}
    elif len(msgspec.json.encode(told)) <= MAX_TOLD_BYTES:
        facts["ops"] = told
    return SamplePolicy(ops, policy.digest, facts)


def spell(node: Node) -> dict[str, Any]:
    """Write an operation without what it leaves to defaults."""
    dumped = node.model_dump(mode="json", exclude_defaults=True)
    if isinstance(node, Combinator) and "ops" in dumped:
        dumped["ops"] = [spell(one) for one in getattr(node, "ops", [])]
    return {"op": node.op} | dumped


def name_numerics(numerics: str | None, *plans: Plan) -> str | None:
    """Add what augments pixels to what samples are computed with, where a plan has a policy."""
    if numerics is None or all(plan.policy is None for plan in plans):
        return numerics
    return f"{numerics}, {name_arithmetic()}"


@lru_cache(maxsize=_KEPT_CHECKS)
def _check(ops: bytes, height: int, width: int, channels: int) -> None:
    check_policy(_parse(ops), (height, width, channels))


def _parse(ops: bytes) -> Policy:
    return Policy.model_validate_json(b'{"ops":%b}' % ops)
