"""Masks that follow the pixels: whole numbers, of which the nearest is taken, once."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.augmentation.cpu import resample
from app.augmentation.draws import F64
from app.augmentation.frames import WHITE
from app.augmentation.nodes import Mask
from app.augmentation.points import trace_back, trace_forth
from app.augmentation.primitives import Border, Fill, Mix
from app.augmentation.program import Resample
from app.augmentation.resampling import gather, warp
from app.augmentation.sampler import Plan
from app.augmentation.targets.documents import Size
from app.augmentation.targets.following import stretch
from app.augmentation.targets.walking import Walker, Way
from app.core.errors import InvalidInputError

Labels: TypeAlias = NDArray[Any]
"""Shape (H, W, 1), uint8 or uint16."""

_DEPTHS = ("uint8", "uint16")
_BLENDED = "masks do not go with operations that see one picture through another"


def check_mask(mask: NDArray[Any], size: Size, ignore_index: int) -> Labels:
    """Check that a mask goes with its picture.

    Args:
        mask: Shape (H, W) or (H, W, 1).
        size: Of the picture.
        ignore_index: Value outside of the picture.

    Raises:
        InvalidInputError: If it does not.
    """
    if mask.dtype.name not in _DEPTHS or mask.shape not in {size, (*size, 1)}:
        raise InvalidInputError("a mask has one channel of 8 or 16 bits and the size of its picture, seen upright")
    if not 0 <= ignore_index <= WHITE[mask.dtype.name]:
        raise InvalidInputError(f"a mask of {mask.dtype.name} cannot hold this ignore_index")
    return mask.reshape(*size, 1)


def check_mixing(plan: Plan) -> None:
    """Check that masks go with a plan.

    Raises:
        InvalidInputError: If it sees one picture through another.
    """
    if any(isinstance(step.primitive, Mix) and step.primitive.is_blended for step in plan.steps):
        raise InvalidInputError(_BLENDED)


@dataclasses.dataclass(frozen=True)
class Trail:
    """A mask, and moves that it has yet to follow.

    Attributes:
        mask: None for none.
        stages: In order, each with the number of the output in it.
    """

    mask: Labels | None
    stages: Sequence[tuple[Resample, int]] = ()


class MaskFollower(Walker[Trail]):
    """Follows the masks of a request.

    Args:
        masks: From ``check_mask``, one per input; None for none.
        ignore_index: Value of what lies outside of a picture under a constant fill, and of pictures without a mask.
            Other fills repeat the mask as they do the picture.
    """

    def __init__(self, masks: Sequence[Labels | None], ignore_index: int = 0) -> None:
        super().__init__([Trail(mask) for mask in masks])
        self._ignored = ignore_index

    def render(self, number: int, plan: Plan, row: int, plans: Sequence[Plan] = ()) -> Labels | None:
        """Compute the mask of an output; None without one of its input.

        Args:
            number: Of its input.
            plan: What is applied to it.
            row: Its number in the plan.
            plans: Of all inputs, where pictures are mixed.

        Raises:
            InvalidInputError: If masks cannot be mixed.
        """
        return self._finish(self.walk(number, plan, row, plans))

    def resample(self, thing: Trail, stage: Resample, place: int) -> Trail:
        """Move a mask as the pixels move."""
        return Trail(thing.mask, [*thing.stages, (stage, place)])

    def mix(self, things: Sequence[Trail], mix: Mix, row: int) -> Trail:
        """Put masks together by the windows of their pictures.

        Raises:
            InvalidInputError: If the pictures are blended, or their masks are of several kinds.
        """
        if mix.is_blended:
            raise InvalidInputError(_BLENDED)
        masks = [self._finish(thing) for thing in things]
        own = masks[0]
        if own is None:
            return Trail(None)
        if any(one is not None and one.dtype != own.dtype for one in masks):
            raise InvalidInputError("masks of pictures that are mixed have all 8 or all 16 bits")
        mixed = np.full_like(own, self._ignored)
        for mask, matrix, window in zip(masks, mix.matrices[row], mix.windows[row], strict=True):
            left, top, right, bottom = np.rint(window).astype(np.int64)
            if left < right and top < bottom:
                seen = slice(top, bottom), slice(left, right)
                mixed[seen] = self._ignored if mask is None else self._fit(mask, matrix, mixed)[seen]
        return Trail(mixed)

    def _finish(self, trail: Trail) -> Labels | None:
        if trail.mask is None or not trail.stages:
            return trail.mask
        if len(trail.stages) > 1:
            return _follow_all(trail.mask, trail.stages, self._ignored)
        [(stage, place)] = trail.stages
        fill = dataclasses.replace(_fill(self._ignored, trail.mask), mode=stage.fill.mode)
        nearest = dataclasses.replace(stage, fill=fill, interpolation="nearest")
        return resample(nearest, trail.mask, place, has_alpha=False)

    def _fit(self, mask: Labels, matrix: F64, mixed: Labels) -> Labels:
        """Move a mask into the picture that it becomes a part of."""
        size = mixed.shape[0], mixed.shape[1]
        whole = matrix @ stretch((mask.shape[0], mask.shape[1]), size)
        return warp(mask, whole, size, _fill(self._ignored, mask), "nearest")


def mask_back(mask: Labels, way: Way, ignore_index: int = 0) -> Labels:
    """Take a mask of an output to its input.

    Args:
        mask: Of the output.
        way: Of the output.
        ignore_index: Value of what the output does not show.

    Returns:
        Of the input's size.
    """
    points = _centres(way.before)
    is_lost = np.zeros(way.before, np.bool_)
    for stage, size in zip(way.stages, way.sizes[1:], strict=True):
        points = trace_forth(stage, way.place, points)
        is_lost |= _is_outside(points, size)
    return _take(mask, points, is_lost, ignore_index)


def _follow_all(mask: Labels, stages: Sequence[tuple[Resample, int]], ignore_index: int) -> Labels:
    """Move a mask by several moves, between which pictures end at their frames."""
    last, place = stages[-1]
    size = int(last.heights[place]), int(last.widths[place])
    sizes = [(mask.shape[0], mask.shape[1]), *((int(one.heights[at]), int(one.widths[at])) for one, at in stages[:-1])]
    points = _centres(size)
    is_lost = np.zeros(size, np.bool_)
    for (stage, at), before in zip(reversed(stages), reversed(sizes), strict=True):
        points = trace_back(stage, at, points)
        if stage.fill.mode == "constant":
            is_lost |= _is_outside(points, before)
        else:
            points = _repeat(points, before, stage.fill.mode)
    return _take(mask, points, is_lost, ignore_index)


def _take(mask: Labels, points: F64, is_lost: Mask, ignore_index: int) -> Labels:
    taken = gather(mask, points.astype(np.float32), Fill("edge"), "nearest")
    taken[is_lost] = ignore_index
    return taken


def _repeat(points: F64, size: Size, mode: Border) -> F64:
    """Return the points of a picture that are seen at points outside of it."""
    sides = np.array(size[::-1], np.float64)
    if mode == "wrap":
        return np.asarray(points % sides)
    last = sides - 1
    places = points - 0.5
    if mode == "reflect":
        places = last - np.abs(places % np.maximum(2 * last, 1) - last)
    return np.asarray(np.clip(places, 0, last) + 0.5)


def _centres(size: Size) -> F64:
    """Return the centres of pixels as (x, y), shape (h, w, 2)."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.stack([x, y], axis=2)


def _is_outside(points: F64, size: Size) -> Mask:
    return np.asarray(((points < 0) | (points >= size[::-1])).any(axis=-1))


def _fill(value: int, mask: Labels) -> Fill:
    return Fill("constant", value / WHITE[mask.dtype.name])
