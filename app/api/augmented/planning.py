"""A policy tried without pixels."""

from typing import Any

import numpy as np
from pydantic import ValidationError

from app.api.augmented.order import count_parts
from app.api.policies import explain_trace, read_policy
from app.augmentation.frames import Frames
from app.augmentation.nodes import count_steps
from app.augmentation.orders import Order, plan_frames
from app.augmentation.policy import Policy
from app.augmentation.request import ImageSize, InverseRequest, PlanRequest
from app.augmentation.sampler import Plan
from app.augmentation.targets.following import follow_back, scene_of
from app.augmentation.targets.results import describe
from app.augmentation.targets.walking import way_of
from app.augmentation.traces import Trace, dump_trace, replay
from app.core.errors import LimitExceededError
from app.core.seeds import draw_seed
from app.core.settings import LimitSettings

MAX_PLANNED_STEPS = 2**14
"""Operations that one plan draws; half a second of a core."""


def plan_augmentation(request: PlanRequest, limits: LimitSettings) -> dict[str, Any]:
    """Say what would be applied, and what it would cost.

    The bytes of an image decide what it draws; here its number stands in for them.

    Raises:
        InvalidInputError: If the policy is not valid, or does not go with the images.
        LimitExceededError: If an image or an output has too many pixels, or so much would be drawn that others waited.
    """
    policy = read_policy(request.policy, "/policy")
    _check_amount(policy, request)
    seed = draw_seed() if request.seed is None else request.seed
    order = Order(policy.ops, seed, request.copies, max_pixels=limits.upload_pixels)
    outputs: list[dict[str, Any]] = []
    pixels = 0
    for number, size in enumerate(request.images):
        plan = plan_frames(_frames(size, request.copies, f"/images/{number}", limits), [number], order)
        outputs += [_describe(plan, row, number) for row in range(len(plan.rows))]
        pixels += _count_pixels(plan)
    return {
        "seed": seed,
        "policy_sha256": policy.digest,
        "policy": policy.model_dump(mode="json"),
        "outputs": outputs,
        "cost": {
            "num_outputs": len(outputs),
            "output_pixels": sum(one["height"] * one["width"] for one in outputs),
            "computed_pixels": pixels,
        },
    }


def map_back(request: InverseRequest, limits: LimitSettings) -> dict[str, Any]:
    """Take targets of an output to its image.

    Raises:
        InvalidInputError: If the trace is not valid, or mixes images; or a box lies outside.
        LimitExceededError: If an image or an output has too many pixels.
    """
    try:
        trace = Trace.model_validate({"steps": request.trace})
    except ValidationError as error:
        raise explain_trace(error, "/trace", "steps") from None
    [plan] = replay([trace], _frames(request.image, 1, "/image", limits), limits.upload_pixels)
    size = int(plan.after.heights[0]), int(plan.after.widths[0])
    return describe(follow_back(scene_of(0, request.targets, size), way_of(plan, 0)))


def _check_amount(policy: Policy, request: PlanRequest) -> None:
    steps = sum(map(count_steps, policy.ops))
    outputs = len(request.images) * request.copies * count_parts(policy)
    if outputs * max(steps, 1) > MAX_PLANNED_STEPS:
        raise LimitExceededError(
            f"a plan draws at most {MAX_PLANNED_STEPS} operations, over all images and copies; ask for fewer `copies`",
            pointer="/copies",
            limit=MAX_PLANNED_STEPS,
        )


def _frames(size: ImageSize, copies: int, pointer: str, limits: LimitSettings) -> Frames:
    if size.height * size.width > limits.upload_pixels:
        raise LimitExceededError(
            f"one image may have at most {limits.upload_pixels} pixels",
            pointer=pointer,
            limit=limits.upload_pixels,
        )
    sides = np.full(copies, size.height, np.int64), np.full(copies, size.width, np.int64)
    return Frames(*sides, size.channels, depth=size.depth)


def _describe(plan: Plan, row: int, number: int) -> dict[str, Any]:
    rows, after = plan.rows, plan.after
    return {
        "image": number,
        "copy": int(rows.copies[row]),
        "patch": int(rows.patches[row]),
        "height": int(after.heights[row]),
        "width": int(after.widths[row]),
        "trace": dump_trace(plan, row),
    }


def _count_pixels(plan: Plan) -> int:
    """Count the pixels that steps read, each as if it were computed alone: a bound of what folding leaves."""
    return sum(int((step.before.heights * step.before.widths)[step.applied].sum()) for step in plan.steps)
