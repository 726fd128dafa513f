"""Policies on generated samples: draws that hang on seed and index alone, and sizes that stay."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np

from app.augmentation.draws import I64, Rows
from app.augmentation.frames import Frames
from app.augmentation.nodes import Combinator, Mask, Node
from app.augmentation.operation import Operation
from app.augmentation.policy import ENGINE_VERSION, Policy
from app.augmentation.sampler import Plan, Sampler, has_mix
from app.core.errors import InvalidInputError

MOST_TIMES_LARGER = 16
"""Pixels of a sample between two operations, in those of the model's images."""
_PROBE_ROWS = 256
_PROBE_CHANCE = 0.5  # of what is seldom applied, so that a look at a few draws sees it


@cache
def name_arithmetic() -> str:
    """Name what augmented pixels are computed by, for example ``augmentation-1/opencv-5.0.0.93``."""
    return f"augmentation-{ENGINE_VERSION}/opencv-{version('opencv-python-headless')}"


def plan_samples(nodes: Sequence[Node], seed: int, indices: I64, shape: tuple[int, int, int]) -> Plan:
    """Draw a policy for samples.

    Args:
        nodes: Operations of the policy.
        seed: Of the samples, in [0, 2**63).
        indices: Number of each within its seed, shape (n,).
        shape: Height, width and channels of each.

    Raises:
        InvalidInputError: If an operation does not go with them, or they do not keep their number and size.
        LimitExceededError: If they grow too large on the way.
    """
    plan = _draw(nodes, seed, indices, _frames(len(indices), shape), _most_pixels(shape))
    if len(plan.rows) != len(indices) or has_mix(plan):
        raise InvalidInputError("a sample is augmented by itself, and stays one sample")
    _check_sizes(plan.after, shape)
    return plan


def check_policy(policy: Policy, shape: tuple[int, int, int]) -> None:
    """Refuse a policy that generated samples cannot have, by a look at some draws of it.

    What these draws do not show is refused when it comes, by ``plan_samples``.

    Args:
        policy: The policy.
        shape: Height, width and channels of samples.

    Raises:
        InvalidInputError: If it mixes inputs, makes several of one, does not go with them, or changes their size;
            ``pointer`` leads from the policy on.
        LimitExceededError: If they grow too large on the way.
    """
    frames = _frames(_PROBE_ROWS, shape)
    indices = np.arange(_PROBE_ROWS, dtype=np.int64)
    last_change = 0
    for number, node in enumerate(policy.ops):
        with _at(number):
            plan = _draw([_make_likely(node)], number, indices, frames, _most_pixels(shape))
            _check_alone(node, plan)
        if not _has_sizes(plan.after, frames.heights, frames.widths).all():
            last_change = number
        frames = plan.after
    with _at(last_change):
        _check_sizes(frames, shape)


@contextlib.contextmanager
def _at(number: int) -> Iterator[None]:
    """Say which operation a refusal is about."""
    try:
        yield
    except InvalidInputError as error:
        error.fields["pointer"] = f"/ops/{number}"
        raise


def _check_sizes(frames: Frames, shape: tuple[int, int, int]) -> None:
    height, width, _ = shape
    others = np.flatnonzero(~_has_sizes(frames, height, width))
    if len(others):
        first = others[0]
        raise InvalidInputError(
            f"samples keep their size: the policy makes {frames.widths[first]} x {frames.heights[first]} pixels of the"
            f" model's {width} x {height}; let it end with an operation that brings them back"
        )


def _has_sizes(frames: Frames, heights: I64 | int, widths: I64 | int) -> Mask:
    return np.asarray((frames.heights == heights) & (frames.widths == widths))


def _check_alone(node: Node, plan: Plan) -> None:
    if has_mix(plan):
        raise InvalidInputError(
            f"`{node.op}` puts several inputs together; a sample hangs on its own seed and index alone"
        )
    if len(plan.rows) != _PROBE_ROWS:
        raise InvalidInputError(f"`{node.op}` makes several pictures of one; an index stands for one sample")


def _draw(nodes: Sequence[Node], seed: int, indices: I64, frames: Frames, max_pixels: int) -> Plan:
    nothing = np.zeros(len(indices), np.int64)
    return Sampler(Rows(seed, indices.astype(np.uint64), nothing, nothing), frames, max_pixels).run(nodes)


def _most_pixels(shape: tuple[int, int, int]) -> int:
    return MOST_TIMES_LARGER * shape[0] * shape[1]


def _frames(count: int, shape: tuple[int, int, int]) -> Frames:
    height, width, channels = shape
    return Frames(np.full(count, height, np.int64), np.full(count, width, np.int64), channels)


def _make_likely(node: Node) -> Node:
    """Apply an operation, and those that it holds, in about half of the draws where they are applied in some only."""
    changes: dict[str, Any] = {"p": _PROBE_CHANCE} if 0 < node.p < 1 else {}
    if isinstance(node, Combinator):
        held = getattr(node, "ops", [])
        changes["ops"] = [_make_likely(one) if isinstance(one, Operation | Combinator) else one for one in held]
        if weights := getattr(node, "weights", None):
            changes["weights"] = [float(weight > 0) for weight in weights]
    return node.model_copy(update=changes)
